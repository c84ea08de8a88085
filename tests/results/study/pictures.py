"""The picture of a study: a panel for each number that decides, a row for each loss, every seed a point."""

from __future__ import annotations

from tests.results.datasets import TEST
from tests.results.losses import NAMES
from tests.results.pictures import Panel, draw_points
from tests.results.study.laboratory import EQUAL, EQUAL_LOWER, IMAGE
from tests.results.study.precision import LOWER
from tests.results.study.report import done, value
from tests.results.study.selection import chosen_ratio

SHOWN_AT_PRECISION = {"F1": "f1", "sensitivity": "sensitivity", "branches": "branches", "Dice": "dice"}
"""Heading to number of the panels."""


def draw(study, records, path):
    """The chosen weights: blue as the network answers, red finished."""
    shown = [loss for loss in study.losses if done(study, records, loss, chosen_ratio(study, records, loss))]
    panels = [panel(study, records, shown, *number) for number in study.subject.shown.items()]
    return draw_points([NAMES[loss] for loss in shown], {"": panels}, path, legend(study))


def draw_at_precision(study, records, path):
    """The chosen weights at one centerline precision: blue that of Dice+CE, red the lower; None where none is known."""
    colors = {"tab:blue": EQUAL, "tab:red": EQUAL_LOWER}
    found = {loss: done(study, records, loss, chosen_ratio(study, records, loss)) for loss in study.losses}
    known = {NAMES[loss]: [run for run in runs if EQUAL in run] for loss, runs in found.items()}
    shown = {name: runs for name, runs in known.items() if runs}
    if not shown:
        return None
    panels = [
        Panel(
            heading,
            {color: [[run[key][column] for run in runs] for runs in shown.values()] for color, key in colors.items()},
        )
        for heading, column in SHOWN_AT_PRECISION.items()
    ]
    return draw_points(list(shown), {"": panels}, path, f"centerline precision, blue: of Dice+CE at 0.5; red: {LOWER}")


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
