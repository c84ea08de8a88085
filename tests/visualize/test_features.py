"""Matched, missing and extra features where they are."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from monai_topo.topology import list_features
from monai_topo.visualize import feature_map, plot_features, write_feature_map
from monai_topo.visualize.marks import COLORS
from tests.topology import images


def rings():
    return images.ring((7, 12), (2, 2), 1), images.ring((7, 12), (2, 8), 1)


def test_the_map_marks_holes_in_their_places():
    found = feature_map(list_features(*rings(), dims=1), (7, 12), radius=0)
    assert found[2, 2] == 3
    assert found[2, 8] == 2
    assert np.count_nonzero(found) == 2
    prediction, _ = rings()
    assert feature_map(list_features(prediction, prediction, dims=1), (7, 12))[2, 2] == 1


def test_cubes_stay_inside():
    found = feature_map(list_features([[1, 0, 0]], [[0, 0, 0]], dims=0), (1, 3), radius=1)
    assert found.tolist() == [[3, 3, 0]]
    with pytest.raises(ValueError, match="radius"):
        feature_map([], (1, 3), radius=-1)


def test_nifti_with_the_volumes_affine(tmp_path):
    prediction, label = (np.repeat(ring[:, :, None], 3, axis=2) for ring in rings())
    features = list_features(prediction, label)
    affine = np.diag([0.5, 0.5, 2.0, 1.0])
    path = write_feature_map(tmp_path / "out" / "features.nii.gz", features, label.shape, affine)
    loaded = nibabel.load(path)
    assert sorted(np.unique(loaded.dataobj)) == [0, 2, 3]
    np.testing.assert_array_equal(loaded.affine, affine)
    assert [other.name for other in path.parent.iterdir()] == ["features.nii.gz"]
    with pytest.raises(ValueError, match=r"\.nii"):
        write_feature_map(tmp_path / "features.png", features, label.shape)


def test_the_picture_is_of_the_slice_that_is_wrong(monkeypatch):
    prediction, label = np.zeros((7, 12, 5)), np.zeros((7, 12, 5))
    label[:, :, 3] = rings()[1]
    figure = drawn(monkeypatch, prediction, label)
    assert figure.axes[0].get_title() == "0 matched, 2 missing, 0 extra"
    assert shown_pixels(figure)[8, 2].tolist() == [1, 1, 1]  # the hole: the first axis goes to the right


def test_every_mark_lies_where_its_feature_is(monkeypatch):
    prediction, label = rings()
    features = list_features(prediction, label)
    marks = drawn(monkeypatch, prediction, label).axes[0].get_lines()
    assert len(marks) == len(features) == 4
    for mark, feature in zip(marks, features, strict=True):
        assert (*mark.get_xdata(), *mark.get_ydata()) == feature.voxel
        assert mark.get_marker() == "os"[feature.dim]
        assert mark.get_markeredgecolor() == COLORS[feature.status]


def drawn(monkeypatch, prediction, label):
    """The figure that would be written."""
    kept = []
    monkeypatch.setattr("monai_topo.visualize.features.save_png", lambda figure, path: kept.append(figure))
    plot_features("features.png", prediction, label, list_features(prediction, label))
    return kept[0]


def shown_pixels(figure):
    return figure.axes[0].get_images()[0].get_array()
