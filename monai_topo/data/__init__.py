"""Readers, dataset layouts, phantoms and patches: the data's way to MONAI."""

from __future__ import annotations

from monai_topo.data import phantoms
from monai_topo.data.audit import SmallFeatures, small_features
from monai_topo.data.cremi import cremi_datalist, save_cremi
from monai_topo.data.folder import image_datalist
from monai_topo.data.folds import split_folds
from monai_topo.data.hdf5_reader import HDF5Reader
from monai_topo.data.ircadb import ircadb_datalist
from monai_topo.data.isbi import isbi_datalist
from monai_topo.data.neurons import neuron_datalist
from monai_topo.data.patches import PatchLayout
from monai_topo.data.phantom_folder import save_phantoms
from monai_topo.data.prepared import prepared_datalist
from monai_topo.data.swc_reader import SWCReader
from monai_topo.data.tiff_reader import TIFFStackReader
from monai_topo.data.volumes import volume_datalist

__all__ = [
    "HDF5Reader",
    "PatchLayout",
    "SWCReader",
    "SmallFeatures",
    "TIFFStackReader",
    "cremi_datalist",
    "image_datalist",
    "ircadb_datalist",
    "isbi_datalist",
    "neuron_datalist",
    "phantoms",
    "prepared_datalist",
    "save_cremi",
    "save_phantoms",
    "small_features",
    "split_folds",
    "volume_datalist",
]
