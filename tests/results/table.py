"""A table of docs/results: which bundle, data, losses and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.results import datasets
from tests.results.losses import BASE, LOSSES, OTHERS
from tests.results.scoring import Protocol

CONFIGS = Path(__file__).parent / "configs"
ITERATIONS_PER_EPOCH = 50


@dataclass(frozen=True)
class Choice:
    """A loss's row but for one thing, to see on the validation part what that does.

    Attributes:
        loss: overlay of the bundle.
        title: what is different.
        settings: entries of the training's configuration.
        warm_up: False has the term from the first iteration on, for as long as start and continuation together.
    """

    loss: str
    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    warm_up: bool = True


@dataclass(frozen=True)
class Table:
    """An experiment: all losses go on from one network that a loss without a term, Dice+CE as a rule, has trained.

    Attributes:
        name: of the table, and of its files.
        title: of its page and figure.
        about: what a reader must know of the data.
        bundle: name of the bundle.
        divide: writes the data of a fold (``datasets``).
        protocols: what is measured.
        columns: of the table: heading to column of a protocol.
        parts: what is scored, with a title for each.
        overlays: configuration files of this folder, laid over the bundle's ``train.yaml`` before the loss's.
        inference: the same, laid over ``inference.yaml``.
        continued: configuration files of this folder, laid over the loss's for networks that go on from a start.
        inference_settings: further entries of the inference's configuration.
        settings: entries of both configurations.
        loss_settings: further entries of the training's, by loss.
        losses: overlays of the bundle, or of this folder.
        choices: by name, what is tried once beside the losses, with the weight that was chosen.
        ratios: wanted ratios of the gradient norms, from which one is chosen on the validation part.
        heavier: by loss, a ratio that was not chosen and is shown beside it, with all folds and seeds.
        seeds: of the runs.
        folds: of the data; the weights are chosen in the first.
        start_iterations: without a term.
        iterations: from there on, with the term.
        rounds: in which every loss is timed once.
    """

    name: str
    title: str
    about: str
    bundle: str
    divide: Callable[[Path, Path, int], None]
    protocols: tuple[Protocol, ...]
    columns: Mapping[str, str]
    parts: Mapping[str, str] = field(default_factory=lambda: {datasets.TEST: ""})
    overlays: tuple[str, ...] = ("load.yaml", "data.yaml", "minutes.yaml")
    inference: tuple[str, ...] = ("infer.yaml",)
    continued: tuple[str, ...] = ("continue.yaml",)
    inference_settings: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    loss_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    losses: tuple[str, ...] = LOSSES
    choices: Mapping[str, Choice] = field(default_factory=dict)
    ratios: tuple[float, ...] = (0.3, 1.0, 3.0)
    heavier: Mapping[str, float] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, 1, 2)
    folds: int = 1
    start_iterations: int = 1500
    iterations: int = 600
    rounds: int = 3

    def loss(self, name):
        """The loss of a row or a choice."""
        return self.choices[name].loss if name in self.choices else name

    def base(self, name):
        """The loss without a term that a row or a choice goes on from."""
        other = OTHERS.get(self.loss(name))
        return BASE if other is None else other.base

    def overlay(self, name):
        """The configuration file of a row or a choice."""
        loss = self.loss(name)
        return OTHERS[loss].overlay if loss in OTHERS else f"loss_{loss}.yaml"

    def training_settings(self, name):
        """Entries of the training's configuration, for a row or a choice."""
        loss = self.loss(name)
        own = self.choices[name].settings if name in self.choices else {}
        without_term = {"topology_weight": 0} if loss in OTHERS and loss == self.base(name) else {}
        return {**self.settings, **without_term, **self.loss_settings.get(loss, {}), **own}


def of_losses(table, names):
    """The same for these losses alone, and those without a term that they are compared with."""
    bases = dict.fromkeys([BASE, *(table.base(name) for name in names)])
    losses = tuple(dict.fromkeys([*bases, *names]))
    choices = {name: choice for name, choice in table.choices.items() if choice.loss in losses}
    heavier = {loss: ratio for loss, ratio in table.heavier.items() if loss in losses}
    return replace(table, losses=losses, choices=choices, heavier=heavier)


def quick(table):
    """The same in minutes: to see that everything works, not to learn anything."""
    return replace(
        table, seeds=(0,), choices={}, heavier={}, ratios=(1.0,), start_iterations=200, iterations=50, folds=1, rounds=1
    )
