"""Dice by blocks against MONAI's of the whole."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric

from monai_topo import blockwise
from tests.blockwise.volumes import random_chunks, random_mask


@pytest.mark.parametrize("ignore_empty", [True, False])
def test_random_masks(ignore_empty, rng):
    metric = DiceMetric(ignore_empty=ignore_empty)
    for _ in range(30):
        true, blocks = random_mask(rng)
        predicted = rng.random(true.shape) < rng.choice([0, 0.3, 1])
        others = da.from_array(predicted, chunks=random_chunks(rng, true.shape))
        expected = metric(*(torch.tensor(mask)[None, None] for mask in (predicted, true))).item()
        found = blockwise.dice(others, blocks, ignore_empty=ignore_empty)
        assert found == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_ignored_voxels_are_in_no_count():
    target = np.array([[1, 0, 255, 255]], np.uint8)
    assert blockwise.dice(da.ones((1, 4), chunks=1), target, ignore_index=255) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="target must hold only 0 and 1"):
        blockwise.dice(np.ones((1, 4)), target)
