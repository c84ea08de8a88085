"""Readers, dataset layouts, phantoms and patches: the data's way to MONAI."""

from __future__ import annotations

from monai_topo.data import phantoms
from monai_topo.data.datasets.cases import Case, Converted, printable
from monai_topo.data.datasets.conversion import Conversion, convert_cases
from monai_topo.data.datasets.cremi import cremi_datalist, cremi_files, holds_cremi, sample_name, save_cremi
from monai_topo.data.datasets.cremi_names import NEURON_IDS, RAW, find_datasets
from monai_topo.data.datasets.datalist import prepared_datalist, write_datalist
from monai_topo.data.datasets.file_tree import MAX_UNPACKED
from monai_topo.data.datasets.folder import image_datalist
from monai_topo.data.datasets.folds import split_folds
from monai_topo.data.datasets.ircadb import ircadb_cases, ircadb_datalist
from monai_topo.data.datasets.ircadb_masks import VESSELS, VesselLabel
from monai_topo.data.datasets.isbi import ISBI_LAYOUTS, check_stacks, isbi_datalist, isbi_files
from monai_topo.data.datasets.neurons import neuron_datalist
from monai_topo.data.datasets.plain_folder import volume_datalist
from monai_topo.data.datasets.prepared import opened_folder
from monai_topo.data.datasets.volume_sampler import VolumeSampler
from monai_topo.data.phantoms.folder import save_phantoms
from monai_topo.data.readers.door import read_volume
from monai_topo.data.readers.grid import on_grid_of, same_grid
from monai_topo.data.readers.hdf5_files import h5py, has_dataset, open_hdf5
from monai_topo.data.readers.hdf5_reader import HDF5Reader
from monai_topo.data.readers.lock import locked
from monai_topo.data.readers.suffixes import VOLUME_SUFFIXES, stem_of, suffix_of
from monai_topo.data.readers.swc_reader import SWCReader
from monai_topo.data.readers.tiff_reader import TIFFStackReader
from monai_topo.data.readers.volume import Volume, diagonal_affine, save_nifti, voxel_sizes
from monai_topo.data.readers.written import write_json, write_text, written_whole
from monai_topo.topology import PatchLayout, SmallFeatures, small_features

__all__ = [
    "ISBI_LAYOUTS",
    "MAX_UNPACKED",
    "NEURON_IDS",
    "RAW",
    "VESSELS",
    "VOLUME_SUFFIXES",
    "Case",
    "Conversion",
    "Converted",
    "HDF5Reader",
    "PatchLayout",
    "SWCReader",
    "SmallFeatures",
    "TIFFStackReader",
    "VesselLabel",
    "Volume",
    "VolumeSampler",
    "check_stacks",
    "convert_cases",
    "cremi_datalist",
    "cremi_files",
    "diagonal_affine",
    "find_datasets",
    "h5py",
    "has_dataset",
    "holds_cremi",
    "image_datalist",
    "ircadb_cases",
    "ircadb_datalist",
    "isbi_datalist",
    "isbi_files",
    "locked",
    "neuron_datalist",
    "on_grid_of",
    "open_hdf5",
    "opened_folder",
    "phantoms",
    "prepared_datalist",
    "printable",
    "read_volume",
    "same_grid",
    "sample_name",
    "save_cremi",
    "save_nifti",
    "save_phantoms",
    "small_features",
    "split_folds",
    "stem_of",
    "suffix_of",
    "volume_datalist",
    "voxel_sizes",
    "write_datalist",
    "write_json",
    "write_text",
    "written_whole",
]
