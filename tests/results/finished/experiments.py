"""The experiments of docs/finished.md: data, network, and which steps are tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.results import datasets
from tests.results.finished.steps import Kind
from tests.results.finished.tubes import tubes
from tests.results.finished.walls import WALLS


@dataclass(frozen=True)
class Experiment:
    """A network that is trained once, and segmentations that are finished from its likelihoods.

    Attributes:
        name: of its files.
        title: of its part of the page.
        about: what a reader must know of the data.
        kind: what is segmented: walls or tubes.
        divide: writes the data (``datasets``): ``training/`` and ``held_out/``.
        bundle: name of the bundle that trains; without one, the images are likelihoods.
        overlays: configuration files laid over the bundle's ``train.yaml``.
        loss: the last of them.
        inference: the same, laid over ``inference.yaml``.
        settings: entries of both configurations.
        window: patch size of the inference: as large as fits, for there are fewer borders.
        batch_size: patches of an iteration.
        iterations: of the training.
    """

    name: str
    title: str
    about: str
    kind: Kind
    divide: Callable[[Path, Path, int], None]
    bundle: str = ""
    window: tuple[int, ...] = ()
    overlays: tuple[str, ...] = ("load.yaml", "data.yaml", "long.yaml")
    loss: str = "loss_weighted.yaml"
    inference: tuple[str, ...] = ("infer_average.yaml",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 2
    iterations: int = 3000


FIB25 = Experiment(
    name="fib25",
    title="FIB-25: membranes in 3D",
    about="Isotropic FIB-SEM of 10 nm, divided as in [results.md](results.md).",
    kind=WALLS,
    bundle="em_membranes",
    divide=datasets.fib25,
    window=(64, 256, 32),
    settings={"patch_size": [48, 48, 48]},
)

VESSELS = Experiment(
    name="vesselnn",
    title="Two-photon stacks of vessels",
    about=(
        "Seven stacks of mouse brain (vesselNN), voxels of about 1 x 1 x 5 micrometers: five of three acquisitions "
        "train, `bbbDisruption` validates, `tgMouse` tests."
    ),
    kind=tubes((1.0, 1.0, 0.3)),
    bundle="ircadb_vessels",
    divide=datasets.vesselnn,
    window=(512, 512, 16),
    overlays=("data.yaml", "long.yaml", "stacks.yaml"),
    loss="loss_dice_ce.yaml",
    inference=("infer_average.yaml", "infer_stacks.yaml"),
    settings={"patch_size": [96, 96, 12], "network_def#strides": [[2, 2, 1], [2, 2, 2], [2, 2, 1]]},
    iterations=1000,
)

GAPS = Experiment(
    name="gaps",
    title="Phantoms of vessels with known gaps",
    about=(
        "Trees of tubes of 64 x 80 x 96 voxels with 40 faded places each, whose truth bridges them; noise of a sixth "
        "of the contrast. Two validate, four test."
    ),
    kind=tubes(0.7),
    divide=datasets.gaps,
)

OVULES = Experiment(
    name="ovules",
    title="An ovule: cell walls in 3D",
    about=(
        "A confocal stack of an Arabidopsis ovule (plant-seg), 128 x 128 x 32 voxels: half of it trains, a quarter "
        "validates, a quarter tests."
    ),
    kind=WALLS,
    bundle="em_membranes",
    divide=datasets.ovules,
    window=(32, 128, 32),
    settings={"patch_size": [32, 32, 32]},
    iterations=1000,
)

ISBI2012 = Experiment(
    name="isbi2012",
    title="ISBI 2012: membranes in 2D",
    about="Sections of 512 x 512 pixels: ten train, three validate, six test.",
    kind=WALLS,
    bundle="em_membranes",
    divide=datasets.isbi_sections,
    window=(512, 512),
    settings={"patch_size": [96, 96], "network_def#spatial_dims": 2},
    batch_size=8,
    iterations=300,
)

EXPERIMENTS = {experiment.name: experiment for experiment in (FIB25, VESSELS, GAPS, OVULES, ISBI2012)}


def quick(experiment):
    """The same in a minute: to see that everything works, not to learn anything."""
    return replace(experiment, iterations=100)
