"""How sure a difference is: bootstrap over seeds, and over the patches or images of the test part, in pairs."""

from __future__ import annotations

import numpy as np

from tests.results.study.counts import f1_of

DRAWS = 2000
LEVEL = 0.95


def f1_interval(runs, base, seed=0):
    """Difference of the F1 scores of two lists of runs, paired by seed and patch, and its interval.

    Args:
        runs: for each seed, ``(patches, 3)``: matched, predicted and true features.
        base: the same of what it is compared with.
        seed: random seed of the draws.
    """
    counts, reference = np.asarray(runs, float), np.asarray(base, float)
    rng = np.random.default_rng(seed)
    draws = [difference(counts, reference, *resampled(counts.shape, rng)) for _ in range(DRAWS)]
    whole = np.arange(counts.shape[0]), np.arange(counts.shape[1])
    return difference(counts, reference, *whole), *np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])


def resampled(shape, rng):
    """Seeds and patches, drawn with replacement."""
    return rng.integers(shape[0], size=shape[0]), rng.integers(shape[1], size=shape[1])


def score(counts):
    """F1 score of all patches together, 0 where there is no feature."""
    return np.nan_to_num(f1_of(counts))


def difference(counts, reference, seeds, patches):
    """Of the F1 scores, each the mean over seeds."""
    return np.mean([score(counts[seed][patches]) - score(reference[seed][patches]) for seed in seeds])
