"""FillCavities against scikit-image's labels and Betti numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from skimage.measure import label as connected

from monai_topo.topology import betti_numbers
from monai_topo.transforms import FillCavities
from tests.topology.images import make


def cavity_sizes(mask, connectivity):
    dual = mask.ndim if connectivity == 1 else 1
    padded = connected(np.pad(~mask, 1, constant_values=True), connectivity=dual)
    return np.bincount(padded.ravel())[2:]  # 1 is the outside, which the padding makes first


@pytest.mark.parametrize("shape", [(17, 23), (9, 8, 10)])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("max_size", [0, 1, 3, None])
def test_cavities_up_to_a_size(shape, connectivity, max_size):
    masks = np.stack([make("white", shape, seed) < (0.93 if connectivity == 1 else 0.8) for seed in range(2)])
    done = FillCavities(max_size, connectivity=connectivity)(masks)
    for mask, filled in zip(masks, done, strict=True):
        sizes = cavity_sizes(mask, connectivity)
        kept = sizes[sizes > (np.inf if max_size is None else max_size)]
        assert sizes.size > 0
        assert betti_numbers(filled, connectivity)[-1] == kept.size
        assert filled.sum() - mask.sum() == sizes.sum() - kept.sum()
        assert filled[mask].all()


def test_what_reaches_the_border_stays():
    mask = np.ones((1, 5, 6), np.uint8)
    mask[0, 2, 3:] = 0
    np.testing.assert_array_equal(FillCavities()(mask), mask)


def test_tunnels_stay():
    mask = np.pad(np.ones((3, 3, 3), np.uint8), 1)
    mask[:, 2, 2] = 0
    np.testing.assert_array_equal(FillCavities()(mask[None])[0], mask)


def test_physical_size():
    mask = torch.ones(1, 9, 9, 9)
    mask[0, 2, 2, 2:4] = 0
    mask[0, 6, 6, 4:7] = 0
    image = MetaTensor(mask, affine=torch.diag(torch.tensor([0.1, 0.1, 0.3, 1.0])))
    done = FillCavities(max_size=0.006, physical=True)(image)
    assert done[0, 2, 2, 2:4].all()
    assert not done[0, 6, 6, 4:7].any()
    assert done.dtype == torch.float32


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_dtype_stays(dtype):
    assert FillCavities()(np.ones((1, 3, 3), dtype)).dtype == dtype


def test_bad_input():
    with pytest.raises(ValueError, match="max_size"):
        FillCavities(-1)
    with pytest.raises(ValueError, match="only 0 and 1"):
        FillCavities()(np.full((1, 3, 3), 0.5))
