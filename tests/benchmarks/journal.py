"""Rounds that were measured, one line of JSON each, so that a run that was killed goes on where it was."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path


class Journal:
    """A file of rounds and finished sections; what has another stamp stays in the file and is not seen.

    Args:
        path: file, written from the first line on.
        stamp: `Stamp` of what is measured now.
    """

    def __init__(self, path, stamp):
        self.path, self.stamp = Path(path), stamp.as_dict()
        self._rounds = defaultdict(dict)
        self._sections = {}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._end_torn_line()
        for line in self._kept_lines():
            self._take(line)

    def _end_torn_line(self):
        """End the line that a kill cut off."""
        if self.path.exists() and self.path.read_bytes()[-1:] not in (b"", b"\n"):
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")

    def _kept_lines(self):
        """Lines of this stamp; one that was cut off is none."""
        if not self.path.exists():
            return
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if line["stamp"] == self.stamp:
                yield line

    def _take(self, line):
        if "part" in line:
            self._rounds[line["section"], line["part"], tuple(line["names"])][line["round"]] = line
        else:
            self._sections[line["section"]] = line

    def rounds(self, section, part, names):
        """The kept rounds of a part, from the first to the one before any that is missing."""
        kept = self._rounds[section, part, tuple(names)]
        return [kept[number] for number in range(len(kept)) if number in kept]

    def finished(self, section, rounds):
        """The kept section of so many rounds, or None."""
        found = self._sections.get(section)
        return found if found and found["rounds"] == rounds else None

    def add(self, **line):
        """Keep a round (``section, part, names, round, values, spent``) or a section."""
        line = {**line, "when": datetime.now().isoformat(timespec="seconds"), "stamp": self.stamp}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._take(line)
        return line

    def dates(self, sections):
        """First and last day on which figures of some sections were measured."""
        days = [line["when"][:10] for line in self._sections.values() if line["section"] in sections]
        days += [
            line["when"][:10] for (name, *_), kept in self._rounds.items() if name in sections for line in kept.values()
        ]
        return " to ".join(sorted({min(days), max(days)}))
