"""Processes that each saw a part of the items, or none, give the result of one that saw them all."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import subprocess
import sys
from functools import partial

import pytest
import torch

from monai_topo.metrics import (
    BranchesDetectedMetric,
    ExpectedRunLengthMetric,
    InstanceF1Metric,
    TopologyMetric,
    TreeLengthDetectedMetric,
)

PARTS = {2: [(3, 2), (5, 0), (0, 5)], 3: [(1, 3, 1), (0, 0, 5), (4, 0, 1)]}
"""For each number of processes, how many of the five items each of them sees."""


class ShareMetric(TopologyMetric):
    """Voxels of the prediction for each of the truth; undefined for an empty truth."""

    def channel_value(self, prediction, target):
        return float(prediction.sum() / target.sum()) if target.any() else math.nan


def items():
    """Five pairs of two channels; the last truth is empty."""
    generator = torch.Generator().manual_seed(3)
    prediction, truth = torch.rand(2, 5, 2, 4, 5, generator=generator) < 0.5
    truth[4] = False
    return list(zip(prediction.split(1), truth.split(1), strict=True))


METRICS = [
    ShareMetric,
    partial(InstanceF1Metric, instances="foreground", iou_threshold=0.2),
    TreeLengthDetectedMetric,
    BranchesDetectedMetric,
    partial(ExpectedRunLengthMetric, instances="foreground"),
]


def numbers(pairs):
    """Reduced numbers and how many went into them, all numbers and how many; then again with more items."""
    found = []
    for make in METRICS:
        metric = make(get_not_nans=True)
        for _ in range(2):
            for prediction, truth in pairs:
                metric(prediction, truth)
            for reduction in ("mean", "sum_batch", "mean_batch"):
                found.append([tensor.flatten().tolist() for tensor in metric.aggregate(reduction)])
            found.append([sorted(metric.get_buffer()[:, 0].nan_to_num(-1).tolist()), [len(metric)]])
    return found


def run_rank(rank, store, parts, results):
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=len(parts[0]))
    results.put([numbers(items()[sum(sizes[:rank]) : sum(sizes[: rank + 1])]) for sizes in parts])
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def run_ranks(folder):
    """What every process found; they are forks, which need not import everything again."""
    fork = multiprocessing.get_context("fork")
    found = []
    for world, parts in PARTS.items():
        results = fork.Queue()
        ranks = [
            fork.Process(target=run_rank, args=(rank, f"{folder}/{world}", parts, results)) for rank in range(world)
        ]
        for rank in ranks:
            rank.start()
        found.append([results.get(timeout=60) for _ in ranks])
        for rank in ranks:
            rank.join()
    sys.stdout.write(json.dumps(found))


@pytest.mark.slow  # a process that imports everything anew
def test_unequal_and_empty_processes_give_the_result_of_one(tmp_path):
    code = f"from tests.metrics.test_distributed import run_ranks; run_ranks({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    expected = numbers(items())
    assert expected[0][1] == [4]
    assert all(expected[8 * n][0][0] > 0 for n in range(len(METRICS)))
    found = json.loads(done.stdout)
    assert [[len(of_rank) for of_rank in of_world] for of_world in found] == [[3, 3], [3, 3, 3]]
    for of_parts in (of_parts for of_world in found for of_rank in of_world for of_parts in of_rank):
        for ours, theirs in zip(of_parts, expected, strict=True):
            assert ours[0] == pytest.approx(theirs[0])
            assert ours[1] == theirs[1]


def test_nothing_computed_is_an_error():
    with pytest.raises(ValueError, match="call the metric on a batch first"):
        ShareMetric().aggregate()
