"""What metrics of instances and tracings cost on large label volumes: time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys

TITLE = "Instances and tracings of large volumes"

SECONDS = 150
SIDE = 512
NAMES = {
    "instances": "`InstanceF1Metric` of two volumes of cells, uint64 ids above 2^63, threshold 0.2",
    "masks": '`InstanceF1Metric(instances="background")` of two masks of membranes',
    "tracing": "`graph_expected_run_length` of a tracing in uint64 ids",
    "objects": "`ExpectedRunLengthMetric` of the neurites themselves, uint64 ids",
    "length": "`TreeLengthDetectedMetric` of the neurites' masks",
    "branches": "`BranchesDetectedMetric` of them",
}


def in_a_process(name, side):
    """One measurement in a new process."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.large_maps", name, str(side)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    return json.loads(done.stdout)


def section(run):
    """The part of the page."""
    side = run.pick(SIDE, 128)
    lines = [
        f"Volumes of {side}³ on one thread, in a process of its own each, once. Memory is what the call takes at its "
        "peak beyond its inputs (two volumes of uint64 ids are 2.1 GB). Cells are cubes of 24 voxels, 10,648 of them; "
        "neurites are 64 wavy tubes of 9 voxels, a tracing of which has 32,768 points.",
        "",
        "| | CPU s | GB |",
        "| --- | --- | --- |",
    ]
    found = {name: run.once(in_a_process, name, side) for name in NAMES}
    times, memory = ([one[what] for one in found.values()] for what in ("cpu", "memory"))
    run.find(
        f"metrics of instances and tracings of {side}³ take {min(times):.0f} to {max(times):.0f} CPU seconds and at "
        f"most {max(memory):.1f} GB beyond the volumes."
    )
    lines += [f"| {title} | {found[name]['cpu']:.1f} | {found[name]['memory']:.2f} |" for name, title in NAMES.items()]
    return "\n".join(lines)
