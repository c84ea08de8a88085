"""Which loss mends which error, minimized alone: docs/images/mending.png and its table in docs/losses.md.

``python -m tests.benchmarks.figure_mending``
"""

from __future__ import annotations

import re
from functools import partial

import torch
from monai.losses import DiceCELoss

from monai_topo.losses import (
    BettiMatchingLoss,
    CbDiceLoss,
    CenterlineCrossEntropyLoss,
    CenterlineDiceLoss,
    ConnectivityLoss,
    CriticalRegionLoss,
    DMTLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    MalisLoss,
    PerceptualTopologyLoss,
    PersistenceLoss,
    SameClassNeighborPenalty,
    SkeletonRecallLoss,
    TopoLoss,
)
from monai_topo.topology import betti_numbers, edge_minima, label_components, shared_betti_numbers
from monai_topo.transforms import AffinityToMembrane
from monai_topo.visualize.figure import new_figure, save_png
from tests.benchmarks.sections import DOCS, write_section
from tests.losses import images

STEPS = 200

ERRORS = {
    "two objects joined, 2D": images.joined_blobs,
    "two objects joined, 3D": partial(images.joined_blobs, 3),
    "an object too faint, 2D": images.weak_blob,
    "an object too faint, 3D": partial(images.weak_blob, 3),
    "a broken ring, 2D": images.broken_ring,
    "a broken tube, 3D": images.broken_tube,
    "a broken vessel, 3D": images.broken_vessel,
    "a pierced shell, 3D": images.pierced_shell,
    "a pierced sheet, 3D": images.pierced_sheet,
    "a phantom branch, 2D": partial(images.phantom_branch, 2),
    "a phantom branch, 3D": images.phantom_branch,
    "a phantom wall, 3D": images.phantom_wall,
}
"""Name to the broken likelihood and its target."""

LOSSES = {
    "TopoLoss": TopoLoss,
    "LocalizedTopoLoss": partial(LocalizedTopoLoss, slope=(0.05, 0.2), dims=None),
    "LifetimeTopoLoss": partial(LifetimeTopoLoss, frame=True, dims=None),
    "DMTLoss": DMTLoss,
    "BettiMatchingLoss": partial(BettiMatchingLoss, frame=True),
    "PersistenceLoss, optimal": partial(PersistenceLoss, matching="optimal", frame=True),
    "CriticalRegionLoss, components": partial(CriticalRegionLoss, critical_weight=1.0, frame=True),
    "CriticalRegionLoss, homotopy": partial(CriticalRegionLoss, criterion="homotopy", frame=True),
    "SkeletonRecallLoss": SkeletonRecallLoss,
    "CenterlineDiceLoss": CenterlineDiceLoss,
    "CenterlineCrossEntropyLoss": CenterlineCrossEntropyLoss,
    "CbDiceLoss": CbDiceLoss,
    "SameClassNeighborPenalty": lambda sigmoid: SameClassNeighborPenalty(DiceCELoss(sigmoid=sigmoid)),
    "ConnectivityLoss": partial(ConnectivityLoss, tolerance=1),
    "MalisLoss": MalisLoss,
    "PerceptualTopologyLoss": lambda sigmoid: PerceptualTopologyLoss(
        network=random_network(), layers=[1, 3], sigmoid=sigmoid
    ),
}
"""With a frame and in all dimensions where they have such, so that what remains is the loss's own nature."""


def random_network():
    """Two layers that nothing has trained, as wide as the first two of VGG19."""
    torch.manual_seed(0)
    convolutions = [torch.nn.Conv2d(count, 64, 3, padding=1) for count in (3, 64)]
    return torch.nn.Sequential(convolutions[0], torch.nn.ReLU(), convolutions[1], torch.nn.ReLU())


OF_MAPS = ("LocalizedTopoLoss", "ConnectivityLoss")
"""Those of a map of distances in the place of a likelihood."""

PRUNED = (
    "The gap has a likelihood of 0.2, within `persistence_threshold` of the outside's 0.05: the loop or wall that it "
    "interrupts is pruned from the mask. A smaller threshold or a network that sees more of it brings it in."
)
RIDGES = (
    "Only ridges and peaks are in the mask. A faint object comes back as curves, which may close a loop around its "
    "middle; the cross-entropy beside the term fills it."
)
TOO_WEAK = (
    "A feature born under 0.27 is nearer to the diagonal than to birth 1, death 0: the cheapest matching gives it up "
    "and pushes it away."
)
PARTED = (
    "In this run the directions drawn matched the faint object with parts of the other one, which the loss parted: "
    "features at one height are alike to it."
)
NO_OBJECT = (
    "The region joins and parts no objects: the loop or wall that it opens or makes is none of this criterion's "
    'business, and no critical region has a gradient. `criterion="homotopy"` mends it, the share of plain '
    "cross-entropy in the default (`critical_weight=0.5`) does in the end."
)
NOTHING_FALSE = (
    "It asks only that the skeleton is found: false foreground has no gradient. Dice beside it takes it away."
)
BELOW_HALF = (
    "What lies below 0.5 has no reward for rising. Alone the loss raises the ratio by taking skeleton away, and with "
    "it the structure."
)
NO_WALL = (
    'The skeletons are curves, and a hole in a wall or a false wall has hardly one: `kind="surface"` follows walls.'
)
SEPARATES_NOTHING = (
    "What is missing separates no two regions of the background, as no curve does in 3D. Only the second sum sees it, "
    "pair by pair within a region."
)
NO_ID = (
    "The objects are told apart by one edge. The rest of what is false has no id, and pairs of voxels without ids "
    "count nowhere: the cross-entropy on affinities beside the loss takes it away."
)
GAPS = ("a broken ring, 2D", "a broken tube, 3D", "a pierced shell, 3D")
BRIDGES = tuple(f"two objects joined, {n}D" for n in (2, 3))
FAINT = tuple(f"an object too faint, {n}D" for n in (2, 3))
HOLES = ("a pierced sheet, 3D", "a phantom branch, 2D", "a phantom branch, 3D", "a phantom wall, 3D")
WHY = {
    **{("DMTLoss", error): PRUNED for error in GAPS},
    **{("DMTLoss", f"an object too faint, {n}D"): RIDGES for n in (2, 3)},
    **{("LocalizedTopoLoss", f"an object too faint, {n}D"): PARTED for n in (2, 3)},
    **{("PersistenceLoss, optimal", error): TOO_WEAK for error in GAPS},
    **{("CriticalRegionLoss, components", error): NO_OBJECT for error in (*GAPS, *HOLES)},
    **{("SkeletonRecallLoss", error): NOTHING_FALSE for error in (*BRIDGES, *HOLES[1:])},
    **{(f"Centerline{kind}Loss", "a phantom wall, 3D"): NO_WALL for kind in ("Dice", "CrossEntropy")},
    **{("CenterlineCrossEntropyLoss", error): NO_WALL for error in (GAPS[2], HOLES[0])},
    ("SkeletonRecallLoss", GAPS[2]): NO_WALL,
    **{("ConnectivityLoss", error): SEPARATES_NOTHING for error in (*FAINT, GAPS[1], "a broken vessel, 3D")},
    **{("MalisLoss", error): NO_ID for error in (*BRIDGES, *HOLES[1:])},
    **{("CbDiceLoss", error): BELOW_HALF for error in (*FAINT, *GAPS, HOLES[0], HOLES[3], "a broken vessel, 3D")},
}
"""(loss, error) to the reason why the loss cannot mend it."""


def descend(name, likelihood, target):
    """The mask after descent by a loss; some have a map of distances in the place of a likelihood."""
    if name == "MalisLoss":
        return descend_affinities(likelihood, target)
    if name not in OF_MAPS:
        return images.descend(LOSSES[name](sigmoid=True), likelihood, target, STEPS)[0, 0] >= 0.5
    prediction, truth = (distance_map(tensor[0, 0]) for tensor in (likelihood, target))
    prediction.requires_grad_()
    loss = LOSSES[name]()
    optimizer = torch.optim.Adam([prediction], lr=0.05)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(prediction, truth).backward()
        optimizer.step()
    return prediction.detach()[0, 0] < 0.5


def descend_affinities(likelihood, target):
    """The voxels that are joined to a neighbor after descent on affinities, at first the smaller of two likelihoods."""
    logits = torch.logit(edge_minima(likelihood[0, 0]), 1e-4)[None].requires_grad_()
    ids = torch.from_numpy(label_components(target[0, 0].numpy() > 0, full=False))[None, None]
    loss = MalisLoss(sigmoid=True)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(logits, ids).backward()
        optimizer.step()
    membrane = AffinityToMembrane()(torch.sigmoid(logits.detach()[0]))
    return torch.as_tensor(membrane)[0] < 0.5


def distance_map(likelihood):
    """Distance to the foreground, truncated at 3 voxels; a doubtful voxel is farther by the odds against it."""
    places = torch.cartesian_prod(*[torch.arange(float(size)) for size in likelihood.shape])
    reached = ((1 - likelihood) / likelihood).flatten() + torch.cdist(places, places)
    return reached.amin(dim=1).clamp(max=3).reshape(1, 1, *likelihood.shape)


def judge(mask, target):
    """Whether the Betti numbers are right, without and with a frame, and the features where they belong."""
    truth = target[0, 0] > 0
    place = "mended"
    for frame in (False, True):
        wanted = betti_numbers(truth, frame=frame)
        if betti_numbers(mask, frame=frame) != wanted:
            return "no"
        shared = shared_betti_numbers(mask, truth, frame=frame)
        if tuple(shared[k] for k in range(truth.ndim)) != wanted:
            place = "right number, wrong place"
    return place


def mend_all():
    """(loss, error) to the mask after descent."""
    return {(loss, error): descend(loss, *example()) for error, example in ERRORS.items() for loss in LOSSES}


def table(masks):
    """The table as Markdown, with a footnote for each error that a loss cannot mend."""
    notes = list(dict.fromkeys(WHY.values()))
    lines = [f"| | {' | '.join(LOSSES)} |", f"| --- |{' --- |' * len(LOSSES)}"]
    for error, example in ERRORS.items():
        target = example()[1]
        cells = []
        for loss in LOSSES:
            verdict = judge(masks[loss, error], target)
            note = "" if verdict == "mended" else f" <sup>{notes.index(WHY[loss, error]) + 1}</sup>"
            cells.append(f"{verdict}{note}")
        lines.append(f"| {error} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"{n}. {note}" for n, note in enumerate(notes, start=1))])


def draw(masks):
    """A row for each error: before, after each loss, truth; volumes by the section that the loss has changed most."""
    columns = ["before", *LOSSES, "truth"]
    aspects = [example()[0].shape[-2] / example()[0].shape[-1] + 0.1 for example in ERRORS.values()]
    figure, axes = new_figure(len(ERRORS), len(columns), 1.4, aspects)
    for row, (error, example) in zip(axes, ERRORS.items(), strict=True):
        likelihood, target = (tensor[0, 0] for tensor in example())
        before = likelihood >= 0.5
        shown = [before, *(masks[loss, error] for loss in LOSSES), target > 0]
        for cell, mask in zip(row, shown, strict=True):
            cell.imshow(section(mask, before), cmap="gray_r", vmin=0, vmax=1)
            cell.set(xticks=[], yticks=[])
        row[0].set_ylabel(error.replace(", ", "\n"), fontsize="x-small")
    for cell, title in zip(axes[0], columns, strict=True):
        cell.set_title(re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=,) ", "\n", title), fontsize="xx-small")
    save_png(figure, DOCS / "images" / "mending.png")


def section(mask, before):
    """The mask, of a volume the section in which it differs most from before, or else the middle one."""
    if mask.ndim == 2:
        return mask
    changed = (mask != before).flatten(1).sum(dim=1)
    return mask[int(changed.argmax()) if changed.any() else len(mask) // 2]


def main():
    """Mend, draw, write."""
    masks = mend_all()
    write_section("losses.md", "mending", table(masks))
    draw(masks)


if __name__ == "__main__":
    main()
