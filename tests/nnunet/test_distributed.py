"""A run of two processes: one weight, one network, one log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.nnunet.conftest import SITE, environment

pytest.importorskip("nnunetv2", reason="nnU-Net is not installed")
pytestmark = pytest.mark.slow


def test_two_processes_train_together(planned, tmp_path):
    script = Path(__file__).with_name("distributed_run.py")
    variables = {**os.environ, **environment(planned), "nnUNet_n_proc_DA": "0", "PYTHONPATH": SITE}
    command = [sys.executable, str(script), str(planned), str(tmp_path)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["patches"] == second["patches"] == 1  # each its own share of the batch
    assert first["weight"] == second["weight"] > 0
    assert first["norms"] == second["norms"]
    assert len(first["norms"]) == 2
    assert first["parameters"] == pytest.approx(second["parameters"])
    assert first["betti_error"] == second["betti_error"]
    assert torch.load(first["checkpoint"], weights_only=False)["monai_topo"]["weight"] == first["weight"]
