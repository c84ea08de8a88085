"""Two processes that each saw a part of the items give the result of one that saw them all."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from monai_topo.metrics import BettiErrorMetric, CCQMetric

RANK = """
import json, sys
import torch.distributed as dist
from tests.metrics.test_distributed import items, numbers
rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
found = numbers(items()[:3] if rank == 0 else items()[3:])
dist.barrier()
dist.destroy_process_group()
print(json.dumps(found))
"""


def items():
    """Five pairs of two channels; the last truth is empty."""
    generator = torch.Generator().manual_seed(3)
    prediction, truth = torch.rand(2, 5, 2, 9, 12, generator=generator) < 0.3
    truth[4] = False
    return list(zip(prediction.split(1), truth.split(1), strict=True))


def numbers(pairs):
    """Several reductions of a metric that is always defined and of one that is not."""
    found = []
    for metric in (BettiErrorMetric(get_not_nans=True), CCQMetric(slack=0, skeletonize=False, get_not_nans=True)):
        for prediction, truth in pairs:
            metric(prediction, truth)
        for reduction in ("mean", "sum_batch", "mean_batch"):
            found.append([tensor.flatten().tolist() for tensor in metric.aggregate(reduction)])
    return found


@pytest.mark.slow  # two processes import everything anew
def test_two_processes_give_the_result_of_one(tmp_path):
    command = [sys.executable, "-c", RANK]
    ranks = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store")], stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    try:
        found = [json.loads(rank.communicate(timeout=120)[0]) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    expected = numbers(items())
    assert expected[0][1] == [5]
    assert expected[3][1] == [4]
    for numbers_of_rank in found:
        for ours, theirs in zip(numbers_of_rank, expected, strict=True):
            assert ours[0] == pytest.approx(theirs[0])
            assert ours[1] == theirs[1]
