"""One volume in several threads: the gain of a second one, what each step takes, and a model of more cores."""

from __future__ import annotations

import time
from unittest import mock

import numpy as np

from monai_topo.topology import persistence_pairs
from monai_topo.topology.compiled.threads import Team
from monai_topo.topology.engines.native import compute
from monai_topo.topology.engines.native.pairing import shares
from tests.benchmarks.fields import smooth, vessel_tree, white
from tests.benchmarks.timing import best_of

TITLE = "Threads within one volume"
SECONDS = 120

DIVIDED = {"order keys": shares.KEYS, "discrete gradient": shares.CRITICAL, "edges without a loop": shares.MARK}
BESIDE = {"dimension 0": shares.MINIMA, "dimension 2": shares.MAXIMA}
ALONE = {"order of the squares": shares.ORDER_TURNS, "pairs of dimension 1": shares.LOOPS}
COPIED = "keys and states"
REDUCED = "reduction of dimension 1"
STEPS = {**DIVIDED, **BESIDE, COPIED: shares.COPY, **ALONE, REDUCED: shares.REDUCE}
REST = "all else"
CORES = (2, 8, 16)


def volumes(small, large):
    return {
        f"{small}³ smooth": smooth((small,) * 3),
        f"{large}³ smooth": smooth((large,) * 3),
        f"{small}³ white noise": white((small,) * 3),
        f"{small}³ likelihood": np.minimum(4 * vessel_tree(small), 1) + 0.05 * np.abs(smooth((small,) * 3)),
    }


def pairs(volume, threads):
    with mock.patch.object(compute, "VOXELS_WORTH_A_THREAD", 1):
        return persistence_pairs(volume, num_threads=threads, engine="native")


def measure_gain(run, volume, name):
    calls = {f"{name}, {n} threads": (lambda n=n: pairs(volume, n)) for n in (1, 2)}
    return list(best_of(calls, run, times=10).values())


def seconds_of_steps(volume):
    """Seconds of each step when the shares of two threads are done one after the other, and of all else."""
    taken, kernel = dict.fromkeys(STEPS.values(), 0.0), compute.share_of_volume

    def timed(*arguments):
        start = time.perf_counter()
        found = kernel(*arguments)
        taken[int(arguments[-2].step)] += time.perf_counter() - start
        return found

    one_by_one = mock.patch.object(Team, "map", lambda self, function, items: [function(item) for item in items])
    with one_by_one, mock.patch.object(compute, "share_of_volume", timed):
        start = time.perf_counter()
        pairs(volume, 2)
        whole = time.perf_counter() - start
    return [*taken.values(), whole - sum(taken.values())]


def measure_steps(run, volume, name):
    found = run.measure(lambda: seconds_of_steps(volume), [name], times=4)
    return dict(zip([*STEPS, REST], np.median(found, axis=0).tolist(), strict=True))


def modeled(steps, threads):
    """Seconds in so many threads, if memory were as fast for each of them as for one."""
    divided = sum(steps[name] for name in (*DIVIDED, REDUCED)) / threads
    beside = max(steps[name] for name in BESIDE)
    # Each thread writes keys and states of its own, which were measured for two threads.
    return divided + beside + steps[COPIED] / 2 + sum(steps[name] for name in (*ALONE, REST))


def section(run):
    """The part of the page, as Markdown."""
    fields = volumes(*run.pick((96, 128), (10, 12)))
    for field in fields.values():
        pairs(field[:8, :8, :8], 1), pairs(field[:8, :8, :8], 2)
    gains = {name: measure_gain(run, field, name) for name, field in fields.items()}
    steps = {name: measure_steps(run, field, name) for name, field in fields.items()}
    models = {name: [gains[name][0] / modeled(steps[name], cores) for cores in CORES] for name in fields}
    first, second = list(fields)[:2]
    run.find(
        f"two threads take one volume {gains[first][0] / gains[first][1]:.1f} times as fast as one at {first}, "
        f"{gains[second][0] / gains[second][1]:.1f} times at {second}; a model from measured steps gives "
        f"{models[first][-1]:.0f} and {models[second][-1]:.0f} times on 16 cores."
    )
    return "\n".join(
        [
            "`persistence_pairs(volume, num_threads=n)`: pairs of all dimensions, the same bits for any number.",
            "",
            "### Two threads against one, ms",
            "",
            "The best of many turns, because a second thread needs a core that nothing else uses.",
            "",
            "| volume | 1 thread | 2 threads | ratio |",
            "| --- | --- | --- | --- |",
            *[f"| {name} | {a * 1e3:.1f} | {b * 1e3:.1f} | {a / b:.2f} |" for name, (a, b) in gains.items()],
            "",
            "### What each step takes, ms",
            "",
            "The shares of two threads, one after the other on one core.",
            "",
            f"| step | {' | '.join(steps)} |",
            f"| --- |{' --- |' * len(steps)}",
            *[
                f"| {step} | {' | '.join(f'{taken[step] * 1e3:.2f}' for taken in steps.values())} |"
                for step in (*STEPS, REST)
            ],
            "",
            "### Model of more cores, times as fast as one thread",
            "",
            "Amdahl's law with these steps: order keys, gradient and reduction are divided among the threads, "
            "dimensions 0 and 2 stand beside each other, every thread writes its own keys and states, and the rest is "
            "done by one. What threads lose by sharing caches and memory is not in it; beside 2 is what was measured.",
            "",
            f"| volume | {' | '.join(f'{cores} cores' for cores in CORES)} |",
            f"| --- |{' --- |' * len(CORES)}",
            *[
                f"| {name} | {model[0]:.1f} (measured {gains[name][0] / gains[name][1]:.1f}) | "
                f"{' | '.join(f'{factor:.1f}' for factor in model[1:])} |"
                for name, model in models.items()
            ],
        ]
    )
