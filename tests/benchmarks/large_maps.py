"""Label volumes of cells and neurites, and one measurement of a metric of them in a process of its own."""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import torch

from monai_topo.graphs import swc_graph
from monai_topo.metrics import (
    BranchesDetectedMetric,
    ExpectedRunLengthMetric,
    InstanceF1Metric,
    TreeLengthDetectedMetric,
    graph_expected_run_length,
)

CELL = 24
FIRST = 2**63
NEURITE = 64


def cells(side, shift):
    """Cubes of 24 voxels, uint64 ids above 2^63."""
    number = (np.arange(side, dtype=np.uint64) + np.uint64(shift)) // np.uint64(CELL)
    count = number.max() + np.uint64(1)
    ids = np.empty((side,) * 3, np.uint64)
    for plane, n in zip(ids, number, strict=True):
        plane[:] = (n * count + number[:, None]) * count + number + np.uint64(FIRST)
    return ids


def walls(side, shift):
    """The walls between such cells."""
    wall = (np.arange(side) + shift) % CELL == 0
    return wall[:, None, None] | wall[:, None] | wall


def waves(side):
    """Centers of wavy neurites at each of the last axis' planes, ``(n, side, 2)``."""
    start = np.stack(np.meshgrid(*[np.arange(NEURITE // 2, side, NEURITE)] * 2), axis=-1).reshape(-1, 1, 2)
    place = np.arange(side)
    return start + np.rint(12 * np.stack([np.sin(place / 30), np.cos(place / 40)], axis=-1)).astype(int)


def neurites(side, cut=0):
    """Tubes of 9 voxels with an id each; each in two parts, of ids of their own, if cut."""
    ids = np.zeros((side,) * 3, np.uint64)
    for number, wave in enumerate(waves(side)):
        for z, (x, y) in enumerate(wave):
            part = number if not cut or z < side // 2 else number + 100_000
            ids[max(0, x - 4) : x + 5, max(0, y - 4) : y + 5, z] = np.uint64(FIRST + part)
    return ids


def tracing(side):
    """The neurites' middles as a tracing with a point for each plane."""
    lines, node = [], 0
    for wave in waves(side):
        for z, (x, y) in enumerate(wave):
            node += 1
            lines.append(f"{node} 2 {x} {y} {z} 1 {node - 1 if z else -1}")
    return swc_graph("\n".join(lines))


def batch(array):
    return torch.from_numpy(array)[None, None]


def task(name, side):
    """What is measured, on volumes that are there already."""
    if name == "instances":
        pair = [batch(cells(side, shift)) for shift in (0, 3)]
        return lambda: InstanceF1Metric(component="panoptic_quality", iou_threshold=0.2)(*pair).item()
    if name == "masks":
        pair = [batch(walls(side, shift)) for shift in (0, 1)]
        return lambda: InstanceF1Metric(instances="background")(*pair).item()
    if name == "tracing":
        ids, graph = neurites(side, cut=1), tracing(side)
        return lambda: graph_expected_run_length(ids, graph)["normalized"]
    if name == "objects":
        pair = [batch(neurites(side, cut)) for cut in (1, 0)]
        return lambda: ExpectedRunLengthMetric(component="normalized")(*pair).item()
    masks = [batch(neurites(side) > 0), batch(neurites(side) > 0)]
    masks[0][..., : side // 4] = False
    metric = TreeLengthDetectedMetric() if name == "length" else BranchesDetectedMetric()
    return lambda: metric(*masks).item()


def peak():
    """Largest resident memory so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(name, side):
    """CPU seconds, GB beyond what was there before, and the result."""
    task(name, 2 * NEURITE)()  # imports and compiled kernels
    call = task(name, side)
    before, start = peak(), time.process_time()
    result = call()
    sys.stdout.write(json.dumps({"cpu": time.process_time() - start, "memory": peak() - before, "result": result}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
