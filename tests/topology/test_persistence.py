"""Every engine against the textbook and against gudhi on the values."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest
import torch

from monai_topo.topology import ESSENTIAL, diagram, persistence_pairs, persistence_pairs_batch
from tests.topology import images, textbook


def pair_sets(pairs):
    return {k: set(zip(pairs.birth[k].tolist(), pairs.death[k].tolist(), strict=True)) for k in pairs.dims}


def expected_pairs(image, direction, full, frame):
    """The textbook's pairs, less what has no persistence in value and what belongs to the frame."""
    field = -image.astype(np.float64) if direction == "superlevel" else image.astype(np.float64)
    values = field.ravel()
    found = textbook.voxel_pairs(field, full, frame)
    return {
        k: {(b, d) for b, d in points if b != textbook.FRAME and (d == ESSENTIAL or values[b] != values[d])}
        for k, points in found.items()
    }


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("direction", ["superlevel", "sublevel"])
@pytest.mark.parametrize("shape", images.SHAPES, ids=str)
def test_voxel_pairs_are_the_textbooks(engine, shape, direction, connectivity, frame):
    for seed, kind in enumerate(images.KINDS):
        image = images.make(kind, shape, seed)
        pairs = persistence_pairs(image, direction=direction, connectivity=connectivity, frame=frame, engine=engine)
        assert pair_sets(pairs) == expected_pairs(image, direction, connectivity is None, frame), kind


def test_the_textbook_can_tell_a_wrong_implementation(engine):
    image = images.make("white", (5, 9), 3)
    wrong_axes = image.reshape(9, 5)
    wrong_dual = expected_pairs(image, "superlevel", False, False)
    right = pair_sets(persistence_pairs(image, engine=engine))
    assert right != expected_pairs(wrong_axes, "superlevel", True, False)
    assert right != wrong_dual
    assert right != expected_pairs(image, "sublevel", True, False)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("shape", [(5, 9), (4, 6, 7), (17, 30), (9, 10, 13)], ids=str)
def test_diagrams_are_gudhis(engine, shape, full):
    for kind in ("white", "smooth", "tied"):
        image = images.make(kind, shape, 5, np.float64)
        name = "top_dimensional_cells" if full else "vertices"
        cubical = gudhi.CubicalComplex(**{name: -image})
        cubical.compute_persistence(homology_coeff_field=2)
        pairs = persistence_pairs(image, connectivity=None if full else 1, engine=engine)
        for k in range(len(shape)):
            theirs = -cubical.persistence_intervals_in_dimension(k).reshape(-1, 2)
            theirs[np.isinf(theirs)] = 0
            ours = diagram(torch.from_numpy(image), pairs, k).numpy()
            np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_superlevel_is_sublevel_of_the_negative_bit_for_bit(engine):
    image = images.make("tied", (6, 5, 4), 1)
    one = persistence_pairs(image, direction="superlevel", engine=engine)
    other = persistence_pairs(-image, direction="sublevel", engine=engine)
    assert sum(len(birth) for birth in one.birth.values()) > 3
    for k in one.dims:
        np.testing.assert_array_equal(one.birth[k], other.birth[k])
        np.testing.assert_array_equal(one.death[k], other.death[k])


def test_positive_and_negative_zero_are_one_value(engine):
    image = np.array([[0.0, -0.0, 0.5, -0.0]], np.float32)
    zeros = np.array([[0.0, 0.0, 0.5, 0.0]], np.float32)
    for direction in ("superlevel", "sublevel"):
        one, other = (pair_sets(persistence_pairs(x, direction=direction, engine=engine)) for x in (image, zeros))
        assert one == other


def test_float64_is_not_rounded(engine):
    image = np.array([[1.0, 0.5, 1.0 + 1e-12]])
    pairs = persistence_pairs(image, engine=engine)
    assert pair_sets(pairs)[0] == {(2, -1), (0, 1)}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flips_and_transposes_leave_the_diagram_alone(engine, axis):
    image = images.make("white", (6, 8, 7), 2)
    turned = {"flip": np.flip(image, axis), "transpose": np.moveaxis(image, axis, 0)}
    for k in range(3):
        expected = sorted(map(tuple, diagram(torch.tensor(image), persistence_pairs(image, engine=engine), k).tolist()))
        assert len(expected) > 1
        for other in turned.values():
            field = torch.tensor(other.copy())
            pairs = persistence_pairs(other, engine=engine)
            assert sorted(map(tuple, diagram(field, pairs, k).tolist())) == expected


def test_a_framed_fork_closes_two_loops(engine):
    pairs = persistence_pairs(images.y_branch(), frame=True, engine=engine)
    assert {k: len(birth) for k, birth in pairs.birth.items()} == {0: 0, 1: 2}
    assert len(persistence_pairs(images.y_branch(), engine=engine).birth[1]) == 0


def test_the_frame_is_never_a_critical_voxel(engine, rng):
    image = rng.random((5, 6, 4))
    pairs = persistence_pairs(image, frame=True, engine=engine)
    for k in pairs.dims:
        indices = np.concatenate([pairs.birth[k], pairs.death[k]])
        assert len(indices) > 0
        assert indices.min() >= 0
        assert indices.max() < image.size


@pytest.mark.parametrize("dims", [0, 1, [2], (0, 2)])
def test_only_the_dimensions_asked_for(engine, dims):
    image = images.make("white", (5, 4, 6), 0)
    every = pair_sets(persistence_pairs(image, engine=engine))
    some = persistence_pairs(image, dims=dims, engine=engine)
    assert some.dims == tuple(np.atleast_1d(dims))
    assert pair_sets(some) == {k: every[k] for k in some.dims}


def test_min_persistence_leaves_out_what_is_at_or_under_it(engine):
    image = [[1.0, 0.25, 0.5, 0.0, 0.75]]
    at = persistence_pairs(image, min_persistence=0.25, engine=engine)
    above = persistence_pairs(image, min_persistence=0.2, engine=engine)
    assert pair_sets(above)[0] == {(0, -1), (2, 1), (4, 3)}
    assert pair_sets(at)[0] == {(0, -1), (4, 3)}


def test_a_constant_image_has_its_component_only(engine):
    pairs = persistence_pairs(np.full((3, 4, 2), 0.5), engine=engine)
    assert pair_sets(pairs) == {0: {(0, -1)}, 1: set(), 2: set()}
    framed = persistence_pairs(np.full((3, 4, 2), 0.5), frame=True, engine=engine)
    assert pair_sets(framed) == {0: set(), 1: set(), 2: set()}


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(np.int64),
        lambda x: x.astype(bool),
        lambda x: x.astype(np.float16),
        lambda x: torch.tensor(x, dtype=torch.bfloat16, requires_grad=True),
        lambda x: np.asfortranarray(x),
        lambda x: x[::1][:, ::-1][:, ::-1],
        lambda x: x.tolist(),
    ],
    ids=["uint8", "int64", "bool", "float16", "bfloat16 tensor", "Fortran order", "strided", "list"],
)
def test_any_real_dtype_and_memory_order(engine, convert):
    mask = images.make("binary", (6, 5), 4)
    expected = pair_sets(persistence_pairs(mask, engine=engine))
    assert pair_sets(persistence_pairs(convert(mask), engine=engine)) == expected


def test_the_input_is_left_as_it_is(engine):
    image = images.make("white", (5, 6), 0)
    before = image.copy()
    persistence_pairs(image, direction="sublevel", frame=True, engine=engine)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("num_threads", [None, 1, 2, 3])
def test_a_batch_is_its_fields_one_by_one(engine, num_threads):
    fields = np.stack([images.make(kind, (6, 5, 4), 7) for kind in images.KINDS])
    batch = persistence_pairs_batch(fields, num_threads=num_threads, frame=True, engine=engine)
    assert [pair_sets(batch.pairs(n)) for n in range(len(fields))] == [
        pair_sets(persistence_pairs(field, frame=True, engine=engine)) for field in fields
    ]
    assert batch.birth.dtype == batch.death.dtype == batch.patch.dtype == np.int64


@pytest.mark.parametrize("shapes", [[(6, 5, 4)] * 4, [(5, 9), (5, 9), (3, 4), (1, 6)]], ids=["alike", "unlike"])
def test_columns_of_a_batch(engine, shapes):
    """Sorted, with voxels counted through all fields; the rows of a patch and dimension are its own."""
    fields = [images.make("tied", shape, n) for n, shape in enumerate(shapes)]
    points = persistence_pairs_batch(fields, engine=engine, num_threads=2)
    columns = np.stack([points.patch, points.dim, points.birth, points.death], axis=1)
    assert columns.tolist() == sorted(columns.tolist())
    assert points.count == len(columns) > 10
    values = np.concatenate([field.ravel() for field in fields])
    first = 0
    for n, field in enumerate(fields):
        for k in range(field.ndim):
            rows = points.rows(n, k)
            alone = persistence_pairs(field, engine=engine, dims=k)
            np.testing.assert_array_equal(values[points.birth[rows]], field.ravel()[alone.birth[k]])
            np.testing.assert_array_equal(points.birth[rows] - first, alone.birth[k])
            assert (points.death[rows] == ESSENTIAL).sum() == (k == 0)
        first += field.size


def test_a_batch_may_hold_fields_of_any_shape(engine):
    fields = [images.make("white", shape, 0) for shape in [(5, 9), (3, 4, 2), (1, 6)]]
    batch = persistence_pairs_batch(fields, engine=engine)
    assert batch.shapes == ((5, 9), (3, 4, 2), (1, 6))
    for n, field in enumerate(fields):
        assert pair_sets(batch.pairs(n)) == pair_sets(persistence_pairs(field, engine=engine))
    assert persistence_pairs_batch([], engine=engine).count == 0


@pytest.mark.parametrize(
    ("fields", "num_threads", "expected"),
    [
        (np.zeros((8, 16, 16)), None, 1),
        (np.zeros((8, 16, 16)), 2, 2),
        (np.zeros((4, 200, 200)), None, 3),
        ([np.zeros((30, 30, 30)), np.zeros((40, 30, 30))], None, 2),
    ],
    ids=["small", "small but asked for", "large", "of any shape"],
)
def test_few_small_fields_take_one_thread(fields, num_threads, expected, monkeypatch):
    monkeypatch.setattr("monai_topo.topology.compiled.threads.available_cpus", lambda: 3)
    taken = []

    def in_one_thread(function, items, threads):
        taken.append(threads)
        return [function(item) for item in items]

    monkeypatch.setattr("monai_topo.topology.stacks.map_in_threads", in_one_thread)
    assert len(persistence_pairs_batch(fields, num_threads=num_threads).shapes) == len(fields)
    assert taken == [expected]


@pytest.mark.parametrize(
    ("field", "options", "message"),
    [
        (np.zeros(5), {}, r"\(H, W\) or \(H, W, D\).*\(5,\)"),
        (np.zeros((2, 2, 2, 2)), {}, "one channel"),
        (np.zeros((0, 3)), {}, "not empty"),
        ([[0.0, np.nan]], {}, "NaN or infinity"),
        ([[0.0, np.inf]], {}, "NaN or infinity"),
        ([[2**60, 1]], {}, r"2\*\*53"),
        (np.zeros((2, 3)), {"direction": "upper"}, "direction must be one of"),
        (np.zeros((2, 3)), {"connectivity": 3}, "connectivity must be None or 2"),
        (np.zeros((2, 3, 2)), {"connectivity": 2}, "dual connectivity"),
        (np.zeros((2, 3)), {"dims": 2}, "dims must be homology dimensions from 0 to 1"),
        (np.zeros((2, 3)), {"dims": []}, "dims must be"),
        (np.zeros((2, 3)), {"min_persistence": -1}, "min_persistence"),
        (np.zeros((2, 3)), {"engine": "cubical"}, "engine must be 'auto' or one of"),
    ],
)
def test_bad_input_says_what_is_wrong(field, options, message):
    with pytest.raises(ValueError, match=message):
        persistence_pairs(field, **options)


def test_complex_numbers_are_refused():
    with pytest.raises(TypeError, match="real numbers"):
        persistence_pairs(np.zeros((2, 2), complex))


def test_a_batch_refuses_no_threads():
    with pytest.raises(ValueError, match="num_threads"):
        persistence_pairs_batch(np.zeros((1, 2, 2)), num_threads=0)
