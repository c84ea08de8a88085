"""Segmentations that know a label's statistics and not the image: what chance scores."""

from __future__ import annotations

from monai_topo.data.controls.flips import moved, random_flips
from monai_topo.data.controls.partitions import random_instances, random_membranes, random_partition
from monai_topo.data.controls.trees import Branches, draw_trees, random_trees, tree_branches

__all__ = [
    "Branches",
    "draw_trees",
    "moved",
    "random_flips",
    "random_instances",
    "random_membranes",
    "random_partition",
    "random_trees",
    "tree_branches",
]
