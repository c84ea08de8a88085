"""Seconds of contestants that take turns, and the machine that they run on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

PACKAGES = ("numba", "numpy", "torch", "monai", "gudhi", "cripser", "topolosses")


def seconds(call, clock=time.perf_counter):
    start = clock()
    call()
    return clock() - start


def interleaved(calls, rounds, repeats=None, clock=time.perf_counter):
    """Median seconds of each call by a clock; one that is quick is repeated within the round."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            turns = (repeats or {}).get(name, 1)
            times[name].append(np.median([seconds(call, clock) for _ in range(turns)]))
    return {name: float(np.median(taken)) for name, taken in times.items()}


def best_of(calls, rounds):
    """Least seconds of each call, taking turns: for threads, which need that nothing else runs on the machine."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: min(taken) for name, taken in times.items()}


def machine():
    processor = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":")[1].strip() for line in processor.splitlines() if line.startswith("model name")]
    vectors = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in processor), "no AVX2")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES if installed(name))
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {vectors}; {packages}"


def installed(name):
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def probe(code, *arguments, **environment):
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return float(result.stdout)
