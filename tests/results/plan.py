"""Which runs a table needs, given what is recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.results.datasets import VALIDATION
from tests.results.runs import Run
from tests.results.scoring import AS_IT_IS
from tests.results.table import ITERATIONS_PER_EPOCH

CRITERION = "framed/betti_matching_error.sum"
"""By what a weight is chosen on the validation part: it sees place, and cells that the volume cuts."""
DICE, TOLERANCE = "whole/pixel.dice", 0.005
"""A weight that costs more Dice than this is not chosen as long as another one does not."""

TIMED_ITERATIONS = 2 * ITERATIONS_PER_EPOCH


def search_runs(table):
    """With all weights, in the first fold and with the first seed."""
    bases = [Run(loss, None, 0, table.seeds[0], table.iterations) for loss in table.losses if loss not in terms(table)]
    return [*bases, *(run for loss in terms(table) for run in candidates(table, loss))]


def candidates(table, loss):
    return [Run(loss, ratio, 0, table.seeds[0], table.iterations) for ratio in table.ratios]


def chosen_ratio(table, records, loss):
    """The ratio of the gradient norms that did best on the validation part, of those tried so far; None before any."""

    def number(run, column):
        return records[run.key]["scores"][VALIDATION][AS_IT_IS][column]

    base = number(Run(table.base(loss), None, 0, table.seeds[0], table.iterations), DICE)

    def rank(run):
        lost = max(0.0, base - TOLERANCE - number(run, DICE))
        return lost, number(run, CRITERION)

    tried = [run for run in candidates(table, loss) if run.key in records]
    return min(tried, key=rank).ratio if tried else None


def chosen_runs(table, records):
    """Every loss with its weight, in all folds and with all seeds; one after the other, so that rows fill evenly."""
    runs = [run for loss in table.losses for run in runs_of(table, records, loss)]
    return sorted(runs, key=lambda run: (run.fold, run.seed))


def runs_of(table, records, loss, iterations=None):
    """The runs behind one row."""
    ratio = chosen_ratio(table, records, loss) if loss in terms(table) else None
    return repeated(table, loss, ratio, iterations or table.iterations)


def heavier_runs(table):
    """The losses with more weight than was chosen, like those behind the rows."""
    return [run for loss in table.heavier for run in heavier_runs_of(table, loss)]


def heavier_runs_of(table, loss):
    """The runs behind one row of more weight."""
    return repeated(table, loss, table.heavier[loss], table.iterations)


def repeated(table, loss, ratio, iterations):
    """In all folds and with all seeds."""
    return [Run(loss, ratio, fold, seed, iterations) for fold in range(table.folds) for seed in table.seeds]


def choice_runs(table, records):
    """What is tried beside the rows, in the first fold and with the first seed."""
    return [choice_run(table, records, name) for name in table.choices]


def choice_run(table, records, name):
    choice = table.choices[name]
    length = table.iterations + (0 if choice.warm_up else table.start_iterations)
    ratio = chosen_ratio(table, records, choice.loss)
    return Run(name, ratio, 0, table.seeds[0], length)


def equal_time_runs(table, records):
    """Every loss for as many iterations as fit into the time of the base's."""
    return [run for loss in terms(table) for run in runs_in_time(table, records, loss)]


def runs_in_time(table, records, loss):
    """The runs behind one row of equal time: all seeds in the first fold."""
    length = iterations_in_time(table, records, loss) if loss in terms(table) else table.iterations
    return [run for run in runs_of(table, records, loss, length) if run.fold == 0]


def iterations_in_time(table, records, loss):
    """How many iterations of a loss take as long as the base's, in whole epochs."""
    share = seconds(records, table.base(loss)) / seconds(records, loss)
    epochs = round(min(share, 1.0) * table.iterations / ITERATIONS_PER_EPOCH)
    return max(1, epochs) * ITERATIONS_PER_EPOCH


def timed_runs(table, records):
    """Short runs that nothing disturbs, every loss in turn: the time of those behind the rows is not to be trusted."""
    return [
        replace(runs_of(table, records, loss)[0], iterations=min(table.iterations, TIMED_ITERATIONS))
        for loss in table.losses
    ]


def seconds(records, loss):
    """Median seconds of an iteration."""
    return float(np.median(records[f"seconds_{loss}"]["rounds"]))


def terms(table):
    return [loss for loss in table.losses if table.base(loss) != loss]
