"""What chance reaches on real volumes: ``python -m tests.results.controls``, a part of docs/howto/trust.md.

For FIB-25 and the vessels, on the test part: a small network, the smoothed image without any network, and the controls
of ``evaluate --controls``. What is there already in the working folder is kept.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_topo.__main__ import main as monai_topo
from monai_topo.commands.evaluation.controls.masks import PREDICTION
from monai_topo.commands.evaluation.controls.table import cells_of
from monai_topo.data import read_volume, save_nifti
from tests.benchmarks.sections import write_section
from tests.results.datasets import TEST, divided
from tests.results.finished.experiments import FIB25, VESSELS, Experiment
from tests.results.finished.networks import PLAIN, predicted
from tests.results.report import header, line

SECTION, PAGE = "controls", "howto/trust.md"
NETWORK, IMAGE = "network", "smoothed image"


@dataclass(frozen=True)
class Study:
    """A data set and what is scored on it.

    Attributes:
        experiment: data and network.
        title: of its table.
        dark: whether the structure is dark in the image.
        sigma: of the smoothing, in voxels.
        arguments: of ``evaluate``.
        columns: heading to column.
    """

    experiment: Experiment
    title: str
    dark: bool
    sigma: tuple[float, ...]
    arguments: tuple[str, ...]
    columns: dict[str, str]


SHARED = {
    "Dice": "pixel.dice",
    "Betti error": "betti_error.sum",
    "matching error": "betti_matching_error.sum",
    "matching F1": "betti_matching_f1.f1",
}
TOPOLOGY = ("pixel", "betti_error", "betti_matching_error", "betti_matching_f1")
STUDIES = (
    Study(
        FIB25,
        "FIB-25, membranes",
        True,
        (1.0, 1.0, 1.0),
        ("--metrics", *TOPOLOGY, "variation_of_information", "adapted_rand_error", "--instances", "background"),
        {**SHARED, "VOI": "variation_of_information.sum", "Rand error": "adapted_rand_error"},
    ),
    Study(
        VESSELS,
        "Two-photon stacks, vessels",
        False,
        (1.5, 1.5, 0.3),
        ("--metrics", *TOPOLOGY, "centerline_dice", "ccq"),
        {**SHARED, "clDice": "centerline_dice.cldice", "CCQ": "ccq.quality"},
    ),
)


def main(arguments=None):
    """Train, predict and score what is not there, and write the part of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MONAI_TOPO_TEST_DATA", "../shared/data")))
    parser.add_argument("--work", type=Path, default=Path("results_output"), help="folder for networks and predictions")
    parser.add_argument("--iterations", type=int, default=300, help="of each network")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parts = [measured(study, options) for study in STUDIES]
    write_section(PAGE, SECTION, "\n\n".join(parts))


def measured(study, options):
    """Table of one data set."""
    experiment = replace(study.experiment, iterations=options.iterations)
    work = options.work / f"controls_{experiment.name}"
    data = divided(experiment, options.data, work, 0)
    folders = {NETWORK: predicted(experiment, options.data, work, PLAIN), IMAGE: without_network(study, data, work)}
    found = {name: scores(study, folder, data, work / f"{folder.name}.json") for name, folder in folders.items()}
    rows = {name: found[name].pop(PREDICTION) for name in folders}
    return table(study, experiment, {**rows, **found[NETWORK]})


def without_network(study, data, work):
    """The smoothed image as a likelihood that at 0.5 has the training labels' share of foreground."""
    folder = work / "image"
    folder.mkdir(exist_ok=True)
    labels = [read_volume(path).array > 0 for path in (data / "training" / "labels").glob("*.nii.gz")]
    share = float(np.mean([label.mean() for label in labels]))
    for path in (data / "held_out" / "images").glob(f"{TEST}*.nii.gz"):
        image = read_volume(path)
        smooth = gaussian_filter(np.asarray(image.array, np.float32), study.sigma)
        ranks = np.argsort(np.argsort(-smooth if study.dark else smooth, axis=None)).reshape(smooth.shape)
        likelihood = np.where(ranks >= (1 - share) * ranks.size, 1.0, 0.0).astype(np.float32)
        save_nifti(folder / path.name.replace(".nii.gz", "_prob.nii.gz"), replace(image, array=likelihood))
    return folder


def scores(study, folder, data, report):
    """Control to column to its mean and range over draws."""
    of = ["--pred", folder, "--label", data / "held_out" / "labels", "--out", report]
    voxels = ["--threshold", "0.5", "--frame", "--patch-size", "64"]
    monai_topo([str(word) for word in ("evaluate", *of, *voxels, *study.arguments, "--controls")])
    cases = json.loads(report.with_name(f"{report.stem}_controls.json").read_text())["cases"]
    found = {}
    for cell in cells_of({case["case"]: case["result"] for case in cases}):
        found.setdefault(cell.control, {})[cell.column] = cell
    return found


def table(study, experiment, rows):
    """Text of a data set."""
    command = " ".join(["evaluate --threshold 0.5 --frame --patch-size 64", *study.arguments, "--controls"])
    lines = [header(["", *study.columns])]
    lines += [line([name, *(text(cells[column]) for column in study.columns.values())]) for name, cells in rows.items()]
    about = f"Test part; the network has seen {experiment.iterations} iterations. `{command}`."
    return f"**{study.title}.** {about}\n\n" + "\n".join(lines)


def text(cell):
    """Mean, and range where draws differ."""
    if np.isnan(cell.mean):
        return "-"
    spread = f" ({cell.low:.3g} to {cell.high:.3g})" if cell.high > cell.low else ""
    return f"{cell.mean:.3g}{spread}"


if __name__ == "__main__":
    main()
