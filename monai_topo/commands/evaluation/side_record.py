"""Works on every case whose numbers stand beside a report: kept on disk, continued by a later call."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_topo.commands.evaluation.beside import numbered, plain, read_own, set_aside
from monai_topo.commands.evaluation.case import versions
from monai_topo.commands.evaluation.pairs import Pair
from monai_topo.commands.evaluation.workers import outcomes
from monai_topo.data import locked, printable, write_json


@dataclass
class SideRecord:
    """Where the results of a work lie, and of what they are.

    Attributes:
        files: all files of the work, the JSON first.
        kind: entry ``kind`` of the JSON.
        of: folders that the work is of; a file of others is not written over.
        settings: options that the results depend on, beside the files of a case; a file of others is set aside.
        prints: case to a digest of all that its result depends on.
        finished: case to result, a JSON value.
        failed: case to what was wrong with it.
    """

    files: Sequence[Path]
    kind: str
    of: Mapping[str, str]
    settings: Mapping[str, Any]
    prints: Mapping[str, str]
    finished: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def fill(self, pairs: Sequence[Pair], score: Callable[[Pair, Any], Any], settings: Any, workers: int) -> None:
        """Score the cases that an earlier call left, and write the JSON after each.

        Args:
            pairs: files of the cases.
            score: function of a pair and the settings to a JSON value, of a module's top level.
            settings: second argument of ``score``.
            workers: number of processes.

        Raises:
            BlockingIOError: when another process writes it.
            ValueError: when a file is there that is not this work's.
        """
        with locked(self.files[0], self.kind):
            self._load()
            to_do = [pair for pair in pairs if pair.name not in self.finished]
            self._save()
            done = len(pairs) - len(to_do)
            with tqdm(total=len(pairs), initial=done, desc=self.kind.rpartition("--")[2], unit="case") as progress:
                for pair, outcome in outcomes(to_do, settings, workers, score):
                    (self.failed if isinstance(outcome, str) else self.finished)[pair.name] = plain(outcome)
                    self._save()
                    progress.update()
        lines = [f"not scored: {case}: {reason}" for case, reason in sorted(self.failed.items())]
        sys.stderr.writelines(f"{printable(line)}\n" for line in lines)

    def _load(self) -> None:
        content = read_own(self.files, self.kind, self.of)
        if content is None:
            return
        if content.get("settings") != plain(self.settings):
            name = self.files[0]
            sys.stderr.write(f"kept: {name.name} with other options is {numbered(name, set_aside(self.files))} now\n")
        for case in content.get("cases", ()):
            if case.get("fingerprint") == self.prints.get(case.get("case")):
                self.finished[case["case"]] = case["result"]

    def _save(self) -> None:
        cases = [
            {"case": case, "fingerprint": self.prints[case], "result": self.finished[case]}
            for case in sorted(self.finished)
        ]
        content = {
            "kind": self.kind,
            **self.of,
            "settings": self.settings,
            "versions": versions(),
            "cases": cases,
            "failed": dict(sorted(self.failed.items())),
            "pending": [name for name in self.prints if name not in {*self.finished, *self.failed}],
        }
        write_json(self.files[0], plain(content))
