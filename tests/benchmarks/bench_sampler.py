"""The sampler beside MONAI's: how long a draw takes once the map is cached, and what the patches hold."""

from __future__ import annotations

from functools import partial

import numpy as np
from monai.data import MetaTensor
from monai.transforms import FgBgToIndicesd, RandCropByPosNegLabeld
from scipy import ndimage

from monai_topo.data import phantoms
from monai_topo.transforms import RandCropByTopology, RandCropByTopologyd, TopologyWeightMap, TopologyWeightMapd
from tests.benchmarks.timing import interleaved, seconds

TITLE = "Sampler beside MONAI's"
SECONDS = 60
SIZE = 24
DRAWS = 2000
KEYS = ["image", "label"]


def scene():
    """A tree on one side of the volume, on the other a block with three pores of 27 voxels."""
    tree = phantoms.tree((128, 96, 96), num_branches=4, seed=3).label
    block = np.pad(np.ones((96, 64, 64), np.uint8), 16)
    for corner in ((30, 40, 50), (70, 30, 30), (90, 60, 60)):
        block[tuple(slice(start, start + 3) for start in corner)] = 0
    return np.concatenate([tree, block], 1)[None]


def samplers(num_samples):
    """For each sampler the item as a cache holds it, and the transform that draws."""
    label = scene()
    item = {"image": MetaTensor(label.astype(np.float32)), "label": MetaTensor(label)}
    peer = RandCropByPosNegLabeld(
        KEYS,
        "label",
        SIZE,
        num_samples=num_samples,
        fg_indices_key="label_fg_indices",
        bg_indices_key="label_bg_indices",
    )
    ours = RandCropByTopologyd(KEYS, "label_topology", SIZE, num_samples=num_samples)
    return {
        "RandCropByPosNegLabeld": (FgBgToIndicesd("label")(item), peer.set_random_state(0)),
        "RandCropByTopologyd": (TopologyWeightMapd("label")(item), ours.set_random_state(0)),
    }


def measure_times(run, num_samples=4):
    """Seconds of a patch."""
    calls = {name: partial(crop, item) for name, (item, crop) in samplers(num_samples).items()}
    times = interleaved(calls, run, dict.fromkeys(calls, 5), times=10)
    return {name: taken / num_samples for name, taken in times.items()}


def seconds_of_map():
    return seconds(partial(TopologyWeightMap(), scene()))


def measure_shares(draws):
    """Share of patches that hold a place of each kind."""
    label = scene()
    centers = {}
    for name, (item, crop) in samplers(draws).items():
        if "label_topology" in item:
            crop.randomize(item["label_topology"])
        else:
            crop.randomize(item["label"], item["label_fg_indices"], item["label_bg_indices"])
        centers[name] = crop.cropper.centers
    for kinds in ({"branch_points": 1}, {"end_points": 1}, {"holes": 1}):
        crop = RandCropByTopology(SIZE, draws, weights=TopologyWeightMap(kinds)(label)).set_random_state(0)
        crop.randomize()
        centers[f"weights={kinds}"] = crop.centers
    shares = {}
    for kind in ("branch_points", "end_points", "holes"):
        places = TopologyWeightMap({kind: 1})(label)[0] > 0
        window = ndimage.maximum_filter(places.astype(np.uint8), SIZE, mode="constant")
        shares[kind] = {name: float(np.mean([window[center] for center in drawn])) for name, drawn in centers.items()}
    return shares


def section(run):
    """The part of the page, as Markdown."""
    times, shares = measure_times(run), run.once(measure_shares, run.pick(DRAWS, 20))
    peer = times["RandCropByPosNegLabeld"]
    names = list(next(iter(shares.values())))
    run.find(
        f"a patch by `RandCropByTopologyd` takes {times['RandCropByTopologyd'] / peer:.1f} times as long as by MONAI's."
    )
    return "\n".join(
        [
            f"A patch of {SIZE}³ of image and label, with sampling tables cached, half the patches uniform; a "
            "phantom of 128 by 192 by 96 voxels, a tree beside a block with three pores.",
            "",
            "| sampler | µs a patch | ratio |",
            "| --- | --- | --- |",
            *[f"| `{name}` | {1e6 * taken:.0f} | {taken / peer:.2f} |" for name, taken in times.items()],
            "",
            f"The map of all kinds of this label takes {run.once(seconds_of_map):.1f} s, once.",
            "",
            f"Share of {run.pick(DRAWS, 20)} patches that hold a place of each kind:",
            "",
            f"| sampler | {' | '.join(shares)} |",
            "| --- |" + " --- |" * len(shares),
            *[f"| `{name}` | {' | '.join(f'{shares[kind][name]:.2f}' for kind in shares)} |" for name in names],
        ]
    )
