"""Zarr folders as volumes: every kind of array, level, channel and box, and as they go wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import zarr
from monai.transforms import LoadImage
from zarr.codecs import ZstdCodec

from monai_topo.data import ZarrReader, image_datalist, read_volume, volume_datalist

SHAPE = (5, 6, 7)  # z, y, x


def axes(names="zyx", unit="nanometer"):
    kinds = {"c": "channel", "t": "time"}
    return [
        {"name": name, "type": kinds[name]} if name in kinds else {"name": name, "type": "space", "unit": unit}
        for name in names
    ]


def scaled(path, scale, translation=None):
    steps = [{"type": "scale", "scale": list(scale)}]
    if translation is not None:
        steps.append({"type": "translation", "translation": list(translation)})
    return {"path": path, "coordinateTransformations": steps}


def ome(path, arrays, multiscale, version, **more):
    """An image as OME-Zarr 0.4 (zarr 2) and 0.5 (zarr 3) have it."""
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    for name, array in arrays.items():
        group.create_array(name, data=array, chunks=(3,) * array.ndim)
    about = {"multiscales": [{**multiscale, **({"version": version} if version == "0.4" else {})}], **more}
    group.attrs.update(about if version == "0.4" else {"ome": {"version": version, **about}})
    return path


@pytest.fixture
def array(rng):
    return rng.integers(0, 60000, SHAPE, dtype=np.uint16)


@pytest.fixture(params=["0.4", "0.5"])
def image(request, array, tmp_path):
    datasets = [scaled("full", (40, 4, 4), (400, 8, 12)), scaled("half", (40, 8, 8), (400, 10, 14))]
    arrays = {"full": array, "half": array[:, ::2, ::2]}
    return ome(tmp_path / "a.zarr", arrays, {"axes": axes(), "datasets": datasets}, request.param)


def test_levels_have_their_place(image, array):
    full = read_volume(image)
    np.testing.assert_array_equal(full.array, array.T)
    assert (full.spacing, full.unit, full.knows) == ((4, 4, 40), "nm", "place")
    assert full.affine[:3, 3].tolist() == [12, 8, 400]
    for level in ("half", 1):
        half = ZarrReader(level=level).read_volume(image)
        np.testing.assert_array_equal(half.array, array[:, ::2, ::2].T)
        assert half.spacing == (8, 8, 40)
    inside = read_volume(image / "half")
    np.testing.assert_array_equal(inside.affine, half.affine)
    np.testing.assert_array_equal(read_volume(image, dataset="half").affine, half.affine)


def test_only_the_box_is_read(image, array):
    reader = ZarrReader(within=((3, 5), (0, 2), (0, 3)))
    for chunk in image.glob("full/c/*/*/*" if (image / "zarr.json").exists() else "full/*.*.*"):
        if chunk.relative_to(image).as_posix() not in ("full/c/0/0/1", "full/0.0.1"):
            chunk.write_bytes(b"damaged")
    box = reader.read_volume(image)
    np.testing.assert_array_equal(box.array, array[:3, :2, 3:5].T)
    assert box.affine[:3, 3].tolist() == [12 + 3 * 4, 8, 400]
    with pytest.raises(ValueError, match=r"full: chunk 0/0/0 is damaged: "):
        read_volume(image)
    with pytest.raises(ValueError, match=r"full: chunk \d/\d/\d is damaged: "):
        ZarrReader().read_lazily(image).array.compute(scheduler="synchronous")


def test_lazily_read(image, array):
    volume = ZarrReader(within=((1, 7), (0, 6), (2, 5))).read_lazily(image)
    assert volume.spacing == (4, 4, 40)
    np.testing.assert_array_equal(volume.array.compute(scheduler="synchronous"), array[2:5, :, 1:].T)
    with pytest.raises(ValueError, match="relabel and mask_value need the whole volume"):
        ZarrReader(mask_value=1).read_lazily(image)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_channels_and_times(version, rng, tmp_path):
    data = rng.random((2, 3, *SHAPE)).astype(np.float32)
    multiscale = {
        "axes": axes("tczyx", "micrometer"),
        "datasets": [scaled("0", (1, 1, 2, 1, 1))],
        "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 0.5, 0.25, 0.25]}],
    }
    omero = {"channels": [{"label": name} for name in ("raw", "membrane", "cleft")]}
    path = ome(tmp_path / "a.zarr", {"0": data}, multiscale, version, omero=omero)
    volume = ZarrReader(channel="membrane", time=1).read_volume(path)
    np.testing.assert_array_equal(volume.array, data[1, 1].T)
    assert (volume.spacing, volume.unit) == ((0.25, 0.25, 1.0), "um")
    assert (ZarrReader(channel=2, time=0).read_volume(path).array == data[0, 2].T).all()
    with pytest.raises(ValueError, match="has 2 places along its time t: choose one by time"):
        ZarrReader(channel=0).read_volume(path)
    with pytest.raises(ValueError, match=r"has 3 places along its channel c \(raw, membrane, cleft\): choose one by"):
        ZarrReader(time=0).read_volume(path)
    with pytest.raises(ValueError, match="has no channel 'nuclei'; it has raw, membrane, cleft"):
        ZarrReader(channel="nuclei", time=0).read_volume(path)
    with pytest.raises(ValueError, match="channel must be from 0 to 2, got 3"):
        ZarrReader(channel=3, time=0).read_volume(path)


def test_axes_in_another_order(rng, tmp_path):
    data = rng.random((7, 5, 6))
    path = ome(tmp_path / "a.zarr", {"0": data}, {"axes": axes("xzy"), "datasets": [scaled("0", (3, 5, 4))]}, "0.5")
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, data.transpose(0, 2, 1))
    assert volume.spacing == (3, 4, 5)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["u1", ">u2", "<i4", ">f4", "f8", "<u8", "bool"])
def test_plain_arrays(zarr_format, dtype, rng, tmp_path):
    data = rng.integers(0, 2, SHAPE).astype(dtype) if dtype == "bool" else rng.integers(0, 99, SHAPE).astype(dtype)
    array = zarr.create_array(tmp_path / "a.zarr", data=data, chunks=(2, 4, 3), zarr_format=zarr_format)
    assert read_volume(tmp_path / "a.zarr").known_spacing is None
    array.attrs.update({"resolution": [40, 4, 4], "offset": [80, 0, 4], "unit": "nm"})
    volume = read_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.array, data.T)
    assert volume.array.dtype.isnative
    assert (volume.spacing, volume.affine[:3, 3].tolist(), volume.unit) == ((4, 4, 40), [4, 0, 80], "nm")


def test_a_chunk_that_is_not_there_holds_the_fill_value(tmp_path):
    for zarr_format, chunk in ((2, "0.0.1"), (3, "c/0/0/1")):
        path = tmp_path / f"{zarr_format}.zarr"
        data = np.full((2, 2, 4), 9, np.uint8)
        zarr.create_array(path, data=data, chunks=(2, 2, 2), fill_value=7, zarr_format=zarr_format)
        (path / chunk).unlink()
        volume = read_volume(path).array
        assert volume[:, 0, 0].tolist() == [9, 9, 7, 7]


def test_shards_and_ids_over_half_of_64_bits(rng, tmp_path):
    data = rng.integers(2**63, 2**64 - 1, (9, 8, 7), dtype=np.uint64)
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("labels", data=data, chunks=(2, 2, 2), shards=(4, 4, 4), compressors=ZstdCodec(checksum=True))
    np.testing.assert_array_equal(read_volume(tmp_path / "a.zarr").array, data.T)
    small = LoadImage(reader="monai_topo.data.ZarrReader")(tmp_path / "a.zarr")
    _, numbers = np.unique(data, return_inverse=True)
    np.testing.assert_array_equal(small.numpy(), numbers.reshape(data.shape).T + 1)
    zarr.create_array(tmp_path / "b.zarr", data=data)
    with pytest.raises(ValueError, match=r"holds integers up to \d+, which float32 cannot tell apart"):
        ZarrReader().read_volume(tmp_path / "b.zarr")


def test_groups_of_arrays(array, tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("volumes/raw", data=array)
    np.testing.assert_array_equal(read_volume(tmp_path / "a.zarr").array, array.T)
    group.create_array("volumes/labels/ids", data=array[:2])
    with pytest.raises(ValueError, match=r"holds 2 images \(volumes/labels/ids, volumes/raw\): name one of them"):
        read_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.zarr", dataset="/volumes/raw").array, array.T)
    assert read_volume(tmp_path / "a.zarr" / "volumes" / "labels").array.shape == (7, 6, 2)
    with pytest.raises(ValueError, match=r"holds no 'raw'; it has volumes/labels/ids, volumes/raw"):
        read_volume(tmp_path / "a.zarr", dataset="raw")


def test_what_is_no_volume(image, array, tmp_path):
    with pytest.raises(ValueError, match="has no level 'third'; it has full, half"):
        ZarrReader(level="third").read_volume(image)
    with pytest.raises(ValueError, match="has no level 2; it has full, half"):
        ZarrReader(level=2).read_volume(image)
    with pytest.raises(FileNotFoundError, match="no such f"):
        read_volume(tmp_path / "nowhere.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(ValueError, match=r"empty\.zarr is no zarr group or array: it holds none of zarr\.json"):
        read_volume(tmp_path / "empty.zarr")
    zarr.create_array(tmp_path / "flat.zarr", data=np.zeros((2, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"does not say what its axes are: name them, such as axes='czyx'"):
        read_volume(tmp_path / "flat.zarr")
    assert ZarrReader(axes="czyx", channel=1).read_volume(tmp_path / "flat.zarr").array.shape == (5, 4, 3)
    path = ome(tmp_path / "b.zarr", {"0": array}, {"axes": axes("tcx"), "datasets": [scaled("0", (1, 1, 1))]}, "0.5")
    with pytest.raises(ValueError, match="must have two or three axes of space, its axes are t"):
        read_volume(path)
    with pytest.raises(ValueError, match="within must be a box inside of"):
        ZarrReader(within=((0, 8), (0, 6), (0, 5))).read_volume(image)
    with pytest.raises(ValueError, match="within must be a start and a larger end"):
        ZarrReader(within=((2, 2), (0, 6), (0, 5)))


def test_metadata_that_is_damaged(image, tmp_path):
    for file in (image / "zarr.json", image / ".zattrs"):
        if file.is_file():
            content = file.read_text()
            file.write_text(content.replace('"scale"', '"affine"'))
            with pytest.raises(ValueError, match="a coordinate transformation must be a scale"):
                read_volume(image)
            file.write_text(content[:-40])
            with pytest.raises(ValueError, match=r"a\.zarr cannot be (opened|read)"):
                read_volume(image)


def test_sections_in_files_of_their_own(rng, tmp_path):
    from PIL import Image

    stack = rng.integers(0, 255, (11, 6, 7), dtype=np.uint8)
    folder = tmp_path / "images" / "brain"
    folder.mkdir(parents=True)
    for number, section in enumerate(stack):
        Image.fromarray(section).save(folder / f"section_{number + 1}.png")
    volume = read_volume(folder, spacing=(4, 4, 40))
    np.testing.assert_array_equal(volume.array, stack.T)
    assert volume.spacing == (4, 4, 40)
    assert image_datalist(tmp_path / "images", "*") == [{"image": str(folder)}]
    Image.fromarray(stack[0, :3]).save(folder / "section_5.png")
    with pytest.raises(ValueError, match=r"section_5\.png must be a section as section_1\.png, \(7, 6\) uint8; it is"):
        read_volume(folder)


def test_data_lists_take_zarrs(image, array, tmp_path):
    root = tmp_path / "data"
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    image.rename(root / "images" / "a.zarr")
    label = zarr.create_array(root / "labels" / "a.zarr", data=(array > 9).astype(np.uint8))
    assert image_datalist(root / "images", "*.zarr") == image_datalist(root / "images" / "a.zarr")
    (item,) = volume_datalist(root)
    assert item["patient"] == "a"
    label.attrs["resolution"] = [40, 4, 5]
    with pytest.raises(ValueError, match="lie on different grids"):
        volume_datalist(root)


def test_without_the_extra(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text(json.dumps({}))
    code = (
        "import sys; sys.modules['zarr'] = sys.modules['dask'] = None\n"
        "from monai_topo.data import read_volume\n"
        f"try: read_volume({str(tmp_path / 'a.zarr')!r})\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'need the package zarr: pip install "monai_topo[scale]"' in done.stdout
