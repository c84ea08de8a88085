"""Points of fields that come again: the same as those that are computed, from memory that is bounded."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from monai_topo.topology import PointsCache, match_by_place_batch, match_induced_batch, persistence_pairs_batch
from monai_topo.topology.persistence import points_of_stack
from monai_topo.topology.points import Filtration
from tests.topology import images

SHAPES = [(9, 7), (5, 6, 7)]


def masks_of(shape, count=5):
    return np.stack([images.make("binary", shape, seed) for seed in range(count)]).astype(np.float32)


def columns(points):
    return [column.tolist() for column in (points.patch, points.dim, points.birth, points.death)] + [points.shapes]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", [{}, {"connectivity": 1}, {"frame": True}, {"dims": [0]}], ids=str)
def test_points_from_memory_are_those_that_are_computed(shape, options):
    cache, filtration = PointsCache(4), Filtration(**options)
    stack = -masks_of(shape)
    expected = columns(points_of_stack(stack, filtration))
    for rows in ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [3], [3, 1]):
        found = cache.points_of_stack(stack[rows], filtration)
        assert columns(found) == columns(points_of_stack(stack[rows], filtration))
    assert (cache.misses, cache.hits) == (5, 8)
    assert columns(cache.points_of_stack(stack, filtration)) == expected


def test_neither_other_options_nor_other_content_are_taken_for_the_same():
    cache = PointsCache(4)
    mask = -masks_of((6, 5), 1)
    soft = -np.random.default_rng(0).random((1, 6, 5)).astype(np.float32)
    others = [mask, -1 - mask, mask.reshape(1, 5, 6), np.zeros_like(mask), soft, np.roll(soft, 1), 2 * mask]
    for filtration in (Filtration(), Filtration(connectivity=1), Filtration(frame=True), Filtration(dims=(1,))):
        for stack in others:
            found = cache.points_of_stack(stack, filtration)
            assert columns(found) == columns(points_of_stack(stack, filtration))
    assert cache.hits == 0
    assert cache.misses == len(cache) == 4 * len(others)


def test_what_is_handed_out_may_be_changed():
    cache, stack = PointsCache(4), -masks_of((9, 7), 1)
    for _ in range(3):
        found = cache.points_of_stack(stack, Filtration())
        assert columns(found) == columns(points_of_stack(stack, Filtration()))
        found.birth[:] = 0


def test_what_was_not_used_for_longest_goes_first():
    masks = -masks_of((16, 16), 4)
    of_one = PointsCache(1)
    sizes = []
    for mask in masks:
        of_one.points_of_stack(mask[None], Filtration())
        sizes.append(of_one.kept_bytes - sum(sizes))
    cache = PointsCache((sum(sizes[:3]) + 8) / 2**20)
    for n in (0, 1, 2, 0, 3):  # the last one has no room beside all others
        cache.points_of_stack(masks[n : n + 1], Filtration())
        assert cache.kept_bytes <= cache.max_mib * 2**20
    hits = cache.hits
    cache.points_of_stack(masks[:1], Filtration())
    assert cache.hits == hits + 1
    cache.points_of_stack(masks[1:2], Filtration())
    assert cache.hits == hits + 1


def test_a_field_that_is_larger_than_the_memory_is_computed_each_time():
    cache = PointsCache(1e-6)
    for _ in range(2):
        found = cache.points_of_stack(-masks_of((9, 7), 2), Filtration())
        assert columns(found) == columns(points_of_stack(-masks_of((9, 7), 2), Filtration()))
    assert (len(cache), cache.kept_bytes, cache.misses) == (0, 0, 4)


@pytest.mark.parametrize("match", [match_induced_batch, match_by_place_batch])
def test_matchings_are_the_same_in_any_number_of_threads(match):
    masks = masks_of((9, 7), 7)
    likelihoods = np.random.default_rng(1).random(masks.shape).astype(np.float32)
    expected = match(likelihoods, masks)
    name = "target_cache" if match is match_induced_batch else "mask_cache"
    for threads in (1, 3):
        cache = PointsCache(2)
        for _ in range(2):
            found = match(likelihoods, masks, num_threads=threads, **{name: cache})
            assert found.matching.matched.tolist() == expected.matching.matched.tolist()
            assert columns(found.target) == columns(expected.target)
        assert (cache.misses, cache.hits) == (7, 7)


def test_threads_that_fill_a_small_one_together():
    masks = -masks_of((12, 9), 12)
    expected = [columns(points_of_stack(mask[None], Filtration())) for mask in masks]
    cache = PointsCache(8 / 1024)
    order = np.random.default_rng(0).integers(0, len(masks), 400).tolist()
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda n: columns(cache.points_of_stack(masks[n : n + 1], Filtration())), order)
        assert all(points == expected[n] for points, n in zip(found, order, strict=True))
    assert 0 < cache.kept_bytes <= 8 * 1024
    assert cache.hits + cache.misses == 400


def test_copies_begin_empty():
    cache = PointsCache(3)
    cache.points_of_stack(-masks_of((9, 7), 2), Filtration())
    for other in (copy.deepcopy(cache), pickle.loads(pickle.dumps(cache))):
        assert (len(other), other.max_mib, other.hits) == (0, 3, 0)


def test_one_of_several_fields():
    found = persistence_pairs_batch([*masks_of((9, 7), 3), images.make("tied", (4, 5, 6), 1)])
    for n in range(4):
        one, pairs = found.one(n), found.pairs(n)
        for k in pairs.dims:
            assert one.pairs(0).birth[k].tolist() == pairs.birth[k].tolist()
            assert one.pairs(0).death[k].tolist() == pairs.death[k].tolist()


@pytest.mark.parametrize("size", [0, -1, float("nan"), None, "8"])
def test_memory_must_be_above_zero(size):
    with pytest.raises(ValueError, match="max_mib must be above 0, got"):
        PointsCache(size)
