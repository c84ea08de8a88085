"""Tracings drawn on grids: against lines of scikit-image, distances of scipy and a drawing on a larger grid."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from scipy.spatial import cKDTree
from skimage.draw import line_nd
from skimage.measure import label

from monai_topo.graphs.drawing import count_clipped, distance_to_centerline, draw_centerline, draw_tube

SHAPES = [((23, 31), (0.5, 2.0)), ((17, 21, 25), (1.0, 1.0, 1.0)), ((17, 21, 25), (0.5, 0.7, 2.0))]


def graph_of(points, edges, spacing, radii=None):
    """A graph of nodes at ``points``, in voxels."""
    graph = networkx.MultiGraph(spacing=tuple(spacing))
    positions = np.asarray(points, float) * spacing
    for node, position in enumerate(positions):
        graph.add_node(node, pos=position, radius=0.0 if radii is None else radii[node])
    for child, parent in edges:
        graph.add_edge(child, parent, path=positions[[child, parent]])
    return graph


def random_tree(rng, shape, spacing, num_nodes=9, margin=0.0, radii=None):
    size = np.asarray(shape)
    points = rng.uniform(-margin, size - 1 + margin, (num_nodes, len(shape)))
    edges = [(node, int(rng.integers(node))) for node in range(1, num_nodes)]
    return graph_of(points, edges, spacing, radii)


@pytest.mark.parametrize("seed", range(5))
def test_lines_between_voxels_are_those_of_scikit_image(seed):
    """Of odd lengths, so that no point lies half way between two voxels."""
    rng = np.random.default_rng(seed)
    start, stop = np.array([7, 8, 9]), np.array([7, 8, 9]) + rng.permutation([7, *rng.integers(-6, 7, 2)])
    graph = graph_of([start, stop], [(0, 1)], (1.0, 1.0, 1.0))
    expected = np.zeros((17, 18, 19), bool)
    expected[line_nd(start, stop, endpoint=True)] = True
    np.testing.assert_array_equal(draw_centerline(graph, expected.shape), expected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("shape", "spacing"), SHAPES, ids=str)
def test_a_tree_is_one_component_along_its_edges(shape, spacing, seed, rng):
    rng = np.random.default_rng(seed)
    graph = random_tree(rng, shape, spacing)
    mask = draw_centerline(graph, shape)
    assert label(mask, connectivity=len(shape)).max() == 1
    paths = [path / spacing for _, _, path in graph.edges(data="path")]
    dense = np.concatenate([np.linspace(*path, 400) for path in paths])
    to_edges, _ = cKDTree(dense).query(np.argwhere(mask))
    to_voxels, _ = cKDTree(np.argwhere(mask)).query(dense)
    # ends move by half a voxel at most, and so does what is between them
    assert to_edges.max() <= np.sqrt(len(shape)) + 0.1
    assert to_voxels.max() <= np.sqrt(len(shape)) + 0.1


def test_several_trees_and_single_nodes():
    points = [(2, 2), (2, 12), (8, 3), (8.4, 9.6), (15, 5)]
    mask = draw_centerline(graph_of(points, [(0, 1), (2, 3)], (1.0, 1.0)), (18, 16))
    assert label(mask, connectivity=2).max() == 3
    assert mask[15, 5]


@pytest.mark.parametrize("draw", [draw_centerline, draw_tube], ids=lambda draw: draw.__name__)
@pytest.mark.parametrize(("shape", "spacing"), SHAPES, ids=str)
def test_what_lies_outside_is_cut_off(draw, shape, spacing, rng):
    graph = random_tree(rng, shape, spacing, margin=8.0, radii=rng.uniform(0, 2, 9))
    more = 12
    shifted = graph_of(
        [pos / spacing + more for _, pos in graph.nodes(data="pos")],
        graph.edges(),
        spacing,
        dict(graph.nodes(data="radius")),
    )
    larger = draw(shifted, [size + 2 * more for size in shape])
    inner = larger[tuple(slice(more, more + size) for size in shape)]
    np.testing.assert_array_equal(draw(graph, shape), inner)
    assert 0 < inner.sum() < larger.sum()
    assert count_clipped(graph, shape) == sum(
        not all(0 <= np.floor(v + 0.5) < size for v, size in zip(pos / spacing, shape, strict=True))
        for _, pos in graph.nodes(data="pos")
    )


def test_points_far_away_take_no_time():
    graph = graph_of([(4, 4, 4), (4 + 10**8, 4, 4 + 10**8)], [(0, 1)], (1.0, 1.0, 1.0))
    mask = draw_centerline(graph, (9, 9, 9))
    assert np.argwhere(mask).tolist() == [[i, 4, i] for i in range(4, 9)]
    with pytest.raises(ValueError, match=r"1e\+12 voxels away"):
        draw_centerline(graph_of([(0, 0), (1e12, 0)], [(0, 1)], (1.0, 1.0)), (3, 3))


@pytest.mark.parametrize(("shape", "spacing"), SHAPES, ids=str)
def test_tubes_hold_the_balls_along_the_edges(shape, spacing, rng):
    """Of one radius: a voxel is inside exactly when it is no farther from an edge."""
    radius = 2.6
    graph = random_tree(rng, shape, spacing, num_nodes=5, radii=[radius] * 5)
    dense = np.concatenate([np.linspace(*path, 5000) for _, _, path in graph.edges(data="path")])
    distance, _ = cKDTree(dense).query(np.moveaxis(np.indices(shape), 0, -1) * spacing)
    tube = draw_tube(graph, shape)
    clear = (np.abs(distance - radius) > 1e-3) & ~draw_centerline(graph, shape)
    np.testing.assert_array_equal(tube[clear], (distance <= radius)[clear])
    assert tube.any()
    assert not tube.all()


def test_radii_change_along_an_edge_whatever_its_direction():
    for edge in ((0, 1), (1, 0)):
        tube = draw_tube(graph_of([(2, 10), (26, 10)], [edge], (1.0, 1.0), radii=[1.0, 7.0]), (36, 21))
        widths = tube.sum(axis=1)[2:27]
        assert widths[0] == 3
        assert widths[-1] == 15
        assert widths[12] == 9
        assert (np.diff(widths) >= 0).all()


def test_radius_zero_is_the_centerline(rng):
    graph = random_tree(rng, (17, 21, 25), (0.5, 0.7, 2.0))
    np.testing.assert_array_equal(draw_tube(graph, (17, 21, 25)), draw_centerline(graph, (17, 21, 25)))


@pytest.mark.parametrize(("shape", "spacing"), SHAPES, ids=str)
def test_distance_is_physical(shape, spacing, rng):
    graph = random_tree(rng, shape, spacing)
    voxels = np.argwhere(draw_centerline(graph, shape)) * spacing
    expected, _ = cKDTree(voxels).query(np.moveaxis(np.indices(shape), 0, -1) * spacing)
    np.testing.assert_allclose(distance_to_centerline(graph, shape), expected, rtol=1e-5, atol=1e-5)


def test_distance_to_nothing():
    with pytest.raises(ValueError, match="no part of the graph lies on the grid"):
        distance_to_centerline(graph_of([(9, 9)], [], (1.0, 1.0)), (3, 4))
