"""Numbers of the likelihoods that a run has written, by the metrics of ``python -m monai_topo evaluate``.

Each likelihood is made a mask in three ways, the last two of which no training is needed for: as it is, without specks,
and smoothed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.morphology import remove_small_holes, remove_small_objects

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.data import read_volume
from tests.results.datasets import VALIDATION
from tests.results.features import count_features

THRESHOLD = 0.5
SPECK = 30
SIGMA = 0.7


def without_specks(mask):
    """Components and holes of at most ``SPECK`` voxels are gone; structure full, background face connected."""
    solid = remove_small_objects(mask, max_size=SPECK, connectivity=mask.ndim)
    return remove_small_holes(solid, max_size=SPECK, connectivity=1)


AS_IT_IS = "as it is"
VARIANTS = {
    AS_IT_IS: lambda likelihood: likelihood >= THRESHOLD,
    "without specks": lambda likelihood: without_specks(likelihood >= THRESHOLD),
    "smoothed": lambda likelihood: gaussian_filter(likelihood, SIGMA) >= THRESHOLD,
}


@dataclass(frozen=True)
class Protocol:
    """A call of ``evaluate``."""

    name: str
    options: Options

    def command(self):
        """As on the command line, behind ``--pred`` and ``--label``."""
        options = self.options
        words = ["--metrics", *options.metrics, f"--threshold {THRESHOLD}"]
        words += ["--frame"] if options.frame else []
        words += [f"--patch-size {options.patch_size}"] if options.patch_size else []
        words += [f"--instances {options.instances}"] if options.instances != "foreground" else []
        return " ".join(words)


def score(mask, label, protocols):
    """``protocol/column`` to number, of one mask."""
    found = {}
    for protocol in protocols:
        for column, number in score_masks(mask, label, protocol.options).items():
            found[f"{protocol.name}/{column}"] = None if np.isnan(number) else round(number, 6)
        if "betti_matching_error" in protocol.options.metrics:
            counts = count_features(mask, label, protocol.options)
            found |= {f"{protocol.name}/{column}": round(number, 6) for column, number in counts.items()}
    return found


def score_folder(predictions, labels, protocols):
    """``part`` to ``variant`` to mean numbers over the part's volumes; to choose weights the mask as it is will do."""
    cases = {}
    for path in sorted(labels.glob("*.nii*")):
        name = path.name.split(".")[0]
        likelihood, label = read_volume(predictions / f"{name}_prob.nii.gz").array, read_volume(path).array > 0
        variants = {AS_IT_IS: VARIANTS[AS_IT_IS]} if name.startswith(VALIDATION) else VARIANTS
        scores = {variant: score(make(likelihood), label, protocols) for variant, make in variants.items()}
        cases.setdefault(name.split("_")[0], []).append(scores)
    return {part: average(scores) for part, scores in cases.items()}


def score_constant(labels, protocols):
    """The same of the answer that there is nothing."""
    cases = {}
    for path in sorted(labels.glob("*.nii*")):
        label = read_volume(path).array > 0
        scores = {AS_IT_IS: score(np.zeros_like(label), label, protocols)}
        cases.setdefault(path.name.split(".")[0].split("_")[0], []).append(scores)
    return {part: average(scores) for part, scores in cases.items()}


def average(cases):
    """Mean of each number over cases, of those where it is defined."""

    def mean(variant, column):
        values = [case[variant][column] for case in cases if case[variant][column] is not None]
        return round(float(np.mean(values)), 6) if values else None

    return {variant: {column: mean(variant, column) for column in cases[0][variant]} for variant in cases[0]}
