"""TIFF files of every kind, written by tifffile, Pillow and ITK: the right voxels or one line that says why not."""

from __future__ import annotations

import importlib.util
import re
from itertools import product

import itk
import numpy as np
import pytest
import tifffile
from PIL import Image

from monai_topo.data import TIFFStackReader, read_volume

DTYPES = ["u1", "i1", "<u2", ">u2", "<i2", "<u4", ">u4", "i4", "u8", "i8", "f2", "f4", ">f4", "f8"]


@pytest.fixture
def stack(rng):
    return rng.integers(0, 120, (5, 17, 18), dtype=np.uint8)


def write(path, array, **options):
    tifffile.imwrite(path, array, **{"photometric": "minisblack", **options})
    return path


def read(path, **options):
    return TIFFStackReader(**options).read_volume(path).array


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bigtiff": True},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzma"},
        {"tile": (16, 16)},
        {"rowsperstrip": 5},
        {"metadata": None},
        {"volumetric": True, "tile": (16, 16, 16)},
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"ome": True, "metadata": {"axes": "ZYX"}},
    ],
    ids=str,
)
def test_the_voxels_that_were_written(dtype, options, stack, tmp_path):
    """In the type that was written, and in this machine's byte order."""
    if options.get("imagej") and dtype.strip("<>") not in ("u1", "u2", "f4"):
        pytest.skip("ImageJ has no such type")
    if options.get("predictor") and dtype == "f2":
        pytest.skip("tifffile writes no predictor of float16")
    array = stack.astype(dtype)
    array[0, 0, 0] = np.iinfo(dtype).max if array.dtype.kind in "iu" else 0.5
    order = {} if dtype[0] not in "<>" or options.get("imagej") else {"byteorder": dtype[0]}
    try:
        path = write(tmp_path / "a.tif", array, **options, **order)
    except (KeyError, ValueError, NotImplementedError, tifffile.OmeXmlError) as error:
        pytest.skip(f"tifffile writes none: {error}")
    got = read_volume(path).array
    assert got.dtype == array.dtype.newbyteorder("=")
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, array.T)


AXES = [("Z",), ("C", "Z"), ("T", "Z"), ("T", "Z", "C"), ("T",), ("C",), ("Z", "C"), ()]


@pytest.mark.parametrize(("axes", "kind"), list(product(AXES, ("imagej", "ome"))), ids=str)
def test_hyperstacks(axes, kind, rng, tmp_path):
    """Every channel and time comes by its number, sections alone without one, and all else is refused by its axes."""
    axes = tuple(name for name in "TZC" if name in axes) if kind == "imagej" else axes
    array = rng.integers(0, 255, [*(4 if name == "Z" else 2 for name in axes), 7, 6], dtype=np.uint8)
    path = write(tmp_path / "a.tif", array, metadata={"axes": "".join(axes) + "YX"}, **{kind: True})
    options = {option: 1 for name, option in (("C", "channel"), ("T", "time")) if name in axes}
    expected = array[tuple(1 if name in "CT" else slice(None) for name in axes)].T
    np.testing.assert_array_equal(read(path, **options), expected)
    if options:
        words = {"C": "2 channels", "T": "2 times", "Z": "4 sections"}
        with pytest.raises(ValueError, match=".*".join(words[name] for name in axes) + ".*7 rows, 6 columns"):
            read(path)
        with pytest.raises(ValueError, match=f"{next(iter(options))} must be from 0 to 1"):
            read(path, **{**options, next(iter(options)): 2})


def test_channels_that_are_sections(stack, tmp_path):
    path = write(tmp_path / "a.tif", stack, imagej=True)  # tifffile calls them channels
    with pytest.raises(ValueError, match=r'5 channels.*axes="ZYX"\) reads them as sections'):
        read(path)
    np.testing.assert_array_equal(read(path, axes="ZYX"), stack.T)
    for axes in ("YX", "ZZX", "ZCT"):
        with pytest.raises(ValueError, match="axes must name each of the 3 axes"):
            read(path, axes=axes)


def test_two_axes_without_a_name_are_refused(stack, tmp_path):
    with pytest.raises(ValueError, match="2 of axis Q, 5 of axis Q, 17 rows, 18 columns"):
        read(write(tmp_path / "a.tif", np.stack([stack, stack])))
    np.testing.assert_array_equal(read(write(tmp_path / "b.tif", stack[None])), stack.T)
    np.testing.assert_array_equal(read(write(tmp_path / "c.tif", stack[None, :1])), stack[0].T)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("samples", [2, 3, 4])
def test_samples_of_a_pixel(planar, samples, stack, tmp_path):
    gray = stack[0]
    axis = -1 if planar == "contig" else 0
    options = {"photometric": "minisblack", "planarconfig": planar, "extrasamples": ["unassalpha"] * (samples - 1)}
    path = write(tmp_path / "a.tif", np.stack([gray + index for index in range(samples)], axis), **options)
    with pytest.raises(ValueError, match=rf"{samples} samples.*channel=0\)"):
        read(path)
    np.testing.assert_array_equal(read(path, channel=1), gray.T + 1)


def ramp(reverse=False):
    table = np.tile((np.arange(256) * 257).astype(np.uint16), (3, 1))
    return table[:, ::-1].copy() if reverse else table


@pytest.mark.parametrize("colors", [ramp(), ramp(reverse=True)], ids=["gray", "reversed"])
def test_ids_stay_ids_under_a_color_table(colors, stack, tmp_path):
    path = write(tmp_path / "a.tif", stack, photometric="palette", colormap=colors)
    np.testing.assert_array_equal(read(path), stack.T)


@pytest.mark.parametrize("compression", [None, "group4", "tiff_ccitt", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_one_bit(compression, stack, tmp_path):
    pages = [Image.fromarray(page > 60) for page in stack]
    options = {} if compression is None else {"compression": compression}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], **options)
    got = read(tmp_path / "a.tif")
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, stack.T > 60)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_lzw_of_pillow_and_itk(dtype, stack, tmp_path):
    array = stack.astype(dtype) * (256 if dtype == np.uint16 else 1)
    pages = [Image.fromarray(page) for page in array]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), array.T)
    itk.imwrite(itk.image_from_array(array), str(tmp_path / "b.tif"), compression=True)
    np.testing.assert_array_equal(read(tmp_path / "b.tif"), array.T)


def test_a_compression_that_needs_a_package_says_so(tmp_path, stack):
    if importlib.util.find_spec("imagecodecs"):
        pytest.skip("it is installed")
    colors = Image.fromarray(np.stack([stack[0]] * 3, -1))
    colors.save(tmp_path / "a.tif", compression="tiff_lzw")
    with pytest.raises(ValueError, match="compressed by LZW: install imagecodecs"):
        read(tmp_path / "a.tif", channel=0)


def test_white_as_0_and_other_orientations_are_refused(stack, tmp_path):
    for array in (stack, stack > 60):
        with pytest.raises(ValueError, match="white as 0"):
            read(write(tmp_path / "a.tif", array, photometric="miniswhite"))
    for orientation in range(2, 9):
        path = write(tmp_path / "a.tif", stack, extratags=[(274, 3, 1, orientation, True)])
        with pytest.raises(ValueError, match=f"orientation {orientation}"):
            read(path)


@pytest.mark.parametrize("place", [1, 4, 7, 11])
@pytest.mark.parametrize(
    "other", [np.zeros((7, 4), np.uint8), np.zeros((9, 8), np.uint8), np.zeros((7, 6), np.uint16)], ids=str
)
def test_one_page_of_another_size_or_type(place, other, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for index in range(12):
            page = other if index == place else np.zeros((7, 6), np.uint8)
            file.write(page, metadata=None, contiguous=False)
    with pytest.raises(ValueError, match=f"page {place + 1} is .* page 1 is .* must be alike"):
        read(tmp_path / "a.tif")


def test_a_pyramid_is_read_in_full_and_a_thumbnail_left_out(stack, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(stack[0], subifds=1)
        file.write(stack[0, ::2, ::2], subfiletype=1)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), stack[0].T)
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(stack, photometric="minisblack")
        file.write(stack[0, ::2, ::2], subfiletype=1)
    np.testing.assert_array_equal(read(tmp_path / "b.tif"), stack.T)


def test_two_images_in_one_file_are_refused(stack, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as file:
        for _ in range(2):
            file.write(stack, photometric="minisblack", metadata={"axes": "ZYX"})
    with pytest.raises(ValueError, match="holds 2 images"):
        read(tmp_path / "a.tif")


def test_a_description_that_leaves_pages_out(stack, tmp_path):
    path = write(tmp_path / "a.ome.tif", stack, ome=True, metadata={"axes": "ZYX"}, contiguous=False)
    text = tifffile.tiffcomment(path).replace('SizeZ="5"', 'SizeZ="3"').replace('PlaneCount="5"', 'PlaneCount="3"')
    tifffile.tiffcomment(path, text.encode())
    with pytest.raises(ValueError, match=r"a\.ome\.tif"):
        read(path)


def without_further_pages(path):
    """As ImageJ writes stacks of more than 4 GB: one page, and the other sections behind its pixels."""
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages[0].offset, len(file.pages[0].tags)
    raw = bytearray(path.read_bytes())
    raw[offset + 2 + 12 * count : offset + 6 + 12 * count] = bytes(4)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("kind", ["imagej", "shaped"])
def test_large_stacks_have_one_page(kind, stack, tmp_path):
    if kind == "shaped":
        path = write(tmp_path / "a.tif", stack, truncate=True)
    else:
        path = without_further_pages(write(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "ZYX"}))
    np.testing.assert_array_equal(read(path), stack.T)
    whole = path.read_bytes()
    for length in (900, 1200):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"a\.tif"):
            read(path)


def test_ome_that_names_other_files_is_refused(stack, tmp_path):
    path = write(tmp_path / "a.ome.tif", stack, ome=True, metadata={"axes": "ZYX"})
    text = tifffile.tiffcomment(path)
    uuid = '<UUID FileName="../b.ome.tif">urn:uuid:00000000-0000-0000-0000-000000000000</UUID></TiffData>'
    tifffile.tiffcomment(path, re.sub(r"(<TiffData[^>]*?)\s*/>", lambda found: f"{found[1]}>{uuid}", text).encode())
    with pytest.raises(ValueError, match=r"description \(ome\)"):
        read(path)


@pytest.mark.parametrize("share", np.linspace(0.05, 0.99, 12).tolist())
@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"ome": True}, {"imagej": True, "metadata": {"axes": "ZYX"}}],
    ids=str,
)
def test_a_file_that_was_cut_off(options, share, stack, tmp_path):
    path = write(tmp_path / "a.tif", stack, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    line = ""
    try:
        np.testing.assert_array_equal(read(path), stack.T)  # only what no pixel needs is missing
    except ValueError as error:
        line = str(error)
    assert not line or ("a.tif" in line and "\n" not in line)


@pytest.mark.parametrize(
    ("unit", "scale", "named"),
    [("micron", 1, "um"), ("um", 1, "um"), ("\\u00B5m", 1, "um"), ("nm", 1, "nm"), ("mm", 1, "mm"), ("cm", 10, "mm")],
)
def test_the_voxel_size_of_imagej(unit, scale, named, stack, tmp_path):
    path = write(
        tmp_path / "a.tif",
        stack,
        imagej=True,
        resolution=(4, 2),
        metadata={"axes": "ZYX", "unit": unit, "spacing": 3.0},
    )
    volume = read_volume(path)
    np.testing.assert_allclose(volume.spacing, np.array([0.25, 0.5, 3.0]) * scale)
    assert (volume.unit, volume.knows) == (named, "spacing")
    given = read_volume(path, spacing=(1, 2, 3))
    assert (given.spacing, given.unit) == ((1, 2, 3), None)


@pytest.mark.parametrize("unit", ["pixel", "", "furlong"])
def test_an_unknown_unit_is_no_voxel_size(unit, stack, tmp_path):
    path = write(tmp_path / "a.tif", stack, imagej=True, resolution=(4, 2), metadata={"axes": "ZYX", "unit": unit})
    assert read_volume(path).known_spacing is None


def test_the_voxel_size_of_ome(stack, tmp_path):
    sizes = {"PhysicalSizeX": 40.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.05, "PhysicalSizeYUnit": "µm"}
    depth = {"PhysicalSizeZ": 0.2}  # in micrometers, OME's own
    path = write(tmp_path / "a.tif", stack, ome=True, metadata={"axes": "ZYX", **sizes, **depth})
    volume = read_volume(path)
    np.testing.assert_allclose(volume.spacing, (40.0, 50.0, 200.0))
    assert volume.unit == "nm"
    assert (
        read_volume(write(tmp_path / "b.tif", stack, ome=True, metadata={"axes": "ZYX", **sizes})).known_spacing is None
    )


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [((20000, 10000), "CENTIMETER", (5e-4, 1e-3)), ((254000, 254000), "INCH", (1e-4, 1e-4))]
    + [((dpi, dpi), "INCH", None) for dpi in (72, 300, 1200)]
    + [((20000, 20000), "NONE", None)],
)
def test_the_resolution_of_a_page_counts_where_no_printer_has_it(resolution, unit, size, stack, tmp_path):
    path = write(tmp_path / "a.tif", stack[0], resolution=resolution, resolutionunit=unit)
    volume = read_volume(path)
    if size is None:
        assert volume.known_spacing is None
    else:
        np.testing.assert_allclose(volume.spacing, size)
        assert volume.unit == "mm"
    stack_path = write(tmp_path / "b.tif", stack, resolution=resolution, resolutionunit=unit)
    assert read_volume(stack_path).known_spacing is None  # the distance of sections is not known


@pytest.mark.parametrize(
    ("names", "spacing"),
    [
        ({"unit": "um", "yunit": "nm", "zunit": "mm"}, (0.5, 0.00025, 3000.0)),
        ({"unit": "micrometers"}, (0.5, 0.25, 3.0)),
        ({"unit": "Micrometre"}, (0.5, 0.25, 3.0)),
        ({"unit": "um", "zunit": "pixel"}, None),
    ],
)
def test_imagej_names_a_unit_for_each_axis(names, spacing, tmp_path):
    about = {"axes": "ZYX", "spacing": 3.0, **names}
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 4, 5), np.uint8), imagej=True, resolution=(2, 4), metadata=about)
    found = read_volume(tmp_path / "a.tif").known_spacing
    assert found == (None if spacing is None else pytest.approx(spacing))
