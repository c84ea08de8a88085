"""Ignite handler that keeps what a training needs to go on after it was killed."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from monai.config import PathLike
from monai.utils import IgniteInfo, min_version, optional_import

from monai_topo.handlers.ranks import is_first_rank
from monai_topo.handlers.state_file import unwrapped, write_state

if TYPE_CHECKING:
    from ignite.engine import Engine, Events
else:
    Events, _ = optional_import("ignite.engine", IgniteInfo.OPT_IMPORT_VERSION, min_version, "Events")

_BEST = ("best_metric", "best_metric_epoch")
_OPTIONS = {"initial_lr", "weight_decay", "momentum", "betas"}
"""What of an optimizer does not change while it trains; the learning rate itself follows its schedule."""


class TrainingCheckpoint:
    """Writes the state of a training after every epoch, and goes on from it when asked.

    The state is that of the trainer (epochs done, gradient scaler), of the objects in ``save_dict``, and the best
    metric so far. With :class:`EpochSeed` a resumed run computes what it would have computed without the interruption,
    up to the order of floating-point sums. An epoch that was not completed is begun anew.

    Put it behind the handlers of learning rate and validation: what they change in an epoch belongs to its state.
    The file is complete under its name at any time; the first process alone writes it, every one reads it.

    Args:
        path: File of the state.
        save_dict: Name to what has a ``state_dict``: network, optimizer, schedules; None stands for nothing. A network
            in ``DistributedDataParallel`` is saved without the wrapper.
        resume: Whether to go on from the file; where there is none, the training starts from the beginning and the log
            says so. Otherwise what is there is overwritten after the first epoch.
        validator: MONAI's evaluator whose best metric is kept, so that a worse model does not take the place of the
            best one (:class:`BestModel`).
        settings: Name to plain values of what else decides about the run, such as the patch size. A resumed run takes
            those that it is given; the log names the ones that differ, and options of optimizers that differ, where the
            file's count.

    Raises:
        ValueError: when the run starts and the file is no such checkpoint, or is of a run with other settings.

    Example:
        >>> import tempfile
        >>> from ignite.engine import Engine
        >>> def train(max_epochs, resume):
        ...     epochs, trainer = [], Engine(lambda engine, batch: epochs.append(engine.state.epoch))
        ...     TrainingCheckpoint(f"{folder}/training.pt", {}, resume=resume).attach(trainer)
        ...     _ = trainer.run([0], max_epochs=max_epochs)
        ...     return epochs
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     train(2, resume=True), train(3, resume=True)
        ([1, 2], [3])
    """

    def __init__(
        self,
        path: PathLike,
        save_dict: Mapping[str, Any],
        resume: bool = False,
        validator: Any = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.save_dict = {name: item for name, item in save_dict.items() if item is not None}
        self.resume = resume
        self.validator = validator
        self.settings = dict(settings or {})

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Args:
            engine: ignite engine that trains.
        """
        if self.resume:
            engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def save(self, engine: Engine) -> None:
        """Write the state."""
        if not is_first_rank():
            return
        state = {name: unwrapped(item).state_dict() for name, item in self._items(engine).items()}
        state["settings"] = self.settings
        if self.validator is not None:
            state["validator"] = {name: getattr(self.validator.state, name) for name in _BEST}
        write_state(self.path, state)

    def load(self, engine: Engine) -> None:
        """Take over the state of the file, if there is one.

        Raises:
            ValueError: when it is no such checkpoint, or is of a run with other settings.
        """
        if not self.path.is_file():
            engine.logger.info(f"There is no {self.path} to resume: the training starts from the beginning.")
            return
        state, items = self._read(), self._items(engine)
        self._check(state, items, engine)
        for change in self._changes(state, items):
            engine.logger.warning(change)
        max_epochs = engine.state.max_epochs
        for name, item in items.items():
            unwrapped(item).load_state_dict(state[name])
        engine.state.max_epochs = max_epochs  # a finished run may be given more epochs
        if self.validator is not None:
            for name in _BEST:
                setattr(self.validator.state, name, state["validator"][name])
        engine.logger.info(f"Resumed {self.path} after epoch {engine.state.epoch} of {max_epochs}.")

    def _items(self, engine: Engine) -> dict[str, Any]:
        scaler = getattr(engine, "scaler", None)
        own = {"trainer": engine} if scaler is None else {"trainer": engine, "scaler": scaler}
        return {**own, **self.save_dict}

    def _read(self) -> dict[str, Any]:
        try:
            return dict(torch.load(self.path, map_location="cpu", weights_only=True))
        except (RuntimeError, EOFError, ValueError, TypeError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"{self.path} is no training checkpoint: delete it, or train with resume false. ({error})"
            ) from None

    def _check(self, state: Mapping[str, Any], items: Mapping[str, Any], engine: Engine) -> None:
        wanted = {*items, "settings", *(["validator"] if self.validator is not None else [])}
        if state.keys() != wanted:
            raise ValueError(
                f"{self.path} is of another run: it holds {sorted(state)}, this run has {sorted(wanted)}. Resume with "
                "the settings that it was begun with, or train with resume false."
            )
        begun, epochs = state["trainer"], engine.state.max_epochs
        length, done = begun["epoch_length"], begun["iteration"] // begun["epoch_length"]
        if engine.state.epoch_length not in (None, length) or (epochs is not None and done > epochs):
            raise ValueError(
                f"{self.path} is of another run: {done} epochs of {length} iterations, where this run has {epochs} of "
                f"{engine.state.epoch_length}. Resume with the settings that it was begun with, or train with resume "
                "false."
            )

    def _changes(self, state: Mapping[str, Any], items: Mapping[str, Any]) -> Iterator[str]:
        """What this run was given otherwise than the one that the file is of, and which of the two counts."""
        for name, value in self.settings.items():
            begun = state["settings"].get(name, value)
            if begun != value:
                yield f"{name} is {value}, the run was begun with {begun}: {value} counts from here on."
        for name, item in items.items():
            for group, begun in zip(
                getattr(item, "param_groups", ()), state[name].get("param_groups", ()), strict=False
            ):
                for option in _OPTIONS & group.keys() & begun.keys():
                    if group[option] != begun[option]:
                        yield (
                            f"{option} of {name} is {group[option]}, the run was begun with {begun[option]}: "
                            f"{begun[option]} counts, that of the file."
                        )
