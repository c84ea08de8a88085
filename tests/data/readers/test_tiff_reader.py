"""Multipage TIFF files as volumes, and as they go wrong."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from monai.transforms import LoadImage, LoadImaged, SaveImage
from PIL import Image

from monai_topo.data import TIFFStackReader


@pytest.fixture
def stack(rng):
    return rng.integers(0, 255, (3, 7, 5), dtype=np.uint8)


@pytest.fixture
def path(stack, tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    return tmp_path / "stack.tif"


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "u4", "f4"])
@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"compression": "zlib"}], ids=str)
def test_pages_become_the_last_axis(stack, dtype, options, tmp_path):
    options = {"byteorder": dtype[0] if len(dtype) > 2 else None, "photometric": "minisblack", **options}
    tifffile.imwrite(tmp_path / "stack.tif", stack.astype(dtype), **options)
    image = LoadImage(reader="monai_topo.data.TIFFStackReader", spacing=[3, 4, 40])(tmp_path / "stack.tif")
    np.testing.assert_array_equal(image.numpy(), stack.T)
    np.testing.assert_array_equal(image.affine, np.diag([3, 4, 40, 1]))


def test_compressed_by_lzw(stack, tmp_path):
    first, *others = [Image.fromarray(page) for page in stack]
    first.save(tmp_path / "stack.tif", save_all=True, append_images=others, compression="tiff_lzw")
    np.testing.assert_array_equal(LoadImage(reader=TIFFStackReader())(tmp_path / "stack.tif").numpy(), stack.T)


def test_one_page_is_an_image(stack, tmp_path):
    tifffile.imwrite(tmp_path / "page.tif", stack[0])
    image = LoadImage(reader=TIFFStackReader((0.5, 0.25)), ensure_channel_first=True)(tmp_path / "page.tif")
    np.testing.assert_array_equal(image[0].numpy(), stack[0].T)
    assert image.pixdim.tolist() == [0.5, 0.25]


def test_the_polarity_of_a_label_is_explicit(tmp_path):
    label = np.full((2, 3, 4), 255, np.uint8)
    label[0, 1] = 0
    tifffile.imwrite(tmp_path / "label.tif", label, photometric="minisblack")
    item = LoadImaged("label", reader=TIFFStackReader, mask_value=0)({"label": tmp_path / "label.tif"})
    np.testing.assert_array_equal(item["label"].numpy(), (label == 0).T)
    with pytest.raises(ValueError, match=r"no voxel of mask_value=1; it holds 0, 255\."):
        TIFFStackReader(mask_value=1).read(tmp_path / "label.tif")


@pytest.mark.parametrize("writer", ["NibabelWriter", "ITKWriter"])
def test_through_a_nifti_file_and_back(path, stack, tmp_path, writer):
    image = LoadImage(reader=TIFFStackReader((4, 5, 50)), ensure_channel_first=True)(path)
    save = SaveImage(output_ext=".nii.gz", resample=False, print_log=False, writer=writer)
    save(image, filename=str(tmp_path / "image"))
    back = LoadImage()(tmp_path / "image.nii.gz")
    np.testing.assert_array_equal(back.numpy(), stack.T)
    np.testing.assert_allclose(back.affine, np.diag([4, 5, 50, 1]))


def test_what_it_refuses(stack, path, tmp_path):
    reader = TIFFStackReader()
    with pytest.raises(FileNotFoundError, match="no such file"):
        reader.read(tmp_path / "nowhere.tif")
    (tmp_path / "text.tif").write_text("no TIFF, but long enough")
    with pytest.raises(ValueError, match=r"text\.tif is no TIFF file"):
        reader.read(tmp_path / "text.tif")
    tifffile.imwrite(tmp_path / "color.tif", np.zeros((2, 7, 5, 3), np.uint8), photometric="rgb")
    with pytest.raises(ValueError, match=r"2 of axis Q, 7 rows, 5 columns, 3 samples; .*channel=0\)"):
        reader.read(tmp_path / "color.tif")
    with tifffile.TiffWriter(tmp_path / "sizes.tif") as file:
        for page in (stack[0], stack[1, :4]):
            file.write(page)
    with pytest.raises(ValueError, match=r"sizes\.tif: page 2 is \(4, 5\) uint8 MINISBLACK, page 1 is \(7, 5\)"):
        reader.read(tmp_path / "sizes.tif")
    for spacing in ((1.0,), (1.0, 0.0, 1.0), (1.0, float("nan"), 1.0), 4.0):
        with pytest.raises(ValueError, match="spacing must be 2 or 3 positive numbers"):
            TIFFStackReader(spacing)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("writer", ["directories first", "directories last"])
def test_a_file_that_was_cut_off(writer, share, rng, tmp_path):
    stack = rng.integers(0, 255, (5, 30, 20), dtype=np.uint8)
    path = tmp_path / "stack.tif"
    if writer == "directories first":
        tifffile.imwrite(path, stack, photometric="minisblack")
    else:
        first, *others = [Image.fromarray(page) for page in stack]
        first.save(path, save_all=True, append_images=others)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"stack\.tif (ends before its|cannot be read|is no TIFF file)"):
        TIFFStackReader().read(path)
