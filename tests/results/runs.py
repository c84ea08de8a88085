"""One network: trained by the bundle from a common start, applied to what was held out, scored, and recorded."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import torch

from monai_topo.commands.bundles import find_bundle, run_bundle
from monai_topo.commands.scoring import seconds_per_iteration
from monai_topo.data import write_text
from tests.benchmarks.timing import machine
from tests.results.datasets import divided
from tests.results.losses import BASE, OTHERS
from tests.results.scoring import score_constant, score_folder
from tests.results.table import CONFIGS, ITERATIONS_PER_EPOCH

_CONTINUED_SEED = 1000  # beside the start's, so that the same patches do not come again
_MEASURING = 10  # iterations in which the ratio of the gradients is measured


@dataclass(frozen=True)
class Run:
    """What makes one run differ from the others of its table; ``ratio`` is None without a term."""

    loss: str
    ratio: float | None
    fold: int
    seed: int
    iterations: int

    @property
    def key(self):
        ratio = "" if self.ratio is None else f"_ratio{self.ratio:g}"
        return f"{self.loss}{ratio}_fold{self.fold}_seed{self.seed}_{self.iterations}"


class Records:
    """The numbers of all runs of a table that are done, a line for each, in a file that is written anew after each."""

    def __init__(self, path):
        self.path = Path(path)
        self.runs = json.loads(self.path.read_text())["runs"] if self.path.exists() else {}
        self._lock = threading.Lock()

    def add(self, key, record):
        with self._lock:
            self.runs[key] = record
            lines = (f"{json.dumps(key)}: {json.dumps(run, allow_nan=False)}" for key, run in sorted(self.runs.items()))
            write_text(self.path, '{"runs": {\n' + ",\n".join(lines) + "\n}}\n")


class Laboratory:
    """Runs the networks of a table; a start is trained when the first run needs it."""

    def __init__(self, table, data, work, records):
        self.table, self.data, self.work, self.records = table, data, Path(work), records
        starts = product({table.base(loss) for loss in table.losses}, range(table.folds), table.seeds)
        self._locks = {start: threading.Lock() for start in starts}
        for fold in range(table.folds):
            divided(table, data, self.work, fold)

    def constant(self, fold):
        """Score the answer that there is nothing."""
        key = f"constant_fold{fold}"
        if key not in self.records.runs:
            self.records.add(key, {"scores": score_constant(self._held_out(fold) / "labels", self.table.protocols)})

    def run(self, run):
        """Train, segment and score, unless that is done."""
        if run.key not in self.records.runs:
            choice = self.table.choices.get(run.loss)
            start = self._start(run) if choice is None or choice.warm_up else None
            folder = self._folder(run.fold, run.key)
            configs = self._train(run, folder, start)
            self._infer(run, folder)
            self.records.add(run.key, {**asdict(run), **self._facts(folder, configs), **self._scored(run, folder)})

    def _scored(self, run, folder):
        """Entries of the record, from the likelihoods in the run's folder."""
        return {"scores": score_folder(folder, self._held_out(run.fold) / "labels", self.table.protocols)}

    def time(self, run, number):
        """Train for a moment and keep the seconds of an iteration, unless that many are kept."""
        key = f"seconds_{run.loss}"
        rounds = self.records.runs.get(key, {}).get("rounds", [])
        if number >= len(rounds):
            folder = self._folder(run.fold, f"timed_{run.loss}")
            self._train(run, folder, self._start(run))
            self.records.add(key, {"machine": machine(), "rounds": [*rounds, iteration_seconds(folder)]})

    def _start(self, run):
        """The network that a run goes on from."""
        base = self.table.base(run.loss)
        start = replace(run, loss=base, ratio=None, iterations=self.table.start_iterations)
        name = "start" if base == BASE else f"start_{base}"
        folder = self._folder(run.fold, f"{name}_fold{run.fold}_seed{run.seed}_{start.iterations}")
        with self._locks[base, run.fold, run.seed]:
            if not (folder / "done").exists():
                self._train(start, folder, None)
                (folder / "done").touch()
        return folder / "training.pt"

    def _train(self, run, folder, start):
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
        settings = self.table.training_settings(run.loss)
        configs = ["train.yaml", *self._own(self.table.overlays)]
        if run.ratio is not None:
            settings["gradient_ratio"] = run.ratio
        configs += [self._overlay(self.table.overlay(run.loss))]
        if start is not None:
            configs += self._own(self.table.continued)
            settings["start"] = start.resolve()
        run_bundle(
            find_bundle(self.table.bundle),
            configs,
            folder / "train.log",
            dataset_dir=self._data(run.fold).resolve(),
            ckpt_dir=folder.resolve(),
            output_dir=(folder / "events").resolve(),
            patches_per_epoch=settings["batch_size"] * ITERATIONS_PER_EPOCH,
            max_epochs=run.iterations // ITERATIONS_PER_EPOCH,
            topology_start_epoch=1,
            seed=run.seed if start is None else run.seed + _CONTINUED_SEED,
            **settings,
        )
        return [Path(config).name for config in configs]

    def _infer(self, run, folder):
        settings = {name: value for name, value in self.table.settings.items() if name != "batch_size"}
        other = OTHERS.get(self.table.loss(run.loss))
        settings |= {**self.table.inference_settings, **(other.inference_settings if other else {})}
        run_bundle(
            find_bundle(self.table.bundle),
            ["inference.yaml", *self._own(self.table.inference), *(other.inference if other else ())],
            folder / "inference.log",
            dataset_dir=(self._held_out(run.fold) / "images").resolve(),
            checkpoint=(folder / "training.pt").resolve(),
            output_dir=folder.resolve(),
            overwrite=True,
            **settings,
        )

    def _facts(self, folder, configs):
        schedule = torch.load(folder / "training.pt", weights_only=True).get("schedule")
        return {
            "bundle": self.table.bundle,
            "configs": configs,
            "weight": schedule and schedule["weight"],
            "machine": machine(),
        }

    def _folder(self, fold, key):
        return self.work / f"fold{fold}" / key

    def _data(self, fold):
        return divided(self.table, self.data, self.work, fold)

    def _held_out(self, fold):
        return self._data(fold) / "held_out"

    def _overlay(self, name):
        return overlay_of(self.table.bundle, name)

    def _own(self, names):
        return [str(CONFIGS / name) for name in names]


def overlay_of(bundle, name):
    """A file of the bundle where there is one, else of this folder.

    Raises:
        ValueError: when there is none.
    """
    if (find_bundle(bundle) / "configs" / name).exists():
        return name
    if not (CONFIGS / name).exists():
        raise ValueError(f"{bundle} has no {name}.")
    return str(CONFIGS / name)


def iteration_seconds(folder):
    """Median of a training, without those in which the weight is measured."""
    return round(seconds_per_iteration(folder / "events", first=_MEASURING + 1), 5)
