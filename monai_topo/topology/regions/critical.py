"""False regions of a segmentation whose correction changes its topology."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import Mask, check_mask_pair, is_full_connectivity
from monai_topo.topology.compiled.threads import map_in_threads
from monai_topo.topology.grid import label_components
from monai_topo.topology.persistence import persistence_pairs_batch
from monai_topo.topology.regions.adjacency import region_graph

CRITERIA = ("components", "homotopy")
"""When a false region is critical; see :func:`critical_regions`."""

_BASE, _REGION, _REST = 0, 1, 2
_SHARED, _MISSING, _EXTRA = 1, 2, 3


@dataclass(frozen=True)
class CriticalRegions:
    """False regions that matter for the topology.

    Attributes:
        labels: int32, the shape of the masks: 1 to the number of regions, 0 elsewhere.
        missing: bool, for each region whether it is missing from the prediction; otherwise it is extra.

    Example:
        >>> from monai_topo.topology import critical_regions
        >>> target = np.zeros((5, 9), dtype=bool)
        >>> target[2, 1:8] = True
        >>> prediction = target.copy()
        >>> prediction[2, 4] = False
        >>> regions = critical_regions(prediction, target)
        >>> int(regions.labels.max()), regions.missing
        (1, array([ True]))
    """

    labels: NDArray[np.int32]
    missing: NDArray[np.bool_]


def critical_regions(
    prediction: ArrayLike | torch.Tensor,
    target: ArrayLike | torch.Tensor,
    *,
    criterion: str = "components",
    connectivity: int | None = None,
    frame: bool = False,
) -> CriticalRegions:
    """Find the false regions that make topological errors.

    A false region is a component of what the prediction misses or of what it has too much: in the foreground's
    connectivity, for ``"homotopy"`` always in the full one. It is put to a mask, its base, and is critical where that
    changes the topology of the base:

    - ``"components"``: the base is what prediction and target share, and it is components that count. A region is
      harmless if it touches exactly one component of the base; it is critical if it joins several (what is missing
      there splits, what is extra merges), or none (an object of its own).
    - ``"homotopy"``: the base of an extra region is the target, of a missing one the prediction, and components,
      loops and cavities count. A region is harmless if the base's inclusion into base and region is an isomorphism of
      homology modulo 2 in all dimensions. No region is critical if and only if both masks are so included in their
      union.

    Args:
        prediction: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.
        target: the same shape.
        criterion: one of these.
        connectivity: Connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        frame: surround the masks by foreground, relative to which is counted.

    Raises:
        ValueError: for an unknown criterion, two shapes, values other than 0 and 1, or a bad connectivity.

    Example:
        >>> found = critical_regions([[1, 0, 1, 0, 0, 0]], [[1, 1, 1, 1, 0, 0]])
        >>> found.labels, found.missing
        (array([[0, 1, 0, 0, 0, 0]], dtype=int32), array([ True]))
    """
    first, second = check_mask_pair(prediction, target)
    options = {"criterion": criterion, "connectivity": connectivity, "frame": frame}
    return critical_regions_batch(first[None], second[None], **options, num_threads=1)[0]  # type: ignore[arg-type]


def critical_regions_batch(
    predictions: NDArray[np.bool_],
    targets: NDArray[np.bool_],
    *,
    criterion: str = "components",
    connectivity: int | None = None,
    frame: bool = False,
    num_threads: int | None = None,
) -> list[CriticalRegions]:
    """:func:`critical_regions` of many pairs of masks of one shape, in threads.

    Args:
        predictions: bool, ``(N, H, W[, D])``.
        targets: the same shape.
        criterion: this and the rest as there.
        connectivity: connectivity of the foreground.
        frame: surround the masks by foreground.
        num_threads: Threads for the masks; None is one for each CPU core, and one for what is small.

    Raises:
        ValueError: for an unknown criterion or a bad connectivity.

    Example:
        >>> target = np.zeros((1, 5, 9), dtype=bool)
        >>> target[0, 2, 1:8] = True
        >>> prediction = target.copy()
        >>> prediction[0, 2, 4] = False
        >>> [int(regions.labels.max()) for regions in critical_regions_batch(prediction, target)]
        [1]
    """
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be one of {CRITERIA}, got {criterion!r}.")
    full = is_full_connectivity(connectivity, predictions.ndim - 1)
    masks = list(zip(predictions, targets, strict=True))
    if criterion == "components":
        return map_in_threads(lambda pair: _join_or_alone(*pair, full, frame), masks, num_threads)
    missing, extra = targets & ~predictions, predictions & ~targets
    levels = np.full((2, *predictions.shape), _REST, np.float32)
    for side, (base, region) in enumerate(((predictions, missing), (targets, extra))):
        levels[side][region] = _REGION
        levels[side][base] = _BASE
    points = persistence_pairs_batch(
        levels.reshape(-1, *predictions.shape[1:]),
        direction="sublevel",
        connectivity=connectivity,
        frame=frame,
        num_threads=num_threads,
    )
    # A class that begins or ends with the region, and does not both, begins or ends at a voxel of it.
    ends = np.concatenate([points.birth, points.death[points.death >= 0]])
    critical = np.zeros(levels.size, bool)
    critical[ends[levels.ravel()[ends] == _REGION]] = True
    sides = list(zip(missing, extra, *critical.reshape(levels.shape), strict=True))
    return map_in_threads(lambda found: _join(_keep(found[0], found[2]), _keep(found[1], found[3])), sides, num_threads)


def _join_or_alone(prediction: Mask, target: Mask, full: bool, frame: bool) -> CriticalRegions:
    """The false regions that touch several components of what two masks share, or none."""
    kinds = _kinds(prediction, target)
    if frame:
        kinds = np.pad(kinds, 1, constant_values=_SHARED)
    labels = label_components(kinds, full).astype(np.int32)
    kind = np.zeros(int(labels.max()) + 1, np.uint8)
    kind[labels.ravel()] = kinds.ravel()
    # Walls have the connectivity that is dual to that of the regions.
    walls = region_graph(labels, np.zeros(labels.shape, np.float32), connectivity=1 if full else None).regions
    shared = kind[walls] == _SHARED
    touched = np.bincount(walls[::-1][shared & (kind[walls[::-1]] > _SHARED)], minlength=len(kind))
    critical = (touched != 1) & (kind > _SHARED)
    inner = (slice(1, -1),) * labels.ndim if frame else ()
    return CriticalRegions((np.cumsum(critical, dtype=np.int32) * critical)[labels[inner]], kind[critical] == _MISSING)


def _kinds(prediction: Mask, target: Mask) -> NDArray[np.uint8]:
    """Shared, missing, extra or 0 for each voxel: 1, 2, 3 and 0, which bytes count down from 4 modulo 4."""
    kinds = 4 - 2 * np.ascontiguousarray(target).view(np.uint8)
    kinds -= np.ascontiguousarray(prediction).view(np.uint8)
    kinds &= 3
    return kinds


def _keep(mask: Mask, marked: Mask) -> NDArray[np.int32]:
    """The components of a mask with a marked voxel, numbered from 1 on.

    In full connectivity in any case: regions that touch at a corner may share a square of four voxels, and with it the
    loop that it fills.
    """
    if not marked.any():
        return np.zeros(mask.shape, np.int32)
    labels = label_components(mask, full=True)
    chosen = np.zeros(int(labels.max()) + 1, np.int32)
    chosen[labels[marked]] = 1
    return np.asarray((np.cumsum(chosen, dtype=np.int32) * chosen)[labels])


def _join(missing: NDArray[np.int32], extra: NDArray[Any]) -> CriticalRegions:
    counts = int(missing.max()), int(extra.max())
    labels = missing + np.where(extra > 0, extra + counts[0], 0).astype(np.int32)
    return CriticalRegions(labels, np.repeat([True, False], counts))
