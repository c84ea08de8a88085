"""Centerline graphs: tracings and skeletons as networkx graphs in physical units. Knows nothing of MONAI.

Every graph is an undirected ``networkx.MultiGraph``. The axes of positions are those of the array that the graph lies
in, in the array's order, and a position is index times spacing: the center of the first voxel is the origin.

- node ``pos``: ``(ndim,)`` float array;
- node ``radius`` and ``type``: of tracings only, as the file has them;
- edge ``path``: ``(n, ndim)`` float array, the points of the centerline from one end to the other;
- edge ``length``: along the path, in the same unit;
- graph ``spacing``: size of a voxel along each axis; an index is ``pos / spacing``.
"""

from __future__ import annotations

from monai_topo.graphs.swc import read_swc, swc_graph

__all__ = ["read_swc", "swc_graph"]
