"""HDF5 volumes in the CREMI layout, as files are and as they go wrong."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from monai.transforms import LoadImage, LoadImaged, SaveImage

from monai_topo.data import HDF5Reader, cremi_datalist, save_cremi

RAW, IDS = "volumes/raw", "volumes/labels/neuron_ids"


@pytest.fixture
def volume():
    generator = np.random.default_rng(0)
    raw = generator.integers(0, 255, (3, 5, 4), dtype=np.uint8)
    ids = generator.choice(np.array([0, 7, 2**40, 2**40 + 1], dtype=np.uint64), (3, 5, 4))
    return raw, ids


@pytest.fixture
def path(tmp_path, volume):
    save_cremi(tmp_path / "sample.hdf", *volume, resolution=(40, 4, 3))
    return tmp_path / "sample.hdf"


def test_array_is_x_y_z_and_resolution_the_affine(path, volume):
    image = LoadImage(reader="monai_topo.data.HDF5Reader", dataset=RAW)(path)
    np.testing.assert_array_equal(image.numpy(), volume[0].T)
    assert image.shape == (4, 5, 3)
    np.testing.assert_array_equal(image.affine.numpy(), np.diag([3, 4, 40, 1]))
    assert image.meta["original_affine"].tolist() == np.diag([3.0, 4.0, 40.0, 1.0]).tolist()


def test_offset_is_the_origin(path):
    with h5py.File(path, "a") as file:
        file[RAW].attrs["offset"] = (80.0, 12.0, 6.0)
    image = LoadImage(reader=HDF5Reader())(path)
    assert image.affine[:3, 3].tolist() == [6.0, 12.0, 80.0]


def test_large_ids_stay_apart_in_float32(path, volume):
    item = LoadImaged("label", reader=HDF5Reader, dataset=IDS, ensure_channel_first=True)({"label": str(path)})
    assert item["label"].shape == (1, 4, 5, 3)
    expected = np.searchsorted(np.unique(volume[1]), volume[1]).T
    np.testing.assert_array_equal(item["label"][0].numpy(), expected)
    raw_ids, _ = HDF5Reader(IDS, relabel=False).get_data(HDF5Reader(IDS, relabel=False).read(path))
    np.testing.assert_array_equal(raw_ids, volume[1].T)


def test_ids_without_background_start_at_one(tmp_path):
    ids = np.array([[[5, 9]]], np.uint64)
    save_cremi(tmp_path / "a.hdf", np.zeros((1, 1, 2), np.uint8), ids, (1, 1, 1))
    reader = HDF5Reader(IDS)
    assert reader.get_data(reader.read(tmp_path / "a.hdf"))[0].ravel().tolist() == [1, 2]


@pytest.mark.parametrize("writer", ["NibabelWriter", "ITKWriter"])
def test_through_a_nifti_file_and_back(path, volume, tmp_path, writer):
    image = LoadImage(reader=HDF5Reader(), ensure_channel_first=True)(path)
    save = SaveImage(output_dir=tmp_path, output_ext=".nii.gz", resample=False, print_log=False, writer=writer)
    save(image, filename=str(tmp_path / "image"))
    back = LoadImage(image_only=True)(tmp_path / "image.nii.gz")
    np.testing.assert_array_equal(back.numpy(), volume[0].T)
    np.testing.assert_allclose(back.affine.numpy(), np.diag([3, 4, 40, 1]))


def test_other_layouts_2d_and_several_files(tmp_path):
    for name, value in (("a.h5", 1), ("b.h5", 2)):
        with h5py.File(tmp_path / name, "w") as file:
            file["raw"] = np.full((2, 3), value, np.uint8)
            file["raw"].attrs["element_size_um"] = (0.5, 0.25)
    reader = HDF5Reader("raw", resolution="element_size_um")
    array, meta = reader.get_data(reader.read([tmp_path / "a.h5", tmp_path / "b.h5"]))
    assert array.shape == (2, 3, 2)
    assert array[:, 0, 0].tolist() == [1, 2]
    assert meta["original_channel_dim"] == 0
    assert meta["affine"].diagonal().tolist() == [0.25, 0.5, 1.0, 1.0]


def test_channels_must_share_a_grid(tmp_path, path):
    save_cremi(tmp_path / "other.hdf", np.zeros((3, 5, 4), np.uint8), np.zeros((3, 5, 4), int), (1, 1, 1))
    with pytest.raises(ValueError, match="must share shape, resolution and offset"):
        HDF5Reader().get_data(HDF5Reader().read([path, tmp_path / "other.hdf"]))


def test_suffixes():
    assert HDF5Reader().verify_suffix(["a.hdf", "b.h5", "c.hdf5"])
    assert not HDF5Reader().verify_suffix("a.nii.gz")


def test_reader_errors(path, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*nowhere"):
        HDF5Reader().read(tmp_path / "nowhere.hdf")
    (tmp_path / "text.hdf").write_text("not HDF5")
    with pytest.raises(ValueError, match=r"text\.hdf is not an HDF5 file"):
        HDF5Reader().read(tmp_path / "text.hdf")
    with pytest.raises(ValueError, match=r"no dataset 'volumes/clefts'; it has .*volumes/raw"):
        HDF5Reader("volumes/clefts").read(path)
    with pytest.raises(TypeError, match="no further arguments"):
        HDF5Reader().read(path, dtype=float)
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        file[RAW] = np.zeros(4)
    with pytest.raises(ValueError, match=r"axes \(z, y, x\)"):
        HDF5Reader().read(tmp_path / "flat.h5")


def folder_of(tmp_path, names):
    for name in names:
        save_cremi(tmp_path / name, np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 2), int), (1, 1, 1))
    return tmp_path


def names(items):
    return [item["image"].rsplit("/", 1)[1] for item in items]


def test_datalist_by_names(tmp_path):
    root = folder_of(tmp_path, ["fib_val.hdf", "fib_train.hdf"])
    assert names(cremi_datalist(root)) == ["fib_train.hdf", "fib_val.hdf"]
    assert names(cremi_datalist(root, "training")) == ["fib_train.hdf"]
    assert names(cremi_datalist(root, "validation")) == ["fib_val.hdf"]
    json.dumps(cremi_datalist(root))
    assert set(cremi_datalist(root)[0]) == {"image", "label"}
    assert set(cremi_datalist(root, label=None)[0]) == {"image"}


def test_datalist_by_a_seeded_draw(tmp_path):
    root = folder_of(tmp_path, [f"sample_{letter}.hdf" for letter in "ABCDEFGH"])
    draws = []
    for seed in range(6):
        training, validation = (names(cremi_datalist(root, s, seed=seed)) for s in ("training", "validation"))
        assert len(validation) == 2
        assert sorted(training + validation) == names(cremi_datalist(root))
        assert validation == names(cremi_datalist(root, "validation", seed=seed))
        draws.append(tuple(validation))
    assert len(set(draws)) > 1
    assert len(cremi_datalist(root, "validation", val_frac=0.5)) == 4


def test_one_file_is_a_datalist(path):
    assert names(cremi_datalist(path)) == ["sample.hdf"]


def test_datalist_errors(tmp_path, path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        cremi_datalist(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no HDF5 volume"):
        cremi_datalist(tmp_path / "empty")
    with pytest.raises(ValueError, match="at least two volumes"):
        cremi_datalist(tmp_path, "training")
    with pytest.raises(ValueError, match="section must be"):
        cremi_datalist(tmp_path, "test")
    with pytest.raises(ValueError, match="no dataset 'volumes/labels/clefts'"):
        cremi_datalist(tmp_path, label="volumes/labels/clefts")
    with h5py.File(path, "a") as file:
        del file[IDS]
        file[IDS] = np.zeros((3, 5, 3), np.uint64)
    with pytest.raises(ValueError, match=r"raw \(3, 5, 4\) and volumes/labels/neuron_ids \(3, 5, 3\)"):
        cremi_datalist(tmp_path)
    (tmp_path / "sample.hdf").write_text("not HDF5")
    with pytest.raises(ValueError, match="not an HDF5 file"):
        cremi_datalist(tmp_path)


def test_saving_leaves_no_partial_file(tmp_path):
    with pytest.raises(ValueError, match="one shape"):
        save_cremi(tmp_path / "a.hdf", np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 3), int), (1, 1, 1))
    assert list(tmp_path.iterdir()) == []


def test_real_volume(real_data):
    path = real_data / "fib25" / "fib25_val.hdf"
    image = LoadImage(reader=HDF5Reader())(path)
    assert image.shape == (250, 250, 32)
    assert image.affine.diagonal().tolist() == [10.0, 10.0, 10.0, 1.0]
    with h5py.File(path) as file:
        assert image[17, 101, 5] == file[RAW][5, 101, 17]
        ids = file[IDS][()]
    label = LoadImage(reader=HDF5Reader(IDS))(path).numpy()
    assert len(np.unique(label)) == len(np.unique(ids))
