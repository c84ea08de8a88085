"""Seconds of contestants that take turns, and the machine that they run on."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path

import numpy as np

PACKAGES = ("numba", "numpy", "torch", "monai", "gudhi", "cripser", "topolosses")


class Run:
    """How a section is measured: how often, how large, and with what an earlier run has kept of it.

    Args:
        section: name of the section.
        rounds: number of rounds. The first is always measured, the others while there is time.
        quick: whether sizes are small, to see that the section works.
        limit: seconds that the section may take.
        journal: `Journal` of kept rounds, None to keep none.
        tick: called after each round with the seconds since the one before.
    """

    def __init__(self, section="", rounds=3, quick=False, limit=math.inf, journal=None, tick=lambda seconds: None):
        self.section, self.rounds, self.quick, self.limit = section, rounds, quick, limit
        self.journal, self.tick = journal, tick
        self.finding = ""
        self.fewest = rounds
        self._parts = count()
        self._spent, self._since = 0.0, time.perf_counter()

    def pick(self, full, small):
        """The first, or the second in a quick run."""
        return small if self.quick else full

    def find(self, sentence):
        """What a reader should know of the section: it stands on top of the page, with the figures of today."""
        self.finding = sentence

    def measure(self, once, names=(), times=1, warm_up=None):
        """What each round gives, kept rounds first; for the same names in the same order each time.

        Args:
            once: function that measures one round and gives what JSON can hold.
            names: what is measured; a kept round of other names does not count.
            times: rounds for each of the run's rounds, for what is quick and varies.
            warm_up: function that is called before the first round that is measured.
        """
        values = self._measure(once, names, self.rounds * times, warm_up)
        self.fewest = min(self.fewest, math.ceil(len(values) / times))
        return values

    def once(self, call, *arguments):
        """What a call gives, measured in one round only."""
        return self._measure(partial(call, *arguments), [call.__name__, *arguments], 1)[0]

    def _measure(self, once, names, wanted, warm_up=None):
        part, names = next(self._parts), [str(name) for name in names]
        kept = self.journal.rounds(self.section, part, names)[:wanted] if self.journal else []
        if kept:
            self._spent, self._since = kept[-1]["spent"], time.perf_counter()
        values = [line["values"] for line in kept]
        while len(values) < wanted and (not values or self._spent < self.limit):
            if warm_up:
                warm_up()
                warm_up = None
            values.append(self._round(once, part, names, len(values)))
        return values

    def _round(self, once, part, names, number):
        values = json.loads(json.dumps(once()))  # the same types as a kept round has
        now = time.perf_counter()
        self.tick(now - self._since)
        self._spent, self._since = self._spent + now - self._since, now
        if self.journal:
            line = {"section": self.section, "part": part, "names": names, "round": number}
            self.journal.add(**line, values=values, spent=self._spent)
        return values


def seconds(call, clock=time.perf_counter):
    start = clock()
    call()
    return clock() - start


def interleaved(calls, run, repeats=None, clock=time.perf_counter, times=1, warm=()):
    """Median seconds of each call by a clock, over the rounds of a run; within a round all take their turn.

    Args:
        calls: contestants by name.
        run: `Run` that the rounds belong to.
        repeats: turns within a round of those that are quick.
        clock: function that gives seconds.
        times: rounds for each of the run's rounds.
        warm: names of those that are called once before the first round, so that they are compiled.
    """

    def once():
        turns = {name: (repeats or {}).get(name, 1) for name in calls}
        return [float(np.median([seconds(call, clock) for _ in range(turns[name])])) for name, call in calls.items()]

    found = run.measure(once, calls, times, lambda: [calls[name]() for name in warm])
    return dict(zip(calls, np.median(found, axis=0).tolist(), strict=True))


def best_of(calls, run, times=1):
    """Least seconds of each call, taking turns: for threads, which need that nothing else runs on the machine."""
    found = run.measure(lambda: [seconds(call) for call in calls.values()], calls, times)
    return dict(zip(calls, np.min(found, axis=0).tolist(), strict=True))


@contextmanager
def one_thread():
    """PyTorch on one thread; afterwards as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def processor():
    """Model, cores and vector instructions."""
    known = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":")[1].strip() for line in known.splitlines() if line.startswith("model name")]
    vectors = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in known), "no AVX2")
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {vectors}"


def machine():
    """The processor, and the packages that matter."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES if installed(name))
    return f"{processor()}; {packages}"


def installed(name):
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def probe(code, *arguments, **environment):
    """The number that some code prints in a process of its own."""
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return float(result.stdout)
