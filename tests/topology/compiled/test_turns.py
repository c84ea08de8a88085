"""Processes that start together compile a kernel once, and one that dies or stands still does not stop the others."""

from __future__ import annotations

import logging
import multiprocessing
import os
import select
import signal
import sys

import numba
import pytest

from monai_topo.topology.compiled import cache, turns

SOURCE = """
from monai_topo.topology.compiled.kernel import entry_kernel

@entry_kernel
def add(a, b):
    return a + b
"""

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


@pytest.fixture
def load(tmp_path, monkeypatch):
    """The kernel as a new process would have it."""
    (tmp_path / "waiting_kernel.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def anew():
        sys.modules.pop("waiting_kernel", None)
        return __import__("waiting_kernel").add

    yield anew
    sys.modules.pop("waiting_kernel", None)


class Pipe:
    """Lines between processes, without a lock, which a process that is killed or stopped might keep."""

    def __init__(self):
        self.out, self.into = os.pipe()
        self.lines = []

    def put(self, line):
        os.write(self.into, f"{line}\n".encode())

    def wait(self, seconds):
        return bool(select.select([self.out], [], [], seconds)[0])

    def get(self):
        if not self.lines:
            assert self.wait(60), "nothing was told for a minute"
            self.lines = os.read(self.out, 4096).decode().splitlines()
        return self.lines.pop(0)


def _rank(load, seconds, longest_wait, told, released):
    """Call the kernel, which takes some seconds to compile, or until it is released; tell what happens."""
    turns.LONGEST_WAIT = longest_wait
    turns._told.clear()
    cache._told.clear()
    logging.getLogger("monai_topo").addFilter(lambda record: told.put(record.getMessage()) is None)
    kernel = load()
    compile_it = kernel._compiler.compile

    def slowly(*arguments):
        told.put("compiles")
        released.wait(seconds)
        return compile_it(*arguments)

    kernel._compiler.compile = slowly
    told.put(kernel(1, 2))


@pytest.fixture
def start(load):
    """Starts a process that calls the kernel; what all of them tell, and what lets them compile."""
    context = multiprocessing.get_context("fork")
    told, released, begun = Pipe(), Pipe(), []

    def start(seconds, longest_wait=60.0):
        begun.append(context.Process(target=_rank, args=(load, seconds, longest_wait, told, released)))
        begun[-1].start()
        return begun[-1]

    yield start, told, released
    for process in begun:
        process.kill()
        process.join()
    for pipe in (told, released):
        os.close(pipe.out)
        os.close(pipe.into)


@forks
def test_of_processes_that_start_together_one_compiles(start):
    start_rank, told, released = start
    for _ in range(4):
        start_rank(60)
    lines = [told.get() for _ in range(5)]  # one says that it compiles, and does; three wait
    assert lines.count("compiles") == 1
    assert sum("waiting for it" in line for line in lines) == 3
    released.put("")
    assert [told.get() for _ in range(4)] == ["3"] * 4


@forks
def test_a_process_that_is_killed_is_not_waited_for(start):
    start_rank, told, _ = start
    first = start_rank(100)
    while told.get() != "compiles":
        pass
    start_rank(0)
    assert "waiting for it" in told.get()
    first.kill()
    while told.get() != "3":
        pass


@forks
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="the system cannot stop processes")
def test_a_process_that_stands_still_is_not_waited_for_long(start):
    start_rank, told, _ = start
    first = start_rank(100)
    while told.get() != "compiles":
        pass
    os.kill(first.pid, signal.SIGSTOP)
    start_rank(0, longest_wait=0.5)
    while told.get() != "3":
        pass


def test_an_error_of_the_compiler_ends_the_turn(load):
    kernel = load()
    with pytest.raises(numba.TypingError):
        kernel("a", 1)
    assert not kernel._cache._turn._lock.is_locked


def test_where_files_cannot_be_locked_nobody_waits():
    assert not turns.Turn("/dev/null/folder/a.lock").take()


def test_a_turn_that_is_taken_twice_ends_once(tmp_path):
    first, second = turns.Turn(str(tmp_path / "a.lock")), turns.Turn(str(tmp_path / "a.lock"))
    assert first.take()
    assert first.take()
    first.end()
    first.end()
    assert second.take()
    second.end()
