"""Bridges over the gaps of tubes, beside bridges at random and links of the nearest ends; and their scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree
from skimage.draw import line_nd

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.graphs import skeleton_graph
from monai_topo.topology import label_components
from monai_topo.transforms import BridgeGaps
from tests.results.finished.networks import PLAIN
from tests.results.finished.steps import PATCH_SIZE, THRESHOLD, Kind, Step

MIN_SIZE = 20
"""Voxels of a component: what is smaller is no tube to any of the steps but the plain threshold."""
NUM_DRAWS = 3
"""Of the random bridges, whose scores are the mean of these."""
RAYS = 4000
LENIENCE = 0.25
"""By which share a random bridge may be longer or shorter than the bridge that it stands for, if there are such."""

COLUMNS = {
    "Dice": "pixel.dice",
    "clDice": "centerline_dice.cldice",
    "F1": "betti_matching_f1.f1",
    "components": "components",
    "APLS": "apls",
    "bridges": "bridges",
    "right": "right",
    "gaps": "gaps",
}
"""Heading to number."""


@dataclass(frozen=True)
class Bridged:
    """A mask with its bridges.

    Attributes:
        mask: with the bridges.
        before: without.
        paths: voxels of each bridge, from a voxel of the mask to one.
    """

    mask: NDArray[np.bool_]
    before: NDArray[np.bool_]
    paths: tuple[NDArray[np.int64], ...] = ()


def threshold(likelihood, spacing):
    """The plain mask; as of all steps here a list, because at random there are several."""
    mask = likelihood >= THRESHOLD
    return [Bridged(mask, mask)]


def without_bridges(likelihood, spacing, **arguments):
    before = ridges(likelihood, spacing, **arguments)[0].before
    return [Bridged(before, before)]


def ridges(likelihood, spacing, **arguments):
    masks, before, found = BridgeGaps(spacing=spacing, **arguments)._bridged(likelihood[None])
    paths = tuple(gap.path for bridge, gap in found if bridge.outcome == "bridged")
    return [Bridged(masks[0], before[0], paths)]


def nearest_ends(likelihood, spacing, **arguments):
    """As many bridges as along ridges: straight lines between the ends that are nearest to each other."""
    (model,) = ridges(likelihood, spacing, **arguments)
    components = label_components(model.before, full=True)
    ends = voxels_of_ends(model.before, spacing)
    points = ends * np.asarray(spacing)
    pairs = cKDTree(points).query_pairs(20 * max(spacing), output_type="ndarray")
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    lines = (line(*ends[pair]) for pair in pairs[np.argsort(lengths, kind="stable")])
    return [drawn(model.before, components, [lines] * len(model.paths))]


def at_random(likelihood, spacing, **arguments):
    """As many bridges as along ridges and of about the same lengths, from anywhere to another component; some draws."""
    (model,) = ridges(likelihood, spacing, **arguments)
    return [random_bridges(model, spacing, np.random.default_rng(seed)) for seed in range(NUM_DRAWS)]


def random_bridges(model, spacing, rng):
    components = label_components(model.before, full=True)
    lengths = (length_of(path, spacing) for path in model.paths)
    return drawn(model.before, components, (iter(random_lines(components, spacing, length, rng)) for length in lengths))


def random_lines(components, spacing, length, rng):
    """Straight ways through the background from anywhere to another component: first those nearly as long as wanted."""
    sizes = np.asarray(spacing)
    surface = np.argwhere((components > 0) & binary_dilation(components == 0))
    starts = surface[rng.integers(len(surface), size=RAYS)]
    directions = rng.normal(size=(RAYS, components.ndim))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    distances = np.arange(0, 2 * length + 2 * sizes.max(), sizes.min() / 2)
    places = np.rint(starts[:, None] + distances[:, None] * (directions / sizes)[:, None]).astype(int)
    inside = ((places >= 0) & (places < components.shape)).all(axis=2)
    met = np.where(inside, components[tuple(np.moveaxis(np.where(inside[..., None], places, 0), 2, 0))], -1)
    own = met[:, :1]
    leaves = np.argmax(met != own, axis=1)
    after = np.arange(met.shape[1]) >= leaves[:, None]
    arrives = np.argmax(after & (met != 0) & (met != own), axis=1)
    rows = np.arange(RAYS)
    clear = (met == own) & after & (np.arange(met.shape[1]) < arrives[:, None])
    fits = (met[rows, arrives] > 0) & (arrives > 0) & ~clear.any(axis=1)
    lines = [line(places[row, leaves[row] - 1], places[row, arrives[row]]) for row in np.flatnonzero(fits)]
    return sorted(lines, key=lambda path: max(abs(length_of(path, spacing) / length - 1), LENIENCE))


def drawn(mask, components, choices):
    """A mask with one line of each choice: the first that joins what was not joined before."""
    bridged, parents, paths = mask.copy(), {}, []
    for lines in choices:
        for path in lines:
            first, second = (group_of(parents, components[tuple(voxel)]) for voxel in (path[0], path[-1]))
            if first != second:
                parents[second] = first
                bridged[tuple(path.T)] = True
                paths.append(path)
                break
    return Bridged(bridged, mask, tuple(paths))


def group_of(parents, component):
    while component in parents:
        component = parents[component]
    return component


def line(start, stop):
    return np.stack(line_nd(start, stop, endpoint=True), axis=1)


def length_of(path, spacing):
    return float(np.linalg.norm(np.diff(path, axis=0) * np.asarray(spacing), axis=1).sum())


def voxels_of_ends(mask, spacing):
    """Ends of the centerlines."""
    graph = skeleton_graph(mask, spacing=spacing)
    ends = [graph.nodes[node]["pos"] for node, degree in graph.degree() if degree <= 1]
    return np.rint(np.array(ends) / np.asarray(spacing)).astype(int)


def score(results, label, spacing):
    """Column to number: the mean over what a step gave."""
    found = [score_one(result, label, spacing) for result in results]
    return {column: float(np.mean([score[column] for score in found])) for column in found[0]}


def score_one(result, label, spacing):
    """Of the mask, and of the bridges: how many there are, how many of them are right, and how many gaps there were."""
    unit = max(spacing)
    found = score_masks(result.mask, label, Options(metrics=("pixel", "centerline_dice")))
    framed = Options(metrics=("betti_matching_f1",), patch_size=PATCH_SIZE, frame=True)
    found |= score_masks(result.mask, label, framed)
    graphs = Options(
        metrics=("apls",), spacing=tuple(spacing), max_snap=4 * min(spacing) + unit, min_path_length=10 * unit
    )
    found |= score_masks(result.mask, label, graphs)
    right, gaps = bridges_right(result, label)
    counts = {
        "components": label_components(result.mask, full=True).max(),
        "true": label_components(label, full=True).max(),
    }
    return {**found, **counts, "bridges": len(result.paths), "right": right, "gaps": gaps}


def bridges_right(result, label):
    """How many bridges join parts of one true tube and keep to it, and how many joints its parts lack.

    A part belongs to the true component that most of its voxels in the label are of. A bridge keeps to the label if at
    least half of its voxels are in it or next to it.
    """
    parts, true = label_components(result.before, full=True), label_components(label, full=True)
    owner = owners(parts, true)
    near = binary_dilation(label, np.ones((3,) * label.ndim))
    right = 0
    for path in result.paths:
        first, second = (owner[parts[tuple(voxel)]] for voxel in (path[0], path[-1]))
        right += int(first == second > 0 and near[tuple(path.T)].mean() >= 0.5)
    counts = np.bincount(owner[1:])[1:]
    return right, int((counts[counts > 0] - 1).sum())


def owners(parts, true):
    """The true component of each part, 0 for a part that is nowhere in the label."""
    pairs, shared = np.unique(np.stack([parts[true > 0], true[true > 0]]), axis=1, return_counts=True)
    owner = np.zeros(int(parts.max()) + 1, int)
    for place in np.argsort(shared, kind="stable"):
        owner[pairs[0, place]] = pairs[1, place]
    owner[0] = 0
    return owner


def tubes(sigma):
    """The steps for voxels that want this smoothing."""
    grid = {
        "sigma": (sigma,),
        "min_size": (MIN_SIZE,),
        "floor": (0.15, 0.3),
        "max_length": (15.0, 40.0),
    }
    steps = {
        "threshold": Step(f"threshold {THRESHOLD}", threshold),
        "before": Step(f"smoothed, without specks of {MIN_SIZE} voxels", without_bridges, like="bridge_gaps"),
        "bridge_gaps": Step("`BridgeGaps`", ridges, "bridge_gaps", grid),
        "random": Step("as many at random", at_random, like="bridge_gaps"),
        "ends": Step("as many of the nearest ends", nearest_ends, like="bridge_gaps"),
    }
    return Kind(steps, COLUMNS, score, frozenset({"components", "true", "bridges", "right", "gaps"}), (PLAIN,))
