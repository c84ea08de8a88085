"""Centerlines have the topology of the mask, by scikit-image, and its ends, which are known of drawn tubes."""

from __future__ import annotations

from itertools import pairwise

import networkx
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.measure import euler_number, label
from skimage.morphology import skeletonize

from monai_topo.data import phantoms
from monai_topo.graphs import centerline_mask, skeleton_graph

WIDTHS = [1, 2, 3, 4, 5, 6]


def betti_numbers(mask):
    """Components, loops and cavities in full connectivity, by scikit-image."""
    padded = np.pad(mask, 1)
    components = label(padded, connectivity=mask.ndim).max()
    enclosed = label(~padded, connectivity=1).max() - 1
    euler = euler_number(padded, connectivity=mask.ndim)
    return (components, enclosed) if mask.ndim == 2 else (components, components + enclosed - euler, enclosed)


def tubes(shape, segments, width, cap):
    """Tubes around segments: round with round or flat caps, or a cube moved along a digital line."""
    mask = np.zeros(shape, bool)
    places = np.moveaxis(np.indices(shape, dtype=float), 0, -1)
    for start, stop in segments:
        if cap == "cube":
            for voxel in np.linspace(start, stop, 2 * int(np.abs(stop - start).max()) + 1):
                mask[tuple(slice(int(c), int(c) + width) for c in np.rint(voxel - (width - 1) / 2))] = True
            continue
        share = (places - start) @ (stop - start) / np.square(stop - start).sum()
        nearest = start + np.clip(share, 0, 1)[..., None] * (stop - start)
        inside = np.linalg.norm(places - nearest, axis=-1) <= max(width / 2, len(shape) ** 0.5 / 2)
        mask |= inside & (share >= 0) & (share <= 1) if cap == "flat" else inside
    return mask


def graph_ends(graph):
    return np.array([graph.nodes[node]["pos"] for node, degree in graph.degree if degree == 1])


def random_frame(rng, ndim):
    return np.linalg.qr(rng.standard_normal((ndim, ndim)))[0]


def assert_it_is_a_tree_with_these_ends(mask, ends, width):
    found = centerline_mask(mask)
    assert not (found & ~mask).any()
    assert betti_numbers(found) == betti_numbers(mask)
    graph = skeleton_graph(mask)
    assert networkx.is_tree(graph)
    reached = graph_ends(graph)
    assert len(reached) == len(ends)
    for end in ends:
        assert np.linalg.norm(reached - end, axis=1).min() <= 0.9 * width + 1.5


@pytest.mark.parametrize("cap", ["round", "flat", "cube"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_tubes_of_any_width_and_angle_have_two_ends(ndim, width, cap, rng):
    for _ in range(4):
        shape = np.array([48, 46, 44][:ndim])
        middle = shape / 2 + rng.random(ndim)
        direction = random_frame(rng, ndim)[0]
        ends = [middle - direction * rng.uniform(9, 16), middle + direction * rng.uniform(9, 16)]
        assert_it_is_a_tree_with_these_ends(tubes(shape, [ends], width, cap), ends, width)


@pytest.mark.parametrize("cap", ["round", "flat"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("kind", ["T", "Y"])
def test_forks_of_any_width_and_angle_have_three_ends(kind, ndim, width, cap, rng):
    for _ in range(2):
        shape = np.array([52, 50, 54][:ndim])
        middle = shape / 2 + rng.random(ndim)
        along, across = random_frame(rng, ndim)[:2]
        if kind == "T":
            ends = [middle - 19 * along, middle + 19 * along, middle + (2.5 * width + 4) * across]
        else:
            ends = [middle + 18 * (np.cos(angle) * along + np.sin(angle) * across) for angle in (0, 2.1, 4.2)]
        mask = tubes(shape, [(middle, end) for end in ends], width, cap)
        if betti_numbers(mask)[:2] == (1, 0):
            assert_it_is_a_tree_with_these_ends(mask, ends, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_rings_of_any_width_and_angle_are_rings(ndim, width, rng):
    shape = np.array([46, 48, 44][:ndim])
    along, across = random_frame(rng, ndim)[:2]
    angles = np.linspace(0, 2 * np.pi, 17)[:, None]
    corners = shape / 2 + 14 * (np.cos(angles) * along + np.sin(angles) * across)
    mask = tubes(shape, list(pairwise(corners)), width, "round")
    assert betti_numbers(centerline_mask(mask)) == betti_numbers(mask)
    assert [degree for _, degree in skeleton_graph(mask).degree] == [2]


@pytest.mark.parametrize("shape", [(17, 23), (1, 30), (8, 9, 11), (12, 1, 9)], ids=str)
@pytest.mark.parametrize("share", [0.15, 0.4, 0.7])
def test_topology_is_that_of_the_filled_mask(shape, share, rng):
    for _ in range(4):
        mask = rng.random(shape) < share
        found = centerline_mask(mask)
        components, loops, *cavities = betti_numbers(mask)
        if not any(cavities):
            assert betti_numbers(found) == (components, loops, *cavities)
        np.testing.assert_array_equal(centerline_mask(found), found)


def test_a_shell_becomes_a_curve_with_what_it_holds():
    ball = distance_transform_edt(np.pad(np.zeros((1, 1, 1), bool), 12, constant_values=True))
    shell = (ball < 10) & (ball > 6) | (ball < 2)
    assert betti_numbers(shell) == (2, 0, 1)
    assert betti_numbers(centerline_mask(shell)) == (1, 0, 0)


def test_no_spurs_on_a_rough_tree(rng):
    middle = np.array([26.0, 25.0, 27.0])
    ends = [middle + np.array(step) for step in ((-20, 3, 0), (19, 0, 4), (2, 20, 3))]
    smooth = tubes((52, 52, 52), [(middle, end) for end in ends], 5, "round")
    noise = gaussian_filter(rng.standard_normal(smooth.shape), 0.7)
    rough = distance_transform_edt(~smooth) - distance_transform_edt(smooth) + 0.5 * noise / noise.std() < 0.2
    largest = label(rough, connectivity=3)
    rough = largest == np.bincount(largest.ravel())[1:].argmax() + 1
    assert len(graph_ends(skeleton_graph(rough))) == 3


@pytest.mark.parametrize("length", [3, 4, 7])
def test_short_branches_of_a_drawn_line_stay(length):
    comb = np.zeros((12, 40), bool)
    comb[9, 2:38] = comb[9 - length : 9, [8, 15, 25]] = True
    ends = [[9, 2], [9, 37], *([9 - length, column] for column in (8, 15, 25))]
    assert sorted(graph_ends(skeleton_graph(comb)).tolist()) == sorted(ends)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_diagonal_of_two_pixels_is_as_long_as_it_is(flipped):
    diagonal = np.eye(80, dtype=bool) | np.eye(80, k=1, dtype=bool)
    diagonal = diagonal[:, ::-1] if flipped else diagonal
    assert skeleton_graph(diagonal).size("length") == pytest.approx(79 * 2**0.5, abs=2)


@pytest.mark.parametrize("shape", [(60, 70), (40, 44, 48)], ids=str)
def test_scikit_image_as_it_is(shape):
    mask = phantoms.tree(shape, num_branches=3, radius=2, seed=1).label.astype(bool)
    np.testing.assert_array_equal(centerline_mask(mask, "scikit-image"), skeletonize(mask))
    assert not centerline_mask(np.zeros(shape, bool), "scikit-image").any()
    distance = distance_transform_edt(~skeletonize(mask))[centerline_mask(mask)]
    assert np.quantile(distance, 0.9) <= 1.5  # both run along the middle


def test_an_unknown_method():
    with pytest.raises(ValueError, match=r"method must be one of \('exact', 'scikit-image'\), got 'lee'"):
        centerline_mask(np.ones((3, 4), bool), "lee")
