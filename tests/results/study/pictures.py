"""The picture of a study: a panel for each number that decides, a row for each loss, every seed a point."""

from __future__ import annotations

from tests.results.datasets import TEST
from tests.results.losses import NAMES
from tests.results.pictures import Panel, draw_points
from tests.results.study.laboratory import IMAGE
from tests.results.study.report import done, value
from tests.results.study.selection import chosen_ratio


def draw(study, records, path):
    """The chosen weights: blue as the network answers, red finished."""
    shown = [loss for loss in study.losses if done(study, records, loss, chosen_ratio(study, records, loss))]
    panels = [panel(study, records, shown, *number) for number in study.subject.shown.items()]
    return draw_points([NAMES[loss] for loss in shown], {"": panels}, path, legend(study))


def legend(study):
    """What the colors are."""
    plain, finished = next(iter(study.subject.steps.values())), study.subject.steps[study.finish]
    return f"blue: {plain.title}; red: {finished.title}; dotted: the smoothed image, no network".replace("`", "")


def panel(study, records, shown, heading, column):
    """Of one number."""
    steps = {"tab:blue": next(iter(study.subject.steps)), "tab:red": study.finish}
    series = {color: [numbers(study, records, loss, step, column) for loss in shown] for color, step in steps.items()}
    image = value(records[IMAGE]["scores"][TEST][study.finish], column) if IMAGE in records else None
    return Panel(heading, series, image)


def numbers(study, records, loss, step, column):
    """Of each seed, for the weight that was chosen."""
    runs = done(study, records, loss, chosen_ratio(study, records, loss))
    found = [value(run["scores"][TEST][step], column) for run in runs]
    return [number for number in found if number is not None]
