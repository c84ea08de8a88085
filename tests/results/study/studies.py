"""The studies: which data, bundle, losses and weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.results import datasets
from tests.results.losses import BASE
from tests.results.study.kind import Subject
from tests.results.study.membranes import MEMBRANES
from tests.results.study.mortar import MORTAR
from tests.results.study.vessels import VESSELS
from tests.results.table import Table

WEIGHTED = "weighted"
"""Dice+CE with the foreground weighted 3: a control, without a term."""
_LONG = {"network_def#channels": [16, 32, 64, 128], "network_def#strides": [2, 2, 2]}


@dataclass(frozen=True, kw_only=True)
class Study(Table):
    """Losses that go on from one good network, at every ratio and with every seed.

    Attributes:
        subject: what is segmented: its steps, scores and controls.
        published: rows of others, heading to number, that are shown beside.
        source: where these are from.
        headline: rows of the README: heading to number; the first is of the network's answer alone.
        finished: the step whose numbers and pictures stand beside the network's; empty takes the last.
    """

    subject: Subject
    published: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: str = ""
    headline: dict[str, str] = field(default_factory=dict)
    finished: str = ""
    protocols: tuple[()] = ()
    columns: dict[str, str] = field(default_factory=dict)
    continued: tuple[str, ...] = ("continue.yaml", "fall.yaml")

    @property
    def finish(self):
        """The step that finishes a likelihood; the last where none is named."""
        return self.finished or list(self.subject.steps)[-1]

    @property
    def terms(self):
        """The losses with a weight to choose."""
        return [loss for loss in self.losses if loss != WEIGHTED and self.base(loss) != loss]


FIB25 = Study(
    name="fib25",
    title="FIB-25: membranes in 3D",
    about="Isotropic FIB-SEM of 10 nm. 186 x 250 x 96 voxels train, 64 x 250 x 96 validate, 250 x 250 x 32 test.",
    bundle="em_membranes",
    divide=datasets.fib25,
    subject=MEMBRANES,
    overlays=("load.yaml", "data.yaml", "long.yaml", "steady.yaml"),
    settings={"patch_size": [48, 48, 48], "batch_size": 2, **_LONG},
    inference_settings={"patch_size": [64, 256, 32], "finish": {}},
    losses=(
        BASE,
        WEIGHTED,
        "topo",
        "lifetime",
        "betti_matching",
        "cldice",
        "skeleton_recall",
        "affinities",
        "malis",
    ),
    headline={"Dice": "dice", "F1": "f1", "VOI": "voi", "cells right": "cells"},
    finished="close_walls",
    start_iterations=5000,
    iterations=600,
)

VESSELNN = Study(
    name="vesselnn",
    title="Two-photon stacks of vessels in 3D",
    about=(
        "Seven stacks of mouse brain (vesselNN), voxels of about 1 x 1 x 5 micrometers: five of three acquisitions "
        "train, `bbbDisruption` validates, `tgMouse` tests; stacks of one animal are in one part."
    ),
    bundle="ircadb_vessels",
    divide=datasets.vesselnn,
    subject=VESSELS,
    overlays=("data.yaml", "long.yaml", "steady.yaml", "stacks.yaml"),
    inference=("infer.yaml", "infer_stacks.yaml"),
    settings={
        "patch_size": [96, 96, 12],
        "batch_size": 2,
        "network_def#channels": [16, 32, 64, 128],
        "network_def#strides": [[2, 2, 1], [2, 2, 2], [2, 2, 1]],
    },
    inference_settings={"patch_size": [512, 512, 16], "finish": {}},
    losses=(
        BASE,
        WEIGHTED,
        "topo",
        "lifetime",
        "dmt",
        "betti_matching",
        "cldice",
        "skeleton_recall",
        "centerline_dice",
        "centerline_ce",
        "cb_dice",
        "critical_components",
    ),
    start_iterations=2000,
    iterations=250,
)

TOPOMORTAR = Study(
    name="topomortar",
    title="TopoMortar: mortar in 2D",
    about=(
        "Photographs of 512 x 512 pixels, in color; the in-distribution part with accurate labels: 50 train, 20 "
        "validate, 50 test, as the data set's authors divide them."
    ),
    bundle="em_membranes",
    divide=datasets.topomortar,
    subject=MORTAR,
    overlays=("data.yaml", "colors.yaml", "long.yaml", "steady.yaml"),
    inference=("infer.yaml", "infer_colors.yaml"),
    settings={
        "patch_size": [256, 256],
        "batch_size": 4,
        "network_def#spatial_dims": 2,
        "network_def#in_channels": 3,
        **_LONG,
    },
    loss_settings={
        **{loss: {"loss#topology#dims": [0, 1]} for loss in ("topo", "lifetime", "betti_matching")},
        "dmt": {"loss#topology#dims": [1]},
    },
    inference_settings={"patch_size": [512, 512], "finish": {}},
    losses=(
        BASE,
        WEIGHTED,
        "topo",
        "lifetime",
        "dmt",
        "betti_matching",
        "cldice",
        "skeleton_recall",
        "centerline_dice",
        "cb_dice",
        "critical_components",
    ),
    published={
        "Dice+CE": {"Betti 0": 3.31, "Betti 1": 2.13, "Dice": 0.91},
        "clDice": {"Betti 0": 1.17, "Betti 1": 1.41, "Dice": 0.91},
        "Skeleton Recall": {"Betti 0": 3.08, "Betti 1": 1.73},
        "TopoLoss": {"Betti 0": 3.14, "Betti 1": 2.73},
    },
    source="Published: means over ten seeds of a large network, 12,000 iterations on a GPU (BMVC 2025).",
    start_iterations=3000,
    iterations=250,
)

STUDIES = {study.name: study for study in (FIB25, VESSELNN, TOPOMORTAR)}


def quick(study):
    """The same in minutes: to see that everything works, not to learn anything."""
    losses = tuple(loss for loss in study.losses if loss in (BASE, WEIGHTED, "betti_matching"))
    return replace(study, losses=losses, seeds=(0,), ratios=(1.0,), start_iterations=200, iterations=50)
