"""The picture of a study's first test volume: Dice+CE and the best loss, as the networks answer and finished."""

from __future__ import annotations

import numpy as np

from monai_topo.visualize import save_png
from monai_topo.visualize.figure import new_figure
from tests.results.datasets import TEST
from tests.results.finished.pictures import show
from tests.results.losses import BASE, NAMES
from tests.results.study.laboratory import runs_of
from tests.results.study.selection import CRITERION, chosen_ratio, validated


def draw_sections(study, laboratory, records, path):
    """Parts in random colors: above as the networks of the first seed answer, below finished; None without these."""
    _, step = ends = next(iter(study.subject.steps)), study.finish
    losses = (BASE, best_loss(study, records))
    runs = {loss: runs_of(study, loss, chosen_ratio(study, records, loss))[0] for loss in losses}
    if not all(laboratory.holds(run) for run in runs.values()):
        return None
    name, image, label = laboratory.first_of(TEST)
    figure, axes = new_figure(2, 1 + len(losses), size=4, aspects=[image.shape[0] / image.shape[1]] * 2)
    show(axes[0, 0], "image", study.subject.flat(image), cmap="gray")
    show(axes[1, 0], "label", study.subject.colors(label.array > 0))
    for column, (loss, run) in enumerate(runs.items(), start=1):
        for row, end in enumerate(ends):
            mask = laboratory.mask_of(run, name, end, records[run.key]["arguments"][end])
            title = NAMES[loss] if end != step else f"{NAMES[loss]}, {study.subject.steps[step].title}"
            show(axes[row, column], title.replace("`", ""), study.subject.colors(mask))
    return save_png(figure, path)


def best_loss(study, records):
    """With the best F1 score of the validation part, of those with a term that are done."""
    tried = {
        loss: validated(study, records, loss, chosen_ratio(study, records, loss), CRITERION) for loss in study.terms
    }
    return max((loss for loss in tried if np.isfinite(tried[loss])), key=tried.__getitem__)
