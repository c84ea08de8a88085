"""The gudhi engine: slow, independent of our kernels, and therefore their oracle.

gudhi is given the image of ranks in the total order (value, flat index) instead of the values. Ranks have no ties,
so the pairs are unique, and a birth or death *value* in gudhi's diagram names its voxel: the axis order of gudhi's
cell indices never enters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.engines.registry import ESSENTIAL, FRAME, Engine, IndexPairs

_COEFFICIENT_FIELD = 2
"""gudhi's own default is 11; pairs of dimension 1 in 3D can depend on it."""


def compute_pairs(
    field: NDArray[Any], *, full_connectivity: bool, dims: tuple[int, ...], frame: bool
) -> dict[int, IndexPairs]:
    """Persistence pairs of a sublevel filtration by ``gudhi.CubicalComplex``; see ``registry.PairsFunction``."""
    order = np.argsort(field, axis=None, kind="stable").astype(np.int64)
    ranks = np.empty(field.size, dtype=np.float64)
    ranks[order] = np.arange(1, field.size + 1)
    intervals = _rank_intervals(_surround(ranks.reshape(field.shape), frame), full_connectivity, dims)
    voxel_of_rank = np.concatenate([[FRAME], order, [ESSENTIAL]])
    return {k: (voxel_of_rank[births], voxel_of_rank[deaths]) for k, (births, deaths) in intervals.items()}


def _surround(ranks: NDArray[np.float64], frame: bool) -> NDArray[np.float64]:
    if frame:
        return np.pad(ranks, 1, constant_values=0)
    # A single-voxel axis adds no topology, and gudhi's complex over vertices cannot have one.
    return ranks.reshape([size for size in ranks.shape if size > 1] or [1])


def _rank_intervals(
    ranks: NDArray[np.float64], full_connectivity: bool, dims: tuple[int, ...]
) -> dict[int, IndexPairs]:
    """Births and deaths as ranks: 0 is the frame, the largest rank plus one stands for infinity."""
    import gudhi

    cells = {"top_dimensional_cells" if full_connectivity else "vertices": ranks}
    cubical = gudhi.CubicalComplex(**cells)
    cubical.compute_persistence(homology_coeff_field=_COEFFICIENT_FIELD)
    never = ranks.max() + 1
    intervals = {}
    for k in dims:
        points = np.asarray(cubical.persistence_intervals_in_dimension(k)).reshape(-1, 2)
        births, deaths = np.where(np.isinf(points), never, points).astype(np.int64).T
        intervals[k] = (births, deaths)
    return intervals


ENGINE = Engine(pairs=compute_pairs)
