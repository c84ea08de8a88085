"""Betti numbers and Euler characteristic by blocks against the whole, scikit-image and gudhi."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
import torch
from skimage.measure import euler_number, label

from monai_topo import blockwise, topology
from tests.blockwise.volumes import random_mask
from tests.topology.masks.test_betti import gudhi_betti_numbers

OPTIONS = [(None, False), (None, True), (1, False), (1, True)]


def check(mask, blocks, connectivity, frame):
    """Whole-volume function, and an oracle that is not ours."""
    full = connectivity is None
    found = blockwise.betti_numbers(blocks, connectivity, frame=frame)
    assert found == topology.betti_numbers(mask, connectivity, frame=frame), blocks.chunks
    b0, *loops, top = gudhi_betti_numbers(np.pad(mask, 1, constant_values=frame), full)
    assert found == ((b0 - 1, *loops, max(top - 1, 0)) if frame else (b0, *loops, top)), blocks.chunks
    if frame:
        return
    euler = blockwise.euler_characteristic(blocks, connectivity)
    assert euler == topology.euler_characteristic(mask, connectivity), blocks.chunks
    assert euler == euler_number(np.pad(mask, 1), connectivity=mask.ndim if full else 1)
    assert found[0] == label(mask, connectivity=mask.ndim if full else 1).max()


@pytest.mark.parametrize(("connectivity", "frame"), OPTIONS)
def test_random_volumes(connectivity, frame, rng):
    for _ in range(30):
        check(*random_mask(rng), connectivity, frame)


@pytest.mark.slow
@pytest.mark.parametrize(("connectivity", "frame"), OPTIONS)
@pytest.mark.parametrize("seed", range(5))
def test_many_random_volumes(connectivity, frame, seed):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        check(*random_mask(rng), connectivity, frame)


def test_structures_that_blocks_share_only_through_corners():
    diagonal = np.zeros((4, 4, 4), bool)
    diagonal[range(4), range(4), range(4)] = True
    anti = diagonal[:, ::-1]
    for mask in (diagonal, anti, diagonal[::-1], anti[:, :, ::-1]):
        blocks = da.from_array(mask, chunks=1)
        assert blockwise.betti_numbers(blocks) == (1, 0, 0)
        assert blockwise.betti_numbers(blocks, connectivity=1) == (4, 0, 0)
        assert blockwise.betti_numbers(1 - blocks.astype(int))[0] == 1


def test_a_shell_and_a_torus_over_many_blocks():
    x, y, z = np.indices((17, 18, 19)) - 8.5
    shell = abs(np.sqrt(x**2 + y**2 + z**2) - 6) < 1
    torus = np.hypot(np.hypot(x, y) - 5.5, z) < 2
    assert blockwise.betti_numbers(da.from_array(shell, chunks=5)) == (1, 0, 1)
    assert blockwise.betti_numbers(da.from_array(torus, chunks=(4, 5, 19))) == (1, 1, 0)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, ">u2"])
def test_masks_of_any_type_and_arrays_of_any_kind(dtype):
    mask = np.eye(4).astype(dtype)
    assert blockwise.betti_numbers(da.from_array(mask, chunks=3)) == (1, 0)
    assert blockwise.betti_numbers(mask) == (1, 0)


def test_tensors_and_zarr_arrays(tmp_path):
    zarr = pytest.importorskip("zarr")
    stored = zarr.create_array(tmp_path / "mask.zarr", shape=(5, 6), chunks=(2, 4), dtype="u1")
    stored[:] = np.eye(5, 6)
    assert blockwise.betti_numbers(stored) == blockwise.betti_numbers(torch.eye(5, 6)) == (1, 0)


def test_blocks_of_no_size_are_passed_over():
    with_empty = da.from_array(np.eye(4), chunks=((2, 0, 2), (4,)))
    assert 0 in with_empty.chunks[0]
    assert blockwise.betti_numbers(with_empty) == (1, 0)


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        ([[0, 1]], TypeError, "array must be a dask, NumPy or zarr array, got list"),
        (np.zeros(4), ValueError, r"array must be one channel of shape .* got shape \(4,\)"),
        (da.zeros((2, 3, 4, 5)), ValueError, r"array must be one channel of shape .* got shape \(2, 3, 4, 5\)"),
        (da.zeros((0, 5)), ValueError, "not empty"),
        (da.zeros((4, 4)) + 2, ValueError, "array must hold only 0 and 1"),
    ],
)
def test_what_is_no_mask_is_refused(array, error, message):
    for function in (blockwise.betti_numbers, blockwise.euler_characteristic):
        with pytest.raises(error, match=message):
            function(array)


def test_blocks_of_unknown_size_are_refused():
    rows = da.from_array(np.eye(4), chunks=2)
    unknown = rows[da.from_array(np.array([True, False, True, True]), chunks=2)]
    with pytest.raises(ValueError, match=r"blocks of unknown size: call its compute_chunk_sizes\(\)"):
        blockwise.betti_numbers(unknown)


def test_there_is_no_18_connectivity():
    with pytest.raises(ValueError, match="connectivity must be None or 3"):
        blockwise.betti_numbers(np.zeros((2, 3, 4)), 2)


def test_threads_give_the_same(rng):
    mask = rng.random((20, 21, 22)) < 0.4
    with dask.config.set(scheduler="threads", num_workers=2):
        assert blockwise.betti_numbers(da.from_array(mask, chunks=6)) == topology.betti_numbers(mask)
