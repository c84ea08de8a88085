"""The size of a voxel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import networkx


def check_spacing(spacing: Sequence[float] | float, ndim: int) -> NDArray[np.float64]:
    """Voxel size along each axis, from one number for all axes or one for each.

    Raises:
        ValueError: when the count is neither 1 nor ``ndim``, or a size is not positive and finite.
    """
    sizes = np.asarray(spacing, dtype=np.float64)
    if sizes.ndim > 1 or sizes.size not in (1, ndim) or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise ValueError(f"spacing must be one positive number or one for each of the {ndim} axes, got {spacing!r}.")
    return np.broadcast_to(sizes, (ndim,)).astype(np.float64)


def in_voxels(graph: networkx.Graph) -> networkx.Graph:
    r"""The graph with its positions and lengths in voxels.

    Args:
        graph: graph with the attributes of :mod:`monai_topo.graphs`, of which ``spacing`` says the size of a voxel.

    Returns:
        A copy. The ``length`` and ``along`` of an edge are those of its path in voxels, and ``spacing`` is 1.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> graph = in_voxels(swc_graph("1 1 0 0 0 1 -1\n2 1 0 0 6 1 1", spacing=(1, 1, 3)))
        >>> graph.nodes[2]["pos"].tolist(), graph.size("length")
        ([0.0, 0.0, 2.0], 2.0)
    """
    spacing = np.asarray(graph.graph.get("spacing", 1.0), dtype=np.float64)
    scaled = graph.copy()
    scaled.graph["spacing"] = tuple(np.ones_like(spacing).tolist()) if spacing.ndim else 1.0
    for _, data in scaled.nodes(data=True):
        data["pos"] = np.asarray(data["pos"]) / spacing
    for first, last, data in scaled.edges(data=True):
        path = np.asarray(data.get("path", [scaled.nodes[first]["pos"] * spacing, scaled.nodes[last]["pos"] * spacing]))
        data["path"] = path / spacing
        data["length"] = float(np.linalg.norm(np.diff(data["path"], axis=0), axis=1).sum())
        data.pop("along", None)
    return scaled
