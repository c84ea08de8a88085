"""NIfTI files whose header or bytes are not what they should be."""

from __future__ import annotations

import gzip
import struct

import nibabel
import numpy as np
import pytest

from monai_topo.data import read_volume

SIZES = (2.0, 3.0, 4.0)
PIXDIM, VOX_OFFSET, UNITS, QFORM_CODE, SFORM_CODE, QUATERN_B = 76, 108, 123, 252, 254, 256


@pytest.fixture
def array(rng):
    return rng.integers(0, 200, (7, 8, 9), dtype=np.uint8)


def nifti_bytes(array, *changes):
    """A file with an affine of ``SIZES``, and numbers written over its header."""
    image = nibabel.Nifti1Image(array, np.diag([*SIZES, 1.0]))
    image.set_qform(image.affine, 1)
    data = bytearray(image.to_bytes())
    for offset, kind, value in changes:
        struct.pack_into(f"<{kind}", data, offset, value)
    return bytes(data)


WITHOUT_SFORM = (SFORM_CODE, "h", 0)
WITHOUT_QFORM = (QFORM_CODE, "h", 0)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_bytes_say_whether_a_file_is_compressed(name, compress, array, tmp_path):
    (tmp_path / name).write_bytes(compress(nifti_bytes(array)))
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.spacing == SIZES


@pytest.mark.parametrize("where", [0.3, 0.5, 0.7, 0.95])
def test_changed_bytes_of_a_compressed_file_never_become_voxels(where, rng, tmp_path):
    data = bytearray(gzip.compress(nifti_bytes(rng.integers(0, 256, (30, 31, 32), dtype=np.uint8))))
    data[int(where * len(data))] ^= 0xFF
    (tmp_path / "a.nii.gz").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.nii\.gz cannot be read: .* Is the download complete\?$"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("length", [-4, -9, -1])
def test_a_compressed_file_without_its_end(length, array, tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(nifti_bytes(array))[:length])
    with pytest.raises(ValueError, match=r"Is the download complete\?$"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(
    ("changes", "spacing"),
    [
        ([(PIXDIM + 4, "f", 0.0), WITHOUT_SFORM, WITHOUT_QFORM], None),
        ([(PIXDIM + 12, "f", 0.0), WITHOUT_SFORM], None),
        ([(PIXDIM + 8, "f", np.nan), WITHOUT_SFORM], None),
        ([(PIXDIM + 8, "f", -3.0), WITHOUT_SFORM, WITHOUT_QFORM], SIZES),
        ([(PIXDIM + 4, "f", 0.0)], SIZES),
        ([(QUATERN_B, "f", 9.0)], SIZES),
        ([(QUATERN_B, "f", 9.0), WITHOUT_SFORM], SIZES),
        ([(UNITS, "B", 7)], SIZES),
    ],
)
def test_a_voxel_size_is_the_headers_or_unknown(changes, spacing, array, tmp_path, capfd):
    (tmp_path / "a.nii").write_bytes(nifti_bytes(array, *changes))
    volume = read_volume(tmp_path / "a.nii")
    np.testing.assert_array_equal(volume.array, array)
    assert volume.known_spacing == spacing
    assert capfd.readouterr() == ("", "")


def test_a_slice_needs_no_size_across(array, tmp_path):
    (tmp_path / "a.nii").write_bytes(nifti_bytes(array[..., 0], (PIXDIM + 12, "f", 0.0), WITHOUT_SFORM, WITHOUT_QFORM))
    assert read_volume(tmp_path / "a.nii").known_spacing == SIZES[:2]


@pytest.mark.parametrize("offset", [0.0, 350.0, -1.0, np.nan, np.inf])
def test_voxels_do_not_begin_in_the_header(offset, array, tmp_path):
    (tmp_path / "a.nii").write_bytes(nifti_bytes(array, (VOX_OFFSET, "f", offset)))
    with pytest.raises(ValueError, match="its header says that voxels begin at byte"):
        read_volume(tmp_path / "a.nii")
