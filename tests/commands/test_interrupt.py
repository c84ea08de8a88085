"""Ctrl-C at any moment: exit status 130 and one line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.commands.evaluation.files import save_nifti

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of terminals")

WAIT = "import signal, sys, time; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"


def run(*arguments):
    """The command as a terminal starts it: the leader of a group that Ctrl-C goes to."""
    words = [sys.executable, "-m", "monai_topo", *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def interrupt(process):
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    bar = re.compile(r"evaluate: +\d+%")
    return process.returncode, [line for line in error.splitlines() if line.strip() and not bar.match(line)]


def modules(process):
    """Whether the package is being imported: its files are open or torch's libraries are mapped."""
    with open(f"/proc/{process.pid}/maps") as file:
        return "torch" in file.read()


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="looks into /proc")
def test_while_the_command_is_imported():
    process = run("evaluate", "--help")
    while not modules(process):
        time.sleep(0.01)
    assert interrupt(process) == (130, ["monai_topo: interrupted"])


def test_children_see_no_interrupt():
    from monai_topo.commands.interrupt import unseen_by_children

    with unseen_by_children():
        child = subprocess.run([sys.executable, "-c", WAIT], capture_output=True, text=True, check=True)
    assert child.stdout == "True\n"
    child = subprocess.run([sys.executable, "-c", WAIT], capture_output=True, text=True, check=True)
    assert child.stdout == "False\n"


@pytest.mark.slow  # every process imports everything
@pytest.mark.parametrize("delay", [0.2, 3.0])
def test_while_processes_start_and_work(tmp_path, delay):
    rng = np.random.default_rng(0)
    for folder in ("p", "l"):
        (tmp_path / folder).mkdir()
        for name in "abcd":
            save_nifti(tmp_path / folder / f"{name}.nii", (rng.random((60, 60, 60)) < 0.2).astype(np.uint8))
    given = ["--pred", tmp_path / "p", "--label", tmp_path / "l", "--out", tmp_path / "r.json", "--workers", 3]
    process = run("evaluate", *given, "--metrics", "apls")
    while not (tmp_path / "r.json").exists():
        time.sleep(0.02)
    time.sleep(delay)
    started = time.monotonic()
    status, lines = interrupt(process)
    assert (status, lines) == (130, ["monai_topo evaluate: interrupted"])
    assert time.monotonic() - started < 20
