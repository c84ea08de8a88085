"""Critical regions, one by one, against persistence by the textbook, Betti numbers of gudhi, and a plain 2D version."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest
from scipy import ndimage

from monai_topo.topology import critical_regions, critical_regions_batch, label_components, shared_betti_numbers
from tests.topology.textbook import ESSENTIAL, pair_lists

SHAPES = [(4, 5), (6, 6), (2, 3, 4), (3, 3, 3), (1, 7)]


def random_masks(seed):
    """Prediction and truth of white noise, or alike but for a few voxels, or empty."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[seed % len(SHAPES)]
    target = rng.random(shape) < rng.choice([0.3, 0.5, 0.7])
    if seed % 3 == 0:
        return target ^ (rng.random(shape) < 0.15), target
    return rng.random(shape) < rng.choice([0.0, 0.3, 0.5]), target


def regions(prediction, target, full):
    """Each false region as a mask, and whether it is missing."""
    for missing, mask in ((True, target & ~prediction), (False, prediction & ~target)):
        labels = label_components(mask, full)
        for number in range(1, labels.max() + 1):
            yield labels == number, missing


def touched_components(base, region, full):
    """How many components of the base touch a region."""
    around = ndimage.binary_dilation(region, ndimage.generate_binary_structure(region.ndim, region.ndim if full else 1))
    return len(set(label_components(base, full)[around].tolist()) - {0})


def changes_homology(base, region, full, frame):
    """Whether a class begins or ends with the region: voxels of the base, then of the region, then the others."""
    levels = np.where(base, 0, np.where(region, 1, 2))
    values = {**dict(enumerate(levels.ravel().tolist())), ESSENTIAL: 3, -2: -1}
    pairs = [(values[b], values[d]) for found in pair_lists(levels, full, frame).values() for b, d in found]
    return any((birth == 1) != (death == 1) for birth, death in pairs if birth != -1 or death != 3)


def betti_by_gudhi(mask, full):
    """Betti numbers of a mask surrounded by background."""
    padded = np.pad(np.where(mask, 0.0, 1.0), 1, constant_values=1)
    data = {"top_dimensional_cells": padded} if full else {"vertices": padded}
    complex_ = gudhi.CubicalComplex(**data)
    complex_.persistence()
    return tuple(complex_.persistent_betti_numbers(0, 0.5)[: mask.ndim])


def is_labeled(found, region):
    """Whether the region is among the critical ones, as a whole."""
    numbers = set(found.labels[region].tolist())
    assert len(numbers) == 1
    return numbers != {0}


def check_kind(found, region, missing):
    assert not is_labeled(found, region) or found.missing[found.labels[region][0] - 1] == missing


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("seed", range(200))
def test_regions_one_by_one(seed, full):
    prediction, target = random_masks(seed)
    connectivity = None if full else 1
    by_components, by_homotopy = (
        critical_regions(prediction, target, criterion=criterion, connectivity=connectivity)
        for criterion in ("components", "homotopy")
    )
    for region, missing in regions(prediction, target, full):
        shared = prediction & target
        touched = touched_components(shared, region, full)
        assert is_labeled(by_components, region) == (touched != 1)
        flipped = betti_by_gudhi(shared | region, full)[0] - betti_by_gudhi(shared, full)[0]
        assert flipped == 1 - touched
        check_kind(by_components, region, missing)
    for region, missing in regions(prediction, target, True):
        base = prediction if missing else target
        changed = changes_homology(base, region, full, False)
        assert is_labeled(by_homotopy, region) == changed
        assert changed or betti_by_gudhi(base | region, full) == betti_by_gudhi(base, full)
        check_kind(by_homotopy, region, missing)
    for found in (by_components, by_homotopy):
        assert set(found.labels.ravel().tolist()) - {0} == set(range(1, len(found.missing) + 1))


@pytest.mark.parametrize("seed", range(60))
def test_in_a_frame(seed):
    prediction, target = random_masks(seed)
    found = critical_regions(prediction, target, criterion="homotopy", frame=True)
    for region, missing in regions(prediction, target, True):
        assert is_labeled(found, region) == changes_homology(prediction if missing else target, region, True, True)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("seed", range(200))
def test_no_critical_region_means_equivalent_inclusions(seed, full):
    """Both masks are included in their union without a change of homology, if and only if no region is critical."""
    prediction, target = random_masks(seed)
    union, connectivity = prediction | target, None if full else 1
    equivalent = not any(changes_homology(mask, union & ~mask, full, False) for mask in (prediction, target))
    found = critical_regions(prediction, target, criterion="homotopy", connectivity=connectivity)
    assert (len(found.missing) == 0) == equivalent
    if equivalent:
        numbers = betti_by_gudhi(union, full)
        assert betti_by_gudhi(prediction, full) == betti_by_gudhi(target, full) == numbers
        shared = shared_betti_numbers(prediction, target, connectivity)
        assert tuple(shared.values()) == numbers


def published_in_2d(prediction, target, region, missing):
    """Harmless: one component of the shared background touched, and one of the base, as in the paper on Topograph."""
    around = ndimage.binary_dilation(region)
    outside = np.pad(~(prediction | target), 1, constant_values=True)
    background = ndimage.label(outside)[0]
    backgrounds = set(background[ndimage.binary_dilation(np.pad(region, 1))].tolist()) - {0}
    assert around.any()
    return len(backgrounds) == 1 and touched_components(prediction if missing else target, region, True) == 1


def test_as_published_in_2d():
    """For regions that do not pass the other structure at a corner, where both have a say."""
    seen = set()
    for seed in range(400):
        rng = np.random.default_rng(seed)
        target = ndimage.gaussian_filter(rng.standard_normal((20, 21)), 1.2) > 0.1
        prediction = target ^ (ndimage.gaussian_filter(rng.standard_normal((20, 21)), 1.0) > 0.45)
        found = critical_regions(prediction, target, criterion="homotopy")
        for region, missing in regions(prediction, target, True):
            if label_components(region, False).max() == 1:
                harmless = published_in_2d(prediction, target, region, missing)
                assert is_labeled(found, region) != harmless
                seen.add((harmless, missing))
    assert len(seen) == 4


def test_a_batch_is_one_by_one():
    masks = [random_masks(seed) for seed in (3, 8, 13, 18)]
    stacks = [
        np.stack(side) for side in zip(*[pair for pair in masks if pair[0].shape == masks[0][0].shape], strict=True)
    ]
    for threads in (1, 3):
        batch = critical_regions_batch(*stacks, criterion="homotopy", num_threads=threads)
        for n, found in enumerate(batch):
            alone = critical_regions(stacks[0][n], stacks[1][n], criterion="homotopy")
            np.testing.assert_array_equal(found.labels, alone.labels)
            np.testing.assert_array_equal(found.missing, alone.missing)


def test_bad_input():
    with pytest.raises(ValueError, match="criterion must be one of"):
        critical_regions([[1]], [[0]], criterion="loops")
    with pytest.raises(ValueError, match="one shape"):
        critical_regions([[1]], [[0, 1]])
    with pytest.raises(ValueError, match="connectivity must be"):
        critical_regions(np.ones((2, 2, 2)), np.ones((2, 2, 2)), connectivity=2)
