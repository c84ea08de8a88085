"""Volumes by blocks: topology, components and partitions of dask arrays that need not fit into memory.

Names and arguments are those of the functions of whole volumes, and so are the results. They need the extra ``scale``,
and use dask's current scheduler: threads unless it is told otherwise, or a ``distributed.Client``.
"""

from __future__ import annotations

from monai_topo.blockwise.components import label_components
from monai_topo.blockwise.counts import betti_numbers, euler_characteristic

__all__ = ["betti_numbers", "euler_characteristic", "label_components"]
