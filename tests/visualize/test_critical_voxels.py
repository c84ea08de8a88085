"""Critical voxels are those of the persistence pairs, and setting them right sets the Betti numbers right."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.topology import persistence_pairs
from monai_topo.visualize import CriticalVoxel, find_critical_voxels
from monai_topo.visualize.critical_voxels import compare_features
from tests.topology.masks.test_betti import gudhi_betti_numbers


def ring():
    label = np.zeros((9, 11), np.uint8)
    label[2:7, 3:9] = 1
    label[3:6, 4:8] = 0
    return label


def test_each_kind_is_marked_where_it_was_made():
    likelihood = 0.9 * ring()
    likelihood[4, 3] = 0.3  # the ring is open: a loop is missing, born there
    likelihood[0, 0] = 0.6  # a speck
    assert find_critical_voxels(likelihood, ring()) == [
        CriticalVoxel(dim=0, status="extra", voxel=(0, 0), birth=0.6, death=0.0),
        CriticalVoxel(dim=1, status="missing", voxel=(4, 3), birth=0.3, death=0.0),
    ]


def test_a_break_is_marked_and_a_filled_loop():
    label = np.zeros((5, 9), np.uint8)
    label[2] = 1
    likelihood = 0.95 * label
    for gap in (0.4, 0.02):  # however deep it is
        likelihood[2, 6] = gap
        (component,) = find_critical_voxels(likelihood, label)
        assert (component.dim, component.status, component.voxel) == (0, "extra", (2, 6))
    bridged = 0.9 * ring()
    bridged[4, 4:8] = 0.8, 0.6, 0.7, 0.8  # extra foreground makes two loops of one
    (bridge,) = find_critical_voxels(bridged, ring(), connectivity=1)
    assert (bridge.dim, bridge.status, bridge.voxel) == (1, "extra", (4, 5))
    filled = 0.9 * ring()
    filled[3:6, 4:8] = 0.8
    filled[4, 5] = 0.7  # the last to be filled
    (loop,) = find_critical_voxels(filled, ring())
    assert (loop.dim, loop.status, loop.voxel) == (1, "missing", (4, 5))
    assert find_critical_voxels(filled, ring(), threshold=0.75) == []
    assert find_critical_voxels(filled, ring(), min_persistence=0.25) == []  # no trace of it is left


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(9, 13), (6, 7, 8)], ids=str)
def test_voxels_are_those_of_pairs_and_counts_are_those_of_gudhi(shape, connectivity, frame, rng):
    likelihood = np.round(rng.random(shape), 1)  # many ties
    label = rng.random(shape) < 0.3
    options = {"connectivity": connectivity, "frame": frame}
    found = find_critical_voxels(likelihood, label, threshold=0.5, **options)
    assert {voxel.status for voxel in found} == {"missing", "extra"} or not frame
    pairs = persistence_pairs(likelihood, **options)
    for voxel in found:
        flat = np.ravel_multi_index(voxel.voxel, shape)
        assert flat in np.concatenate([pairs.birth[voxel.dim], pairs.death[voxel.dim]])
        assert likelihood[voxel.voxel] in (voxel.birth, voxel.death)
        exists = voxel.birth >= 0.5 > voxel.death
        assert exists == (voxel.status == "extra")
        if voxel.status == "missing":
            assert (likelihood[voxel.voxel] < 0.5) == (voxel.birth < 0.5)
    if not frame:
        exist = tuple(int(one.exists.sum()) for one in compare_features(likelihood, label, threshold=0.5, **options))
        assert exist == gudhi_betti_numbers(likelihood >= 0.5, connectivity is None)
        true_counts = gudhi_betti_numbers(label, connectivity is None)
        for dim, (count, true_count) in enumerate(zip(exist, true_counts, strict=True)):
            kinds = [voxel.status for voxel in found if voxel.dim == dim]
            assert len(kinds) == count - true_count if count > true_count else all(kind == "missing" for kind in kinds)


def test_setting_a_critical_voxel_right_removes_the_feature(rng):
    label = np.zeros((6, 7, 8), bool)
    label[2:5, 2:5, 2:5] = True
    likelihood = 0.9 * label + 0.02 * rng.random(label.shape)
    likelihood[0, 0, 0], likelihood[5, 6, 7], likelihood[3, 3, 3] = 0.7, 0.8, 0.2
    assert gudhi_betti_numbers(likelihood >= 0.5, True) == (3, 0, 1)
    found = find_critical_voxels(likelihood, label)
    assert [voxel.voxel for voxel in found] == [(5, 6, 7), (0, 0, 0), (3, 3, 3)]  # most persistent first
    for voxel in found:
        likelihood[voxel.voxel] = 1 - likelihood[voxel.voxel]
    assert gudhi_betti_numbers(likelihood >= 0.5, True) == (1, 0, 0)


@pytest.mark.parametrize(
    ("likelihood", "options", "message"),
    [
        (np.zeros((4, 5)), {}, r"one shape, got \(4, 5\) and \(5, 4\)"),
        (np.full((5, 4), 3.5), {}, r"likelihood must be in \[0, 1\], got 3.5 to 3.5: apply the network's activation"),
        (np.full((5, 4), np.nan), {}, "likelihood holds NaN or infinity"),
        (np.zeros((5, 4)), {"threshold": 0}, "threshold must be above 0 and at most 1, got 0"),
        (np.zeros((5, 4)), {"label": np.full((5, 4), 2)}, "only 0 and 1"),
    ],
    ids=["shapes", "logits", "nan", "threshold", "classes"],
)
def test_bad_input_is_said(likelihood, options, message):
    with pytest.raises(ValueError, match=message):
        find_critical_voxels(likelihood, **{"label": np.zeros((5, 4)), **options})
