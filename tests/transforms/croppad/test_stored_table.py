"""Tables of labels on disk, made by blocks: equal to the table of the label in memory."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys

import dask
import numpy as np
import pytest
import torch
import zarr
from monai.transforms import Compose

from monai_topo.transforms import (
    InstanceToMembrane,
    LoadVolumed,
    RandCropByTopologyd,
    TopologyWeightMapd,
    sampling_table,
)

KEYS = ["image", "label"]


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def rings(shape):
    """A ring, a rod and a hollow ball, apart from each other in blocks of 16."""
    mask = np.zeros(shape, np.uint8)
    mask[3:12, 3:12, 5:8] = 1
    mask[6:9, 6:9, 5:8] = 0
    mask[20:22, 18:30, 4:6] = 1
    mask[2:11, 20:29, 3:12] = 1
    mask[5:8, 23:26, 6:9] = 0
    return mask


def save(folder, name, array, chunks=8):
    made = zarr.create_array(folder / f"{name}.zarr", data=array.T, chunks=(chunks,) * array.ndim, overwrite=True)
    made.attrs.update(resolution=[1, 1, 1], offset=[0, 0, 0])
    return str(folder / f"{name}.zarr")


@pytest.fixture
def paths(tmp_path, rng):
    mask = rings((32, 32, 16))
    return {
        "image": save(tmp_path, "image", rng.random(mask.shape).astype(np.float32)),
        "label": save(tmp_path, "label", mask),
    }


def table_of(paths, folder, by_patches, **options):
    item = LoadVolumed(KEYS, by_patches=by_patches)(paths)
    more = {"cache_dir": folder, **options} if by_patches else {k: v for k, v in options.items() if k != "block"}
    return TopologyWeightMapd("label", **more)(item)["label_topology"]


@pytest.mark.parametrize("block", [64, 16])
@pytest.mark.parametrize("weights", [None, {"holes": 2, "skeleton": 0.5}])
def test_as_in_memory(block, weights, paths, tmp_path):
    ours = table_of(paths, tmp_path / "cache", True, block=block, weights=weights)
    whole = table_of(paths, None, False, weights=weights)
    np.testing.assert_array_equal(ours["indices"], whole["indices"])
    np.testing.assert_allclose(ours["cumulative"], whole["cumulative"], rtol=1e-5)
    np.testing.assert_array_equal(ours["shape"], whole["shape"])
    assert len(ours["indices"]) > 20
    assert len(ours) == len({*ours}) == 3


def test_a_mask_that_is_made_first(tmp_path):
    ids = np.indices((24, 20, 12))[0] // 6 + 1
    paths = {key: save(tmp_path, key, ids.astype(np.uint16)) for key in KEYS}
    make = InstanceToMembrane()
    ours = table_of(paths, tmp_path / "cache", True, to_mask=make, weights={"thin": 1}, radius=3, block=32)
    whole = table_of(paths, None, False, to_mask=make, weights={"thin": 1}, radius=3)
    assert len(ours["indices"]) > 10
    np.testing.assert_array_equal(ours["indices"], whole["indices"])
    assert len(ours["indices"]) == len(sampling_table(whole_map(ids, make))["indices"])


def whole_map(ids, make):
    from monai_topo.transforms import TopologyWeightMap

    return TopologyWeightMap({"thin": 1}, radius=3)(np.asarray(make(ids[None])))


def test_the_same_patches(paths, tmp_path, monkeypatch):
    from monai_topo.data.readers import zarr_reader

    found = []
    for by_patches in (False, True):
        steps = [
            LoadVolumed(KEYS, by_patches=by_patches),
            TopologyWeightMapd("label", cache_dir=tmp_path / "cache", block=16),
            RandCropByTopologyd(KEYS, "label_topology", (6, 5, 4), num_samples=8, ratio=3),
        ]
        transform = Compose(steps)
        transform(paths)  # the table is there now
        sizes, real = [], zarr_reader.read_region
        monkeypatch.setattr(zarr_reader, "read_region", lambda *a, s=sizes, r=real: s.append(r(*a).size) or r(*a))
        transform.set_random_state(5)
        found.append(transform(paths))
        monkeypatch.setattr(zarr_reader, "read_region", real)
    assert sizes == [6 * 5 * 4] * 16  # patches, and nothing else
    for one, other in zip(*found, strict=True):
        for key in KEYS:
            torch.testing.assert_close(one[key].as_tensor(), other[key].as_tensor(), rtol=0, atol=0)
            torch.testing.assert_close(one[key].affine, other[key].affine)
            assert one[key].meta["crop_center"] == other[key].meta["crop_center"]
            assert one[key].meta["crop_source"] == other[key].meta["crop_source"]


def test_a_table_is_made_once_and_anew_when_something_changes(paths, tmp_path, monkeypatch):
    from monai_topo.transforms.croppad import stored_table

    made = []
    real = stored_table._write_slab
    monkeypatch.setattr(stored_table, "_write_slab", lambda file, *a: made.append(file.name) or real(file, *a))
    cache = tmp_path / "cache"
    first = table_of(paths, cache, True, block=16)
    assert made == ["0.npz", "16.npz"]
    assert table_of(paths, cache, True, block=16).path == first.path
    assert len(made) == 2
    for more in ({"radius": 5.0}, {"halo": 3}, {"weights": {"thin": 1}}, {"connectivity": 1}):
        assert table_of(paths, cache, True, block=16, **more).path != first.path
    mask = rings((32, 32, 16))
    mask[30, 30, 10] = 1
    save(tmp_path, "label", mask)
    assert len(table_of(paths, cache, True, block=16)["indices"]) == len(first["indices"]) + 1
    assert [path for path in cache.iterdir() if "partial" in path.name or path.name.startswith(".")] == []


def test_what_was_done_is_kept(paths, tmp_path, monkeypatch):
    from monai_topo.transforms.croppad import stored_table

    made, real = [], stored_table._write_slab

    def fail_late(file, *arguments):
        if len(made) == 1:
            raise KeyboardInterrupt
        made.append(file.name)
        real(file, *arguments)

    monkeypatch.setattr(stored_table, "_write_slab", fail_late)
    with pytest.raises(KeyboardInterrupt):
        table_of(paths, tmp_path / "cache", True, block=16)
    made.extend(["", ""])
    table = table_of(paths, tmp_path / "cache", True, block=16)
    assert made == ["0.npz", "", "", "16.npz"]
    np.testing.assert_array_equal(table["indices"], table_of(paths, None, False)["indices"])


def test_a_label_without_structure(tmp_path):
    paths = {key: save(tmp_path, key, np.zeros((9, 8, 7), np.uint8)) for key in KEYS}
    table = table_of(paths, tmp_path / "cache", True)
    assert len(table["indices"]) == 0
    item = {**LoadVolumed(KEYS, by_patches=True)(paths), "table": table}
    patch = RandCropByTopologyd(KEYS, "table", 3, ratio=float("inf"))(item)[0]
    assert patch["label"].meta["crop_source"] == "uniform, no topology"


def test_errors(paths, tmp_path):
    with pytest.raises(ValueError, match="cache_dir must name a folder, and map_postfix be None"):
        table_of(paths, None, True)
    with pytest.raises(ValueError, match="block must be at least 1 and halo at least 0, got 0 and 16"):
        TopologyWeightMapd("label", block=0)
    item = LoadVolumed(KEYS, by_patches=True)(paths)
    item["image"] = torch.rand(1, 32, 32, 16)
    with pytest.raises(ValueError, match="the likelihood of a label that is read by patches must be read by patches"):
        TopologyWeightMapd("label", likelihood_key="image", cache_dir=tmp_path)(item)


def test_with_a_likelihood(paths, tmp_path):
    options = {"likelihood_key": "image", "min_persistence": 0.6}
    ours = table_of(paths, tmp_path / "cache", True, block=64, **options)
    whole = table_of(paths, None, False, **options)
    np.testing.assert_array_equal(ours["indices"], whole["indices"])
    np.testing.assert_allclose(ours["cumulative"], whole["cumulative"], rtol=1e-5)


def _make(paths, folder, out):
    with dask.config.set(scheduler="synchronous"):
        out.put(table_of(paths, folder, True, block=16)["indices"].tolist())


@pytest.mark.slow
def test_two_processes_at_once(paths, tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    running = [context.Process(target=_make, args=(paths, tmp_path / "cache", queue)) for _ in range(2)]
    for process in running:
        process.start()
    found = [queue.get(timeout=600) for _ in running]
    for process in running:
        process.join()
    assert found[0] == found[1] == table_of(paths, None, False)["indices"].tolist()
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 1


CODE = """
import resource, sys, numpy as np
from monai.transforms import Compose
from monai_topo.transforms import LoadVolumed, RandCropByTopologyd, TopologyWeightMapd
keys = ["image", "label"]
steps = [
    LoadVolumed(keys, by_patches=True),
    TopologyWeightMapd("label", cache_dir=sys.argv[2]),
    RandCropByTopologyd(keys, "label_topology", (96, 96, 96), num_samples=16),
]
patches = Compose(steps)({key: f"{sys.argv[1]}/{key}.zarr" for key in keys})
assert sum(float(patch["label"].sum()) for patch in patches) > 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_hundred_gigabytes_are_trained_on_in_four(tmp_path):
    """Image and label have 103 GB each; most chunks are not there, which is read as zeros like any other."""
    shape, rod = (6144, 4096, 4096), np.pad(np.ones((32, 6, 6)), ((0, 0), (13, 13), (13, 13)))
    for key in KEYS:
        array = zarr.create_array(tmp_path / f"{key}.zarr", shape=shape, chunks=(128,) * 3, dtype=np.uint8)
        for corner in ((0, 0, 0), (3000, 2000, 1000), (6000, 4000, 3900)):
            array[tuple(slice(start, start + 32) for start in corner)] = rod
    command = [sys.executable, "-c", CODE, tmp_path, tmp_path / "cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) * 1024 < 4e9
