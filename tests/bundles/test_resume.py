"""A training that was interrupted goes on as if it had not been."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import torch
from ignite.engine import Events

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI, ignite and torch warn of their own affairs in every run
EPOCHS = 4


class KilledError(Exception):
    """Stands for the end of the process."""


def run(bundle, folder, killed_in=None, **more):
    flow = bundle.workflow(["train.yaml"], **bundle.overrides(folder, max_epochs=EPOCHS, learning_rate=0.01, **more))
    flow.initialize()
    if killed_in is not None:

        def kill(engine):
            raise KilledError

        flow.trainer.add_event_handler(Events.ITERATION_COMPLETED(once=2 * killed_in), kill)
        with pytest.raises(RuntimeError) as ended:
            flow.run()
        assert isinstance(ended.value.__cause__, KilledError)
    else:
        flow.run()
    return flow


def assert_same(one, other):
    """The files of two runs hold the same."""
    for name in ("model.pt", "training.pt"):
        states = [torch.load(folder / "models" / name, weights_only=True) for folder in (one, other)]
        leaves = [torch.utils._pytree.tree_flatten(state)[0] for state in states]
        assert len(leaves[0]) == len(leaves[1]) > 10
        for left, right in zip(*leaves, strict=True):
            if isinstance(left, (torch.Tensor, float)):
                torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)
            else:
                assert left == right


@pytest.fixture(scope="module")
def uninterrupted(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    return folder, run(bundle, folder)


@pytest.mark.parametrize("killed_in", [2, 4])
def test_the_weights_are_those_without_the_interruption(killed_in, bundle, uninterrupted, tmp_path):
    """Killed in the epoch before the term joins, and after; in the middle of an epoch, which is begun anew."""
    run(bundle, tmp_path, killed_in)
    state = torch.load(tmp_path / "models" / "training.pt", weights_only=True)
    assert state["trainer"]["iteration"] == 2 * (killed_in - 1)
    flow = run(bundle, tmp_path, resume=True)
    assert flow.trainer.state.epoch == EPOCHS
    assert flow.trainer.state.iteration == uninterrupted[1].trainer.state.iteration == 2 * EPOCHS
    assert_same(tmp_path, uninterrupted[0])


def test_the_test_can_fail(bundle, uninterrupted, tmp_path):
    """Other draws give other weights."""
    run(bundle, tmp_path, seed=1)
    with pytest.raises(AssertionError):
        assert_same(tmp_path, uninterrupted[0])


@pytest.mark.parametrize("bundle", ["neuron_stacks"], indirect=True)
def test_with_workers(bundle, tmp_path):
    run(bundle, tmp_path / "whole", num_workers=1)
    run(bundle, tmp_path / "parts", killed_in=3, num_workers=1)
    run(bundle, tmp_path / "parts", resume=True, num_workers=1)
    assert_same(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("bundle", ["ircadb_vessels"], indirect=True)
def test_a_process_that_is_killed(bundle, uninterrupted, tmp_path):
    overrides = bundle.overrides(tmp_path, max_epochs=EPOCHS, learning_rate=0.01, bundle_root=bundle.root)
    words = [word for key, value in overrides.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(bundle.configs / "train.yaml"), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 240
        while not (tmp_path / "models" / "training.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait(60)
    done = bundle.command(["train.yaml"], **overrides, resume=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert_same(tmp_path, uninterrupted[0])
