"""Which volume each patch of a training epoch is of."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data.distributed import DistributedSampler


class VolumeSampler(DistributedSampler[Any]):
    """Draws a number of volumes for every epoch, all equally often, however many there are.

    The epochs together are one row of shuffled passes over the volumes, an epoch is the next ``num_samples`` of it: at
    any time any two volumes were drawn equally often, or one of them once more. With more volumes than samples a pass
    takes several epochs. What an epoch holds depends on the seed and its number alone, so that a resumed training draws
    what it would have drawn. The processes of a distributed run take turns.

    MONAI's trainers call :meth:`set_epoch`; a loop of one's own must, as for torch's ``DistributedSampler``. Epochs are
    counted from 1.

    Args:
        dataset: Volumes, of which each item is one random patch.
        num_samples: Samples of an epoch, of all processes together.
        seed: Random seed for the order.
        num_replicas: Number of processes; None is that of ``torch.distributed``, 1 without it.
        rank: number of this process; None is that of ``torch.distributed``, 0 without it.

    Raises:
        ValueError: for an empty data set, or when there are fewer samples than 1.

    Example:
        >>> sampler = VolumeSampler(range(3), num_samples=2)
        >>> drawn = []
        >>> for epoch in (1, 2, 3):
        ...     sampler.set_epoch(epoch)
        ...     drawn += sampler
        >>> sorted(drawn[:3]), sorted(drawn[3:])
        ([0, 1, 2], [0, 1, 2])
    """

    def __init__(
        self, dataset: Sized, num_samples: int, seed: int = 0, num_replicas: int | None = None, rank: int | None = None
    ) -> None:
        if len(dataset) == 0 or num_samples < 1:
            raise ValueError(
                f"there must be a volume and a sample, got {len(dataset)} and num_samples={num_samples!r}."
            )
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        if num_replicas is None:
            num_replicas = torch.distributed.get_world_size() if distributed else 1
        if rank is None:
            rank = torch.distributed.get_rank() if distributed else 0
        super().__init__(dataset, num_replicas, rank, seed=seed)  # type: ignore[arg-type]
        self.num_samples = -(-num_samples // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        """Indices of this process in the epoch that was set."""
        num_volumes = len(self.dataset)  # type: ignore[arg-type]
        first = max(self.epoch - 1, 0) * self.total_size
        passes = range(first // num_volumes, (first + self.total_size - 1) // num_volumes + 1)
        row = np.concatenate([np.random.RandomState([self.seed, number]).permutation(num_volumes) for number in passes])
        start = first % num_volumes
        return iter(row[start : start + self.total_size][self.rank :: self.num_replicas].tolist())
