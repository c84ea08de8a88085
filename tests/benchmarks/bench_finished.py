"""Walls and cells beside scikit-image's h-minima and watershed, which give the same basins on images without ties."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.measure import label
from skimage.morphology import h_minima
from skimage.segmentation import watershed

from monai_topo.topology import catchment_basins
from monai_topo.transforms import CloseWalls, SegmentCells
from tests.benchmarks.timing import interleaved

TITLE = "Finished segmentations: walls and cells"

SECONDS = 160
SHAPES = {"250 x 250 x 100": (250, 250, 100), "128³": (128,) * 3}
PERSISTENCE = 0.03


def membranes(shape, seed=0):
    """A likelihood as of a network: ridges between random cells, some of them faint, and noise."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal(shape).astype(np.float32), 4)
    field = 1 - np.abs(field / field.std())
    field = np.clip(field, 0, 1) ** 2 * (0.6 + 0.4 * gaussian_filter(rng.random(shape, dtype=np.float32), 6) / 0.5)
    return np.clip(field + 0.02 * rng.random(shape, dtype=np.float32), 0, 1)


def by_scikit_image(likelihood):
    """Its basins of dynamics: minima deeper than a height, flooded."""
    markers = label(h_minima(likelihood, PERSISTENCE), connectivity=3)
    return watershed(likelihood, markers)


def measure(run):
    """CPU seconds of each call for each shape."""
    found = {}
    for name, shape in run.pick(SHAPES, {"24³": (24,) * 3}).items():
        likelihood = membranes(shape)
        smoothed = gaussian_filter(likelihood, 0.7)
        calls = {
            "`CloseWalls`": partial(CloseWalls(persistence_threshold=PERSISTENCE), likelihood[None]),
            "`SegmentCells`": partial(SegmentCells(0.01, level=0.3), likelihood[None]),
            "basins": partial(catchment_basins, smoothed, persistence_threshold=PERSISTENCE),
        }
        warm = list(calls)
        calls["scikit-image"] = partial(by_scikit_image, smoothed)
        found[name] = interleaved(calls, run, clock=time.process_time, warm=warm)
    return found


LARGE = 512
MEASURED = """
import resource, sys, time
import numpy as np
from monai_topo.transforms import SegmentCells
transform = SegmentCells(0.01, level=0.3)
transform(np.load(sys.argv[1], mmap_mode="r")[:, :48, :48, :48].copy())  # compiles
likelihood = np.load(sys.argv[1])
before = resource.getpagesize() * int(open("/proc/self/statm").read().split()[1])
start = time.process_time()
cells = transform(likelihood)
taken = time.process_time() - start
held = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(taken, held / likelihood.size, cells.max())
"""


def measure_large(side):
    """CPU seconds, bytes for each voxel beside the input, and cells, of `SegmentCells` in a process of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "likelihood.npy")
        np.save(path, np.pad(membranes((side // 2,) * 3), (0, side // 2), mode="symmetric")[None])
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(path)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    return [float(number) for number in done.stdout.split()]


def section(run):
    """The part of the page, as Markdown."""
    times = measure(run)
    columns = list(next(iter(times.values())))
    lines = [
        "CPU seconds of one thread, of likelihoods with faint walls and noise. `CloseWalls` with smoothing (0.7 "
        "voxels), without what is small, `SegmentCells` from fine basins merged by the mean of their walls. `basins` "
        f"is `catchment_basins` at a persistence of {PERSISTENCE}, scikit-image `h_minima` and `watershed` at the same "
        "height; the ratio is between these two.",
        "",
        f"| shape | {' | '.join(columns)} | ratio |",
        f"| --- |{' --- |' * (len(columns) + 1)}",
    ]
    for name, taken in times.items():
        ratio = taken["scikit-image"] / taken["basins"]
        lines.append(f"| {name} | {' | '.join(f'{taken[column]:.2f}' for column in columns)} | {ratio:.1f} |")
    side = run.pick(LARGE, 64)
    taken, held, cells = run.once(measure_large, side)
    run.find(
        f"`SegmentCells` of a likelihood of {side}³ takes {taken:.0f} CPU seconds and {held:.1f} bytes a voxel; basins "
        f"take scikit-image {ratio:.0f} times as long at {name}."
    )
    lines += [
        "",
        f"`SegmentCells` on {side}³, {side // 2}³ of these mirrored, {cells:.0f} cells: {taken:.0f} CPU seconds of one "
        f"thread, beside the input at most {held:.1f} bytes for each voxel (the process's peak less what it held "
        "before).",
    ]
    return "\n".join(lines)
