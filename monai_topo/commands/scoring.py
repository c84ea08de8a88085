"""The demo's numbers of a network, as a table for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.commands.output import align
from monai_topo.data import read_volume
from monai_topo.topology import betti_numbers

PATCH_SIZE = 64
"""Edge of the grid patches of the framed Betti error."""


@dataclass(frozen=True)
class Scores:
    """How good one network's segmentation of one volume is.

    Attributes:
        name: name of the loss.
        dice: Dice score.
        betti_error: error of each Betti number over the whole volume.
        framed_betti_error: mean over grid patches of the sum of the errors relative to a frame.
        betti_numbers: Betti numbers of the segmentation.
        true_betti_numbers: true Betti numbers of the label.
        iterations: iterations of training.
        seconds_per_iteration: median over the part of training in which a topology term is on, with everything that
            an iteration does.
    """

    name: str
    dice: float
    betti_error: list[float]
    framed_betti_error: float
    betti_numbers: list[int]
    true_betti_numbers: list[int]
    iterations: int
    seconds_per_iteration: float


_WHOLE = Options(metrics=("pixel", "betti_error"))
_FRAMED = Options(metrics=("betti_error",), frame=True, patch_size=PATCH_SIZE)


def score(name: str, prediction: Path, label: Path, iterations: int, seconds: float) -> Scores:
    """Compare two NIfTI masks of one shape, by the metrics of ``python -m monai_topo evaluate``."""
    predicted, true = (load_nifti(path) > 0 for path in (prediction, label))
    whole = score_masks(predicted, true, _WHOLE)
    return Scores(
        name=name,
        dice=whole["pixel.dice"],
        betti_error=[whole[f"betti_error.{k}"] for k in range(true.ndim)],
        framed_betti_error=score_masks(predicted, true, _FRAMED)["betti_error.sum"],
        betti_numbers=list(betti_numbers(predicted)),
        true_betti_numbers=list(betti_numbers(true)),
        iterations=iterations,
        seconds_per_iteration=seconds,
    )


def load_nifti(path: Path) -> NDArray[Any]:
    """Array of an image file, axes (x, y, z)."""
    return read_volume(path).array


def seconds_per_iteration(events: Path, first: int = 1) -> float:
    """Median time between the training iterations that TensorBoard event files record; validation falls out.

    Args:
        events: folder of the event files.
        first: the first iteration to count, from 1: a topology term that joins later costs nothing before.

    Raises:
        FileNotFoundError: when fewer than two iterations are recorded.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    recorded = EventAccumulator(str(events), size_guidance={"scalars": 0}).Reload()
    found = recorded.Scalars("train_loss") if "train_loss" in recorded.Tags()["scalars"] else []
    times = [event.wall_time for event in found if event.step >= first]
    if len(times) < 2:
        raise FileNotFoundError(f"{events} holds no record of training iterations.")
    return float(np.median(np.diff(times)))


def table(scores: list[Scores]) -> str:
    """The scores as aligned text, with the label's Betti numbers above.

    Example:
        >>> print(table([Scores("Dice", 0.5, [1.0, 2.0], 0.25, [2, 2], [1, 0], 10, 0.125)]))
        Betti numbers of the label: (1, 0)
        loss      Dice   Betti err 0   Betti err 1   framed, 64-voxel patches   s / iteration
        Dice    0.5000             1             2                       0.25           0.125
    """
    dims = range(len(scores[0].betti_error))
    header = ["loss", "Dice", *(f"Betti err {k}" for k in dims), f"framed, {PATCH_SIZE}-voxel patches", "s / iteration"]
    rows = [
        [
            row.name,
            f"{row.dice:.4f}",
            *(f"{error:.0f}" for error in row.betti_error),
            f"{row.framed_betti_error:.2f}",
            f"{row.seconds_per_iteration:.3f}",
        ]
        for row in scores
    ]
    return f"Betti numbers of the label: {tuple(scores[0].true_betti_numbers)}\n{align([header, *rows])}"
