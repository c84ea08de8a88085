"""Flooding: the kernel that collects the voxels of a feature's region."""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.kernel import entry_kernel


@entry_kernel
def flood_regions(values: Any, labels: Any, starts: Any, barriers: Any, order: Any, offsets: Any) -> None:
    """Label the voxels that are connected to each start through voxels before its barrier.

    Args:
        values: float64, flat, padded by one layer.
        labels: int32, flat: -1 in the image, 0 on the layer around it; receives 1 + the number of the region.
        starts: a voxel of each region.
        barriers: the voxel that ends each.
        order: in which to flood; a start that a region before it holds is left to that.
        offsets: flat offsets of the neighbors.
    """
    stack = np.empty(values.size, np.int64)
    for region in order:
        barrier = barriers[region]
        if labels[starts[region]] > 0:
            continue
        labels[starts[region]] = region + 1
        stack[0] = starts[region]
        height = 1
        while height > 0:
            height -= 1
            voxel = stack[height]
            for offset in offsets:
                other = voxel + offset
                if labels[other] != -1:
                    continue
                level = values[other]
                if level < values[barrier] or (level == values[barrier] and other < barrier):
                    labels[other] = region + 1
                    stack[height] = other
                    height += 1
