"""Readers, dataset layouts, phantoms and patches: the data's way to MONAI.

Names in ``__all__`` are public; what is imported ``as`` itself is for the other subpackages.
"""

from __future__ import annotations

from monai_topo.data import controls, phantoms
from monai_topo.data.datasets.cases import Case as Case
from monai_topo.data.datasets.cases import Converted as Converted
from monai_topo.data.datasets.conversion import Conversion as Conversion
from monai_topo.data.datasets.conversion import convert_cases as convert_cases
from monai_topo.data.datasets.cremi import cremi_datalist, holds_cremi, save_cremi
from monai_topo.data.datasets.cremi import cremi_files as cremi_files
from monai_topo.data.datasets.cremi import sample_name as sample_name
from monai_topo.data.datasets.cremi_names import NEURON_IDS as NEURON_IDS
from monai_topo.data.datasets.cremi_names import RAW as RAW
from monai_topo.data.datasets.cremi_names import find_datasets as find_datasets
from monai_topo.data.datasets.datalist import prepared_datalist
from monai_topo.data.datasets.datalist import write_datalist as write_datalist
from monai_topo.data.datasets.file_tree import MAX_UNPACKED as MAX_UNPACKED
from monai_topo.data.datasets.folder import image_datalist
from monai_topo.data.datasets.folds import split_folds
from monai_topo.data.datasets.ircadb import ircadb_cases as ircadb_cases
from monai_topo.data.datasets.ircadb import ircadb_datalist
from monai_topo.data.datasets.ircadb_masks import VESSELS as VESSELS
from monai_topo.data.datasets.ircadb_masks import VesselLabel
from monai_topo.data.datasets.isbi import ISBI_LAYOUTS as ISBI_LAYOUTS
from monai_topo.data.datasets.isbi import check_stacks as check_stacks
from monai_topo.data.datasets.isbi import isbi_datalist
from monai_topo.data.datasets.isbi import isbi_files as isbi_files
from monai_topo.data.datasets.neurons import neuron_datalist
from monai_topo.data.datasets.plain_folder import volume_datalist
from monai_topo.data.datasets.prepared import opened_folder as opened_folder
from monai_topo.data.datasets.volume_sampler import VolumeSampler
from monai_topo.data.phantoms.folder import save_phantoms
from monai_topo.data.readers.box_source import BoxSource as BoxSource
from monai_topo.data.readers.door import open_boxes as open_boxes
from monai_topo.data.readers.door import open_volume, read_volume
from monai_topo.data.readers.door import opens_by_blocks as opens_by_blocks
from monai_topo.data.readers.extras import scale_package as scale_package
from monai_topo.data.readers.grid import on_grid_of, same_grid
from monai_topo.data.readers.hdf5_reader import HDF5Reader
from monai_topo.data.readers.lock import locked as locked
from monai_topo.data.readers.places import is_volume as is_volume
from monai_topo.data.readers.places import is_volume_folder as is_volume_folder
from monai_topo.data.readers.places import state_of as state_of
from monai_topo.data.readers.places import walk_volumes as walk_volumes
from monai_topo.data.readers.suffixes import VOLUME_SUFFIXES as VOLUME_SUFFIXES
from monai_topo.data.readers.suffixes import stem_of as stem_of
from monai_topo.data.readers.suffixes import suffix_of as suffix_of
from monai_topo.data.readers.swc_reader import SWCReader
from monai_topo.data.readers.text import printable as printable
from monai_topo.data.readers.tiff_reader import TIFFStackReader
from monai_topo.data.readers.volume import Volume, save_nifti
from monai_topo.data.readers.volume import check_sizes as check_sizes
from monai_topo.data.readers.volume import diagonal_affine as diagonal_affine
from monai_topo.data.readers.volume import voxel_sizes as voxel_sizes
from monai_topo.data.readers.written import folder_written_whole as folder_written_whole
from monai_topo.data.readers.written import put_in_place as put_in_place
from monai_topo.data.readers.written import write_json as write_json
from monai_topo.data.readers.written import write_text as write_text
from monai_topo.data.readers.written import written_whole
from monai_topo.data.readers.zarr_files import is_zarr as is_zarr
from monai_topo.data.readers.zarr_levels import CHUNK as CHUNK
from monai_topo.data.readers.zarr_levels import boxes as boxes
from monai_topo.data.readers.zarr_reader import ZarrReader
from monai_topo.data.readers.zarr_writer import check_zarr_name as check_zarr_name
from monai_topo.data.readers.zarr_writer import create_image as create_image
from monai_topo.data.readers.zarr_writer import fill_level as fill_level
from monai_topo.data.readers.zarr_writer import level_boxes as level_boxes
from monai_topo.data.readers.zarr_writer import list_labels as list_labels
from monai_topo.data.readers.zarr_writer import open_level as open_level
from monai_topo.data.readers.zarr_writer import save_zarr
from monai_topo.topology import PatchLayout, SmallFeatures, small_features

__all__ = [
    "HDF5Reader",
    "PatchLayout",
    "SWCReader",
    "SmallFeatures",
    "TIFFStackReader",
    "VesselLabel",
    "Volume",
    "VolumeSampler",
    "ZarrReader",
    "controls",
    "cremi_datalist",
    "holds_cremi",
    "image_datalist",
    "ircadb_datalist",
    "isbi_datalist",
    "neuron_datalist",
    "on_grid_of",
    "open_volume",
    "phantoms",
    "prepared_datalist",
    "read_volume",
    "same_grid",
    "save_cremi",
    "save_nifti",
    "save_phantoms",
    "save_zarr",
    "small_features",
    "split_folds",
    "volume_datalist",
    "written_whole",
]
