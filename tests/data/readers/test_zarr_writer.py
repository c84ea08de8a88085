"""OME-Zarr images that others read: checked by `ome-zarr-models`, level by level."""

from __future__ import annotations

import json
from dataclasses import replace

import dask.array
import nibabel
import numpy as np
import pytest
import zarr
from ome_zarr_models.v05 import Image
from skimage.measure import block_reduce

from monai_topo.data import Volume, ZarrReader, read_volume, same_grid, save_zarr
from monai_topo.data.readers import zarr_levels, zarr_writer


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    for module in (zarr_levels, zarr_writer):
        monkeypatch.setattr(module, "CHUNK", 8)
    monkeypatch.setattr(zarr_writer, "SHARD", 16)


def place(spacing, origin=(0, 0, 0)):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = origin
    return affine


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8", "bool"])
def test_an_image_with_labels_is_valid(dtype, rng, tmp_path):
    array = (rng.random((37, 20, 9)) * 90 > 30).astype(dtype) if dtype == "bool" else rng.random((37, 20, 9)) * 90
    volume = Volume(array.astype(dtype), place((0.25, 0.25, 0.5), (3, -4, 5)), unit="um")
    ids = Volume(rng.integers(2**62, 2**64 - 1, array.shape, dtype=np.uint64), volume.affine, unit="um")
    path = tmp_path / "a.zarr"
    save_zarr(path, volume, labels={"cells": ids, "mask": replace(ids, array=ids.array % 2 > 0)})
    image = Image.from_zarr(zarr.open_group(path, mode="r"))
    assert image.labels.label_paths == ["cells", "mask"]
    levels = image.ome_attributes.multiscales[0].datasets
    assert [zarr.open_array(path / level.path, mode="r").shape for level in levels] == [
        (9, 20, 37),
        (9, 10, 19),
        (5, 5, 10),
        (3, 3, 5),
    ]
    again = read_volume(path)
    np.testing.assert_array_equal(again.array, volume.array)
    assert same_grid(again, volume)
    assert again.unit == "um"
    np.testing.assert_array_equal(read_volume(path, dataset="labels/cells").array, ids.array)
    coarse = ZarrReader(level=1, relabel=False).read_volume(path / "labels" / "cells")
    np.testing.assert_array_equal(coarse.array, ids.array[::2, ::2])
    np.testing.assert_allclose(coarse.affine[:3, 3], (3.125, -3.875, 5))
    assert zarr.open_array(path / "0", mode="r").shards == (16, 16, 16)


def test_levels_are_means(rng, tmp_path):
    array = rng.integers(0, 255, (32, 16, 8), dtype=np.uint8)
    save_zarr(tmp_path / "a.zarr", Volume(array, np.eye(4)))
    level = ZarrReader(level=1).read_volume(tmp_path / "a.zarr").array
    np.testing.assert_array_equal(level, np.rint(block_reduce(array, (2, 2, 2), np.mean)))


def test_what_is_left_over_is_a_mean_of_what_there_is():
    array = np.arange(15, dtype=np.float32).reshape(3, 5)
    mean = zarr_levels.coarser(array, (2, 2), "mean")
    assert mean.shape == (2, 3)
    assert (mean[0, 0], mean[1, 0], mean[1, 2]) == (array[:2, :2].mean(), array[2, :2].mean(), array[2, 4])


def test_thick_sections_are_left_as_they_are():
    levels = zarr_levels.plan_levels((512, 300, 40), (4, 4, 40), (0, 0, 0))
    assert [level.factors for level in levels][:5] == [(1, 1, 1), (2, 2, 1), (2, 2, 1), (2, 2, 1), (2, 2, 2)]


def test_directions_become_flips_and_permutations(rng, tmp_path):
    array = rng.random((6, 7, 5)).astype(np.float32)
    affine = np.array([[0, -2.0, 0, 9], [3, 0, 0, -4], [0, 0, -5, 1], [0, 0, 0, 1]])
    save_zarr(tmp_path / "a.zarr", Volume(array, affine, unit="mm"))
    nibabel.save(nibabel.as_closest_canonical(nibabel.Nifti1Image(array, affine)), tmp_path / "a.nii")
    ours, canonical = read_volume(tmp_path / "a.zarr"), read_volume(tmp_path / "a.nii")
    np.testing.assert_array_equal(ours.array, canonical.array)
    np.testing.assert_allclose(ours.affine, canonical.affine)
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    affine[:2, :2] = turn
    with pytest.raises(ValueError, match="is oblique to its axes, which OME-Zarr cannot say"):
        save_zarr(tmp_path / "b.zarr", Volume(array, affine))
    assert [path.name for path in tmp_path.iterdir() if "b" in path.name or path.name[0] == "."] == []


def test_two_axes_and_blocks_of_dask(rng, tmp_path):
    array = rng.random((30, 21))
    save_zarr(tmp_path / "a.zarr", Volume(dask.array.from_array(array, chunks=7), np.eye(4)))
    np.testing.assert_array_equal(read_volume(tmp_path / "a.zarr").array, array)
    Image.from_zarr(zarr.open_group(tmp_path / "a.zarr", mode="r"))


def test_errors(tmp_path):
    volume = Volume(np.zeros((3, 4, 5)), np.eye(4))
    with pytest.raises(ValueError, match=r"must end in \.zarr"):
        save_zarr(tmp_path / "a.nii", volume)
    with pytest.raises(ValueError, match="differ in shape"):
        save_zarr(tmp_path / "a.zarr", volume, labels={"x": Volume(np.zeros((3, 4, 6)), np.eye(4))})
    assert list(tmp_path.iterdir()) == []
    save_zarr(tmp_path / "a.zarr", volume)
    save_zarr(tmp_path / "a.zarr", replace(volume, array=np.ones((3, 4, 5))))
    assert read_volume(tmp_path / "a.zarr").array.min() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
    assert json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())["attributes"]["ome"]["version"] == "0.5"
