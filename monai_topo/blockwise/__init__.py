"""Volumes by blocks: topology, components and partitions of dask arrays that need not fit into memory.

Names and arguments are those of the functions of whole volumes, and so are the results. They need the extra ``scale``,
and use dask's current scheduler: threads unless it is told otherwise, or a ``distributed.Client``. Names in
``__all__`` are public; what is imported ``as`` itself is for the other subpackages.
"""

from __future__ import annotations

from monai_topo.blockwise.arrays import join_blocks as join_blocks
from monai_topo.blockwise.arrays import to_blocks as to_blocks
from monai_topo.blockwise.components import label_components
from monai_topo.blockwise.counts import betti_numbers, euler_characteristic
from monai_topo.blockwise.filters import fill_cavities, remove_small_components
from monai_topo.blockwise.halo import close_walls, with_halo
from monai_topo.blockwise.overlap import OverlapCounts, dice, overlap_counts
from monai_topo.blockwise.partitions import (
    ContingencyTable,
    InformationScores,
    RandScores,
    adapted_rand_error,
    contingency_table,
    variation_of_information,
)

__all__ = [
    "ContingencyTable",
    "InformationScores",
    "OverlapCounts",
    "RandScores",
    "adapted_rand_error",
    "betti_numbers",
    "close_walls",
    "contingency_table",
    "dice",
    "euler_characteristic",
    "fill_cavities",
    "label_components",
    "overlap_counts",
    "remove_small_components",
    "variation_of_information",
    "with_halo",
]
