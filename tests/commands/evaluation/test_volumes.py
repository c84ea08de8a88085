"""Files of every format hold the same volume; they are paired by name and checked."""

from __future__ import annotations

import h5py
import nibabel
import numpy as np
import pytest
import tifffile

from monai_topo.commands.evaluation.volumes import (
    VolumeFile,
    check_same_grid,
    pair_volumes,
    read_volume,
    to_labels,
    to_mask,
)

SPACING = (0.5, 0.75, 2.0)


def save_nifti(path, array, spacing=SPACING):
    nibabel.save(nibabel.Nifti1Image(array, np.diag([*spacing[: array.ndim], *[1] * (4 - array.ndim)])), path)


def save_tiff(path, array):
    tifffile.imwrite(path, np.ascontiguousarray(array.T))


def save_hdf5(path, array, name="data", spacing=SPACING):
    with h5py.File(path, "a") as file:
        file[name] = array.T
        file[name].attrs["resolution"] = spacing[::-1][-array.ndim :]


def save_npz(path, array):
    np.savez(path, mask=array)


WRITERS = {
    "a.nii.gz": save_nifti,
    "a.nii": save_nifti,
    "a.tif": save_tiff,
    "a.h5": save_hdf5,
    "a.npy": np.save,
    "a.npz": save_npz,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("shape", [(5, 6, 7), (9, 5)], ids=str)
def test_every_format_gives_the_array_as_x_y_z(name, shape, tmp_path, rng):
    array = rng.integers(0, 9, shape).astype(np.uint8)
    WRITERS[name](tmp_path / name, array)
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, array)
    if name.endswith(("nii", "gz", "h5")):
        assert volume.spacing == pytest.approx(SPACING[: len(shape)])
    else:
        assert volume.spacing is None


def test_class_maps_in_hdf5_keep_their_numbers(tmp_path):
    save_hdf5(tmp_path / "a.h5", np.array([[0, 2], [2, 7], [0, 0]], dtype=np.int64))
    assert read_volume(tmp_path / "a.h5").array.max() == 7


def test_the_dataset_of_an_hdf5_file(tmp_path):
    for value, name in enumerate(("raw", "ids")):
        save_hdf5(tmp_path / "a.h5", np.full((2, 3, 4), value, np.uint8), name)
    assert read_volume(tmp_path / "a.h5", "ids").array.max() == 1
    with pytest.raises(ValueError, match=r"holds 2 images \(ids, raw\): name one by --pred-dataset"):
        read_volume(tmp_path / "a.h5")


@pytest.mark.parametrize("name", WRITERS)
def test_a_broken_file_is_one_line(name, tmp_path):
    (tmp_path / name).write_bytes(b"this is no image\nof any kind")
    with pytest.raises(ValueError, match=f"{name} cannot be read") as caught:
        read_volume(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_images_have_two_or_three_axes(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"two or three axes, its shape is \(2, 3, 4, 5\)"):
        read_volume(tmp_path / "a.npy")


def files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_names_pair_over_formats_folders_and_roles(tmp_path):
    predictions = files(
        tmp_path / "p", "a_seg.nii.gz", "deep/b/b_pred.npy", "c.tif", ".c.tif", "x.nii", "notes.txt", "d.h5", "e/d.npy"
    )
    labels = files(tmp_path / "l", "a.nii.gz", "b_label.h5", "c_gt.tif", "y.tif", "d.tif")
    pairs, alone = pair_volumes(predictions, labels)
    assert [(pair.name, pair.prediction.name, pair.label.name) for pair in pairs] == [
        ("a", "a_seg.nii.gz", "a.nii.gz"),
        ("b", "b_pred.npy", "b_label.h5"),
        ("c", "c.tif", "c_gt.tif"),
    ]
    assert alone == [
        f"d: more than one prediction: {predictions / 'd.h5'}, {predictions / 'e/d.npy'}",
        f"x: no label for the prediction {predictions / 'x.nii'}",
        f"y: no prediction for the label {labels / 'y.tif'}",
    ]


def test_two_files_are_a_pair(tmp_path):
    files(tmp_path, "network.nii", "case_7_label.tif")
    (pair,), alone = pair_volumes(tmp_path / "network.nii", tmp_path / "case_7_label.tif")
    assert (pair.name, alone) == ("case_7", [])


def test_nothing_to_pair(tmp_path):
    some, none, other = (
        files(tmp_path / "some", "a.npy"),
        files(tmp_path / "none", "a.txt"),
        files(tmp_path / "other", "b.npy"),
    )
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        pair_volumes(some, tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no volume"):
        pair_volumes(none, some)
    with pytest.raises(ValueError, match=r"no prediction in .* has the name of a label .*a\.npy and .*b\.npy"):
        pair_volumes(some, other)


def volume(array, spacing=None, path="file.npy"):
    return VolumeFile(path, np.asarray(array), spacing)


def test_one_grid():
    ones = np.ones((2, 3, 4))
    check_same_grid(volume(ones, (1, 1, 2)), volume(ones, (1, 1, 2.0001)))
    check_same_grid(volume(ones), volume(ones, (1, 1, 2)))
    check_same_grid(volume(ones, (1, 1, 1)), volume(ones, (1, 1, 2)), check_spacing=False)
    with pytest.raises(
        ValueError, match=r"1 x 1 x 1 in the prediction, 1 x 1 x 2.5 in the label; resample .*--spacing"
    ):
        check_same_grid(volume(ones, (1, 1, 1)), volume(ones, (1, 1, 2.5)))
    with pytest.raises(ValueError, match=r"one shape, got \(2, 3, 4\) and \(4, 3, 2\)"):
        check_same_grid(volume(ones), volume(ones.T), check_spacing=False)


@pytest.mark.parametrize("values", [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True], [0, 255, 255]], ids=str)
def test_masks(values):
    assert to_mask(volume(values)).tolist() == [False, True, True]
    assert to_mask(volume([0.0, 0.0, 0.0])).tolist() == [False] * 3


def test_a_threshold_is_inclusive():
    assert to_mask(volume([0.2, 0.5, 0.9]), threshold=0.5).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 0.25, 1.0], r"file.npy holds likelihoods such as 0.25, no mask: say --threshold 0.5"),
        ([0.7, 0.7, 0.7], "likelihoods such as 0.7"),
        ([0, 1, 2], "holds 2, so it is no mask of 0 and 1: say --labels"),
        ([0, 1, 255], "holds 1, so it is no mask"),
        ([-1.0, 0.0, 1.0], "holds -1, so it is no mask"),
        ([0.0, np.nan], "holds NaN"),
    ],
    ids=str,
)
def test_what_is_no_mask(values, message):
    with pytest.raises(ValueError, match=message):
        to_mask(volume(values))


def test_labels():
    assert to_labels(volume([0.0, 3.0])).tolist() == [0, 3]
    for values in ([0.5, 1.0], [-1, 0], [np.nan, 0.0]):
        with pytest.raises(ValueError, match="must hold integer labels"):
            to_labels(volume(values))
