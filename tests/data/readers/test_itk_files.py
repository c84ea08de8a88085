"""NRRD and MetaImage files: what their headers leave out, and damaged ones."""

from __future__ import annotations

import itk
import numpy as np
import pytest
from PIL import Image

from monai_topo.data import read_volume

LINE = {"mha": b"ElementSpacing = 2 3 4\n", "nrrd": b"space directions: (2,0,0) (0,3,0) (0,0,4)\n"}


def write(path, array, compression=False):
    image = itk.image_from_array(np.ascontiguousarray(array.T))
    image.SetSpacing([2, 3, 4])
    itk.imwrite(image, str(path), compression=compression)


@pytest.fixture
def array(rng):
    return rng.integers(0, 256, (23, 24, 25), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd"])
def test_changed_bytes_of_a_compressed_file_never_become_voxels(name, array, tmp_path):
    write(tmp_path / name, array, compression=True)
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.spacing == (2, 3, 4)
    holder = tmp_path / ("a.zraw" if name == "a.mhd" else name)
    whole = holder.read_bytes()
    for where in (0.4, 0.7, 0.95):
        data = bytearray(whole)
        data[int(where * len(data))] ^= 0xFF
        holder.write_bytes(data)
        with pytest.raises(ValueError, match=rf"{name} cannot be read: .*Is the download complete\?$"):
            read_volume(tmp_path / name)
    holder.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"Is the download complete\?$"):
        read_volume(tmp_path / name)


@pytest.mark.parametrize("kind", ["mha", "nrrd"])
def test_a_size_that_the_header_leaves_out_is_not_1(kind, array, tmp_path):
    path = tmp_path / f"a.{kind}"
    write(path, array)
    data = path.read_bytes()
    assert LINE[kind] in data
    assert read_volume(path).known_spacing == (2, 3, 4)
    path.write_bytes(data.replace(LINE[kind], b""))
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.known_spacing is None


def test_pictures_know_no_size(tmp_path):
    Image.fromarray(np.full((8, 16), 50, np.uint8)).save(tmp_path / "a.jpg")
    volume = read_volume(tmp_path / "a.jpg")
    assert volume.array.shape == (16, 8)
    assert volume.known_spacing is None


def test_a_reason_is_a_sentence(array, tmp_path):
    write(tmp_path / "a.mha", array)
    data = (tmp_path / "a.mha").read_bytes()
    matrix = b"TransformMatrix = 1 0 0 0 1 0 0 0 1"
    assert matrix in data
    (tmp_path / "a.mha").write_bytes(data.replace(matrix, b"TransformMatrix = 0 0 0 0 0 0 0 0 0"))
    with pytest.raises(ValueError, match=r"[Dd]eterminant is 0"):
        read_volume(tmp_path / "a.mha")
