"""Every volume is drawn equally often, whatever their number and that of the processes."""

from __future__ import annotations

from collections import Counter

import pytest
from monai.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler

from monai_topo.data import VolumeSampler


def drawn(num_volumes, num_samples, epochs, replicas=1, seed=0):
    """What each epoch holds, of all processes in turn."""
    samplers = [VolumeSampler(range(num_volumes), num_samples, seed, replicas, rank) for rank in range(replicas)]
    found = []
    for epoch in epochs:
        for sampler in samplers:
            sampler.set_epoch(epoch)
        parts = [list(sampler) for sampler in samplers]
        assert {len(part) for part in parts} == {len(sampler) for sampler in samplers}
        found.append([index for turn in zip(*parts, strict=True) for index in turn])
    return found


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(("num_volumes", "num_samples"), [(1, 4), (3, 100), (7, 7), (50, 6), (11, 4)])
def test_any_two_volumes_are_drawn_equally_often(num_volumes, num_samples, replicas):
    counts = Counter(dict.fromkeys(range(num_volumes), 0))
    for epoch in drawn(num_volumes, num_samples, range(1, 41), replicas):
        assert len(epoch) == -(-num_samples // replicas) * replicas
        counts.update(epoch)
        assert max(counts.values()) - min(counts.values()) <= 1
    assert min(counts.values()) >= 1


def test_an_epoch_is_a_function_of_its_number_and_the_seed():
    whole = drawn(20, 8, range(1, 6))
    assert drawn(20, 8, [4])[0] == whole[3]
    assert drawn(20, 8, range(1, 6), seed=1) != whole
    assert len({tuple(epoch) for epoch in whole}) == 5


def test_passes_are_shuffled():
    first, second = drawn(30, 30, [1, 2])
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second
    assert first != sorted(first)


def test_monai_sets_its_epoch():
    """MONAI's trainers set the epoch of what is a DistributedSampler, before the loader starts."""
    sampler = VolumeSampler(range(5), 3)
    assert isinstance(sampler, DistributedSampler)
    loader = DataLoader(Dataset(list(range(5))), batch_size=2, sampler=sampler)
    assert len(loader) == 2
    assert [index for batch in loader for index in batch.tolist()] == list(sampler)


@pytest.mark.parametrize(("num_volumes", "num_samples"), [(0, 3), (3, 0)])
def test_nothing_to_draw(num_volumes, num_samples):
    with pytest.raises(ValueError, match="there must be a volume and a sample"):
        VolumeSampler(range(num_volumes), num_samples)
