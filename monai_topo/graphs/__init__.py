"""Centerline graphs: tracings and skeletons as networkx graphs in physical units. Knows nothing of MONAI.

Every graph is an undirected ``networkx.MultiGraph``. The axes of positions are those of the array that the graph lies
in, in the array's order, and a position is index times spacing: the center of the first voxel is the origin.

- node ``pos``: ``(ndim,)`` float array;
- node ``radius`` and ``type``: of tracings only, as the file has them;
- edge ``path``: ``(n, ndim)`` float array, the points of the centerline from one end to the other;
- edge ``length``: along the path, in the same unit; ``along``, of contracted graphs, is the ``(n,)`` length up to each
  point. Where the two disagree ``length`` holds, and ``along`` says how it is spread over the path;
- edge ``voxels``, of skeletons only: ``(k, ndim)`` indices of the skeleton's voxels from one end to the other. A point
  of ``path`` in the middle of a fork may lie beside a thin mask, these do not;
- graph ``spacing``: size of a voxel along each axis; an index is ``pos / spacing``.
"""

from __future__ import annotations

from monai_topo.graphs.bridges import draw_bridges
from monai_topo.graphs.centerline import centerline_mask, fill_cavities
from monai_topo.graphs.centerline import check_method as check_method
from monai_topo.graphs.chains import contract_chains
from monai_topo.graphs.drawing import count_clipped as count_clipped
from monai_topo.graphs.drawing import distance_to_centerline, draw_centerline, draw_tube
from monai_topo.graphs.gaps import Gap, find_ways
from monai_topo.graphs.junctions import count_matches, junction_points, match_points
from monai_topo.graphs.network import Network, Places
from monai_topo.graphs.paths import path_length_blocks as path_length_blocks
from monai_topo.graphs.paths import path_lengths
from monai_topo.graphs.skeleton import skeleton_graph
from monai_topo.graphs.spacing import check_spacing as check_spacing
from monai_topo.graphs.spacing import in_voxels
from monai_topo.graphs.swc import read_swc, swc_graph
from monai_topo.graphs.traced import trace_points as trace_points
from monai_topo.graphs.tube import check_skeleton as check_skeleton
from monai_topo.graphs.tube import skeleton_tube

__all__ = [
    "Gap",
    "Network",
    "Places",
    "centerline_mask",
    "contract_chains",
    "count_matches",
    "distance_to_centerline",
    "draw_bridges",
    "draw_centerline",
    "draw_tube",
    "fill_cavities",
    "find_ways",
    "in_voxels",
    "junction_points",
    "match_points",
    "path_lengths",
    "read_swc",
    "skeleton_graph",
    "skeleton_tube",
    "swc_graph",
]
