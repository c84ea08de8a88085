"""RemoveLowPersistence as a transform; what it does to fields is tested in tests/topology/test_simplification.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import AsDiscrete, Compose, Invertd, Spacingd

from monai_topo.data import phantoms
from monai_topo.topology import betti_numbers, persistence_pairs
from monai_topo.topology.regions import simplification as module
from monai_topo.transforms import RemoveLowPersistence, RemoveLowPersistenced
from tests.topology.images import make


@pytest.mark.parametrize("shape", [(12, 15), (8, 9, 11)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_channel_is_simplified(shape, dtype):
    image = np.stack([make("white", shape, seed, dtype) for seed in (1, 2)])
    done = RemoveLowPersistence(0.2)(image)
    assert done.dtype == (np.float64 if dtype == np.float64 else np.float32)
    for channel in done:
        low, all_pairs = (persistence_pairs(channel, min_persistence=p) for p in (0.2, 0.0))
        assert [low.birth[k].size for k in low.dims] == [all_pairs.birth[k].size for k in low.dims]
    assert not np.array_equal(done[0], image[0])


def test_a_phantom_gets_its_betti_numbers_back():
    phantom = phantoms.tree((26, 28, 27), num_branches=4, num_gaps=3, seed=6)
    post = Compose([RemoveLowPersistence(0.4), AsDiscrete(threshold=0.5)])
    assert sum(betti_numbers(AsDiscrete(threshold=0.5)(phantom.image[None])[0])) > 10
    assert betti_numbers(post(phantom.image[None])[0]) == phantom.betti_numbers


def test_a_prediction_lands_on_the_images_grid():
    affine = torch.diag(torch.tensor([2.0, 1.5, 3.0, 1.0]))
    image = MetaTensor(torch.as_tensor(make("smooth", (8, 10, 6), 2))[None], affine=affine)
    steps = Compose([Spacingd("image", pixdim=(1.0, 1.0, 1.5))])
    item = steps({"image": image})
    item["pred"] = MetaTensor(item["image"].clone(), meta=item["image"].meta)
    item["pred"].applied_operations = item["image"].applied_operations
    post = Compose(
        [
            RemoveLowPersistenced("pred", 0.05),
            Invertd("pred", steps, orig_keys="image", nearest_interp=False),
        ]
    )
    done = post(item)["pred"]
    assert done.shape == image.shape
    assert torch.allclose(done.affine, affine.double())


def test_what_is_left_is_said(monkeypatch):
    monkeypatch.setattr(module, "_MAX_ROUNDS", 0)
    with pytest.warns(UserWarning, match=r"by dimension: \{0: \d+, 1: \d+"):
        RemoveLowPersistence(0.2)(make("white", (9, 11), 1)[None])


def test_bad_input():
    with pytest.raises(ValueError, match="persistence from 0 to 1"):
        RemoveLowPersistence(1.5)
    with pytest.raises(ValueError, match="sigmoid"):
        RemoveLowPersistence(0.1)(np.full((1, 4, 4), 3.0))
    with pytest.raises(ValueError, match="connectivity"):
        RemoveLowPersistence(0.1, connectivity=2)(np.zeros((1, 4, 4, 4)))
