"""The controls of a case: which there are, and their masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from monai_topo.data import controls
from monai_topo.topology import label_components

STRUCTURES = ("auto", "membranes", "tubes")
PREDICTION, BEFORE = "prediction", "before the repair"
EMPTY, MOVED, PARTITION, TREES, REPAIR = (
    "empty answer",
    "label moved by a voxel",
    "random partition",
    "random trees",
    "random repair",
)
BLIND = (EMPTY, PARTITION, TREES, REPAIR)
"""Controls that know nothing of where the structure lies, or of which voxels want a repair."""

_LARGEST_PART = 0.9
"""Share of the background above which one part of it is the surroundings of tubes, and not a cell."""

Control = tuple[str, int, NDArray[Any]]
"""Name, number of the draw, and mask or ids."""


@dataclass(frozen=True)
class ControlOptions:
    """What the controls depend on beside the options of the evaluation.

    Attributes:
        structures: kind of random structure: ``"membranes"``, ``"tubes"``, or ``"auto"``, which decides for each case.
        draws: number of draws of each random control.
        before: folder of the predictions before a repair, or one file; None for no random repair.
        before_threshold: likelihood from which a voxel of those is foreground; None is that of the predictions.

    Raises:
        ValueError: for an argument that is out of range.
    """

    structures: str = "auto"
    draws: int = 3
    before: Path | None = None
    before_threshold: float | None = None

    def __post_init__(self) -> None:
        if self.structures not in STRUCTURES:
            raise ValueError(f"--controls must be one of {', '.join(STRUCTURES)}, got {self.structures!r}.")
        if self.draws < 1:
            raise ValueError(f"--control-draws must be at least 1, got {self.draws}.")


def structure_of(label: NDArray[np.bool_]) -> str:
    """``"membranes"`` where the background falls into parts, ``"tubes"`` where one part holds nearly all of it.

    Example:
        >>> walls = np.zeros((8, 9), bool)
        >>> structure_of(walls), walls.__setitem__((slice(None), 4), True), structure_of(walls)
        ('tubes', None, 'membranes')
    """
    parts = label_components(~label, full=False)
    sizes = np.bincount(parts.ravel())[1:]
    return "membranes" if len(sizes) and sizes.max() <= _LARGEST_PART * sizes.sum() else "tubes"


def seed_of(case: str, label: int | None, seed: int, draw: int) -> tuple[int, ...]:
    """Random seed of a draw: another one for each case and class, the same at every call."""
    return seed, draw, crc32(case.encode()), 0 if label is None else label + 1


def masks_of(
    label: NDArray[Any],
    ids: bool,
    structures: str,
    spacing: Sequence[float] | None,
    seeds: Sequence[tuple[int, ...]],
) -> Iterator[Control]:
    """The controls of a label.

    Args:
        label: mask, or ids of instances.
        ids: whether it holds ids.
        structures: ``"membranes"`` or ``"tubes"``.
        spacing: size of a voxel; None is 1.
        seeds: random seed of each draw.
    """
    yield EMPTY, 0, np.ones_like(label) if ids else np.zeros_like(label)
    for axis in range(label.ndim):
        yield MOVED, axis, controls.moved(label, axis)
    name, draw = _random(label, ids, structures, spacing)
    for number, seed in enumerate(seeds):
        yield name, number, draw(seed=seed)


def _random(
    label: NDArray[Any], ids: bool, structures: str, spacing: Sequence[float] | None
) -> tuple[str, Callable[..., NDArray[Any]]]:
    """Name of the random structure, and the function that draws it."""
    if ids:
        return PARTITION, lambda seed: controls.random_instances(label, spacing=spacing, seed=seed).astype(np.int64)
    if structures == "membranes":
        return PARTITION, partial(controls.random_membranes, label, spacing=spacing)
    branches = controls.tree_branches(label, spacing)
    return TREES, partial(controls.draw_trees, branches)


def repairs_of(
    before: NDArray[np.bool_], repaired: NDArray[np.bool_], seeds: Sequence[tuple[int, ...]]
) -> Iterator[Control]:
    """The mask before the repair, and random repairs of it."""
    yield BEFORE, 0, before
    for number, seed in enumerate(seeds):
        yield REPAIR, number, controls.random_flips(before, repaired, seed=seed)
