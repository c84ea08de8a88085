"""Volumes of several files come onto one grid; what is wrong with a file is said in one line."""

from __future__ import annotations

import itertools

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
import torch
from monai.transforms import LoadImage, SaveImage

from monai_topo.transforms import LoadVolume, LoadVolumed

AFFINE = np.array([[0, -0.5, 0, 3.0], [0.7, 0, 0, -4.0], [0, 0, 2.0, 5.0], [0, 0, 0, 1]])


def save(path, array, affine=AFFINE):
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return str(path)


def test_nifti_as_monai_reads_it(tmp_path):
    array = np.random.default_rng(0).integers(-9, 9, (5, 4, 3)).astype(np.int16)
    path = save(tmp_path / "volume.nii.gz", array)
    ours, theirs = LoadVolume()(path), LoadImage(ensure_channel_first=True)(path)
    assert torch.equal(ours, theirs)
    assert ours.dtype == torch.float32
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-6)
    assert ours.meta["filename_or_obj"] == path
    SaveImage(tmp_path / "out", output_postfix="seg", separate_folder=False, print_log=False, resample=False)(ours)
    again = nibabel.load(tmp_path / "out" / "volume_seg.nii.gz")
    np.testing.assert_array_equal(again.get_fdata(), array)
    np.testing.assert_allclose(again.affine, AFFINE, atol=1e-6)


def test_spacing_datasets_and_types(tmp_path):
    ids = np.arange(24, dtype=np.uint64).reshape(2, 3, 4) + 2**40
    with h5py.File(tmp_path / "volume.hdf", "w") as file:
        file["raw"], file["ids"] = ids.astype(np.uint8), ids
    tifffile.imwrite(tmp_path / "volume.tif", ids.astype(np.uint16), photometric="minisblack")
    load = LoadVolumed(["image", "label"], dataset=["raw", "ids"], dtype=[np.float32, None], spacing=(4, 4, 40))
    item = load({"image": tmp_path / "volume.hdf", "label": tmp_path / "volume.hdf", "patient": "a"})
    np.testing.assert_array_equal(item["label"].numpy()[0], ids.T)
    assert item["image"].dtype == torch.float32
    assert item["patient"] == "a"
    for image in (
        item["image"],
        item["label"],
        load({"image": tmp_path / "volume.tif", "label": tmp_path / "volume.hdf"})["image"],
    ):
        assert image.shape == (1, 4, 3, 2)
        assert image.pixdim.tolist() == [4, 4, 40]


@pytest.mark.parametrize("flips", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_label_of_other_axes_is_turned_to_its_image(order, flips, tmp_path):
    """By nibabel's own reorientation as the other writer."""
    array = np.random.default_rng(1).integers(0, 2, (5, 4, 3)).astype(np.uint8)
    turned = nibabel.Nifti1Image(array, AFFINE).as_reoriented(np.stack([order, np.where(flips, -1, 1)], axis=1))
    nibabel.save(turned, tmp_path / "label.nii")
    item = LoadVolumed(["image", "label"])(
        {"image": save(tmp_path / "image.nii", array), "label": tmp_path / "label.nii"}
    )
    assert torch.equal(item["image"], item["label"])
    np.testing.assert_allclose(item["label"].affine, item["image"].affine, atol=1e-5)


def test_what_is_wrong_is_one_line(tmp_path):
    shifted = AFFINE + np.array([[0, 0, 0, 1.0]] * 3 + [[0] * 4])
    files = {
        "image": save(tmp_path / "a.nii", np.zeros((5, 4, 3))),
        "label": save(tmp_path / "b.nii", np.zeros((5, 4, 3)), shifted),
    }
    with pytest.raises(ValueError, match=r"b\.nii and .*a\.nii lie on different grids"):
        LoadVolumed(["image", "label"])(files)
    (tmp_path / "cut.tif").write_bytes(b"II*\0no stack")
    with pytest.raises(ValueError, match=r"cut\.tif") as ended:
        LoadVolume()(tmp_path / "cut.tif")
    assert len(str(ended.value).splitlines()) == 1
    with pytest.raises(FileNotFoundError, match="no such file: nowhere"):
        LoadVolume()("nowhere.nii")
    assert LoadVolumed("image", allow_missing_keys=True)({"other": 1}) == {"other": 1}


@pytest.mark.parametrize("spacing", [(), (1,), (1, 1, 1, 1), (1, 0, 1), (1, float("nan"), 1), 2, "1,1,1"], ids=str)
def test_a_spacing_that_is_none_is_refused_before_anything_is_read(spacing):
    with pytest.raises(ValueError, match="spacing must be 2 or 3 positive numbers, along x, y and z"):
        LoadVolumed(["image", "label"], spacing=spacing)
