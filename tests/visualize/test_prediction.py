"""The picture of a prediction holds what it should, where it should."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from monai_topo.data import phantoms
from monai_topo.visualize import find_critical_voxels, plot_prediction, prediction_figure
from monai_topo.visualize.figure import figure_pixels
from monai_topo.visualize.marks import COLORS


def broken_rods():
    """Two rods along x in a volume at different depths; one is broken at x = 5, and a speck is false."""
    label = np.zeros((9, 12, 7), np.uint8)
    label[:, 3, 1] = label[:, 8, 4] = 1
    likelihood = 0.9 * label
    likelihood[5, 8, 4] = 0.25
    likelihood[2, 10, 6] = 0.6
    return likelihood, label


def marks(axes):
    return {tuple(int(value) for value in line.get_xydata()[0]) for line in axes.lines}


def pictures(figure):
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def test_a_slice_shows_its_voxels_and_its_marks():
    likelihood, label = broken_rods()
    image = np.random.default_rng(0).random(label.shape)
    figure = prediction_figure(image, likelihood, label, slice_index=4, title="epoch 3")
    seen, truth, values, errors = pictures(figure)
    np.testing.assert_allclose(seen, image[..., 4].T, rtol=1e-6)
    np.testing.assert_array_equal(truth, label[..., 4].T)
    np.testing.assert_allclose(values, likelihood[..., 4].T, rtol=1e-6)
    assert tuple(errors[8, 5]) == COLORS["missing"]
    assert marks(figure.axes[3]) == {(5, 8)}  # the speck is in another slice
    assert figure.get_suptitle() == "epoch 3"
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == [
        "image\nslice 4",
        "label\n2 components, 0 loops, 0 cavities",
        "prediction\n4 components, 0 loops, 0 cavities",
    ]
    legend = [text.get_text() for text in figure.axes[5].get_legend().get_texts()]
    assert "extra component: 2, 1 marked" in legend


def test_a_projection_shows_all_marks():
    likelihood, label = broken_rods()
    figure = prediction_figure(likelihood, likelihood, label)  # sparse: a projection
    _, truth, values, errors = pictures(figure)
    np.testing.assert_array_equal(truth, label.max(axis=2).T)
    np.testing.assert_allclose(values, likelihood.max(axis=2).T, rtol=1e-6)
    assert tuple(errors[10, 2]) == COLORS["extra"]
    assert marks(figure.axes[3]) == {(5, 8), (2, 10)}
    assert marks(prediction_figure(likelihood, likelihood, label, axis=0).axes[3]) == {(8, 4), (10, 6)}
    assert marks(prediction_figure(likelihood, likelihood, label, max_marks=1).axes[3]) == {(5, 8)}
    assert len(prediction_figure(likelihood, likelihood, label, view="projection").axes[3].lines) == 2


def test_the_worst_slice_is_the_one_with_the_most_marks():
    label = np.ones((10, 11, 12), np.uint8)
    likelihood = np.ones(label.shape)
    likelihood[3, 4:6, 7] = likelihood[2, 8, 2] = likelihood[7, 2, 7] = 0.2
    figure = prediction_figure(likelihood, likelihood, label, slice_index="worst")  # extra cavities
    assert figure.axes[0].get_title() == "image\nslice 7"
    marked = {voxel.voxel[:2] for voxel in find_critical_voxels(likelihood, label) if voxel.voxel[2] == 7}
    assert marks(figure.axes[3]) == marked
    assert len(marked) == 2
    untroubled = prediction_figure(label, label, label, slice_index="worst")
    assert untroubled.axes[0].get_title() == "image\nslice 6"
    assert marks(untroubled.axes[3]) == set()
    middle = prediction_figure(likelihood, likelihood, label, axis=0)
    assert middle.axes[0].get_title() == "image\nslice 5"


def test_the_diagram_has_what_is_wrong_in_color_and_the_label_as_a_ring():
    likelihood, label = broken_rods()
    axes = prediction_figure(likelihood, likelihood, label).axes[4]
    points = {
        tuple(np.round(offset, 4)): tuple(np.round(points.get_facecolor()[0][:3], 2))
        for points in axes.collections[1:]
        for offset in points.get_offsets().tolist()
    }
    gray, extra = (0.5, 0.5, 0.5), COLORS["extra"]
    assert points == {(0.6, 0.0): extra, (0.9, 0.25): extra, (0.9, 0.0): gray}
    assert [line.get_xydata().tolist() for line in axes.lines][1:] == [[[1, 0]]]
    empty = np.zeros((4, 5))
    assert len(prediction_figure(empty, empty, empty).axes[4].lines) == 1  # no feature, no ring


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_file_is_the_figure(tmp_path, ndim):
    phantom = phantoms.tree((32, 24, 20)[:ndim], num_branches=3, num_gaps=3, seed=4)
    likelihood = np.clip(phantom.image, 0, 1)
    path = plot_prediction(tmp_path / "deep" / "a.png", phantom.image, likelihood, phantom.label, title="case")
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]
    pixels = figure_pixels(prediction_figure(phantom.image, likelihood, phantom.label, title="case"))
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), pixels)
    red = np.abs(pixels.reshape(-1, 3) - np.multiply(COLORS["missing"], 255)).max(axis=1) < 4
    assert red.sum() > 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "movie"}, r"view must be one of \('auto', 'slice', 'projection'\), got 'movie'"),
        ({"axis": 3}, "axis must be one of a volume's 3 axes"),
        ({"slice_index": 7}, r"slice_index must be one of \('middle', 'worst'\) or a number from 0 to 6 here, got 7"),
        ({"slice_index": "best"}, "got 'best'"),
        ({"slice_index": 2, "view": "projection"}, "no meaning with view='projection', got 2"),
        ({"max_marks": -1}, "max_marks must be 0 or more, got -1"),
        ({"image": np.zeros((9, 12))}, r"image must have the label's shape \(9, 12, 7\), got \(9, 12\)"),
    ],
    ids=["view", "axis", "slice", "name of a slice", "slice and projection", "marks", "image"],
)
def test_what_cannot_be_drawn_is_said(options, message):
    likelihood, label = broken_rods()
    with pytest.raises(ValueError, match=message):
        prediction_figure(**{"image": likelihood, "likelihood": likelihood, "label": label, **options})
