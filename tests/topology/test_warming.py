"""After ``warm_up`` no loss compiles anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from monai_topo.topology import warm_up

ROOT = Path(__file__).resolve().parents[2]
CALLS = """
import sys, torch
from monai_topo import losses
from monai_topo.topology import warm_up

def kernels():
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("monai_topo.")]
    named = {id(item): item for module in modules for item in vars(module).values() if hasattr(item, "overloads")}
    entries = [item for item in named.values() if type(item._cache).__name__ == "KernelCache"]
    return {(item.py_func.__name__, str(signature)) for item in entries for signature in item.overloads}

ndim = int(sys.argv[1])
assert not kernels()
assert warm_up(ndim) > 0
warm = kernels()
assert len(warm) >= 5, warm
if ndim == 3:
    names = [name for name, _ in warm]
    assert {"_finish_upward", "_finish_downward"} <= set(names), names
    assert names.count("image_pairs_of_volume") == 2, names
shape = (2, 1) + (10, 9, 11)[:ndim]
torch.manual_seed(0)
truth = (torch.rand(shape) > 0.5).float()
names = ["TopoLoss", "BettiMatchingLoss", "SpatialMatchingLoss", "LocalizedTopoLoss", "DMTLoss", "CriticalRegionLoss"]
for name in names:
    likelihood = torch.rand(shape, requires_grad=True)
    getattr(losses, name)()(likelihood, truth).backward()
    assert kernels() == warm, (name, kernels() - warm)
affinities = torch.rand(2, ndim, *shape[2:], requires_grad=True)
losses.MalisLoss()(affinities, truth.long()).backward()
assert kernels() == warm, kernels() - warm
"""


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
@pytest.mark.parametrize("ndim", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_losses_compile_nothing_afterwards(ndim):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", CALLS, str(ndim)]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{ndim}D persistence pairs" in done.stderr or "compiling kernels" in done.stderr


@pytest.mark.parametrize("dims", [1, 4, (), (2, 4), (0,), 2.0, (3.0,), "2", None])
def test_other_numbers_of_axes_are_refused(dims):
    with pytest.raises(ValueError, match="dims must be 2, 3 or both"):
        warm_up(dims)


def test_without_progress_nothing_is_shown(capsys):
    assert warm_up(2, progress=False) > 0
    assert capsys.readouterr().err == ""
