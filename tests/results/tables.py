"""The tables of docs/results: which bundle, data, losses and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from monai_topo.commands.evaluation.options import Options
from tests.results import datasets
from tests.results.scoring import Protocol

CONFIGS = Path(__file__).parent / "configs"
GRAPHS = ("apls", "tlts", "junction_f1")
BASE = "dice_ce"
ITERATIONS_PER_EPOCH = 50
NAMES = {
    BASE: "Dice+CE",
    "weighted": "Dice+CE, foreground weighted 3",
    "topo": "TopoLoss",
    "lifetime": "LifetimeTopoLoss",
    "dmt": "DMTLoss",
    "betti_matching": "BettiMatchingLoss",
    "cldice": "clDice",
    "skeleton_recall": "SkeletonRecallLoss",
    "centerline_dice": "CenterlineDiceLoss",
    "centerline_ce": "CenterlineCrossEntropyLoss",
    "cb_dice": "CbDiceLoss",
    "neighbor_penalty": "SameClassNeighborPenalty",
    "critical_components": "CriticalRegionLoss, components",
    "critical_homotopy": "CriticalRegionLoss, homotopy",
    "localized": "LocalizedTopoLoss",
    "perceptual_random": "PerceptualTopologyLoss of a random network",
    "distance": "distances, MSE",
    "localized_distance": "distances, MSE + LocalizedTopoLoss",
    "unsigned": "unsigned distances, MSE",
    "connectivity": "unsigned distances, MSE + ConnectivityLoss",
    "affinities": "affinities, CE",
    "malis": "affinities, CE + MalisLoss",
}
"""Losses, named after their overlay ``loss_NAME.yaml`` as a rule, to what the tables show."""
LOSSES = (BASE, "topo", "lifetime", "dmt", "betti_matching", "cldice")
"""Those of a table that names no others."""
_SMALL = {"network_def#channels": [16, 32, 64], "network_def#strides": [2, 2]}


@dataclass(frozen=True)
class Other:
    """A loss of networks that give something else than a likelihood.

    Attributes:
        base: the loss without the term, of the same networks.
        overlay: configuration file that is laid over ``train.yaml``.
        inference: configuration files that are laid over ``inference.yaml``.
        inference_settings: entries of the inference's configuration.
    """

    base: str
    overlay: str
    inference: tuple[str, ...] = ()
    inference_settings: Mapping[str, Any] = field(default_factory=dict)


_SIGNED = {"activation": "$lambda distance: torch.sigmoid(-distance)"}
_UNSIGNED = {"activation": "$lambda distance: torch.sigmoid(4 * (0.5 - distance))"}
OTHERS = {
    **dict.fromkeys(
        ("distance", "localized_distance"), Other("distance", "loss_localized.yaml", inference_settings=_SIGNED)
    ),
    **dict.fromkeys(
        ("unsigned", "connectivity"), Other("unsigned", "loss_connectivity.yaml", inference_settings=_UNSIGNED)
    ),
    **dict.fromkeys(("affinities", "malis"), Other("affinities", "affinities.yaml", inference=("affinities.yaml",))),
}


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


def protocols_of_cells(patch_size):
    """Whole volumes, and a grid of all patches without and with a frame; cells are the components of the background."""
    betti = ("betti_error",)
    cells = ("adapted_rand_error", "variation_of_information")
    return (
        Protocol("whole", Options(metrics=("pixel", *betti, *cells), instances="background")),
        Protocol("patches", Options(metrics=betti, patch_size=patch_size)),
        Protocol("framed", Options(metrics=(*betti, "betti_matching_error"), patch_size=patch_size, frame=True)),
    )


FIB25 = Table(
    name="fib25",
    title="FIB-25: membranes in 3D",
    about="Isotropic FIB-SEM of 10 nm. 186 x 250 x 96 voxels train, 64 x 250 x 96 validate, 250 x 250 x 32 test.",
    bundle="em_membranes",
    divide=datasets.fib25,
    protocols=protocols_of_cells(64),
    columns={
        "Dice": "whole/pixel.dice",
        "Betti 0": "whole/betti_error.0",
        "Betti 1": "whole/betti_error.1",
        "Betti 2": "whole/betti_error.2",
        "patches": "patches/betti_error.sum",
        "framed": "framed/betti_error.sum",
        "matching, framed": "framed/betti_matching_error.sum",
        "Rand": "whole/adapted_rand_error",
        "VOI split": "whole/variation_of_information.split",
        "VOI merge": "whole/variation_of_information.merge",
    },
    settings={"patch_size": [48, 48, 48], "batch_size": 2, **_SMALL},
    choices={
        "topo_unframed": Choice("topo", "no frame", {"loss#topology#frame": False}),
        "topo_threshold": Choice("topo", "points above 0.03", {"loss#topology#persistence_threshold": 0.03}),
        "matching_unframed": Choice("betti_matching", "no frame", {"loss#topology#frame": False}),
        "matching_0_1": Choice("betti_matching", "dims 0, 1", {"loss#topology#dims": [0, 1]}),
        "matching_1": Choice("betti_matching", "dim 1", {"loss#topology#dims": [1]}),
        "matching_2": Choice("betti_matching", "dim 2", {"loss#topology#dims": [2]}),
        "matching_32": Choice("betti_matching", "7 patches of 32", {"patch_size": [32, 32, 32], "batch_size": 7}),
        "matching_64": Choice("betti_matching", "1 patch of 64", {"patch_size": [64, 64, 64], "batch_size": 1}),
        "matching_cold": Choice("betti_matching", "no warm-up", warm_up=False),
        "dmt_0.05": Choice("dmt", "threshold 0.05", {"loss#topology#persistence_threshold": 0.05}),
        "dmt_0.2": Choice("dmt", "threshold 0.2", {"loss#topology#persistence_threshold": 0.2}),
        "dmt_1_2": Choice("dmt", "dims 1, 2", {"loss#topology#dims": [1, 2]}),
    },
    heavier={"topo": 1.0, "lifetime": 1.0, "betti_matching": 1.0},
)

ISBI2012 = Table(
    name="isbi2012",
    title="ISBI 2012: membranes in 2D",
    about=(
        "Sections of 4 nm pixels as images, 512 x 512: in each fold a block of six or seven tests, the three after it "
        "validate, the others train. Of an image the patches are those of 64 x 64 of the papers, all of them and not "
        "some at random, and a Betti error counts components and loops. The papers report for ISBI 2012 errors in "
        "Betti numbers of 0.429 (TopoLoss), 0.391 (DMT) and 2.785 (cross-entropy), of other networks and without a "
        "frame."
    ),
    bundle="em_membranes",
    divide=datasets.isbi_sections,
    protocols=protocols_of_cells(64),
    columns={
        "Dice": "whole/pixel.dice",
        "Betti 0": "whole/betti_error.0",
        "Betti 1": "whole/betti_error.1",
        "patches": "patches/betti_error.sum",
        "patches, loops": "patches/betti_error.1",
        "framed": "framed/betti_error.sum",
        "matching, framed": "framed/betti_matching_error.sum",
        "Rand": "whole/adapted_rand_error",
        "VOI split": "whole/variation_of_information.split",
        "VOI merge": "whole/variation_of_information.merge",
    },
    settings={"patch_size": [64, 64], "batch_size": 8, "network_def#spatial_dims": 2, **_SMALL},
    loss_settings={
        **{loss: {"loss#topology#dims": [0, 1]} for loss in ("topo", "lifetime", "betti_matching")},
        "dmt": {"loss#topology#dims": [1]},
    },
    choices={
        "topo_unframed": Choice("topo", "no frame", {"loss#topology#frame": False}),
        "topo_1": Choice("topo", "dim 1", {"loss#topology#dims": [1]}),
        "matching_unframed": Choice("betti_matching", "no frame", {"loss#topology#frame": False}),
        "matching_1": Choice("betti_matching", "dim 1", {"loss#topology#dims": [1]}),
        "matching_128": Choice("betti_matching", "2 patches of 128", {"patch_size": [128, 128], "batch_size": 2}),
        "matching_cold": Choice("betti_matching", "no warm-up", warm_up=False),
        "dmt_0.05": Choice("dmt", "threshold 0.05", {"loss#topology#persistence_threshold": 0.05}),
        "dmt_0.2": Choice("dmt", "threshold 0.2", {"loss#topology#persistence_threshold": 0.2}),
    },
    folds=3,
    iterations=400,
)

ISBI2012_3D = Table(
    name="isbi2012_3d",
    title="ISBI 2012: membranes in 3D",
    about=(
        "The same sections as a volume; they are 50 nm apart. Six test, the four after them validate, the other ten "
        "train. The network pools within the sections only."
    ),
    bundle="em_membranes",
    divide=datasets.isbi_volumes,
    protocols=protocols_of_cells(64),
    columns=FIB25.columns,
    settings={"patch_size": [64, 64, 8], "batch_size": 4, **_SMALL, "network_def#strides": [[2, 2, 1], [2, 2, 1]]},
    iterations=400,
    rounds=2,
)

TREES = Table(
    name="trees",
    title="Phantoms of vessels in 3D",
    about=(
        "Trees of tubes of 80 x 96 x 112 voxels, whose truth bridges the gaps that the image has. Six volumes train, "
        "two of each level, three validate, two test at each level. APLS, the share of paths that are not too long "
        "or short, and the F1 score of the junctions are of the centerlines; of them and of the qualities *more* is "
        "better."
    ),
    bundle="ircadb_vessels",
    divide=datasets.trees,
    protocols=(
        Protocol("whole", Options(metrics=("pixel", "betti_error", "centerline_dice", "ccq", *GRAPHS))),
        Protocol("framed", Options(metrics=("betti_error", "betti_matching_error"), frame=True)),
    ),
    columns={
        "Dice": "whole/pixel.dice",
        "Betti 0": "whole/betti_error.0",
        "Betti 1": "whole/betti_error.1",
        "framed": "framed/betti_error.sum",
        "matching, framed": "framed/betti_matching_error.sum",
        "clDice": "whole/centerline_dice.cldice",
        "CCQ": "whole/ccq.quality",
        "APLS": "whole/apls",
        "TLTS": "whole/tlts",
        "junctions": "whole/junction_f1.f1",
    },
    parts={name: f"{name}: noise {noise:g}, {gaps} gaps" for name, (noise, gaps) in datasets.TREES.items()},
    overlays=("data.yaml", "minutes.yaml"),
    settings={"patch_size": [48, 48, 48], "batch_size": 2},
    losses=(*LOSSES, "localized"),
    start_iterations=600,
    iterations=300,
)

NEURONS = Table(
    name="neurons",
    title="Phantoms of neurites in 3D",
    about=(
        "Trees of 1.3 voxels' radius in 96 x 112 x 80 voxels, which the microscope blurs along z, and whose truth "
        "bridges the places where they fade. Six volumes train, two of each level, three validate, two test at each "
        "level. Two rows are of networks that regress distances, as the paper of LocalizedTopoLoss has it, from a "
        "start of their own, by the mean squared error."
    ),
    bundle="neuron_stacks",
    divide=datasets.neurites,
    protocols=TREES.protocols,
    columns=TREES.columns,
    parts={name: f"{name}: noise {noise:g}, {gaps} gaps" for name, (noise, gaps) in datasets.NEURITES.items()},
    overlays=("data.yaml", "minutes.yaml"),
    settings={"patch_size": [48, 48, 32], "batch_size": 2},
    choices={"distance_5": Choice("distance", "up to 5 voxels, from scratch", {"max_distance": 5}, warm_up=False)},
    losses=(*LOSSES, "distance", "localized_distance"),
    start_iterations=600,
    iterations=300,
    rounds=2,
)

TABLES = {table.name: table for table in (FIB25, ISBI2012, ISBI2012_3D, TREES, NEURONS)}


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
