"""The tables of docs/results."""

from __future__ import annotations

from monai_topo.commands.evaluation.options import Options
from tests.results import datasets
from tests.results.losses import LOSSES
from tests.results.scoring import Protocol
from tests.results.table import Choice, Table

GRAPHS = ("apls", "tlts", "junction_f1")
_SMALL = {"network_def#channels": [16, 32, 64], "network_def#strides": [2, 2]}


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
