"""Pages of benchmarks: one line says with what all their sections were measured, findings stand on top.

A section that was measured on another day, or with other code, than the page's head says so itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.benchmarks import sections

FRONT = "benchmarks.md"
SUMMARY = ("persistence", "threads", "compile", "patterns", "cost")
"""Sections whose findings stand in README too."""
_OWN = re.compile(r"\A(## [^\n]*\n\n)(Measured [^\n]*)\n\n")


@dataclass(frozen=True)
class Report:
    """A section that was measured: what it finds, in a sentence, and its text below the title."""

    name: str
    title: str
    text: str
    finding: str = ""


def places():
    """The page of each section, by name, in the order of the pages' names and of the sections on a page."""
    docs = sections.DOCS
    pages = [docs / FRONT, *sorted((docs / "benchmarks").glob("*.md"))]
    return {
        name: page.relative_to(docs).as_posix()
        for page in pages
        for name in re.findall(r"^<!-- (\w+) -->$", page.read_text(encoding="utf-8"), re.MULTILINE)
        if name not in ("measured", "findings")
    }


def write_reports(reports, line, whole):
    """Write sections with the line that says how they were measured.

    Args:
        reports: `Report` of each section that was measured.
        line: sentence of their stamp.
        whole: whether these are all sections that the head speaks for; it then says the line.
    """
    found, head = places(), sections.read_section(FRONT, "measured")
    if whole:
        _let_others_say_it(found, {report.name for report in reports}, head)
        sections.write_section(FRONT, "measured", line)
        head = line
    for report in reports:
        own = "" if line == head else f"{line}\n\n"
        sections.write_section(found[report.name], report.name, f"## {report.title}\n\n{own}{report.text}")
    _write_findings(reports, found)


def _let_others_say_it(found, measured, head):
    """Put the head's line into sections that relied on it and that the new one does not speak for."""
    for name, page in found.items():
        text = sections.read_section(page, name)
        if name not in measured and text and not _OWN.match(text):
            sections.write_section(page, name, re.sub(r"\A(## [^\n]*\n\n)", lambda m: f"{m[1]}{head}\n\n", text))


def _write_findings(reports, found):
    """Replace the sentences of the sections measured, on the front page and in README; the others stay."""
    text = sections.read_section(FRONT, "findings")
    kept = {match["name"]: match[0] for match in re.finditer(r"^- .*<!-- of (?P<name>\w+) -->$", text, re.MULTILINE)}
    for report in reports:
        if report.finding:
            anchor = re.sub(r"[^\w\- ]", "", report.title.lower()).replace(" ", "-")
            link = f"[{report.title}]({found[report.name]}#{anchor})"
            kept[report.name] = f"- {link}: {report.finding} <!-- of {report.name} -->"
    order = [name for name in found if name in kept]
    sections.write_section(FRONT, "findings", "\n".join(kept[name] for name in order))
    _write_summary({name: kept[name] for name in SUMMARY if name in kept})


def _write_summary(kept):
    """The findings of some sections in README."""
    lines = [re.sub(r"\]\(", "](docs/", re.sub(r" <!--.*-->$", "", line)) for line in kept.values()]
    sections.write_section("../README.md", "speed", "\n".join(lines))
