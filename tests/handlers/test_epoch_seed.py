"""Randomness that is a function of the epoch alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import DataLoader, Dataset
from monai.transforms import RandShiftIntensity

from monai_topo.handlers import EpochSeed
from monai_topo.losses import TopoLoss, WeightedSumLoss


def draws(epochs, seed=0, num_workers=0, skip=0):
    """What a loader, the global generators and a loss draw in each epoch, from the epoch after ``skip`` on."""
    dataset = Dataset(list(np.arange(6.0)[:, None]), RandShiftIntensity(1.0, prob=1.0))
    loader = DataLoader(dataset, batch_size=2, shuffle=True, num_workers=num_workers)
    topo = TopoLoss(patch_size=2, patch_mode="random", num_patches=1)
    loss = WeightedSumLoss([topo, torch.nn.MSELoss()], [1.0, 1.0])
    found = {}

    def step(engine, batch):
        own = [float(torch.rand(1)), np.random.rand(), random.random(), topo.random_state.rand()]
        found.setdefault(engine.state.epoch, []).extend([*batch.flatten().tolist(), *own])

    engine = Engine(step)
    EpochSeed(seed, [dataset, loss]).attach(engine)
    engine.load_state_dict({"epoch": skip, "epoch_length": 3, "max_epochs": epochs})
    engine.run(loader, max_epochs=epochs)
    return found


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.filterwarnings("ignore")  # torch and multiprocessing warn of forks
def test_an_epoch_draws_the_same_whatever_came_before(num_workers):
    whole, rest = draws(3, num_workers=num_workers), draws(3, num_workers=num_workers, skip=2)
    assert set(rest) == {3}
    assert whole[3] == rest[3]
    assert len(whole[3]) == 6 + 3 * 4


def test_epochs_and_seeds_differ():
    one, other = draws(2), draws(2, seed=1)
    assert set(one[1]).isdisjoint(one[2])
    assert set(one[1]).isdisjoint(other[1])


def test_a_negative_seed():
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        EpochSeed(-1)
