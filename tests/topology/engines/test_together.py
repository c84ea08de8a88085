"""One 3D field in several threads: the pairs of one thread, in their order, and those of gudhi."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from monai_topo.topology import persistence_pairs, persistence_pairs_batch
from monai_topo.topology.engines import get_engine
from monai_topo.topology.engines.native import compute, together
from tests.topology.engines.test_native import EFFORTS, KINDS, SETTINGS, make_image, run_python, small_shape

THREADS = (2, 3, 7)
OPTIONS = [{"full_connectivity": full, "frame": frame} for full, frame in product((True, False), repeat=2)]
THIN = [(1, 7, 9), (6, 1, 5), (4, 8, 1), (2, 3, 4), (1, 1, 1)]
"""Fewer planes than threads, and axes of one voxel."""


@pytest.fixture(autouse=True)
def every_field_is_worth_threads(monkeypatch):
    monkeypatch.setattr(compute, "VOXELS_WORTH_A_THREAD", 1)


def pairs_of(image, threads, dims=(0, 1, 2), **options):
    return get_engine("native").of_stack(np.asarray(image), dims=dims, num_threads=threads, **options)


def are_equal(found, expected):
    return all(np.array_equal(found[k][side], expected[k][side]) for k in expected for side in (0, 1))


def assert_threads_do_not_matter(stack, threads=THREADS, **options):
    alone = pairs_of(stack, 1, **options)
    for count in threads:
        assert are_equal(pairs_of(stack, count, **options), alone), (stack.shape, count, options)


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_gudhis_for_any_number_of_threads(kind):
    shapes = [*THIN, *(small_shape(3, seed) for seed in range(6))]
    for (seed, shape), options in product(enumerate(shapes), SETTINGS):
        image, direction = make_image(kind, shape, seed), ("superlevel", "sublevel")[seed % 2]
        expected = persistence_pairs(image, engine="gudhi", direction=direction, **options)
        for threads in (1, *THREADS):
            found = persistence_pairs(image, num_threads=threads, direction=direction, **options)
            for k in (0, 1, 2):
                assert np.array_equal(found.birth[k], expected.birth[k]), (shape, threads, options, k)
                assert np.array_equal(found.death[k], expected.death[k]), (shape, threads, options, k)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(40, 33, 27), (3, 41, 38)], ids=str)
def test_chains_of_other_threads_are_added(kind, shape):
    """Large enough for chains of one thread to reach into the parts of all others, again and again."""
    stack = make_image(kind, shape, 2)[None].astype(np.float32)
    for options in OPTIONS:
        assert_threads_do_not_matter(stack, **options)


def test_long_chains_of_one_thread_fit_into_the_small_heap_of_another():
    stack = gaussian_filter(np.random.default_rng(0).standard_normal((96, 64, 72)), 1.5)[None].astype(np.float32)
    assert_threads_do_not_matter(stack, (2, 7), full_connectivity=True, frame=False)


@pytest.mark.parametrize("dims", [(0,), (1,), (2,), (0, 2), (2, 1)])
def test_some_dimensions(dims):
    stack = make_image("white", (2, 9, 8, 7), 0).astype(np.float32)
    for options in OPTIONS:
        assert_threads_do_not_matter(stack, dims=dims, **options)


@pytest.mark.parametrize("effort", EFFORTS)
def test_what_one_thread_gives_up_another_way_pairs(effort, monkeypatch):
    monkeypatch.setattr(compute, "EFFORT", EFFORTS[effort])
    stack = make_image("white", (2, 9, 8, 7), 0).astype(np.float32)
    for options in OPTIONS:
        assert_threads_do_not_matter(stack, **options)


def test_the_place_to_keep_chains_grows(monkeypatch):
    rounds = []
    make_room = together._make_room
    monkeypatch.setattr(together, "_FIRST_ROOM", 10**6)
    monkeypatch.setattr(together, "_make_room", lambda *given: rounds.append(given) or make_room(*given))
    stack = make_image("smooth", (1, 30, 20, 25), 0).astype(np.float32)
    assert_threads_do_not_matter(stack, full_connectivity=True, frame=False)
    assert len(rounds) > 3 * len(THREADS)


def stress(count, seed):
    """Many small fields in mixed shapes, each in some number of threads."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        shape = tuple(rng.integers(1, 12, 3).tolist())
        image = make_image(KINDS[n % len(KINDS)], shape, n)[None].astype(np.float32)
        options = OPTIONS[n // len(KINDS) % len(OPTIONS)]
        assert_threads_do_not_matter(image, (int(rng.integers(2, 8)),), **options)


def test_hundreds_of_small_fields():
    stress(600, 0)


@pytest.mark.slow
def test_ten_thousand_small_fields():
    stress(10_000, 1)


def test_a_slab_with_a_plane_too_few_is_seen():
    """As plain Python, in which the border of a slab can be moved."""
    code = """
import numpy as np
from monai_topo.topology.engines import get_engine
from monai_topo.topology.engines.native import compute
from monai_topo.topology.engines.native.pairing import shares
compute.VOXELS_WORTH_A_THREAD = 1
compute.memory_of_threads = lambda size, threads: np.zeros(2 * (1 + threads) * size, np.int32)
image = np.random.default_rng(0).standard_normal((1, 4, 3, 4)).astype(np.float32)
options = {"full_connectivity": True, "dims": (0, 1, 2), "frame": False}
expected, planes_of = get_engine("native").of_stack(image, **options), shares.planes_of
def same(late, early):
    def moved(share, grid):
        begin, end = planes_of(share, grid)
        return (begin + late, end) if share.number else (begin, end - early)
    shares.planes_of = moved
    found = get_engine("native").of_stack(image, num_threads=2, **options)
    return all(np.array_equal(found[k][i], expected[k][i]) for k in (0, 1, 2) for i in (0, 1))
assert same(0, 0)
assert not same(1, 0)
assert not same(0, 1)
"""
    result = run_python(code, NUMBA_DISABLE_JIT="1")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("fields", "threads", "each"), [(1, 8, 8), (2, 16, 8), (3, 16, 5), (4, 4, None), (5, 2, None)])
def test_threads_go_over_the_fields_first_and_then_within(fields, threads, each, monkeypatch):
    within = []
    real = compute._pairs_in_threads
    monkeypatch.setattr(compute, "_pairs_in_threads", lambda *given: within.append(given[-1]) or real(*given))
    batch = make_image("smooth", (fields, 5, 6, 7), 0)
    found = persistence_pairs_batch(batch, num_threads=threads)
    assert within == [each] * (fields if each else 0)
    for n in range(fields):
        alone = persistence_pairs(batch[n])
        assert all(np.array_equal(found.pairs(n).birth[k], alone.birth[k]) for k in (0, 1, 2))


def test_small_fields_are_left_to_one_thread(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(compute, "_pairs_in_threads", None)  # would fail
    persistence_pairs(make_image("smooth", (48, 48, 48), 0), num_threads=16)
    with pytest.raises(TypeError):
        persistence_pairs(make_image("smooth", (52, 52, 52), 0), num_threads=2)


@pytest.mark.parametrize("threads", [0, -1, 2.0, "2"])
@pytest.mark.parametrize("compute_pairs", [persistence_pairs, persistence_pairs_batch])
def test_the_number_of_threads_is_positive_and_whole(compute_pairs, threads):
    fields = np.zeros((5, 6, 7) if compute_pairs is persistence_pairs else (2, 5, 6, 7))
    with pytest.raises(ValueError, match="num_threads must be None or a whole number of at least 1, got"):
        compute_pairs(fields, num_threads=threads)


def test_threads_within_threads_do_not_wait_for_each_other():
    image = make_image("smooth", (12, 13, 14), 0)
    expected = persistence_pairs(image)
    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(lambda _: persistence_pairs(image, num_threads=3), range(40)):
            assert all(np.array_equal(found.birth[k], expected.birth[k]) for k in (0, 1, 2))


class Volumes(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, n):
        image = make_image("smooth", (12, 13, 14), n)
        return len(persistence_pairs(image, num_threads=3).birth[1]), len(persistence_pairs(image).birth[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_workers_of_a_data_loader_that_are_forked():
    persistence_pairs(make_image("smooth", (12, 13, 14), 0), num_threads=3)  # threads were there before
    loader = torch.utils.data.DataLoader(Volumes(), num_workers=2, multiprocessing_context="fork", timeout=60)
    for together_, alone in loader:
        assert together_ == alone > 0


def test_an_interrupt_ends_it():
    code = """
import numpy as np
from monai_topo.topology import persistence_pairs
from monai_topo.topology.engines.native import compute
compute.VOXELS_WORTH_A_THREAD = 1
image = np.random.default_rng(0).random((20, 20, 20))
persistence_pairs(image, num_threads=2)
print("begun", flush=True)
while True:
    persistence_pairs(image, num_threads=2)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "begun"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
