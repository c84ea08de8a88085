"""The native engine against the gudhi engine: the same voxel pairs on every kind of image, and all else it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations, product

import gudhi
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba import njit
from scipy.ndimage import gaussian_filter, label

from monai_topo.topology import ESSENTIAL, persistence_pairs, persistence_pairs_batch
from monai_topo.topology.engines import FRAME, get_engine
from monai_topo.topology.engines.native import compute
from monai_topo.topology.engines.native.gradient import links as gradient
from monai_topo.topology.engines.native.gradient import squares
from monai_topo.topology.engines.native.order import keys as order
from monai_topo.topology.engines.native.types import Effort
from monai_topo.topology.field import to_integers
from monai_topo.topology.grid import neighbor_steps

STEPS_3D = neighbor_steps(3)
KINDS = ("smooth", "white", "tied", "binary", "constant")
IMAGES_PER_GROUP = 52
SETTINGS = [{"connectivity": c, "frame": f} for c, f in product((None, 1), (False, True))]

EFFORTS = {
    name: Effort(*map(np.int64, numbers))
    for name, numbers in {
        "down, simply": (0, 2**20, 0, 101),
        "down": (2**40, 0, 0, 101),
        "up": (-1, 0, 2**20, 0),
        "all squares put off": (-1, 0, 0, 101),
        "long ones put off": (10, 0, 0, 101),
        "some put off from the middle on": (10, 1, 0, 101),
        "up, then down": (-1, 0, 1, 0),
        "up, given up at once": (-1, 0, 0, 0),
    }.items()
}
"""How hard to try what in dimension 1; see ``types.Effort``."""


def make_image(kind, shape, seed):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(shape)
    image = {
        "smooth": lambda: gaussian_filter(noise, 1.0),
        "white": lambda: noise,
        "tied": lambda: np.round(noise),
        "binary": lambda: (noise > 0.3).astype(float),
        "constant": lambda: np.full(shape, 0.25),
    }[kind]()
    return image.astype(np.float64 if seed % 2 else np.float32)


def small_shape(ndim, seed):
    """Sides of 1 to 15, at most 500 voxels in 3D so that gudhi stays quick; rarely square."""
    rng = np.random.default_rng(1000 + seed)
    while True:
        shape = tuple(int(side) for side in rng.integers(1, 16, ndim))
        if np.prod(shape) <= 500:
            return shape


def as_set(pairs):
    """Comparable, and blind to nothing: every pair of every dimension, with how often it occurs."""
    return {k: sorted(zip(pairs.birth[k].tolist(), pairs.death[k].tolist(), strict=True)) for k in pairs.dims}


def both_engines(image, **options):
    return tuple(as_set(persistence_pairs(image, engine=engine, **options)) for engine in ("native", "gudhi"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_voxel_pairs_are_gudhis(ndim, kind):
    for seed in range(IMAGES_PER_GROUP):
        image = make_image(kind, small_shape(ndim, seed), seed)
        direction = ("superlevel", "sublevel")[seed // 2 % 2]
        for options in SETTINGS:
            native, expected = both_engines(image, direction=direction, **options)
            assert native == expected, (kind, image.shape, seed, direction, options)


def test_the_images_are_more_than_five_hundred_and_of_all_sorts():
    assert 2 * len(KINDS) * IMAGES_PER_GROUP >= 500
    shapes = [small_shape(ndim, seed) for ndim in (2, 3) for seed in range(IMAGES_PER_GROUP)]
    assert any(1 in shape for shape in shapes)
    assert sum(len(set(shape)) > 1 for shape in shapes) > 0.8 * len(shapes)


@pytest.mark.parametrize("shape", [(23, 31), (7, 8, 9)], ids=str)
def test_a_planted_error_is_seen(shape):
    image = make_image("tied", shape, 7)
    native, expected = both_engines(image)
    assert native == expected
    one_less = {k: points[1:] for k, points in native.items()}
    assert one_less != expected
    other_tie_rule = as_set(persistence_pairs(image + 1e-6 * np.arange(image.size).reshape(shape), engine="native"))
    assert other_tie_rule != expected
    other_connectivity = as_set(persistence_pairs(image, connectivity=1, engine="native"))
    assert other_connectivity != expected


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    image=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=5),
        elements=st.sampled_from([-1.0, -0.0, 0.0, 0.25, 1.0, 2.0**-130, 3e38]),
    ),
    options=st.sampled_from(SETTINGS),
    direction=st.sampled_from(["superlevel", "sublevel"]),
)
def test_any_small_image(image, options, direction):
    native, expected = both_engines(image, direction=direction, **options)
    assert native == expected


@pytest.mark.parametrize("shape", [(61, 47), (17, 18, 19)], ids=str)
@pytest.mark.parametrize("kind", ["smooth", "white", "tied"])
def test_middle_sized_images(kind, shape):
    """Large enough for buffers to grow and for chains to be added to chains."""
    image = make_image(kind, shape, 3)
    for connectivity in (None, 1):
        native, expected = both_engines(image, connectivity=connectivity)
        assert native == expected


def test_the_efforts_of_these_tests_reach_the_kernel(monkeypatch):
    """Also with one thread, where the effort is an argument."""
    reached = []
    kernel = compute.pairs_of_stack
    monkeypatch.setattr(compute, "pairs_of_stack", lambda *given: (reached.append(given[-1]), kernel(*given))[1])
    for effort in EFFORTS.values():
        monkeypatch.setattr(compute, "EFFORT", effort)
        compute.compute_pairs_stack(np.zeros((1, 3, 4, 5)), full_connectivity=False, dims=(0,), frame=False)
    assert reached == list(EFFORTS.values())


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_dimension_one_gives_the_same_pairs(kind, effort, monkeypatch):
    monkeypatch.setattr(compute, "EFFORT", EFFORTS[effort])
    for seed, shape in enumerate([*(small_shape(3, seed) for seed in range(6)), (17, 18, 19)]):
        image = make_image(kind, shape, seed)
        for options in SETTINGS:
            native, expected = both_engines(image, **options)
            assert native == expected, (kind, shape, seed, options)


@pytest.mark.parametrize("ndim", [2, 3])
def test_what_was_in_the_memory_does_not_matter(ndim, monkeypatch):
    memory = compute._memory
    monkeypatch.setattr(compute, "_memory", lambda field: np.full_like(memory(field), -1))
    for seed, kind in enumerate(KINDS):
        for options in SETTINGS:
            native, expected = both_engines(make_image(kind, (7, 6, 5)[:ndim], seed), **options)
            assert native == expected


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(300, 280), (48, 48, 48)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_large_images(kind, shape):
    image = make_image(kind, shape, 4)
    for options in SETTINGS:
        native, expected = both_engines(image, **options)
        assert native == expected


def value_diagram(image, connectivity, dim):
    pairs = persistence_pairs(image, direction="sublevel", connectivity=connectivity, engine="native")
    values = np.append(image.ravel(), np.inf)
    points = np.stack([values[pairs.birth[dim]], values[pairs.death[dim]]], axis=1)
    return points[np.lexsort(points.T)]


def gudhi_diagram(image, connectivity, dim):
    cells = {"vertices" if connectivity == 1 else "top_dimensional_cells": image}
    cubical = gudhi.CubicalComplex(**cells)
    cubical.compute_persistence(homology_coeff_field=2)
    points = np.asarray(cubical.persistence_intervals_in_dimension(dim)).reshape(-1, 2)
    return points[np.lexsort(points.T)]


@pytest.mark.parametrize("shape", [(5, 9), (33, 20), (4, 6, 7), (9, 8, 11)], ids=str)
@pytest.mark.parametrize("kind", ["smooth", "white", "tied"])
def test_values_are_gudhis_on_the_image_itself(kind, shape):
    image = make_image(kind, shape, 11)
    for connectivity, dim in product((None, 1), range(len(shape))):
        expected = gudhi_diagram(image, connectivity, dim)
        np.testing.assert_array_equal(value_diagram(image, connectivity, dim), expected)
    assert not np.array_equal(value_diagram(image, None, 0), gudhi_diagram(image, 1, 0))


@pytest.mark.parametrize("shape", [(14, 9), (6, 7, 8)], ids=str)
def test_dimensions_asked_for_are_those_of_the_whole(shape):
    image = make_image("white", shape, 5)
    for options in SETTINGS:
        whole = as_set(persistence_pairs(image, engine="native", **options))
        for k in range(len(shape)):
            assert as_set(persistence_pairs(image, dims=k, engine="native", **options)) == {k: whole[k]}
        assert len({str(points) for points in whole.values()}) == len(shape)


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_engine_promises(full, frame):
    field = make_image("tied", (6, 5, 7), 3)
    options = {"full_connectivity": full, "dims": (0, 1, 2), "frame": frame}
    found = get_engine("native").pairs(field, **options)
    births = np.concatenate([birth for birth, _ in found.values()])
    deaths = np.concatenate([death for _, death in found.values()])
    assert births.dtype == deaths.dtype == np.int64
    assert not (births == deaths).any(), "a pair of one voxel has no persistence under any total order"
    assert np.count_nonzero(deaths == ESSENTIAL) == (0 if frame else 1)
    assert np.count_nonzero(births == FRAME) == (1 if frame else 0)


def batch(shape=(9, 13), count=11):
    return np.stack([make_image(KINDS[n % 4], shape, 2 * n) for n in range(count)])


@pytest.mark.parametrize("engine", ["native", "gudhi"])
@pytest.mark.parametrize("shape", [(9, 13), (4, 6, 5)], ids=str)
def test_batch_is_the_loop_whatever_the_threads(shape, engine):
    fields = batch(shape)
    for options in SETTINGS:
        loop = [as_set(persistence_pairs(field, engine=engine, **options)) for field in fields]
        for threads in (1, 2, 3, 40):
            found = persistence_pairs_batch(fields, num_threads=threads, engine=engine, **options)
            assert [as_set(found.pairs(n)) for n in range(len(fields))] == loop
            assert set(found.shapes) == {shape}
        assert loop != loop[::-1]


def test_same_bits_for_one_and_two_threads():
    fields = batch((24, 25, 26), 4)
    one, two = (persistence_pairs_batch(fields, num_threads=threads, engine="native") for threads in (1, 2))
    for column in ("patch", "dim", "birth", "death"):
        np.testing.assert_array_equal(getattr(one, column), getattr(two, column))
    assert one.count > 100


def test_batch_of_different_shapes_and_types():
    fields = [make_image("white", shape, n) for n, shape in enumerate([(4, 5), (4, 5), (5, 4), (3, 4, 5), (4, 5)])]
    found = persistence_pairs_batch(fields, num_threads=2, engine="native")
    assert [as_set(found.pairs(n)) for n in range(len(fields))] == [both_engines(field)[1] for field in fields]
    assert persistence_pairs_batch([], engine="native").count == 0


def test_stack_engines_agree_on_indices():
    stack = batch((5, 6), 3)
    options = {"full_connectivity": True, "dims": (0, 1), "frame": False}
    native, gudhi_ = (get_engine(name).of_stack(stack, **options) for name in ("native", "gudhi"))
    essential = [np.sort(found[0][0][found[0][1] == ESSENTIAL]) for found in (native, gudhi_)]
    np.testing.assert_array_equal(*essential)
    np.testing.assert_array_equal(essential[0] // 30, [0, 1, 2])


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[::2, ::-1],
        lambda x: x.T,
        lambda x: x.astype(np.float16),
        lambda x: np.round(4 * x).astype(np.int8),
        lambda x: x > 0,
        lambda x: np.broadcast_to(x[0], x.shape),
    ],
    ids=["strided", "transposed", "half", "integer", "bool", "read-only"],
)
def test_every_array_that_is_exact_is_accepted(view):
    image = view(make_image("smooth", (15, 11), 2))
    native, expected = both_engines(image)
    assert native == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_field_of_a_batch_that_is_not_finite_is_named(value):
    fields = batch()
    fields[3, 1, 1] = value
    with pytest.raises(ValueError, match=r"fields\[3\].*NaN or infinity"):
        persistence_pairs_batch(fields, engine="native", num_threads=2)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5), (0, 4), (3, 0, 2)], ids=str)
def test_wrong_rank_or_empty(shape):
    with pytest.raises(ValueError, match="shape"):
        persistence_pairs(np.zeros(shape), engine="native")


@pytest.mark.parametrize("shape", [(2**16, 2**15), (1300, 1300, 1300)], ids=str)
def test_more_voxels_than_can_be_named_are_refused(shape):
    nothing_allocated = np.broadcast_to(np.float32(0), shape)
    with pytest.raises(ValueError, match=r"2\*\*31 voxels"):
        compute.compute_pairs(nothing_allocated, full_connectivity=True, dims=(0,), frame=False)


# Kernels that are linked into others cannot be called from Python; these can.


@njit
def keys_of(integers, is_float):
    return np.array([order.key_of(integer, order.turned_bits(is_float)) for integer in integers])


@njit
def sorted_codes(codes):
    return order.sort_codes(codes)


@njit
def critical_squares(table, word, region, found):
    link = gradient.link_of(table, word)
    return gradient.critical_square_count(link, word), squares.critical_squares(word, word, link, region, found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keys_have_the_order_of_the_values(dtype):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.standard_normal(200), [0, 1e-40, -1e-40, 3e38, -3e38], np.repeat(0.1, 3)])
    values = np.append(values, 1e300) if dtype == np.float64 else values
    values = values.astype(dtype)
    integers, is_float = to_integers(values)
    assert integers.dtype == np.int32
    assert is_float == (dtype == np.float32)
    keys = keys_of(integers, is_float)
    for compare in (np.less, np.equal):
        np.testing.assert_array_equal(compare.outer(keys, keys), compare.outer(values, values))
    assert keys.min() > order.BELOW_ALL
    assert keys.max() < order.ABOVE_ALL


def test_codes_are_sorted_by_key_and_index():
    keys = np.random.default_rng(1).integers(order.BELOW_ALL, order.ABOVE_ALL, 3000) // 2**20 * 2**20
    codes = (keys.astype(np.int64) << 32) | np.arange(keys.size)
    expected = np.sort(codes)
    assert not np.array_equal(codes, expected)
    np.testing.assert_array_equal(sorted_codes(codes), expected)


@njit
def forest_of_link(table, word):
    link = gradient.link_of(table, word)
    parents = [gradient.tree_parent(link, vertex) for vertex in range(6)]
    return gradient.roots(link), parents, gradient.forest_edges(link), gradient.critical_edge_count(link)


def graph_of_link(word):
    """Lower face neighbors of a voxel, joined where the voxel that shares an edge with it and a face with both is."""
    graph = nx.Graph()
    graph.add_nodes_from(i for i in range(6) if word >> i & 1)
    edges = [
        (i, j)
        for i, j in combinations(graph.nodes, 2)
        for bit in range(6, 18)
        if word >> bit & 1 and np.array_equal(STEPS_3D[i] + STEPS_3D[j], STEPS_3D[bit])
    ]
    graph.add_edges_from(edges)
    return graph


def test_the_forest_of_a_link_spans_its_components():
    table = gradient.new_link_table()
    several = 0
    for word in np.random.default_rng(5).integers(0, 1 << 26, 400).tolist():
        graph = graph_of_link(word)
        roots, parents, forest, critical = forest_of_link(table, word)
        components = list(nx.connected_components(graph))
        assert [1 << min(component) & roots for component in components].count(0) == 0
        assert roots.bit_count() == len(components)
        assert critical == max(len(components) - 1, 0)
        steps = {(i, parents[i]) for i in graph.nodes if not roots >> i & 1}
        assert all(graph.has_edge(*step) for step in steps)
        assert forest.bit_count() == len(steps) == len(graph) - len(components)
        assert nx.number_connected_components(nx.Graph([*steps, *((i, i) for i in graph.nodes)])) == len(components)
        several += len(components) > 1
    assert several > 100


def upper_regions(word):
    """Regions of upper neighbors around a voxel, counted by labels in a 3 x 3 x 3 image."""
    image = np.zeros((3, 3, 3), bool)
    image[tuple((STEPS_3D + 1).T)] = [not word >> bit & 1 for bit in range(26)]
    return label(image, structure=np.ones((3, 3, 3)))[1]


def test_critical_squares_separate_the_upper_neighbors():
    rng = np.random.default_rng(3)
    table = gradient.new_link_table()
    region, found = np.zeros(8, np.int64), np.zeros(12, np.int64)
    counts = []
    for density in (0.2, 0.5, 0.8, 0.95):
        for bits in rng.random((150, 26)) < density:
            word = int(bits @ (1 << np.arange(26)))
            count, listed = critical_squares(table, word, region, found)
            assert count == max(upper_regions(word) - 1, 0)
            if count:
                assert listed == count
            counts.append(count)
    assert max(counts) >= 3


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_runs_as_plain_python():
    code = """
import numpy as np
from monai_topo.topology import persistence_pairs
rng = np.random.default_rng(0)
for shape in ((7, 9), (1, 6), (3, 4, 5)):
    for connectivity in (None, 1):
        image = np.round(2 * rng.standard_normal(shape))
        a, b = (persistence_pairs(image, connectivity=connectivity, engine=e) for e in ("native", "gudhi"))
        assert all(np.array_equal(a.birth[k], b.birth[k]) and np.array_equal(a.death[k], b.death[k]) for k in a.dims)
"""
    result = run_python(code, NUMBA_DISABLE_JIT="1")
    assert result.returncode == 0, result.stderr
    assert run_python(code.replace("assert all", "assert not all"), NUMBA_DISABLE_JIT="1").returncode != 0


def test_importing_the_package_compiles_nothing():
    code = "import sys, monai_topo.topology; sys.exit('monai_topo.topology.engines.native' in sys.modules)"
    assert run_python(code).returncode == 0
    assert run_python(code.replace("; sys", ", monai_topo.topology.engines.native; sys")).returncode == 1


def test_auto_is_native():
    assert get_engine("auto") is get_engine("native")
    assert get_engine("auto") is not get_engine("gudhi")
