"""Pictures show what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from monai_topo.visualize import (
    error_map,
    find_gaps,
    plot_persistence_diagram,
    plot_persistence_diagrams,
    plot_segmentations,
)
from monai_topo.visualize.marks import COLORS


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_error_map_colors():
    colors = error_map(np.array([[0, 1], [0, 1]]), np.array([[0, 1], [1, 0]]))
    assert colors.shape == (2, 2, 3)
    assert colors[0, 0].tolist() == [1, 1, 1]
    assert colors[0, 1].tolist() == [0.75] * 3
    assert tuple(colors[1, 0]) == COLORS["missing"]
    assert tuple(colors[1, 1]) == COLORS["extra"]


def test_a_diagram_has_a_point_for_each_feature():
    image = torch.tensor([[0.9, 0.2, 0.7, 0.1, 0.12]])
    axes = Figure().subplots()
    plot_persistence_diagram(axes, image, dims=(0,))
    (points,) = axes.collections[1:]
    np.testing.assert_allclose(points.get_offsets(), [[0.9, 0.0], [0.7, 0.2]], atol=1e-6)  # 0.12 is noise
    assert axes.get_legend().get_texts()[0].get_text() == "2 components"


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 4), (8, 9, 1)], ids=str)
def test_segmentations(tmp_path, shape, rng):
    image, label, prediction = rng.random((3, *shape))
    path = plot_segmentations(
        tmp_path / "deep" / "picture.png", image, label > 0.5, {"one": prediction > 0.5, "two": label > 0.4}
    )
    assert is_png(path)
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]


def test_shapes_must_agree(tmp_path):
    with pytest.raises(ValueError, match=r"'mine' must have the label's shape \(4, 5\), got \(5, 4\)"):
        plot_segmentations(tmp_path / "a.png", np.zeros((4, 5)), np.zeros((4, 5)), {"mine": np.zeros((5, 4))})


def test_diagrams_side_by_side(tmp_path, rng):
    assert is_png(
        plot_persistence_diagrams(tmp_path / "a.png", {"2D": rng.random((6, 7)), "3D": rng.random((4, 5, 6))})
    )


def test_gaps_are_what_changes_the_topology():
    label = np.zeros((9, 12), bool)
    label[4] = True  # a wall from border to border
    label[4:, 6] = True  # and one from it down
    prediction = label.copy()
    prediction[4, 2:4] = False  # opens the wall above a region
    prediction[7, 6] = False  # joins the two regions below
    prediction[0, 0] = True
    assert find_gaps(prediction, label) == [(4.0, 2.5), (7.0, 6.0)]
    assert find_gaps(label, label) == []
    thick = np.pad(np.ones((3, 12), bool), ((3, 3), (0, 0)))
    scratched = thick.copy()
    scratched[3, 5] = False  # missed, but nothing opens
    assert find_gaps(scratched, thick) == []
