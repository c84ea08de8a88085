"""From a pair of critical voxels to the region of its feature: what is connected to one before the other arrives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.grid import neighbor_offsets, padded_index
from monai_topo.topology.points import PersistencePairs


def component_regions(field: NDArray[Any], pairs: PersistencePairs, chosen: NDArray[Any]) -> NDArray[np.int32]:
    """The components of dimension 0 as they are just before they die, each with everything it has absorbed.

    In the total order of voxels, the region of a pair holds the voxels that are connected to its birth without its
    death or any later voxel. It holds no voxel of an elder component.

    Args:
        field: the sublevel field of the pairs (``sublevel_field``).
        pairs: its pairs, with dimension 0.
        chosen: pairs of dimension 0 that are wanted, as indices or mask; no essential one.

    Returns:
        int32, the shape of ``field``: 0 outside all regions, else 1 + the place in ``chosen``'s order of the largest
        region there (regions are nested or disjoint).

    Example:
        >>> from monai_topo.topology import persistence_pairs, sublevel_field
        >>> image = np.array([[0.9, 0.2, 0.6, 0.7, 0.1]])
        >>> component_regions(sublevel_field(image), persistence_pairs(image), np.array([1]))
        array([[0, 0, 1, 1, 0]], dtype=int32)
    """
    birth, death = pairs.birth[0][chosen], pairs.death[0][chosen]
    return _flood(field, birth, death, pairs.connectivity > 1)


def cavity_regions(field: NDArray[Any], pairs: PersistencePairs, chosen: NDArray[Any]) -> NDArray[np.int32]:
    """The cavities of the top dimension (in 2D: holes) as they are when they are born, just closed.

    The region of a pair holds the voxels that are connected, in the background's connectivity, to the voxel that fills
    the cavity at its death, without the voxel that closes it at its birth or any earlier one.

    Args:
        field: the sublevel field of the pairs.
        pairs: its pairs, with the top dimension and without a frame.
        chosen: pairs of the top dimension that are wanted, as indices or mask.

    Returns:
        int32, as :func:`component_regions`.

    Example:
        >>> from monai_topo.topology import persistence_pairs, sublevel_field
        >>> image = np.array([[0.9, 0.9, 0.9], [0.8, 0.2, 0.9], [0.9, 0.9, 0.9]])
        >>> cavity_regions(sublevel_field(image), persistence_pairs(image), np.array([0]))[1]
        array([0, 1, 0], dtype=int32)
    """
    top = field.ndim - 1
    # Backward in the order of voxels, a cavity is a component that is born where it fills and dies where it closes.
    last = field.size - 1
    backward = (-field).ravel()[::-1].reshape(field.shape)
    start, barrier = last - pairs.death[top][chosen], last - pairs.birth[top][chosen]
    labels = _flood(backward, start, barrier, pairs.connectivity == 1)
    return np.ascontiguousarray(labels.ravel()[::-1].reshape(field.shape))


def _flood(field: NDArray[Any], start: NDArray[Any], barrier: NDArray[Any], full: bool) -> NDArray[np.int32]:
    """Flood from each start up to its barrier, the latest barrier first, so that the largest regions come first."""
    from monai_topo.topology.regions.flood import flood_regions

    values = np.pad(field.astype(np.float64), 1)
    labels = np.zeros(values.shape, np.int32)
    inner = (slice(1, -1),) * field.ndim
    labels[inner] = -1
    starts, barriers = (padded_index(index, field.shape) for index in (start, barrier))
    order = np.lexsort((barriers, values.ravel()[barriers]))[::-1]
    flood_regions(values.ravel(), labels.ravel(), starts, barriers, order, neighbor_offsets(values.shape, full))
    return np.maximum(np.ascontiguousarray(labels[inner]), 0)
