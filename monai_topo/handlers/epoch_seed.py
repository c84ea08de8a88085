"""Ignite handler that makes the randomness of an epoch a function of the epoch alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.data.utils import set_rnd
from monai.utils import IgniteInfo, min_version, optional_import

from monai_topo.handlers.ranks import rank

if TYPE_CHECKING:
    from ignite.engine import Engine, Events
else:
    Events, _ = optional_import("ignite.engine", IgniteInfo.OPT_IMPORT_VERSION, min_version, "Events")


class EpochSeed:
    """Seeds everything random anew when an epoch starts, by seed, epoch and process.

    What an epoch draws then does not depend on the epochs before it, so that a training that is resumed draws what it
    would have drawn without the interruption (:class:`TrainingCheckpoint`). Seeded are the generators of torch, NumPy
    and Python, which the samplers and workers of data loaders draw their seeds from.

    Args:
        seed: Random seed of the run, 0 or more.
        randomizables: Objects with generators of their own: data sets and transforms of MONAI, and modules such as
            topology losses that draw patches.

    Raises:
        ValueError: for a negative seed.

    Example:
        >>> from ignite.engine import Engine
        >>> def drawn(epoch):
        ...     engine = Engine(lambda engine, batch: None)
        ...     engine.state.epoch = epoch
        ...     EpochSeed(seed=5)(engine)
        ...     return float(torch.rand(1))
        >>> drawn(2) == drawn(2), drawn(2) == drawn(3)
        (True, False)
    """

    def __init__(self, seed: int, randomizables: Sequence[Any] = ()) -> None:
        if seed < 0:
            raise ValueError(f"seed must be 0 or more, got {seed!r}.")
        self.seed = seed
        self.randomizables = tuple(randomizables)

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Args:
            engine: ignite engine that trains.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed for the epoch that starts."""
        seed = int(np.random.SeedSequence([self.seed, engine.state.epoch, rank()]).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        for randomizable in self.randomizables:
            _seed_generators(randomizable, seed)


def _seed_generators(randomizable: Any, seed: int) -> None:
    if not isinstance(randomizable, torch.nn.Module):
        set_rnd(randomizable, seed)
        return
    for module in randomizable.modules():
        state = getattr(module, "random_state", None)
        if isinstance(state, np.random.RandomState):
            state.seed(seed)
