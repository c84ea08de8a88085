"""Height functions: closed forms, and that they tell where a feature is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.topology import HEIGHTS, diagram, height_function, persistence_pairs

SHAPES = pytest.mark.parametrize("shape", [(5, 9), (4, 6, 7)], ids=str)


def steps(height, axis):
    return np.diff(height.astype(np.float64), axis=axis)


@SHAPES
def test_linear_rises_by_its_slope_in_one_direction(shape):
    height = height_function("linear", shape, 0.5, np.random.RandomState(1))
    gradient = [steps(height, axis) for axis in range(len(shape))]
    for along in gradient:
        np.testing.assert_allclose(along, along.flat[0], atol=1e-6)
    assert np.linalg.norm([along.flat[0] for along in gradient]) == pytest.approx(0.5)
    assert height.mean() == pytest.approx(0, abs=1e-6)  # measured from the middle


@SHAPES
def test_radial_is_a_cone_over_a_place_in_the_grid(shape):
    height = height_function("radial", shape, 0.5, np.random.RandomState(1))
    places = np.moveaxis(np.indices(shape), 0, -1).reshape(-1, len(shape))
    # |x - q|^2 = |x|^2 - 2 x.q + |q|^2 is linear in (q, |q|^2): solve for the center from the heights
    squares = (height.astype(np.float64).ravel() / 0.5) ** 2 - (places**2).sum(axis=1)
    found, *_ = np.linalg.lstsq(np.column_stack([-2 * places, np.ones(len(places))]), squares, rcond=None)
    center, rest = found[:-1], found[-1]
    assert rest == pytest.approx((center**2).sum(), rel=1e-4)
    assert (center >= 0).all()
    assert (center <= np.array(shape) - 1).all()


@SHAPES
def test_quadratic_is_a_valley_through_the_middle(shape):
    height = height_function("quadratic", shape, 0.5, np.random.RandomState(1)).astype(np.float64)
    np.testing.assert_allclose(height, np.flip(height), atol=1e-6)
    for axis in range(len(shape)):
        curvature = np.diff(height, n=2, axis=axis)
        np.testing.assert_allclose(curvature, curvature.flat[0], atol=1e-6)
        assert curvature.flat[0] > 0
    assert max(np.abs(steps(height, axis)).max() for axis in range(len(shape))) <= 2 * 0.5


@pytest.mark.parametrize("kind", HEIGHTS)
def test_drawn_anew_and_from_the_seed(kind):
    state = np.random.RandomState(3)
    first, second = (height_function(kind, (6, 7), 1.0, state) for _ in range(2))
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, height_function(kind, (6, 7), 1.0, np.random.RandomState(3)))


def test_unknown_kind():
    with pytest.raises(ValueError, match="height must be one of"):
        height_function("cubic", (3, 3), 1.0, np.random.RandomState(0))


def loop_at(row, column):
    """A map that is low on a ring of 3 x 3 at a place of a 16 x 20 image."""
    field = torch.full((16, 20), 4.0)
    field[row : row + 3, column : column + 3] = 0.0
    field[row + 1, column + 1] = 1.0
    return field


def point_of(field, height):
    field = field + torch.tensor(height)
    pairs = persistence_pairs(field, direction="sublevel", dims=1)
    points = diagram(field, pairs, 1)
    return points[(points[:, 1] - points[:, 0]).argmax()]


def test_a_feature_moved_along_the_height_shifts_its_point_and_across_it_does_not():
    slope = 0.1
    rows = (np.arange(16)[:, None] * slope).repeat(20, axis=1).astype(np.float32)
    here = point_of(loop_at(3, 4), rows)
    torch.testing.assert_close(point_of(loop_at(8, 4), rows), here + 5 * slope)
    torch.testing.assert_close(point_of(loop_at(3, 11), rows), here)
    assert here[1] - here[0] > 0.5
