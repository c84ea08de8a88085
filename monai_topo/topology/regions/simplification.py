"""Fields without their features of low persistence, changed in as few voxels as can be.

Every step takes one pair of a field that grows by sublevel sets, born at level b and dying at d, and changes only the
sublevel sets between those levels:

- dimension 0: the component is raised to d (flattened), or a path through the voxel of its death is lowered to b so
  that it is one with the elder component from its birth on (bridged); whichever changes fewer voxels;
- the top dimension: the same of the background, whose components are the cavities: filled, or opened by a path;
- dimension 1 in 3D: the voxel that fills the loop is lowered to b, with a path from there to the loop's component, or
  the voxel that closes it is raised to d, with a path to the background of d. Those are a few voxels of many, so the
  step is repeated, later in larger bites.

Outside those levels nothing changes, so what a step makes anew is less persistent than what it removes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import check_dims, is_full_connectivity
from monai_topo.topology.compiled.threads import map_in_threads
from monai_topo.topology.field import sublevel_field
from monai_topo.topology.grid import neighbor_offsets, padded_index
from monai_topo.topology.persistence import persistence_pairs
from monai_topo.topology.points import PersistencePairs
from monai_topo.topology.regions.basins import cavity_regions, component_regions

_ROUNDS_WITH_PATHS = 6
"""After these, components and cavities are flattened only, which cannot go on forever."""
_ROUNDS_BY_VOXEL = 4
"""After these, loops of a volume are filled or cut in bites that double every other round.

Twelve such rounds and then every fourth would change 1 to 4 % fewer voxels in twice the time.
"""
_MAX_ROUNDS = 100


def simplify(
    likelihood: ArrayLike, threshold: float, *, dims: Any = None, connectivity: int | None = None
) -> NDArray[Any]:
    """A likelihood without its features of persistence at or under a threshold.

    Args:
        likelihood: one channel, ``(H, W)`` or ``(H, W, D)``, filtered by superlevel sets.
        threshold: threshold of persistence.
        dims: homology dimensions to simplify; None is all.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.

    Returns:
        float32 or float64 array of the same shape. In 2D, and in 3D in dimensions 0 and 2 when 1 is not asked for, no
        feature of those dimensions is left at or under the threshold; where dimension 1 of 3D is among them, that is
        what it works toward, for a limited number of rounds: count what is left with :func:`persistence_pairs`.

    Raises:
        ValueError: as :func:`persistence_pairs`, and for a negative threshold.

    Example:
        >>> simplify(np.array([[0.75, 0.5, 0.625, 0.25]]), 0.125)
        array([[0.75, 0.5 , 0.5 , 0.25]])
    """
    if not 0 <= threshold < np.inf:
        raise ValueError(f"threshold must be a persistence, 0 or more, got {threshold!r}.")
    field = sublevel_field(likelihood)
    wanted = check_dims(dims, field.ndim)
    is_full_connectivity(connectivity, field.ndim)
    if field.ndim == 2 or 1 not in wanted:
        simplified = _simplify(field, threshold, wanted, connectivity, fill=True)
    else:
        in_one_way = partial(_simplify, field, threshold, wanted, connectivity)
        both = map_in_threads(in_one_way, (True, False), None)
        simplified = min(both, key=lambda done: _rank(field, done, threshold, wanted, connectivity))
    return np.asarray(0 - simplified)


def low_pairs(field: NDArray[Any], pairs: PersistencePairs, dim: int, threshold: float) -> NDArray[np.int64]:
    """Which pairs of a sublevel field have a persistence at or under the threshold; the essential one never."""
    birth, death = pairs.birth[dim], pairs.death[dim]
    values = field.ravel().astype(np.float64)
    return np.flatnonzero((death >= 0) & (values[np.maximum(death, 0)] - values[birth] <= threshold))


def _rank(
    field: NDArray[Any], done: NDArray[Any], threshold: float, dims: tuple[int, ...], connectivity: int | None
) -> tuple[int, int]:
    """How many features are left, then how many voxels have changed: less is better."""
    pairs = persistence_pairs(done, direction="sublevel", connectivity=connectivity, dims=dims)
    return sum(low_pairs(done, pairs, dim, threshold).size for dim in dims), int((done != field).sum())


def _simplify(
    field: NDArray[Any], threshold: float, dims: tuple[int, ...], connectivity: int | None, fill: bool
) -> NDArray[Any]:
    field = field.copy()
    for rounds in range(_MAX_ROUNDS):
        found = 0
        for dim in dims:
            pairs = persistence_pairs(field, direction="sublevel", connectivity=connectivity, dims=dim)
            chosen = low_pairs(field, pairs, dim, threshold)
            found += chosen.size
            if chosen.size:
                field = _step(field, pairs, dim, chosen, fill, rounds)
        if not found:
            break
    return field


def _step(
    field: NDArray[Any], pairs: PersistencePairs, dim: int, chosen: NDArray[np.int64], fill: bool, rounds: int
) -> NDArray[Any]:
    """One round for the chosen pairs of one dimension."""
    birth, death, last = pairs.birth[dim][chosen], pairs.death[dim][chosen], field.size - 1
    full, middle = pairs.connectivity > 1, 0 < dim < field.ndim - 1
    paths, bite = rounds < _ROUNDS_WITH_PATHS, 2 ** (max(rounds - _ROUNDS_BY_VOXEL, 0) // 2)
    if middle and fill:
        return _fill_loops(field, birth, death, full, bite, False)
    if dim == 0:
        regions = component_regions(field, pairs, chosen)
        return _flatten_or_bridge(field, regions, birth, death, full, paths, False)
    # Backward in the order of voxels a cavity is a component, a cut a fill, and the outside the elder of all.
    birth, death, backward = last - death, last - birth, _backward(-field)
    if middle:
        return -_backward(_fill_loops(backward, birth, death, not full, bite, True))
    regions = _backward(cavity_regions(field, pairs, chosen))
    return -_backward(_flatten_or_bridge(backward, regions, birth, death, not full, paths, True))


def _backward(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array.ravel()[::-1].reshape(array.shape))


def _fill_loops(
    field: NDArray[Any], birth: NDArray[np.int64], death: NDArray[np.int64], full: bool, bite: int, outside: bool
) -> NDArray[Any]:
    from monai_topo.topology.regions.flood import lower_to_elder

    values, labels = np.pad(field.astype(np.float64), 1), np.pad(np.zeros(field.shape, np.int32), 1, constant_values=-1)
    births, deaths = padded_index(birth, field.shape), padded_index(death, field.shape)
    lower_to_elder(values.ravel(), labels.ravel(), births, deaths, bite, _offsets(values.shape, full), outside)
    return values[(slice(1, -1),) * field.ndim].astype(field.dtype)


def _flatten_or_bridge(
    field: NDArray[Any],
    regions: NDArray[np.int32],
    birth: NDArray[np.int64],
    death: NDArray[np.int64],
    full: bool,
    paths: bool,
    outside: bool,
) -> NDArray[Any]:
    from monai_topo.topology.regions.flood import flatten_or_bridge

    values, labels = np.pad(field.astype(np.float64), 1), np.pad(regions, 1, constant_values=-1)
    sizes = np.bincount(regions.ravel(), minlength=birth.size + 1)[1:]
    births, deaths = padded_index(birth, field.shape), padded_index(death, field.shape)
    limits = sizes if paths else np.zeros_like(sizes)
    flatten_or_bridge(values.ravel(), labels.ravel(), births, deaths, limits, _offsets(values.shape, full), outside)
    return values[(slice(1, -1),) * field.ndim].astype(field.dtype)


def _offsets(shape: tuple[int, ...], full: bool) -> NDArray[np.int64]:
    """In ascending order: of paths of one length the first that is found is taken."""
    return np.sort(neighbor_offsets(shape, full))
