"""Matched, missing and extra features where they are."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from monai_topo.topology import list_features
from monai_topo.visualize import feature_map, plot_features, write_feature_map
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


def test_the_picture_is_of_the_slice_that_is_wrong(tmp_path):
    prediction, label = np.zeros((7, 12, 5)), np.zeros((7, 12, 5))
    label[:, :, 3] = rings()[1]
    path = plot_features(tmp_path / "features.png", prediction, label, list_features(prediction, label))
    assert path.read_bytes().startswith(b"\x89PNG")
    flat = plot_features(tmp_path / "flat.png", *rings(), list_features(*rings()))
    assert flat.read_bytes().startswith(b"\x89PNG")
