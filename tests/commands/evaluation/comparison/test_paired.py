"""Intervals and p-values against enumeration and closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from monai_topo.commands.evaluation.comparison.paired import (
    NUM_RESAMPLES,
    bootstrap_interval,
    paired_difference,
    sign_flip_p_value,
    with_holm,
)

SAMPLES = {
    "all gain": [1.0, 2.0, 3.0, 4.0],
    "mixed": [0.3, -0.1, 0.25, 0.05, -0.2, 0.4],
    "ties": [1.0, 1.0, -1.0, 2.0, 0.0],
    "zeros": [0.0, 0.0, 0.0],
    "two": [0.5, -2.0],
    "one": [3.0],
    "tenths": [0.1, 0.2, 0.3, -0.3, 0.1, 0.2, -0.1],
}


def enumerated(differences):
    """Share of all sign flips whose mean is at least as far from 0."""
    sums = [np.dot(signs, differences) for signs in itertools.product((1, -1), repeat=len(differences))]
    return float(np.mean(np.abs(sums) >= abs(sum(differences)) - 1e-9))


@pytest.mark.parametrize("differences", SAMPLES.values(), ids=SAMPLES)
def test_the_p_value_is_that_of_all_sign_flips(differences):
    assert sign_flip_p_value(differences) == pytest.approx(enumerated(differences))
    assert sign_flip_p_value([-value for value in differences]) == pytest.approx(enumerated(differences))


def test_one_that_forgets_the_pairs_is_seen(rng):
    """Cases differ much more than the networks do: only the pairs show it."""
    first = np.array([1.0, 5.0, 9.0, 20.0, 40.0, 70.0])
    second = first + np.array([0.5, 0.4, 0.6, 0.3, 0.5, 0.4])
    unpaired = stats.permutation_test((second, first), lambda a, b: a.mean() - b.mean(), n_resamples=999).pvalue
    assert sign_flip_p_value(second - first) == pytest.approx(2 / 2**6)
    assert unpaired > 0.5


def test_many_cases_are_drawn_and_near_the_t_test(rng):
    differences = rng.normal(0.3, 1.0, 60)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert 0.005 < expected < 0.5
    assert sign_flip_p_value(differences) == pytest.approx(expected, abs=4 * math.sqrt(expected / NUM_RESAMPLES) + 0.01)


def test_the_interval_is_that_of_all_resamples():
    values = np.array([0.0, 1.0, 3.0, 7.0, 20.0])
    means = [np.mean(chosen) for chosen in itertools.product(values, repeat=len(values))]
    low, high = bootstrap_interval(values)
    assert (low, high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.25)
    wrong = np.quantile(values, [0.025, 0.975])  # of the cases instead of their mean
    assert abs(high - wrong[1]) > 1


def test_the_interval_of_many_cases_is_the_normal_one(rng):
    values = rng.normal(2, 3, 400)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert bootstrap_interval(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.06 * half)


@pytest.mark.parametrize("values", [[], [1.0]], ids=len)
def test_fewer_than_two_cases_have_no_interval(values):
    assert all(math.isnan(end) for end in bootstrap_interval(values))


def test_holm_by_hand():
    found = [paired_difference(None, name, True, [("a", 0, 1)], 0) for name in "abcd"]
    p_values = [0.01, 0.04, 0.03, math.nan]
    given = [type(one)(**{**vars(one), "p_value": p}) for one, p in zip(found, p_values, strict=True)]
    corrected = [one.p_holm for one in with_holm(given)]
    assert corrected[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(corrected[3])


def test_cases_without_a_number_are_left_out():
    found = paired_difference(None, "x", False, [("a", 1, 3), ("b", math.nan, 1), ("c", 2, 1), ("d", 2, math.nan)], 0)
    assert (found.cases, found.difference, found.counts) == (("a", "c"), 0.5, (1, 1, 0))
    nothing = paired_difference(None, "x", False, [("a", math.nan, 1)], 0)
    assert math.isnan(nothing.difference)
    assert math.isnan(nothing.p_value)


def test_the_same_seed_gives_the_same_interval(rng):
    values = rng.normal(size=20)
    assert bootstrap_interval(values, 3) == bootstrap_interval(values, 3) != bootstrap_interval(values, 4)
