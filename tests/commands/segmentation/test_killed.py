"""`segment` killed at any moment, alone, with workers and on a cluster: the next run gives the same."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from monai_topo.__main__ import main
from tests.commands.segmentation.bundles import options, small_bundle, zarr_volume

pytestmark = pytest.mark.slow
SHAPE = (70, 60, 50)


def command(bundle, source, out, *more):
    words = ["segment", str(source), str(out), "--bundle", str(bundle.folder), *options(bundle), "--block", "16", *more]
    return [sys.executable, "-m", "monai_topo", *words]


def start(words):
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "zarr.json"
    }


@pytest.fixture
def prepared(rng, tmp_path):
    bundle = small_bundle(tmp_path)
    source = zarr_volume(tmp_path, rng, SHAPE)
    assert main(command(bundle, source, tmp_path / "whole.zarr")[3:]) == 0
    return bundle, source, contents(tmp_path / "whole.zarr")


def wait_until_begun(folder, process, count):
    """Until some blocks are joined, or the process has ended."""
    while process.poll() is None:
        with contextlib.suppress(OSError):
            if len(list((folder / "done").iterdir())) >= count:
                return
        time.sleep(0.01)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("seed", range(2))
def test_the_main_process_is_killed(workers, seed, prepared, tmp_path):
    bundle, source, whole = prepared
    words = command(bundle, source, tmp_path / "out.zarr", "--workers", workers)
    rng = np.random.default_rng(seed)
    for count in sorted(rng.integers(1, 80, 2).tolist()):
        process = start(words)
        wait_until_begun(tmp_path / ".out.zarr.partial", process, count)
        process.kill()
        process.wait()
    assert subprocess.run(words, check=False, capture_output=True).returncode == 0
    assert contents(tmp_path / "out.zarr") == whole
    assert not (tmp_path / ".out.zarr.partial").exists()


def test_a_worker_is_killed(prepared, tmp_path):
    bundle, source, whole = prepared
    process = start(command(bundle, source, tmp_path / "out.zarr", "--workers", "2"))
    wait_until_begun(tmp_path / ".out.zarr.partial", process, 5)
    workers = [child for child in psutil.Process(process.pid).children(recursive=True) if _is_worker(child)]
    os.kill(workers[-1].pid, signal.SIGKILL)
    assert process.wait() == 0
    assert contents(tmp_path / "out.zarr") == whole


def _is_worker(process):
    return "spawn_main" in " ".join(process.cmdline())


def test_a_scheduler_at_an_address(prepared, tmp_path):
    bundle, source, whole = prepared
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--scheduler-file", str(file), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--no-nanny"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    running = [subprocess.Popen([*dask, "--no-dashboard", "--host", "127.0.0.1"], **quiet)]
    try:
        running += [subprocess.Popen([*worker, "--nthreads", "1", "--no-dashboard"], **quiet) for _ in range(2)]
        while not file.exists() or not file.read_text():
            time.sleep(0.1)
        import json

        address = json.loads(file.read_text())["address"]
        words = command(bundle, source, tmp_path / "out.zarr", "--scheduler", address)
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert contents(tmp_path / "out.zarr") == whole
    finally:
        for one in running:
            one.kill()
            one.wait()
