"""Ids that are numbered anew."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.topology import renumber_ids


@pytest.mark.parametrize("dtype", ["u8", "i8", "u1", "f4", ">u8"])
@pytest.mark.parametrize("slab", [1, 7, 1 << 24])
def test_renumbered_ids_are_those_of_numpy(dtype, slab, rng, monkeypatch):
    monkeypatch.setattr("monai_topo.topology.masks.instances._SLAB", slab)
    few = rng.integers(0, 6, (4, 5, 3)).astype(np.uint64)
    high = {"u8": 2**64 - 9, ">u8": 2**64 - 9, "i8": 2**63 - 9, "u1": 200, "f4": 2**20}[dtype]
    for ids in (few, np.where(few > 2, few + np.uint64(high), few), few + np.uint64(1), few * np.uint64(0), few[:0]):
        values, index = np.unique(ids, return_inverse=True)
        expected = index.reshape(ids.shape) + int(len(values) > 0 and values[0] > 0)
        found = renumber_ids(ids.astype(dtype))
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, expected)
