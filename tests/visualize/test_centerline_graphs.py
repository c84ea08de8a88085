"""The picture of two graphs: its colors, and its place on the image."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.visualize import centerline_graphs, plot_graphs
from monai_topo.visualize.marks import COLORS
from tests.graphs.graphs import drawn, line


@pytest.fixture
def figures(monkeypatch):
    """The figures that are written."""
    written = []
    monkeypatch.setattr(centerline_graphs, "save_png", lambda figure, path: written.append(figure) or path)
    return written


def lengths(figure):
    """Length of the lines of each color."""
    collections = figure.axes[0].collections
    return {tuple(c.get_colors()[0][:3]): sum(np.linalg.norm(b - a) for a, b in c.get_segments()) for c in collections}


def divided(graph, step=0.1):
    """The graph with its edges divided into steps."""
    for u, v, data in graph.edges(data=True):
        ends = [graph.nodes[node]["pos"] for node in (u, v)]
        data["path"] = np.linspace(*ends, int(np.linalg.norm(ends[1] - ends[0]) / step) + 1)
    return graph


def test_found_missed_and_false_pieces(figures):
    """The prediction lacks 20 of 100, of which it is near for 2 x sqrt(3), and has 29 too much, near for 2 - 1."""
    truth = line(0, 100)
    prediction = drawn([(0, 1), (40, 1), (60, 1), (100, 1), (60, 30)], [(0, 1), (2, 3), (2, 4)])
    fine = [divided(graph) for graph in (prediction, truth)]
    plot_graphs("unused.png", *fine, max_distance=2)
    found = lengths(figures[0])
    assert found[COLORS["missing"]] == pytest.approx(20 - 2 * 3**0.5, abs=0.3)
    assert found[COLORS["matched"]] + found[COLORS["missing"]] == pytest.approx(100)
    assert found[COLORS["extra"]] == pytest.approx(29 - 1, abs=0.3)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_graphs_lie_on_the_image(axis, figures):
    spacing = np.array([2.0, 1.0, 0.5])
    image = np.zeros((6, 9, 14))
    image[1, 2, 3] = 1
    point = drawn([spacing * (1, 2, 3), spacing * (4, 7, 11)], [(0, 1)])
    point.graph["spacing"] = tuple(spacing)
    plot_graphs("unused.png", point, point, image, axis=axis)
    (cell,) = figures[0].axes
    start = cell.collections[0].get_segments()[0][0]
    left, right, bottom, top = cell.images[0].get_extent()
    shown = np.asarray(cell.images[0].get_array())
    column = int((start[0] - left) / (right - left) * shown.shape[1])
    row = int((start[1] - top) / (bottom - top) * shown.shape[0])
    assert shown[row, column] == 1


def test_a_file_is_written(tmp_path):
    path = plot_graphs(tmp_path / "graphs.png", line(0, 50), line(0, 20, 50))
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("prediction", "image", "options", "message"),
    [
        (drawn([(0, 0, 0)], []), None, {}, r"must all have 2 or all 3 axes, got \[2, 3\]"),
        (line(0, 9), np.zeros((3, 4, 5)), {}, r"must all have 2 or all 3 axes, got \[2, 3\]"),
    ],
)
def test_bad_input(prediction, image, options, message):
    with pytest.raises(ValueError, match=message):
        plot_graphs("unused.png", prediction, line(0, 9), image, **options)


def test_a_bad_axis():
    with pytest.raises(ValueError, match="axis must be one of the volume's 3, got 3"):
        plot_graphs("unused.png", drawn([(0, 0, 0)], []), drawn([(0, 0, 0)], []), axis=3)
