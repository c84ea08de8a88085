"""Benchmarks that are killed go on: nothing is measured twice, and nothing of other code or another machine counts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.journal import Journal
from tests.benchmarks.stamp import CODE, Stamp, digest_of, git
from tests.benchmarks.timing import Run, interleaved

STAMP = Stamp("abc1234", False, "0123", "a machine", "Python 3")

RUN = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
import tests.benchmarks.__main__ as command
from tests.benchmarks.stamp import Stamp
from tests.benchmarks.timing import interleaved

folder, commit, dies_at = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]

def called(what):
    before = (folder / "calls").read_text() if (folder / "calls").exists() else ""
    (folder / "calls").write_text(before + f"{commit} {what}\\n")
    if [f"{what} {before.count(f'{commit} {what}')}"] == dies_at:
        os.kill(os.getpid(), 9)

def section(name):
    def measure(run):
        first = interleaved({"a": lambda: called(f"{name}.a"), "b": lambda: called(f"{name}.b")}, run)
        second = run.once(lambda: called(f"{name}.c"))
        return f"{sorted(first)} {second}"
    return SimpleNamespace(TITLE=name.title(), SECONDS=60, section=measure)

sections = {name: section(name) for name in ("one", "two")}
command.NAMES, command.load = list(sections), sections.__getitem__
Stamp.of_now = classmethod(lambda cls, quick=False: cls(commit, False, commit, "a machine", "Python 3", quick))
command.main(["--out", str(folder), "--rounds", "2"])
"""


def call(folder, commit, *dies_at):
    """Run two sections, with a kill in the middle where that is asked for."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", RUN, str(folder), commit, *dies_at]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )


def calls_of(folder, commit):
    lines = (folder / "calls").read_text().splitlines()
    return [line.removeprefix(f"{commit} ") for line in lines if line.startswith(f"{commit} ")]


WHOLE = ["one.a", "one.b", "one.a", "one.b", "one.c", "two.a", "two.b", "two.a", "two.b", "two.c"]


def test_a_killed_run_goes_on(tmp_path):
    killed = call(tmp_path, "first", "two.b 1")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert calls_of(tmp_path, "first") == WHOLE[:9]
    resumed = call(tmp_path, "first")
    assert resumed.returncode == 0, resumed.stderr
    assert calls_of(tmp_path, "first") == [*WHOLE[:9], "two.a", "two.b", "two.c"]  # the round that was cut off, and on
    assert resumed.stdout.count("['a', 'b'] None") == 2
    again = call(tmp_path, "first")
    assert again.stdout == resumed.stdout
    assert len(calls_of(tmp_path, "first")) == 12


def test_rounds_of_another_commit_are_measured_anew(tmp_path):
    call(tmp_path, "first", "two.b 1")
    other = call(tmp_path, "other")
    assert other.returncode == 0, other.stderr
    assert calls_of(tmp_path, "other") == WHOLE
    call(tmp_path, "first")
    assert calls_of(tmp_path, "first") == [*WHOLE[:9], "two.a", "two.b", "two.c"]


@pytest.mark.parametrize("what", ["commit", "changed", "code", "machine", "versions", "quick"])
def test_what_makes_rounds_another_run(tmp_path, what):
    path = tmp_path / "rounds.jsonl"
    keep = {"section": "s", "part": 0, "names": ["a"], "round": 0, "values": [1.0], "spent": 1.0}
    Journal(path, STAMP).add(**keep)
    Journal(path, STAMP).add(section="s", rounds=1, text="", finding="")
    value = not getattr(STAMP, what) if what in ("changed", "quick") else "other"
    assert Journal(path, STAMP).rounds("s", 0, ["a"])
    assert Journal(path, STAMP).finished("s", 1)
    other = Journal(path, replace(STAMP, **{what: value}))
    assert not other.rounds("s", 0, ["a"])
    assert not other.finished("s", 1)


def test_a_line_that_was_cut_off_does_not_count(tmp_path):
    path = tmp_path / "rounds.jsonl"
    keep = {"section": "s", "part": 0, "names": ["a"], "values": [1.0], "spent": 1.0}
    for number in range(2):
        Journal(path, STAMP).add(**keep, round=number)
    path.write_text(path.read_text()[:-9])
    journal = Journal(path, STAMP)
    assert len(journal.rounds("s", 0, ["a"])) == 1
    journal.add(**keep, round=1)
    assert len(Journal(path, STAMP).rounds("s", 0, ["a"])) == 2
    assert json.loads(path.read_text().splitlines()[-1])["stamp"]["commit"] == "abc1234"


def test_kept_rounds_of_other_contestants_do_not_count(tmp_path):
    def journal():
        return Journal(tmp_path / "rounds.jsonl", STAMP)

    interleaved({"a": int}, Run("s", 2, journal=journal()))
    calls = []
    interleaved({"a": lambda: calls.append("a")}, Run("s", 2, journal=journal()))
    assert calls == []
    interleaved({"b": lambda: calls.append("b")}, Run("s", 2, journal=journal()), warm=["b"])
    assert calls == ["b"] * 3


def test_rounds_end_when_the_time_is_over(tmp_path):
    """The first round is measured all the same; what was spent before a kill counts."""
    path, clock = tmp_path / "rounds.jsonl", iter(range(0, 1000, 10))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.benchmarks.timing.time.perf_counter", lambda: next(clock))
        run = Run("s", rounds=9, limit=25, journal=Journal(path, STAMP))
        assert len(run.measure(lambda: 0)) == 3
        assert run.fewest == 3
        assert len(run.measure(lambda: 0)) == run.fewest == 1
    resumed = Run("s", rounds=9, limit=25, journal=Journal(path, STAMP))
    assert (len(resumed.measure(lambda: 0)), len(resumed.measure(lambda: 0))) == (3, 1)


def test_a_kept_round_is_what_was_measured(tmp_path):
    """Of the same types too: what JSON cannot hold is turned before it is used."""
    found = [
        Run("s", 1, journal=Journal(tmp_path / "rounds.jsonl", STAMP)).once(lambda: {1: (2.0, 3)}) for _ in range(2)
    ]
    assert found == [{"1": [2.0, 3]}] * 2


@pytest.fixture
def checkout(tmp_path):
    """A repository with a package and a page."""
    for name in ("monai_topo/a.py", "docs/page.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def commit(root):
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "change")


def test_stamps_follow_the_code_and_not_the_pages(checkout):
    first = Stamp.of_now(checkout)
    assert not first.changed
    assert len(first.commit) >= 7
    (checkout / "docs/page.md").write_text("figures")
    assert Stamp.of_now(checkout) == first
    commit(checkout)
    assert Stamp.of_now(checkout) == first
    (checkout / "monai_topo/a.py").write_text("pass")
    changed = Stamp.of_now(checkout)
    assert changed.changed
    assert changed.code != first.code
    assert "with changes" in changed.line("today", 3)
    commit(checkout)
    second = Stamp.of_now(checkout)
    assert not second.changed
    assert second.commit != first.commit
    assert second.code == changed.code


def test_files_that_no_commit_holds_are_changes(checkout):
    first = digest_of(checkout)
    (checkout / CODE[0] / "new.py").write_text("pass")
    assert digest_of(checkout) != first
    assert Stamp.of_now(checkout).changed


def test_fewer_threads_are_another_machine(checkout, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    free = Stamp.of_now(checkout)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert Stamp.of_now(checkout).machine == f"{free.machine}, OMP_NUM_THREADS=1"


def test_without_git_there_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match="must be a git checkout"):
        Stamp.of_now(tmp_path)
