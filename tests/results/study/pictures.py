"""The picture of a study: one panel a number, one row a loss, a point for each seed."""

from __future__ import annotations

from monai_topo.visualize.figure import new_figure, save_png
from tests.results.datasets import TEST
from tests.results.study.laboratory import IMAGE
from tests.results.study.report import done
from tests.results.study.selection import chosen_ratio
from tests.results.tables import NAMES


def draw(study, records, path):
    """The chosen weights: blue as the network answers, red after the last step."""
    shown = [loss for loss in study.losses if done(study, records, loss, chosen_ratio(study, records, loss))]
    headings = study.subject.shown
    figure, axes = new_figure(1, len(headings), size=3.6, aspects=[0.12 * len(shown) + 0.3])
    for panel, heading in zip(axes[0], headings, strict=True):
        fill(panel, study, records, shown, study.subject.columns[heading])
        panel.set_yticks(range(len(shown)), [NAMES[loss] for loss in shown] if heading == headings[0] else [])
        panel.invert_yaxis()
        panel.set_title(heading)
        panel.grid(axis="x", linewidth=0.4)
    figure.supxlabel(legend(study), fontsize="small")
    return save_png(figure, path)


def legend(study):
    """What the colors are."""
    first, *_, last = study.subject.steps.values()
    return f"blue: {first.title}; red: {last.title}; dotted: the smoothed image, no network".replace("`", "")


def fill(panel, study, records, shown, column):
    """Rows of one number."""
    first, *_, last = study.subject.steps
    for step, color, offset in ((first, "tab:blue", -0.15), (last, "tab:red", 0.15)):
        for place, loss in enumerate(shown):
            points(panel, numbers(study, records, loss, step, column), place + offset, color)
    if IMAGE in records:
        panel.axvline(records[IMAGE]["scores"][TEST][last][column], color="gray", linewidth=0.8, linestyle=":")


def points(panel, values, place, color):
    """Every seed, and a bar from the least to the greatest."""
    if values:
        panel.plot([min(values), max(values)], [place, place], color=color, linewidth=1)
        panel.scatter(values, [place] * len(values), s=16, color=color)


def numbers(study, records, loss, step, column):
    """Of each seed, for the weight that was chosen."""
    runs = done(study, records, loss, chosen_ratio(study, records, loss))
    found = [run["scores"][TEST][step][column] for run in runs]
    return [number for number in found if number is not None]
