"""What each metric sees of each kind of damage: the tables of docs/metrics.md and docs/images/blindness.png.

``python -m tests.benchmarks.figure_blindness``
"""

from __future__ import annotations

import numpy as np

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.commands.evaluation.metric_table import METRICS, arguments_of, higher_is_better
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import COLORS
from tests.benchmarks.damages import MEMBRANES, TUBES, membranes, tubes, valid
from tests.benchmarks.sections import DOCS, write_section

COUNT = 3
"""Phantoms of each kind."""
LEAST = 0.005
"""A response below it is none."""
COLUMNS = {
    "pixel": "pixel.dice",
    "betti_error": "betti_error.sum",
    "betti_matching_error": "betti_matching_error.sum",
    "betti_matching_f1": "betti_matching_f1.f1",
    "centerline_dice": "centerline_dice.cldice",
    "ccq": "ccq.quality",
    "junction_f1": "junction_f1.f1",
    "variation_of_information": "variation_of_information.sum",
    "instance_f1": "instance_f1.f1",
    "expected_run_length": "expected_run_length.normalized",
}
"""Of metrics with several numbers, the one that is shown."""
OF_WALLS = ("pixel", "betti_error", "betti_matching_error", "betti_matching_f1", "euler_error", "instance_f1")
OF_WALLS += ("adapted_rand_error", "variation_of_information")
"""Metrics that are meant for walls; the others compare centerlines."""
NAMES = {"pixel": "Dice"}


def main():
    """Measure, write, draw."""
    kinds = {"tubes": valid(tubes, TUBES, COUNT), "membranes": valid(membranes, MEMBRANES, COUNT)}
    text = "\n\n".join(table(kind, found) for kind, found in kinds.items())
    write_section("metrics.md", "blindness", text)
    draw({kind: found[0] for kind, found in kinds.items()}, DOCS / "images" / "blindness.png")


def table(kind, found):
    """A row for each metric, a column for each damage."""
    damages = list(found[0].masks)
    about = {
        "tubes": "Two trees and a ring beside each other, whole volumes, instances are components of the foreground",
        "membranes": "Walls between ten cells, relative to a frame, instances are the cells",
    }[kind]
    lines = [f"| **{kind}** | {' | '.join(damages)} |", f"| --- |{' --- |' * len(damages)}"]
    for metric in METRICS if kind == "tubes" else OF_WALLS:
        responses = [response(metric, found, damage) for damage in damages]
        lines.append(f"| {NAMES.get(metric, f'`{metric}`')} | {' | '.join(map(shown, responses))} |")
    return f"{about}; mean of {len(found)}.\n\n" + "\n".join(lines)


def response(metric, found, damage):
    """Mean error: of a score what it lacks of 1."""
    options = options_of(metric, found[0].frame)
    errors = []
    for phantom in found:
        scores = score_masks(phantom.masks[damage], phantom.label, options)
        column = COLUMNS.get(metric, next(iter(scores)))
        errors.append(1 - scores[column] if higher_is_better(column) else scores[column])
    return float(np.mean(errors))


def options_of(metric, frame):
    """Options of a metric for tubes, or framed for walls."""
    taken = arguments_of(metric)
    given = {"frame": frame, "instances": "background" if frame else "foreground"}
    return Options(metrics=(metric,), **{name: value for name, value in given.items() if name in taken})


def shown(number):
    """A response, a dot for none."""
    return "·" if abs(number) < LEAST else f"{number:.2f}".rstrip("0").rstrip(".")


def draw(phantoms, path):
    """A row for each phantom: the section or projection of each damage, missing red and extra blue."""
    damages = max(len(phantom.masks) for phantom in phantoms.values())
    figure, axes = new_figure(len(phantoms) * 2, damages // 2, size=2.4, aspects=[0.4, 0.4, 1.0, 1.0])
    for rows, phantom in zip((axes[:2], axes[2:]), phantoms.values(), strict=True):
        for axis, (name, mask) in zip(rows.flat, phantom.masks.items(), strict=True):
            axis.imshow(panel(mask, phantom.label, phantom.frame), interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.set_title(name, fontsize="medium")
    save_png(figure, path)


def panel(mask, label, section):
    """Colors of a section through most of the damage, or of the projection along the last axis."""
    if section:
        place = int((mask != label).sum(axis=(0, 1)).argmax())
        mask, label = mask[..., place], label[..., place]
        missing, extra, right = label & ~mask, mask & ~label, mask & label
    else:
        missing, extra, right = (found.any(axis=2) for found in (label & ~mask, mask & ~label, mask & label))
    picture = np.ones((*right.shape, 3))
    for found, color in ((right, (0.72, 0.72, 0.72)), (missing, COLORS["missing"]), (extra, COLORS["extra"])):
        picture[found] = color
    return picture


if __name__ == "__main__":
    main()
