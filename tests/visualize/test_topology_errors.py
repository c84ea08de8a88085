"""Topology errors are found where they were made, and counted as gudhi counts them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from monai_topo.data import phantoms
from monai_topo.visualize import TopologyError, find_topology_errors, plot_topology_errors
from monai_topo.visualize.marks import COLORS
from tests.topology.masks.test_betti import gudhi_betti_numbers


def wall():
    """A wall across a volume, a separate rod beside it, and a box with a cavity."""
    label = np.zeros((12, 14, 16), bool)
    label[4] = True
    label[8, 2:12, 2] = True
    label[7:10, 5:8, 8:11] = True
    label[8, 6, 9] = False
    return label


def corrupted():
    prediction = wall()
    prediction[4, 3:5, 5:7] = False  # the wall is pierced
    prediction[8, 5, 2] = False  # the rod is broken
    prediction[8, 6, 9] = True  # the cavity is filled
    prediction[0, 0, 0] = True  # a speck
    prediction[5:7, 12, 12] = prediction[7, 5:8, 11] = True  # a bump on the wall and one on the box: nothing
    return prediction


def test_each_kind_is_found_where_it_was_made():
    assert find_topology_errors(corrupted(), wall()) == [
        TopologyError(dim=1, status="extra", count=1, center=(4, 3, 5), size=4),
        TopologyError(dim=0, status="extra", count=1, center=(8, 5, 2), size=1),
        TopologyError(dim=0, status="extra", count=1, center=(0, 0, 0), size=1),
        TopologyError(dim=2, status="missing", count=1, center=(8, 6, 9), size=1),
    ]


OTHER = {"missing": "extra", "extra": "missing"}


def test_exchanged_volumes_have_the_opposite_errors():
    there = {(error.dim, error.status, error.center) for error in find_topology_errors(corrupted(), wall())}
    back = {(error.dim, OTHER[error.status], error.center) for error in find_topology_errors(wall(), corrupted())}
    assert there == back
    assert len(there) == 4


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(9, 13), (6, 7, 8)], ids=str)
def test_setting_a_group_right_changes_the_count_so(shape, connectivity, rng):
    label = rng.random(shape) < 0.4
    prediction = label ^ (rng.random(shape) < 0.04)
    errors = find_topology_errors(prediction, label, connectivity)
    single = [error for error in errors if error.size == 1]
    assert single
    before = gudhi_betti_numbers(prediction, connectivity is None)
    for error in single:
        prediction[error.center] ^= True
        after = gudhi_betti_numbers(prediction, connectivity is None)
        prediction[error.center] ^= True
        assert after[error.dim] - before[error.dim] == (error.count if error.status == "missing" else -error.count)


def test_what_is_right_and_what_the_frame_sees():
    assert find_topology_errors(wall(), wall()) == []
    label = np.zeros((9, 11), bool)
    label[4] = True
    pierced = label.copy()
    pierced[4, 0] = False  # at the border: the wall is only shorter, unless a frame closes it
    assert find_topology_errors(pierced, label) == []
    assert find_topology_errors(pierced, label, frame=True) == [TopologyError(1, "missing", 1, (4, 0), 1)]
    assert find_topology_errors(corrupted(), wall(), max_groups=0) == []


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_picture(tmp_path, ndim):
    label = phantoms.tree((32, 24, 20)[:ndim], num_branches=3, seed=4).label
    prediction = label.copy()
    prediction[12:16] = 0
    errors = find_topology_errors(prediction, label)
    assert errors
    path = plot_topology_errors(tmp_path / "deep" / "picture.png", prediction, label, errors, "case")
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]
    with Image.open(path) as picture:
        colors = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    red, blue = (np.abs(colors - np.multiply(COLORS[status], 255)).max(axis=1) < 12 for status in ("missing", "extra"))
    assert red.sum() > 100  # the missing foreground
    assert blue.sum() > 20  # the mark of the extra component


def test_masks_of_one_shape_are_needed():
    with pytest.raises(ValueError, match=r"one shape, got \(4, 5\) and \(5, 4\)"):
        find_topology_errors(np.zeros((4, 5)), np.zeros((5, 4)))
    with pytest.raises(ValueError, match="only 0 and 1"):
        find_topology_errors(np.zeros((4, 5)), np.full((4, 5), 2))
