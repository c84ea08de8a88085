"""Ignite handler with which a bundle tells how its run is going."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai.config import PathLike
from monai.handlers import StatsHandler, TensorBoardStatsHandler, from_engine

from monai_topo.handlers.ranks import is_first_rank


class RunLog:
    """Logs the figures of every epoch, to the log and for TensorBoard; of a training also the loss and a progress bar.

    It stands for ``StatsHandler``, ``TensorBoardStatsHandler`` and ignite's ``ProgressBar``, and is silent in all
    processes but the first.

    Args:
        output_dir: folder for the files of TensorBoard.
        training: whether the engine trains; the loss of every iteration is then recorded as ``train_loss``.
        state_attributes: attributes of ``engine.state`` that TensorBoard gets too, such as the weight that
            :class:`LossWeightSchedule` leaves there.

    Example:
        >>> import tempfile
        >>> from ignite.engine import Engine
        >>> evaluator = Engine(lambda engine, batch: None)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     RunLog(folder).attach(evaluator)
        ...     state = evaluator.run([0])
        >>> state.epoch
        1
    """

    def __init__(
        self, output_dir: PathLike, training: bool = False, state_attributes: Sequence[str] | None = None
    ) -> None:
        self.output_dir = output_dir
        self.training = training
        self.state_attributes = state_attributes

    def attach(self, engine: Any) -> None:
        """Register with an engine.

        Args:
            engine: ignite engine that trains or evaluates.
        """
        if not is_first_rank():
            return
        loss: dict[str, Any] = {"tag_name": "train_loss", "output_transform": from_engine(["loss"], first=True)}
        of_training = loss if self.training else {}
        StatsHandler(iteration_log=False, **of_training).attach(engine)
        TensorBoardStatsHandler(
            log_dir=str(self.output_dir),
            iteration_log=self.training,
            state_attributes=self.state_attributes,
            **of_training,
        ).attach(engine)
        if self.training:
            from ignite.handlers.tqdm_logger import ProgressBar

            ProgressBar(desc="training", persist=True, mininterval=1).attach(engine)
