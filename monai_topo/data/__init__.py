"""Readers, dataset layouts, phantoms and patches: the data's way to MONAI."""

from __future__ import annotations

from monai_topo.data import phantoms
from monai_topo.data.audit import SmallFeatures, small_features
from monai_topo.data.cremi import cremi_datalist, save_cremi
from monai_topo.data.folder import image_datalist
from monai_topo.data.hdf5_reader import HDF5Reader
from monai_topo.data.patches import PatchLayout

__all__ = [
    "HDF5Reader",
    "PatchLayout",
    "SmallFeatures",
    "cremi_datalist",
    "image_datalist",
    "phantoms",
    "save_cremi",
    "small_features",
]
