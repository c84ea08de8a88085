"""Slices of files written by hand: the stored values and the place, or one line that says what is wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from monai_topo.data.readers.dicom import read_slice
from monai_topo.data.readers.door import read_volume
from tests.data.readers.dicom_files import (
    BIG_ENDIAN,
    CT,
    DEFLATED,
    DOSE,
    ENHANCED,
    EXPLICIT,
    IMPLICIT,
    MR,
    RUN_LENGTHS,
    SECONDARY,
    SEGMENTATION,
    write_dicom,
)

RESCALES = (None, (1, -1024), (2, 7), (0.5, 0.25), (0.0123456, -3.5), (-1, 0))


def values_of(dtype, bits, rng):
    """Random values of the stored bits, with the smallest and the largest."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dtype[0] == "i" else (0, 2**bits - 1)
    pixels = rng.integers(least, most, (3, 4), endpoint=True)
    pixels.flat[:4] = least, most, 0, least + 1
    return pixels.astype(dtype)


@pytest.mark.parametrize("colors", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED])
@pytest.mark.parametrize(
    ("dtype", "bits"), [("u1", 8), ("i1", 8), ("u2", 16), ("i2", 16), ("u2", 12), ("i2", 12), ("u2", 10), ("i4", 32)]
)
def test_values_are_the_stored_ones_rescaled(dtype, bits, syntax, colors, tmp_path, rng):
    for rescale, kind in itertools.product(RESCALES, (CT, MR, SECONDARY)):
        pixels = values_of(dtype, bits, rng)
        options = {"stored_bits": bits, "syntax": syntax, "colors": colors, "rescale": rescale, "kind": kind}
        write_dicom(tmp_path / "image_0", pixels, **options)
        if syntax == BIG_ENDIAN and bits == 32:
            with pytest.raises(ValueError, match="stores 32 bits in big-endian order, which cannot be read"):
                read_slice(tmp_path / "image_0", "image_0")
            continue
        slope, intercept = rescale or (1, 0)
        expected = pixels.astype(np.float64) * slope + intercept
        found = read_slice(tmp_path / "image_0", "image_0").pixels
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=0, err_msg=str(options))
        assert np.array_equal(found, expected) or rescale == RESCALES[4] or bits == 32, options
        np.testing.assert_array_equal(read_slice(tmp_path / "image_0", "image_0", stored=True).pixels, pixels)


def test_what_the_file_says_of_its_place(tmp_path):
    rows = (0, 1, 0, 0, 0, -1)
    write_dicom(tmp_path / "a", np.ones((2, 3), "i2"), position=(-1.5, 2, 3), rows=rows, between=-2.5, thickness=4)
    one = read_slice(tmp_path / "a", "a")
    assert (one.position, one.rows, one.spacing, one.step) == ((-1.5, 2, 3), rows, (0.7, 0.5), 2.5)
    write_dicom(tmp_path / "a", np.ones((2, 3), "i2"), position=None, rows=None, spacing=(0, 0), between=0, thickness=4)
    one = read_slice(tmp_path / "a", "a")
    assert (one.position, one.rows, one.spacing, one.step) == (None, None, None, 4)
    write_dicom(tmp_path / "a", np.ones((2, 3), "i2"), spacing=None)
    one = read_slice(tmp_path / "a", "a")
    assert (one.spacing, one.step) == (None, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spacing": (0.7, -0.5)}, r"\(0028,0030\) must be positive"),
        ({"spacing": (0.7,)}, r"\(0028,0030\) must hold 2 numbers"),
        ({"position": (1, 2)}, r"\(0020,0032\) must hold 3 numbers"),
        ({"rows": (1, 0, 0, 1, 0, 0)}, r"\(0020,0037\) must hold two unit vectors at right angles"),
        ({"rows": (0, 0, 0, 0, 0, 0)}, r"\(0020,0037\) must hold two unit vectors"),
        ({"rescale": (0, 5)}, r"rescale slope \(0028,1053\) is 0"),
        ({"stored_bits": 12, "high_bit": 15}, "stores 12 of 16 bits up to bit 15, which cannot be read"),
        ({"frames": 2}, "must hold one slice of one channel, got 2 of 1: convert it to NIfTI"),
        ({"size": (60000, 60000)}, "says that it has 60000 x 60000 pixels, which is more than it can hold"),
        ({"size": (3, 4)}, "says that it has 3 x 4 pixels, which is more than it can hold"),
        ({"size": (3, 4), "syntax": DEFLATED}, "says that it has 3 x 4 pixels, which is more than it can hold"),
        ({"size": (3, 4), "syntax": BIG_ENDIAN}, "says that it has 3 x 4 pixels, which is more than it can hold"),
        ({"table": True}, r"has a table of intensities \(Modality LUT\), which is not read: convert it to NIfTI"),
        ({"table": True, "syntax": IMPLICIT}, "has a table of intensities"),
        ({"table": True, "syntax": BIG_ENDIAN}, "has a table of intensities"),
        ({"table": True, "syntax": DEFLATED}, "has a table of intensities"),
        ({"kind": ENHANCED}, "is an enhanced object, which is not read: convert it to NIfTI"),
        ({"kind": SEGMENTATION}, "is a segmentation object, which is not read"),
        ({"kind": DOSE}, "is a dose, which is not read"),
        ({"syntax": RUN_LENGTHS, "size": (60000, 60000)}, "60000 x 60000 pixels, which is more than it can hold"),
        ({"syntax": "1.2.840.10008.1.2.4.201"}, r"1\.2\.840\.10008\.1\.2\.4\.201 \(High-Throughput JPEG 2000\), which"),
        ({"syntax": "1.2.840.10008.1.2.4.102"}, r"transfer syntax 1\.2\.840\.10008\.1\.2\.4\.102 \(MPEG\), which"),
        ({"syntax": "1.2.840.113619.5.2"}, r"transfer syntax 1\.2\.840\.113619\.5\.2, which cannot be read"),
        ({"syntax": "1.2.840.10008.1.2.4.90"}, r"truncated one in transfer syntax 1\.2\.840\.10008\.1\.2\.4\.90\."),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_line(options, message, tmp_path):
    write_dicom(tmp_path / "image_0", np.ones((2, 3), "i2"), **options)
    with pytest.raises(ValueError, match=f"^case/image_0.*{message}") as raised:
        read_slice(tmp_path / "image_0", "case/image_0")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("dtype", ["u1", "u4"])
def test_bits_that_itk_gets_wrong_are_refused(dtype, tmp_path):
    bits = 8 * np.dtype(dtype).itemsize
    write_dicom(tmp_path / "image_0", np.ones((2, 3), dtype), stored_bits=bits - 4)
    with pytest.raises(ValueError, match=f"stores {bits - 4} of {bits} bits"):
        read_slice(tmp_path / "image_0", "image_0")


@pytest.mark.parametrize("length", [0, 100, 200, 400, -3])
def test_files_that_are_cut_off(length, tmp_path):
    path = tmp_path / "image_0"
    write_dicom(path, np.ones((20, 30), "i2"))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="image_0 is no DICOM image, or a truncated one"):
        read_slice(path, "image_0")


@pytest.mark.parametrize("colors", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("name", ["a.dcm", "IMG0001", "1.2.840.1"])
def test_the_door_reads_a_slice_as_it_is_stored(name, colors, tmp_path, rng):
    pixels = values_of("i2", 12, rng)
    write_dicom(
        tmp_path / name, pixels, stored_bits=12, colors=colors, rescale=(2, -5), position=(1, -2, 3), thickness=4
    )
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array[..., 0].T, pixels * 2.0 - 5)
    np.testing.assert_allclose(volume.affine, [[-0.5, 0, 0, -1], [0, -0.7, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1]])
    assert (volume.knows, volume.unit) == ("place", "mm")


@pytest.mark.parametrize(
    ("options", "knows", "sizes"),
    [({"position": None}, "spacing", (0.5, 0.7, 1)), ({"spacing": (0, 0)}, "nothing", (1, 1, 1))],
)
def test_the_door_knows_what_the_slice_says_of_its_place(options, knows, sizes, tmp_path):
    write_dicom(tmp_path / "a.dcm", np.ones((2, 3), "i2"), **options)
    volume = read_volume(tmp_path / "a.dcm")
    assert (volume.knows, volume.spacing) == (knows, sizes)


def test_the_door_reads_no_frames_and_no_folder(tmp_path):
    write_dicom(tmp_path / "a.dcm", np.ones((2, 3), "i2"), frames=2)
    with pytest.raises(ValueError, match=r"a\.dcm must hold one slice of one channel, got 2 of 1: convert it to NIfTI"):
        read_volume(tmp_path / "a.dcm")
    with pytest.raises(ValueError, match="is a folder, one file is wanted, or a zarr"):
        read_volume(tmp_path)
