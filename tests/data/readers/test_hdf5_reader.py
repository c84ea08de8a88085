"""HDF5 volumes in the CREMI layout, as files are and as they go wrong."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from monai.transforms import LoadImage, LoadImaged, SaveImage

from monai_topo.data import HDF5Reader, cremi_datalist, read_volume, save_cremi, split_folds

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


def test_ids_of_32_bits_stay_apart_in_float32(tmp_path):
    ids = np.array([[[2**24, 2**24 + 1, 0]]], np.uint32)
    save_cremi(tmp_path / "a.hdf", np.zeros((1, 1, 3), np.uint8), ids, (1, 1, 1))
    with h5py.File(tmp_path / "a.hdf", "a") as file:
        del file[IDS]
        file[IDS] = ids
    assert LoadImage(reader=HDF5Reader(IDS))(tmp_path / "a.hdf").numpy().ravel().tolist() == [1, 2, 0]


def test_a_mask_of_one_value(path, volume):
    image = LoadImage(reader=HDF5Reader(IDS, mask_value=2**40))(path)
    np.testing.assert_array_equal(image.numpy(), (volume[1] == 2**40).T)
    with pytest.raises(ValueError, match=r"no voxel of mask_value=3; it holds 0, 7, 1099511627776, 1099511627777\."):
        HDF5Reader(IDS, mask_value=3).read(path)


def test_what_is_no_cleft_is_background(tmp_path):
    clefts = np.array([[[2**64 - 1, 7, 0, 3]]], np.uint64)
    save_cremi(tmp_path / "a.hdf", np.zeros((1, 1, 4), np.uint8), clefts, (1, 1, 1))
    assert LoadImage(reader=HDF5Reader(IDS))(tmp_path / "a.hdf").numpy().ravel().tolist() == [0, 2, 0, 1]


@pytest.mark.parametrize("dtype", [">u2", ">f4", "<f8"])
def test_any_byte_order(tmp_path, dtype):
    array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = array
    image = LoadImage(reader=HDF5Reader("raw"))(tmp_path / "a.h5")
    np.testing.assert_array_equal(image.numpy(), array.T.astype(np.float32))


@pytest.fixture
def padded(tmp_path):
    """A raw volume and labels of a part of it, as in CREMI's padded files."""
    raw = np.random.default_rng(1).integers(0, 255, (6, 9, 7), dtype=np.uint8)
    ids = np.random.default_rng(2).integers(1, 9, (3, 5, 4)).astype(np.uint64)
    save_cremi(tmp_path / "padded.hdf", raw, np.zeros(raw.shape, int), (40, 4, 4))
    with h5py.File(tmp_path / "padded.hdf", "a") as file:
        del file[IDS]
        file[IDS] = ids
        file[IDS].attrs.update(resolution=(40.0, 4.0, 4.0), offset=(80.0, 12.0, 8.0))
    return tmp_path / "padded.hdf", raw, ids


def test_a_padded_volume_is_cropped_to_its_labels(padded):
    path, raw, ids = padded
    image = LoadImage(reader=HDF5Reader(within=IDS))(path)
    label = LoadImage(reader=HDF5Reader(IDS))(path)
    np.testing.assert_array_equal(image.numpy(), raw[2:5, 3:8, 2:6].T)
    np.testing.assert_array_equal(label.numpy(), ids.T)
    np.testing.assert_array_equal(image.affine, label.affine)
    assert image.affine[:3, 3].tolist() == [8.0, 12.0, 80.0]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"offset": (160.0, 0.0, 0.0)}, r"from voxel \[4, 0, 0\] on is not inside"),
        ({"offset": (0.0, -4.0, 0.0)}, "is not inside"),
        ({"offset": (20.0, 0.0, 0.0)}, "are not those of"),
        ({"resolution": (40.0, 4.0, 8.0)}, "are not those of"),
        ({"resolution": (40.0, 4.0)}, "one number for each of its 3 axes"),
        ({"resolution": (40.0, 4.0, 0.0)}, "must be positive"),
    ],
    ids=str,
)
def test_labels_that_do_not_lie_in_the_volume(padded, attributes, message):
    path, _, _ = padded
    with h5py.File(path, "a") as file:
        file[IDS].attrs.update(attributes)
    with pytest.raises(ValueError, match=message):
        HDF5Reader(within=IDS).read(path)


def test_links_are_followed(tmp_path, path, volume):
    with h5py.File(tmp_path / "links.h5", "w") as file:
        file["outside"] = h5py.ExternalLink("sample.hdf", RAW)
        file["inside"] = h5py.SoftLink("/outside")
    for name in ("outside", "inside"):
        np.testing.assert_array_equal(LoadImage(reader=HDF5Reader(name))(tmp_path / "links.h5").numpy(), volume[0].T)


def test_links_that_lead_nowhere(tmp_path):
    with h5py.File(tmp_path / "links.h5", "w") as file:
        file["soft"] = h5py.SoftLink("/nothing/here")
        file["away"] = h5py.ExternalLink("gone.h5", "raw")
        file["circle"] = h5py.SoftLink("/circle")
        file["volumes"] = h5py.SoftLink("/elsewhere")
    for name, target in (
        ("soft", "soft is a link to /nothing/here, which is not there"),
        ("away", "away is a link to raw of gone.h5, which is not there"),
        ("circle", "circle is a link to /circle, which is not there"),
        ("volumes/raw", "volumes is a link to /elsewhere, which is not there"),
    ):
        with pytest.raises(ValueError, match=f"holds no dataset '{name}'; {target}"):
            HDF5Reader(name).read(tmp_path / "links.h5")


def test_incomplete_files(tmp_path, path):
    with h5py.File(path, "a") as file:
        file.create_dataset("large", data=np.zeros((20, 20, 20), np.uint8))
    whole = path.read_bytes()
    (tmp_path / "cut.hdf").write_bytes(whole[: len(whole) - 4000])
    with pytest.raises(ValueError, match=r"cut\.hdf cannot be opened.*Is the download complete"):
        HDF5Reader().read(tmp_path / "cut.hdf")
    with h5py.File(path) as file:
        chunk = file[RAW].id.get_chunk_info(0)
    broken = bytearray(whole)
    broken[chunk.byte_offset : chunk.byte_offset + 8] = b"\xff" * 8
    (tmp_path / "broken.hdf").write_bytes(broken)
    with pytest.raises(ValueError, match=r"broken\.hdf: /volumes/raw cannot be read"):
        HDF5Reader().read(tmp_path / "broken.hdf")


@pytest.mark.parametrize(("ids", "expected"), [((5, 9), [5, 9]), ((2**24, 5), [2, 1])], ids=str)
def test_only_ids_that_float32_merges_are_renumbered(ids, expected, tmp_path):
    """Without a background they start at 1; classes and small ids stay what they are."""
    save_cremi(tmp_path / "a.hdf", np.zeros((1, 1, 2), np.uint8), np.array([[ids]], np.uint64), (1, 1, 1))
    reader = HDF5Reader(IDS)
    assert reader.get_data(reader.read(tmp_path / "a.hdf"))[0].ravel().tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, np.uint32, np.float64])
def test_large_intensities_are_not_taken_for_ids(dtype, tmp_path):
    counts = np.array([[[0, 2**24, 2**24 + 1, 2**26]]]).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[RAW] = counts
        file["small"] = np.array([[[0, 40000, 7]]], dtype)
    with pytest.raises(ValueError, match=r"integers up to 67108864.*relabel=True if they are ids"):
        HDF5Reader().read(tmp_path / "a.h5")
    for relabel, expected in ((False, counts.ravel().tolist()), (True, [0, 1, 2, 3])):
        array = HDF5Reader(relabel=relabel).read(tmp_path / "a.h5")[0].array
        assert array.ravel().tolist() == expected
    assert HDF5Reader("small").read(tmp_path / "a.h5")[0].array.ravel().tolist() == [0, 40000, 7]


@pytest.mark.parametrize(
    "name", ["labels", "seg_1", "volumes/labels/x", "neuron_ids", "my-segmentation", "raw", "grid"]
)
def test_which_names_are_ids(name, tmp_path):
    ids = np.array([[[2**63 + 5, 2**63 + 6, 0]]], np.uint64)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[name] = ids
    reader = HDF5Reader(name)
    if name in ("raw", "grid"):
        with pytest.raises(ValueError, match="relabel"):
            reader.read(tmp_path / "a.h5")
    else:
        assert reader.read(tmp_path / "a.h5")[0].array.ravel().tolist() == [1, 2, 0]
    assert read_volume(tmp_path / "a.h5").array.ravel().tolist() == ids.ravel().tolist()


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
        file["text"] = np.array([[b"a"]])
    with pytest.raises(ValueError, match=r"axes \(z, y, x\)"):
        HDF5Reader().read(tmp_path / "flat.h5")
    with pytest.raises(ValueError, match=r"text must hold numbers, it holds \|S1"):
        HDF5Reader("text").read(tmp_path / "flat.h5")


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
    assert set(cremi_datalist(root)[0]) == {"image", "label", "patient"}
    assert set(cremi_datalist(root, label=None)[0]) == {"image", "patient"}


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


def test_volumes_of_one_sample_come_into_one_fold(tmp_path):
    files = ["sample_A_20160501.hdf", "sample_A_padded_20160501.hdf", "sample_B_20160501.hdf", "sample_C_20160501.hdf"]
    folds = split_folds(cremi_datalist(folder_of(tmp_path, files)), 3)
    assert sorted(len(fold["validation"]) for fold in folds) == [1, 1, 2]
    (pair,) = [fold["validation"] for fold in folds if len(fold["validation"]) == 2]
    assert {item["patient"] for item in pair} == {"sample_A_20160501"}


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


def test_a_real_volume_of_another_layout(real_data):
    path = real_data / "ovules" / "sample_ovule.h5"
    image = LoadImage(reader=HDF5Reader("raw", resolution="element_size_um"))(path)
    assert image.shape == (128, 128, 32)
    np.testing.assert_allclose(image.affine.diagonal()[:3], [0.15, 0.15, 0.235], atol=1e-6)


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
