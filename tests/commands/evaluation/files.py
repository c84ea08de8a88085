"""Writers of the formats that evaluations are tested with."""

from __future__ import annotations

import h5py
import nibabel
import numpy as np
import tifffile

SPACING = (0.5, 0.75, 2.0)


def save_nifti(path, array, spacing=SPACING, affine=None):
    diagonal = np.diag([*spacing[: array.ndim], *[1] * (4 - array.ndim)])
    nibabel.save(nibabel.Nifti1Image(array, diagonal if affine is None else affine), path)


def save_tiff(path, array):
    tifffile.imwrite(path, np.ascontiguousarray(array.T))


def save_hdf5(path, array, name="data", spacing=SPACING):
    with h5py.File(path, "a") as file:
        file[name] = array.T
        file[name].attrs["resolution"] = spacing[::-1][-array.ndim :]
