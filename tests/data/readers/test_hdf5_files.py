"""HDF5 files whose voxels lie elsewhere, and damaged ones."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from monai_topo.data import HDF5Reader, read_volume
from monai_topo.data.readers.hdf5_files import only_image

SHAPE = (2, 3, 4)


@pytest.fixture
def array():
    return np.arange(24, dtype=np.uint8).reshape(SHAPE)


@pytest.fixture
def source(array, tmp_path):
    """A file beside, and one outside of the folder."""
    (tmp_path / "here").mkdir()
    for path in (tmp_path / "here" / "source.h5", tmp_path / "source.h5"):
        with h5py.File(path, "w") as file:
            file["raw"] = array
    return tmp_path / "here" / "a.h5"


def virtual(path, target, name="raw", shape=SHAPE, place=np.s_[...]):
    layout = h5py.VirtualLayout(SHAPE, np.uint8)
    layout[place] = h5py.VirtualSource(target, name, shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("raw", layout, fillvalue=0)


def read(path, **options):
    return HDF5Reader("raw", **options).read_volume(path).array


def test_external_raw_storage_is_refused(tmp_path):
    """It would show the bytes of any file as voxels."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"a secret of 24 letters..")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("raw", SHAPE, np.uint8, external=[(str(secret), 0, 24)])
    with pytest.raises(ValueError, match=r"the voxels of /raw lie in .*secret.*HDF5Reader\(allow_outside=True\)"):
        read(tmp_path / "a.h5")
    with pytest.raises(ValueError, match="secret"):
        read_volume(tmp_path / "a.h5")
    assert read(tmp_path / "a.h5", allow_outside=True).T.tobytes() == secret.read_bytes()


@pytest.mark.parametrize("link", ["../source.h5", "absolute", "symbolic.h5"])
@pytest.mark.parametrize("kind", ["link", "virtual"])
def test_files_outside_of_the_folder_are_refused(kind, link, source, array, tmp_path):
    target = str(tmp_path / "source.h5") if link == "absolute" else link
    (source.parent / "symbolic.h5").symlink_to(tmp_path / "source.h5")
    if kind == "virtual":
        virtual(source, target)
    else:
        with h5py.File(source, "w") as file:
            file["raw"] = h5py.ExternalLink(target, "raw")
    with pytest.raises(ValueError, match="outside of the file's folder"):
        read(source)
    np.testing.assert_array_equal(read(source, allow_outside=True), array.T)


def test_files_beside_are_followed(source, array):
    virtual(source, "source.h5")
    np.testing.assert_array_equal(read(source), array.T)
    virtual(source.with_name("b.h5"), "a.h5")  # through two files
    np.testing.assert_array_equal(read(source.with_name("b.h5")), array.T)


@pytest.mark.parametrize("through", ["a.h5", "b.h5"])
def test_a_virtual_dataset_whose_source_is_gone_is_no_volume_of_zeros(through, source):
    virtual(source, "source.h5")
    virtual(source.with_name("b.h5"), "a.h5")
    (source.parent / "source.h5").unlink()
    with pytest.raises(ValueError, match=r"raw of .*source\.h5, which is not there"):
        read(source.with_name(through))


def test_a_virtual_dataset_whose_source_has_changed(source):
    virtual(source, "source.h5", name="other")
    with pytest.raises(ValueError, match="which has none of this name"):
        read(source)
    for part in (slice(None), slice(1, 2)):
        layout = h5py.VirtualLayout(SHAPE, np.uint8)
        layout[part] = h5py.VirtualSource("source.h5", "raw", SHAPE)[part]
        with h5py.File(source, "w") as file:
            file.create_virtual_dataset("raw", layout)
        with h5py.File(source.parent / "source.h5", "w") as file:
            file["raw"] = np.ones((1, 3, 4), np.uint8)
        with pytest.raises(ValueError, match=r"which does not hold them: \(1, 3, 4\)"):
            read(source)


def test_a_claim_of_more_voxels_than_there_are_bytes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("raw", (10**4,) * 3, np.uint8, chunks=(10, 10, 10))
    assert (tmp_path / "a.h5").stat().st_size < 10**4
    with pytest.raises(ValueError, match="claims 1000000000000 bytes, of which 0 are in the file"):
        read(tmp_path / "a.h5")


def test_damaged_files_are_one_line(rng, tmp_path, array):
    """Whatever byte is wrong: the voxels, or one line."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("raw", data=array, compression="gzip", fletcher32=True)
        file["raw"].attrs["resolution"] = (4.0, 1.0, 1.0)
    whole = (tmp_path / "a.h5").read_bytes()
    for _ in range(150):
        damaged = bytearray(whole)
        place = int(rng.integers(len(whole)))
        damaged[place : place + 4] = rng.bytes(4)
        (tmp_path / "b.h5").write_bytes(damaged)
        line = ""
        try:
            read_volume(tmp_path / "b.h5", dataset="raw")
        except ValueError as error:
            line = str(error)
        assert not line or ("b.h5" in line and "\n" not in line)


def test_a_file_without_an_image_says_what_it_holds(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["movie"] = np.zeros((2, 3, 4, 5), np.uint8)
        file["name"] = "x"
    with pytest.raises(ValueError, match=r"no dataset of two or three axes of numbers, but movie \(2, 3, 4, 5\) uint8"):
        only_image(tmp_path / "a.h5")


@pytest.mark.parametrize("value", ["4,4,40", b"abc", h5py.Empty("f"), [4.0, 4.0]], ids=str)
@pytest.mark.parametrize("name", ["resolution", "offset"])
def test_an_attribute_that_is_no_numbers_is_named(name, value, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = np.zeros((3, 4, 5), np.uint8)
        file["raw"].attrs[name] = value
    with pytest.raises(
        ValueError, match=f"attribute '{name}' of /raw must hold one number for each of its 3 axes, got"
    ):
        read_volume(tmp_path / "a.h5")
