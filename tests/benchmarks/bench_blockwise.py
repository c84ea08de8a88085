"""Scores of large volumes block by block: time, memory of all processes together, and dask-image beside it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.benchmarks.blocks import BLOCK, write_volumes

TITLE = "Volumes by blocks"
TARGET = "large"
SECONDS = 900

LARGEST = 1024
NAMES = {
    "betti": "`betti_numbers`",
    "components": "`label_components`, and the maximum of the ids",
    "partition": "both scores of a pair of label volumes, uint64 ids",
}
PEER_SIDES = (BLOCK, 2 * BLOCK, 3 * BLOCK)


def in_a_process(folder, calls):
    """What some calls in one new process took, and its peak of resident memory, that of its workers included.

    Returns:
        What each call found; GB as the sum over processes, and with the pages that processes share counted once.
    """
    peers = os.environ.get("MONAI_TOPO_PEERS", "")
    command = [sys.executable, "-m", "tests.benchmarks.blocks", str(folder), peers, json.dumps(calls)]
    summed = once = 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        while process.poll() is None:
            held = memory_of(process.pid)
            summed = max(summed, sum(rss for rss, _ in held))
            once = max(once, sum(uss for _, uss in held) + max((rss - uss for rss, uss in held), default=0))
            time.sleep(0.3)
        printed = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{calls} ended with {process.returncode}.")
    return json.loads(printed), summed / 1e9, once / 1e9


def memory_of(pid):
    """Resident and own bytes of a process and of each that it started."""
    held = []
    try:
        first = psutil.Process(pid)
        for one in [first, *first.children(recursive=True)]:
            info = one.memory_full_info()
            held.append((info.rss, info.uss))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass
    return held


def threads(task, side, workers=1):
    return {"way": "in_threads", "task": task, "side": side, "workers": workers}


def growth_section(take, largest):
    """Time for each voxel at two sizes, on one thread, and memory."""
    calls = [threads(task, side) for task in NAMES for side in (largest // 2, largest)]
    found, memory, _ = take(*calls)
    lines = [
        f"| one thread | ns / voxel, {largest // 2}³ | ns / voxel, {largest}³ | ratio | CPU s, {largest}³ |",
        "| --- | --- | --- | --- | --- |",
    ]
    for n, name in enumerate(NAMES.values()):
        half, whole = found[2 * n]["cpu"], found[2 * n + 1]["cpu"]
        each = 1e9 * half / (largest // 2) ** 3, 1e9 * whole / largest**3
        lines.append(f"| {name} | {each[0]:.1f} | {each[1]:.1f} | {each[1] / each[0]:.2f} | {whole:.0f} |")
    lines += ["", f"Resident memory at its peak: {memory:.2f} GB."]
    return lines, dict(zip(NAMES, found[1::2], strict=True))


def worker_section(take, largest, rounds):
    """Wall seconds of one worker and of two, the best of some rounds, and the memory of all."""
    tasks = ("betti", "partition")
    in_threads, of_threads, _ = take(
        *[threads(task, largest, n) for task in tasks for n in (1, 2) for _ in range(rounds)]
    )
    sides = [largest] * rounds
    calls = [{"way": "in_processes", "task": task, "sides": sides, "workers": n} for task in tasks for n in (1, 2)]
    in_processes, summed, once = take(*calls)
    lines = [
        f"| {largest}³, seconds | 1 thread | 2 threads | ratio | 1 process | 2 processes | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for n, task in enumerate(tasks):
        first = 2 * n * rounds
        best = [min(one["wall"] for one in in_threads[k : k + rounds]) for k in (first, first + rounds)]
        best += [min(one["wall"] for one in found) for found in in_processes[2 * n : 2 * n + 2]]
        cells = [f"{a:.2f} | {b:.2f} | {a / b:.2f}" for a, b in (best[:2], best[2:])]
        lines.append(f"| {NAMES[task]} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Two threads of one process held at most {of_threads:.2f} GB. "
        f"Client and two worker processes held at most {summed:.2f} GB together, or {once:.2f} GB with the pages that "
        "they share counted once.",
    ]
    return lines


def peer_section(take, largest, sides, ours):
    """dask-image on volumes that it can do, and what its growth gives for the largest."""
    if find_spec("dask_image") is None:
        return ["dask-image is not installed."]
    own, _, _ = take(*[threads("components", side) for side in sides])
    theirs, held, _ = take(*[threads("peer", side) for side in sides])
    lines = ["| side | dask-image, CPU s | ours, CPU s | times as fast |", "| --- | --- | --- | --- |"]
    for side, one, other in zip(sides, theirs, own, strict=True):
        if one["result"] != other["result"]:
            raise ValueError(f"{side}³ has {other['result']} components, dask-image finds {one['result']}.")
        lines.append(f"| {side} | {one['cpu']:.1f} | {other['cpu']:.2f} | {one['cpu'] / other['cpu']:.0f} |")
    ratio = sides[-1] / sides[-2]
    power = math.log(theirs[-1]["cpu"] / theirs[-2]["cpu"]) / math.log(ratio)
    far = theirs[-1]["cpu"] * (largest / sides[-1]) ** power
    lines += [
        f"| {largest} | {far:.0f}, extrapolated | {ours['cpu']:.0f} | {far / ours['cpu']:.0f} |",
        "",
        f"dask-image's time grew with the side to the power {power:.1f}; it held {held:.2f} GB at {sides[-1]}³.",
    ]
    return lines


def section(run):
    """The part of the page, as Markdown."""
    largest, sides = run.pick((LARGEST, PEER_SIDES), (2 * BLOCK, (BLOCK, BLOCK + 16)))
    kept = os.environ.get("MONAI_TOPO_VOLUMES")  # volumes that are there already
    with TemporaryDirectory() as temporary:
        folder = Path(kept or temporary)

        def taken(*calls):
            if not (folder / "predicted.zarr").exists():
                write_volumes(folder, largest)
            return in_a_process(folder, calls)

        take = partial(run.once, taken)
        growth, found = growth_section(take, largest)
        peers = peer_section(take, largest, sides, found["components"])
        workers = worker_section(take, largest, run.rounds)
    run.find(f"{NAMES['betti']} of a volume of {largest}³ on disk take {found['betti']['cpu']:.0f} CPU seconds.")
    lines = [
        f"A binary volume and a pair of label volumes of {largest}³, made block by block and read from zarr in blocks "
        f"of {BLOCK}³; reading is in all figures. Full connectivity, Betti numbers {tuple(found['betti']['result'])}. "
        "Memory is that of all processes together; half a GB of each is what the package imports, PyTorch for the most "
        "part.",
        "",
        *growth,
        "",
        f"With two workers, the best of {run.rounds} rounds:",
        "",
        *workers,
        "",
        "Components beside those of `dask_image.ndmeasure.label`, one thread:",
        "",
        *peers,
    ]
    return "\n".join(lines)
