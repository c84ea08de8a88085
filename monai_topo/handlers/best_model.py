"""Ignite handler that keeps the weights that validated best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai.config import PathLike
from monai.utils import IgniteInfo, min_version, optional_import

from monai_topo.handlers.ranks import is_first_rank
from monai_topo.handlers.state_file import unwrapped, write_state

if TYPE_CHECKING:
    from ignite.engine import Engine, Events
else:
    Events, _ = optional_import("ignite.engine", IgniteInfo.OPT_IMPORT_VERSION, min_version, "Events")


class BestModel:
    """Writes a network's weights when its validation has a new best key metric.

    What is best MONAI's evaluator decides: its first key metric, compared by its ``metric_cmp_fn``. It stands for
    ``CheckpointSaver(save_key_metric=True)``, which removes the best model before it writes the new one: here the file
    is complete under its name at any time, whatever ends the run. The first process alone writes.

    Args:
        path: File of the weights, a plain state dict.
        network: network with the weights; one in ``DistributedDataParallel`` is saved without the wrapper.

    Raises:
        OSError: when the file cannot be written, with its path.

    Example:
        >>> import tempfile, torch
        >>> from ignite.engine import Engine
        >>> evaluator = Engine(lambda engine, batch: None)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     BestModel(f"{folder}/model.pt", torch.nn.Linear(1, 1)).attach(evaluator)
        ...     evaluator.state.best_metric_epoch = 1  # MONAI's evaluator sets it
        ...     _ = evaluator.run([0])
        ...     sorted(torch.load(f"{folder}/model.pt"))
        ['bias', 'weight']
    """

    def __init__(self, path: PathLike, network: Any) -> None:
        self.path = Path(path)
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the weights if this epoch is the best so far."""
        if engine.state.best_metric_epoch == engine.state.epoch and is_first_rank():
            write_state(self.path, unwrapped(self.network).state_dict())
