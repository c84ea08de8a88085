"""Slices put in order, without files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from monai_topo.data.readers.dicom import Slice, order_slices, stack_slices
from monai_topo.data.readers.volume import Volume, save_nifti


def series(heights, **changes):
    """Slices of 2 x 3 pixels; each pixel has its height."""
    return [
        Slice(
            f"image_{i}", np.full((2, 3), z, np.float32), (1.0, 2.0, z), (1, 0, 0, 0, 1, 0), (0.5, 0.7), 2.5, **changes
        )
        for i, z in enumerate(heights)
    ]


def test_positions_come_before_numbers():
    ordered, offset = order_slices(series([7.5, 2.5, 5.0]))
    assert [one.name for one in ordered] == ["image_1", "image_2", "image_0"]
    volume = stack_slices(ordered, offset)
    assert volume.array[0, 0].tolist() == [2.5, 5.0, 7.5]
    assert volume.array.shape == (3, 2, 3)
    np.testing.assert_allclose(volume.affine, [[-0.7, 0, 0, -1], [0, -0.5, 0, -2], [0, 0, 2.5, 2.5], [0, 0, 0, 1]])


def test_numbers_are_no_text():
    slices = [dataclasses.replace(one, position=None) for one in series(np.arange(11))]
    ordered, offset = order_slices(slices[::-1])
    assert [one.name for one in ordered] == [f"image_{i}" for i in range(11)]
    assert offset.tolist() == [0, 0, 2.5]


def test_slices_that_all_lie_at_one_place_are_ordered_by_number():
    slices = [dataclasses.replace(one, position=(0.0, 0.0, 0.0)) for one in series([9, 8, 7])]
    assert [one.name for one in order_slices(slices)[0]] == ["image_0", "image_1", "image_2"]


def test_fractions_are_kept_and_whole_numbers_are_small():
    assert stack_slices(*order_slices(series([0.0, 2.5]))).array.dtype == np.float32
    assert stack_slices(*order_slices(series([-1000.0, -999.0]))).array.dtype == np.int16
    assert stack_slices(*order_slices(series([40000.0, 40001.0]))).array.dtype == np.float32


def test_what_cannot_be_ordered():
    with pytest.raises(ValueError, match="there are no slices"):
        order_slices([])
    nowhere = [dataclasses.replace(one, position=None, step=None) for one in series([0, 1])]
    with pytest.raises(ValueError, match="image_0 and its series have neither positions nor a distance"):
        order_slices(nowhere)
    nowhere[1] = dataclasses.replace(nowhere[1], step=3.0)
    assert order_slices(nowhere)[1].tolist() == [0, 0, 3.0]
    turned = series([0, 1])
    turned[1] = dataclasses.replace(turned[1], rows=(0, 1, 0, 1, 0, 0))
    with pytest.raises(ValueError, match="image_1 differs from image_0 in shape, spacing or direction"):
        order_slices(turned)


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("bool", "u1"), ("u1", "u1"), ("<i2", "i2"), ("i8", "i4"), ("f8", "f4"), ("f2", "f4"), (">u2", "u2")],
)
@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5)], ids=str)
def test_nifti_files_hold_what_was_saved(shape, dtype, stored, tmp_path):
    import nibabel

    array = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = 5, 6, 7
    save_nifti(tmp_path / "a.nii.gz", Volume(array, affine))
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert image.get_data_dtype() == np.dtype(stored)
    np.testing.assert_array_equal(np.asarray(image.dataobj), array)
    np.testing.assert_array_equal(image.affine, affine)
    np.testing.assert_array_equal(image.get_qform(), affine)
