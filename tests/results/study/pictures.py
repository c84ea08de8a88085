"""The picture of a study: a panel for each number that decides, a row for each loss, every seed a point."""

from __future__ import annotations

from tests.results.datasets import TEST
from tests.results.pictures import Panel, draw_points
from tests.results.study.laboratory import IMAGE
from tests.results.study.report import done
from tests.results.study.selection import chosen_ratio
from tests.results.tables import NAMES


def draw(study, records, path):
    """The chosen weights: blue as the network answers, red after the last step."""
    shown = [loss for loss in study.losses if done(study, records, loss, chosen_ratio(study, records, loss))]
    panels = [panel(study, records, shown, heading) for heading in study.subject.shown]
    return draw_points([NAMES[loss] for loss in shown], {"": panels}, path, legend(study))


def legend(study):
    """What the colors are."""
    first, *_, last = study.subject.steps.values()
    return f"blue: {first.title}; red: {last.title}; dotted: the smoothed image, no network".replace("`", "")


def panel(study, records, shown, heading):
    """Of one number."""
    first, *_, last = study.subject.steps
    column = study.subject.columns[heading]
    series = {
        color: [numbers(study, records, loss, step, column) for loss in shown]
        for color, step in (("tab:blue", first), ("tab:red", last))
    }
    return Panel(heading, series, records[IMAGE]["scores"][TEST][last][column] if IMAGE in records else None)


def numbers(study, records, loss, step, column):
    """Of each seed, for the weight that was chosen."""
    runs = done(study, records, loss, chosen_ratio(study, records, loss))
    found = [run["scores"][TEST][step][column] for run in runs]
    return [number for number in found if number is not None]
