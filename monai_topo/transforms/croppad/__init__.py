"""Transforms that crop: where the topology is."""

from __future__ import annotations

from monai_topo.transforms.croppad.rand_crop_by_topology import (
    RandCropByTopology,
    RandCropByTopologyD,
    RandCropByTopologyd,
    RandCropByTopologyDict,
)
from monai_topo.transforms.croppad.sampling_table import (
    sampling_table,
)
from monai_topo.transforms.croppad.topology_weight_map import (
    TopologyWeightMap,
    TopologyWeightMapD,
    TopologyWeightMapd,
    TopologyWeightMapDict,
)

__all__ = [
    "RandCropByTopology",
    "RandCropByTopologyD",
    "RandCropByTopologyDict",
    "RandCropByTopologyd",
    "TopologyWeightMap",
    "TopologyWeightMapD",
    "TopologyWeightMapDict",
    "TopologyWeightMapd",
    "sampling_table",
]
