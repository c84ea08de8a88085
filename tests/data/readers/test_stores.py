"""N5 and Neuroglancer precomputed, written by TensorStore, read as zarr is."""

from __future__ import annotations

import json
import pickle

import dask
import numpy as np
import pytest

from monai_topo.data import ZarrReader, image_datalist, open_volume, read_volume
from monai_topo.data.readers.zarr_files import is_zarr
from monai_topo.transforms import LoadVolume

tensorstore = pytest.importorskip("tensorstore")
SHAPE = (9, 8, 7)


@pytest.fixture
def array(rng):
    return rng.integers(0, 2**63, SHAPE, dtype=np.uint64) * np.uint64(2)


def write_n5(folder, array, **attributes):
    metadata = {"dimensions": array.shape, "blockSize": [4, 3, 2], "dataType": str(array.dtype)}
    metadata["compression"] = {"type": "gzip"}
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": str(folder)}, "metadata": metadata}
    tensorstore.open(spec, create=True).result().write(array).result()
    file = folder / "attributes.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **attributes}))
    return folder


def write_precomputed(folder, scales, channels=1):
    for number, (array, resolution, offset) in enumerate(scales):
        scale = {"size": array.shape[:3], "encoding": "raw", "chunk_size": [4, 4, 4]}
        scale |= {"resolution": resolution, "voxel_offset": offset}
        spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": str(folder)}}
        about = {"data_type": str(array.dtype), "num_channels": channels, "type": "image"}
        spec |= {"multiscale_metadata": about, "scale_metadata": scale}
        opened = tensorstore.open(spec, create=True).result()
        opened.write(array if array.ndim == 4 else array[..., None]).result()
        assert number < 5
    return folder


def test_n5(array, tmp_path):
    path = write_n5(tmp_path / "v.n5", array, resolution=[4, 4, 40], units=["nm", "nm", "nm"], offset=[8, 0, 400])
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, array)
    assert (volume.array.dtype, volume.spacing, volume.unit) == (np.uint64, (4, 4, 40), "nm")
    assert volume.affine[:3, 3].tolist() == [8, 0, 400]
    box = ZarrReader(within=((1, 3), (0, 8), (2, 5)), relabel=False).read_volume(path)
    np.testing.assert_array_equal(box.array, array[1:3, :, 2:5])
    assert image_datalist(path) == [{"image": str(path)}]


def test_scales_of_n5(array, tmp_path):
    (tmp_path / "v.n5").mkdir()
    (tmp_path / "v.n5" / "attributes.json").write_text('{"n5": "2.5.1"}')
    group = tmp_path / "v.n5" / "em"
    write_n5(group / "s0", array, pixelResolution={"dimensions": [2, 3, 4], "unit": "um"})
    write_n5(group / "s1", array[::2, ::2].copy(), downsamplingFactors=[2, 2, 1])
    assert read_volume(tmp_path / "v.n5").spacing == (2, 3, 4)
    coarse = ZarrReader(level=1, relabel=False).read_volume(tmp_path / "v.n5")
    np.testing.assert_array_equal(coarse.array, array[::2, ::2])
    assert (coarse.spacing, coarse.unit) == ((4, 6, 4), "um")
    named = ZarrReader("em", level="s1", relabel=False).read_volume(tmp_path / "v.n5")
    np.testing.assert_array_equal(named.array, coarse.array)
    write_n5(tmp_path / "v.n5" / "other", array)
    with pytest.raises(ValueError, match=r"v\.n5 holds 2 images \(em, other\): name one of them as dataset"):
        read_volume(tmp_path / "v.n5")
    with pytest.raises(ValueError, match=r"has no level 2; it has s0, s1"):
        ZarrReader("em", level=2).read_volume(tmp_path / "v.n5")
    with pytest.raises(ValueError, match=r"holds no 'none'; it has em, other"):
        ZarrReader("none").read_volume(tmp_path / "v.n5")
    with pytest.raises(ValueError, match="level must be None for an array"):
        ZarrReader("other", level=1).read_volume(tmp_path / "v.n5")


def test_precomputed(array, tmp_path):
    small = array[::2, ::2].copy()
    path = write_precomputed(tmp_path / "p", [(array, [4, 4, 40], [10, 20, 30]), (small, [8, 8, 40], [5, 10, 30])])
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, array)
    assert (volume.spacing, volume.unit) == ((4, 4, 40), "nm")
    assert volume.affine[:3, 3].tolist() == [40, 80, 1200]
    np.testing.assert_array_equal(ZarrReader(level=1, relabel=False).read_volume(path).array, small)
    with pytest.raises(ValueError, match="dataset must be None for a precomputed volume, got 'x'"):
        read_volume(path, dataset="x")


def test_channels(array, tmp_path):
    both = np.stack([array, array // 2], axis=3)
    path = write_precomputed(tmp_path / "p", [(both, [1, 1, 1], [0, 0, 0])], channels=2)
    with pytest.raises(ValueError, match="has 2 places along its channel c: choose one by channel"):
        read_volume(path)
    np.testing.assert_array_equal(ZarrReader(channel=1, relabel=False).read_volume(path).array, both[..., 1])


def test_by_blocks_and_patches(array, tmp_path):
    path = write_n5(tmp_path / "v.n5", array)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(open_volume(path).array.compute(), array)
    image = pickle.loads(pickle.dumps(LoadVolume(by_patches=True, dtype=None)(path)))
    np.testing.assert_array_equal(image[:, 2:5, 1:4, 3:7][0], array[2:5, 1:4, 3:7])


def test_damage_is_named(array, tmp_path):
    path = write_precomputed(tmp_path / "p", [(array, [1, 1, 1], [0, 0, 0])])
    (path / "1_1_1" / "4-8_0-4_4-7").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"p: chunk 1/0/1/0 is damaged: "):
        read_volume(path)
    about = json.loads((path / "info").read_text())
    del about["scales"][0]["size"]
    (path / "info").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="cannot be opened: its metadata lacks or mistakes 'size'"):
        read_volume(path)


def test_other_json_is_no_store(tmp_path):
    (tmp_path / "attributes.json").write_text("{}")
    (tmp_path / "info").write_text("[1]")
    assert not is_zarr(tmp_path)
