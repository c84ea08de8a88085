"""Networks of a study, and answers without a network: finished by each step, scored, recorded."""

from __future__ import annotations

from dataclasses import replace

import nibabel
import numpy as np

from monai_topo.data import read_volume
from monai_topo.data.readers.volume import Volume, save_nifti
from tests.results.datasets import TEST, VALIDATION
from tests.results.finished.steps import tuned
from tests.results.losses import BASE
from tests.results.runs import Laboratory, Run, iteration_seconds
from tests.results.study.precision import LOWER, at_precision, best_threshold, carried_over, centerline

IMAGE = "image"
"""Key of the record of what the smoothed image alone gives."""
EQUAL = "at precision"
"""What a record has of the network's vessels at the centerline precision of Dice+CE."""
EQUAL_LOWER = "at a lower precision"
"""The same at :data:`tests.results.study.precision.LOWER`."""


def runs_of(study, loss, ratio):
    """One for each seed."""
    return [Run(loss, ratio, 0, seed, study.iterations) for seed in study.seeds]


def ratios_of(study, loss):
    """Weights of a loss that are tried; only None without a term."""
    return study.ratios if loss in study.terms else (None,)


def all_runs(study):
    """Of every loss, weight and seed."""
    return by_seed(
        run for loss in study.losses for ratio in ratios_of(study, loss) for run in runs_of(study, loss, ratio)
    )


def by_seed(runs):
    """Seed after seed, so that rows fill evenly and a start is trained when it is needed."""
    return sorted(runs, key=lambda run: run.seed)


def control_key(title):
    """Of the record of an answer without a network."""
    return f"control {title}"


class StudyLaboratory(Laboratory):
    """Runs the networks of a study; arguments of steps are chosen once, on the validation part by the first seed."""

    def without_network(self):
        """Score the controls, which are masks, and the image alone by all steps, unless they are recorded."""
        if IMAGE in self.records.runs:
            return
        held_out, folder = self._held_out(0), self._folder(0, IMAGE)
        for title, answer in self._controls(held_out / "labels").items():
            self.records.add(control_key(title), answer)
        for path in sorted((held_out / "images").glob("*.nii.gz")):
            image = nibabel.load(path)  # with its colors, where it has any
            likelihood = Volume(self.table.subject.without_network(np.asarray(image.dataobj)), image.affine)
            folder.mkdir(parents=True, exist_ok=True)
            save_nifti(folder / path.name.replace(".nii.gz", "_prob.nii.gz"), likelihood)
        self.records.add(IMAGE, self._finished(folder, self._tuned(folder)))

    def at_precision(self, run):
        """Add to the record of a vessel network what it finds at the centerline precision of Dice+CE, and at a lower.

        That of Dice+CE is of its run with the same seed, at a threshold of 0.5.
        """
        record, base = self.records.runs[run.key], replace(run, loss=BASE, ratio=None)
        if EQUAL in record or not (self.holds(run) and self.holds(base)):
            return
        name, _, label = self.first_of(TEST)
        mask, spacing = np.asarray(label.array) > 0, label.spacing
        own, wanted = (centerline(self.likelihood(each, name) > 0.5, mask)["precision"] for each in (run, base))
        found = [at_precision(self.likelihood(run, name), mask, spacing, each) for each in (wanted, LOWER)]
        carried = carried_over(self.likelihood(run, name), mask, spacing, self._best_threshold(run))
        scores = [rounded({"own_precision": own, **carried, **found[0][0]}), rounded(found[1][0])]
        patches = [counts.sum(axis=1).tolist() for _, counts in found]
        both = [each | {"patches": of_each} for each, of_each in zip(scores, patches, strict=True)]
        self.records.add(run.key, record | dict(zip((EQUAL, EQUAL_LOWER), both, strict=True)))

    def _best_threshold(self, run):
        """On the validation part."""
        name, _, label = self.first_of(VALIDATION)
        return best_threshold(self.likelihood(run, name), np.asarray(label.array) > 0)

    def likelihood(self, run, name):
        """What a run that is done says of a volume."""
        return np.asarray(read_volume(self._folder(0, run.key) / f"{name}_prob.nii.gz").array)

    def _controls(self, labels):
        """By title, scores of the test part: the mean over draws."""
        found = {}
        for path in sorted(labels.glob(f"{TEST}*.nii.gz")):
            label = read_volume(path)
            mask = np.asarray(label.array) > 0
            for title, draws in self.table.subject.controls(mask).items():
                scores = [self.table.subject.score(draw, mask, label.spacing)[0] for draw in draws]
                found.setdefault(title, []).append(mean_of(scores))
        first = next(iter(self.table.subject.steps))
        return {title: {"scores": {TEST: {first: self._over_volumes(cases)}}} for title, cases in found.items()}

    def _facts(self, folder, configs):
        return super()._facts(folder, configs) | {"seconds": iteration_seconds(folder)}

    def first_of(self, part):
        """Name, image and label of the first volume of a part."""
        path = min((self._held_out(0) / "labels").glob(f"{part}*.nii.gz"))
        image = np.asarray(nibabel.load(self._held_out(0) / "images" / path.name).dataobj)
        return path.name.removesuffix(".nii.gz"), image, read_volume(path)

    def holds(self, run):
        """Whether the likelihoods of a run are here: records may come from another machine."""
        return any(self._folder(0, run.key).glob(f"{TEST}*_prob.nii.gz"))

    def mask_of(self, run, name, step, arguments):
        """What a step makes of the likelihood of a run that is done."""
        likelihood = read_volume(self._folder(0, run.key) / f"{name}_prob.nii.gz")
        return self.table.subject.mask_of(self._apply(step, likelihood, likelihood.spacing, arguments))

    def _scored(self, run, folder):
        first = replace(run, seed=self.table.seeds[0])
        chosen = self._tuned(folder) if run == first else self.records.runs[first.key]["arguments"]
        return self._finished(folder, chosen)

    def _tuned(self, folder):
        """Arguments of each step, from the validation part, whose likelihoods are put into a folder of their own."""
        part = folder / VALIDATION
        part.mkdir(exist_ok=True)
        for path in folder.glob(f"{VALIDATION}*_prob.nii.gz"):
            (part / path.name).symlink_to(path.resolve())
        steps, labels = self.table.subject.steps, self._held_out(0) / "labels"
        chosen = {name: tuned(step, part, labels) for name, step in steps.items() if step.transform}
        return {name: chosen.get(step.like or name, {}) for name, step in steps.items()}

    def _finished(self, folder, arguments):
        """Scores of the test part by every step, of others by the first, and features in the test part's patches."""
        steps = list(self.table.subject.steps)
        found, patches = {}, {step: [] for step in steps}
        for path in sorted(folder.glob("*_prob.nii.gz")):
            name = path.name.removesuffix("_prob.nii.gz")
            likelihood, label = read_volume(path), read_volume(self._held_out(0) / "labels" / f"{name}.nii.gz")
            part = name.split("_")[0]
            for step in steps if part == TEST else steps[:1]:
                result = self._apply(step, likelihood, label.spacing, arguments[step])
                scores, counts = self.table.subject.score(result, np.asarray(label.array) > 0, label.spacing)
                found.setdefault(part, {}).setdefault(step, []).append(rounded(scores))
                patches[step] += counts.sum(axis=1).tolist() if part == TEST else []
        scores = {
            part: {step: self._over_volumes(cases) for step, cases in steps.items()} for part, steps in found.items()
        }
        return {"arguments": arguments, "scores": scores, "patches": patches}

    def _apply(self, step, likelihood, spacing, arguments):
        return self.table.subject.steps[step].apply(np.asarray(likelihood.array), spacing, **arguments)

    def _over_volumes(self, cases):
        """Sums of counts, means of all other numbers over the volumes in which they are defined."""
        return {
            column: over_volumes([case[column] for case in cases], column in self.table.subject.counts)
            for column in cases[0]
        }


def over_volumes(numbers, is_count):
    """One number, None where there is no defined one."""
    defined = [number for number in numbers if number is not None and np.isfinite(number)]
    return round(float(sum(defined) if is_count else np.mean(defined)), 5) if defined else None


def mean_of(draws):
    """Each number's mean over draws."""
    return {column: float(np.mean([draw[column] for draw in draws])) for column in draws[0]}


def rounded(scores):
    """As JSON has them: None for what is undefined."""
    return {column: round(float(number), 5) if np.isfinite(number) else None for column, number in scores.items()}
