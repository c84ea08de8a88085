"""Pages of benchmarks: every section has a place, fits into the time, and says what it was measured with."""

from __future__ import annotations

import shutil

import pytest

from tests.benchmarks import sections
from tests.benchmarks.__main__ import (
    NAMES,
    TARGETS,
    alone,
    check_that_it_can_be_written,
    load,
    main,
    measured,
    names_of,
    parsed,
)
from tests.benchmarks.journal import Journal
from tests.benchmarks.pages import Report, places, write_reports
from tests.benchmarks.stamp import PEERS, ROOT, Stamp
from tests.benchmarks.timing import Run

STAMP = Stamp("abc1234", False, "0123", "a machine", "Python 3")


def test_every_section_has_a_place_and_a_target():
    assert set(places()) == set(NAMES)
    assert {getattr(load(name), "TARGET", "bench") for name in NAMES} <= set(TARGETS)


def test_all_sections_fit_into_the_time():
    assert sum(load(name).SECONDS for name in names_of("bench")) <= 40 * 60


def test_peers_are_those_that_are_installed():
    pinned = (ROOT / "tests/benchmarks/peers.txt").read_text().splitlines()
    assert set(PEERS) <= {line.split("==")[0] for line in pinned}


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The real pages, copied."""
    shutil.copytree(sections.DOCS / "benchmarks", tmp_path / "docs/benchmarks")
    shutil.copy(sections.DOCS / "benchmarks.md", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    monkeypatch.setattr(sections, "DOCS", tmp_path / "docs")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_section_can_be_measured_and_written(name, tmp_path, copies, monkeypatch):
    stamp = Stamp.of_now(quick=True)
    report = measured(name, 1, Journal(tmp_path / "rounds.jsonl", stamp), stamp)
    assert "| --- |" in report.text
    assert " nan" not in report.text
    assert report.finding.endswith(".") or hasattr(load(name), "unavailable")
    write_reports([report], "Measured today.", whole=False)
    written = f"## {report.title}\n\nMeasured today.\n\n{report.text}"
    assert sections.read_section(places()[name], name) == written.strip()
    monkeypatch.delattr(load(name), "section")
    assert measured(name, 1, Journal(tmp_path / "rounds.jsonl", stamp), stamp) == report


@pytest.mark.slow
@pytest.mark.parametrize("name", ["losses", "matching", "persistence"])
def test_a_peer_that_is_missing_is_named(name, monkeypatch):
    for module in (load(name), load("losses")):
        if hasattr(module, "installed"):
            monkeypatch.setattr(module, "installed", lambda package: False)
    run = Run(name, rounds=1, quick=True)
    assert " not installed |" in load(name).section(run)
    assert run.finding.endswith(".")


def test_what_cannot_be_written_is_said_before_anything_is_measured(monkeypatch):
    def refused(stamp, *arguments):
        with pytest.raises(SystemExit) as error:
            check_that_it_can_be_written(parsed(["--write", *arguments]), stamp)
        return str(error.value)

    changed = Stamp("abc1234", True, "0123", "a machine", "Python 3")
    assert "commit them, or say --changed" in refused(changed, "--only", "metrics")
    check_that_it_can_be_written(parsed(["--changed", "--only", "metrics"]), changed)
    assert "leave out --write" in refused(Stamp("a", False, "0", "a", "a", quick=True), "--quick", "--only", "metrics")
    monkeypatch.setattr("tests.benchmarks.__main__.places", dict)
    assert "no page has a place for metrics" in refused(STAMP, "--only", "metrics")


def test_two_runs_do_not_measure_into_one_folder(tmp_path):
    with alone(tmp_path), pytest.raises(SystemExit, match="another run"):
        main(["--only", "metrics", "--out", str(tmp_path)])


@pytest.fixture
def docs(tmp_path, monkeypatch):
    """Pages with three sections, two of them measured before."""
    monkeypatch.setattr(sections, "DOCS", tmp_path / "docs")
    (tmp_path / "docs/benchmarks").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# Readme\n<!-- speed -->\n<!-- /speed -->\n")
    front = ("measured", "Measured on 1 May: old."), ("findings", ""), ("one", "## One\n\nold one")
    page = ("two", "## Two\n\nold two"), ("cost", "")
    for path, parts in (("benchmarks.md", front), ("benchmarks/page.md", page)):
        text = "\n".join(f"<!-- {name} -->\n{text}\n<!-- /{name} -->" for name, text in parts)
        (tmp_path / "docs" / path).write_text(text)
    return tmp_path / "docs"


def test_a_section_alone_says_what_it_was_measured_with(docs):
    write_reports([Report("two", "Two", "new two", "two is new.")], "Measured on 2 May: new.", whole=False)
    assert sections.read_section("benchmarks/page.md", "two") == "## Two\n\nMeasured on 2 May: new.\n\nnew two"
    assert sections.read_section("benchmarks.md", "one") == "## One\n\nold one"
    assert sections.read_section("benchmarks.md", "measured") == "Measured on 1 May: old."
    findings = "- [Two](benchmarks/page.md#two): two is new. <!-- of two -->"
    assert sections.read_section("benchmarks.md", "findings") == findings


def test_a_head_does_not_speak_for_what_it_did_not_measure(docs):
    write_reports([Report("one", "One", "new one")], "Measured on 2 May: new.", whole=True)
    assert sections.read_section("benchmarks.md", "measured") == "Measured on 2 May: new."
    assert sections.read_section("benchmarks.md", "one") == "## One\n\nnew one"
    assert sections.read_section("benchmarks/page.md", "two") == "## Two\n\nMeasured on 1 May: old.\n\nold two"
    write_reports([Report("two", "Two", "new two")], "Measured on 2 May: new.", whole=False)
    assert sections.read_section("benchmarks/page.md", "two") == "## Two\n\nnew two"


def test_findings_are_replaced_one_by_one_and_stand_in_readme(docs):
    for text in ("old.", "new."):
        write_reports([Report("cost", "What it costs", "text", text)], "Measured.", whole=False)
        write_reports([Report("one", "One", "text", f"one is {text}")], "Measured.", whole=False)
    assert sections.read_section("benchmarks.md", "findings").splitlines() == [
        "- [One](benchmarks.md#one): one is new. <!-- of one -->",
        "- [What it costs](benchmarks/page.md#what-it-costs): new. <!-- of cost -->",
    ]
    summary = "- [What it costs](docs/benchmarks/page.md#what-it-costs): new."
    assert sections.read_section("../README.md", "speed") == summary


def test_what_the_line_says():
    changed = Stamp("abc1234", True, "0123", "a machine", "Python 3")
    assert STAMP.line("1 May", 3) == "Measured on 1 May: commit abc1234; a machine; Python 3; 3 rounds."
    assert "abc1234 with changes" in changed.line("1 May", 3)


@pytest.mark.parametrize("rounds", ["0", "-1"])
def test_no_rounds_are_refused(rounds, capsys):
    with pytest.raises(SystemExit):
        parsed(["--rounds", rounds])
    assert capsys.readouterr().err.endswith(f"--rounds: must be at least 1, got {rounds}\n")
