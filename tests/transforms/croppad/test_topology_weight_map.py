"""Weight maps: the kinds of places on drawn masks, the shares they get, and the table to draw from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage
from skimage.measure import euler_number

from monai_topo.topology import betti_numbers, stable_manifolds
from monai_topo.transforms import TopologyWeightMap, TopologyWeightMapd
from monai_topo.transforms.croppad.sampling_table import sampling_table
from tests.topology.images import make, ring

LABEL_KINDS = ["skeleton", "branch_points", "end_points", "thin", "holes", "topology_changes"]


def drawn(text):
    return np.array([[character == "#" for character in line] for line in text.split()])


def places(kind, mask, **options):
    return TopologyWeightMap({kind: 1}, **options)(mask[None])[0] > 0


TEE = drawn("""
    .........
    .#######.
    ....#....
    ....#....
    ....#....
    .........""")


def test_kinds_of_a_line():
    skeleton = places("skeleton", TEE)
    assert not (skeleton & ~TEE).any()
    assert np.argwhere(TEE & ~skeleton).tolist() in ([], [[1, 4]])  # the three branches touch each other without it
    assert set(map(tuple, np.argwhere(places("end_points", TEE)))) == {(1, 1), (1, 7), (4, 4)}
    branch = np.argwhere(places("branch_points", TEE))
    assert branch.size
    assert np.abs(branch - (1, 4)).max() <= 1
    np.testing.assert_array_equal(places("thin", TEE), skeleton)
    assert not places("holes", TEE).any()


def test_kinds_in_3d():
    mask = np.zeros((5, 9, 9), bool)
    mask[2, 1:8, 3] = mask[2, 4, 3:8] = True
    assert set(map(tuple, np.argwhere(places("end_points", mask)))) == {(2, 1, 3), (2, 7, 3), (2, 4, 7)}
    branch = np.argwhere(places("branch_points", mask))
    assert branch.size
    assert np.abs(branch - (2, 4, 3)).max() <= 1


def test_holes_by_connectivity():
    diamond = drawn("..... ..#.. .#.#. ..#.. .....")
    assert np.argwhere(places("holes", diamond)).tolist() == [[2, 2]]
    assert not places("holes", diamond, connectivity=1).any()
    shell = np.pad(np.ones((3, 3, 3), bool), 1)
    shell[2, 2, 2] = False
    assert np.argwhere(places("holes", shell)).tolist() == [[2, 2, 2]]


def test_thin_is_in_units_of_the_voxel_size():
    bar = np.zeros((9, 21), bool)
    bar[2:7, 1:11] = True
    bar[4, 10:20] = True
    thin = places("thin", bar, radius=1.0)
    assert thin[4, 14]
    assert not thin[:, 2:8].any()
    assert places("thin", bar, radius=3.0)[:, 5].any()
    assert not places("thin", bar, radius=1.0, spacing=2.0).any()
    affine = torch.diag(torch.tensor([2.0, 2.0, 1.0, 1.0]))
    of_affine = TopologyWeightMap({"thin": 1}, radius=1.0)(MetaTensor(torch.tensor(bar)[None], affine=affine))
    assert not of_affine.any()


DUMBBELL = drawn("""
    ...............
    .####.....####.
    .####.....####.
    .#############.
    .####.....####.
    ...............""")
APART = drawn("""
    ................
    .#####...#####..
    .#####...#####..
    .#####..######..
    .#####...#####..
    ................""")


@pytest.mark.parametrize(
    ("mask", "where"),
    [
        (DUMBBELL, (slice(3, 4), slice(5, 10))),  # an erosion cuts it in two
        (APART, (slice(2, 5), slice(6, 8))),  # a dilation joins them
        (ring(radius=1).astype(bool), (slice(2, 5), slice(3, 6))),  # a dilation fills it
    ],
    ids=["cut", "joined", "filled"],
)
def test_where_topology_changes(mask, where):
    changes = places("topology_changes", mask, radius=1.0)
    inside = np.zeros(mask.shape, bool)
    inside[where] = True
    assert changes[inside].any()


def test_nothing_changes_in_a_thick_block():
    block = np.pad(np.ones((7, 9), bool), 4)
    assert not places("topology_changes", block, radius=1.5).any()


@pytest.mark.parametrize("shape", [(11, 17), (8, 9, 10)])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("seed", range(4))
def test_a_changed_euler_number_is_seen(shape, connectivity, seed):
    mask = make("smooth", shape, seed) > 0.5
    distance = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
    full = len(shape) if connectivity is None else 1
    # scikit-image counts what touches the border as if background were around it, as we do.
    numbers = [euler_number(part, full) for part in (distance < -1.5, mask, distance <= 1.5)]
    betti = [betti_numbers(part, connectivity) for part in (distance < -1.5, mask, distance <= 1.5)]
    changes = places("topology_changes", mask, connectivity=connectivity, radius=1.5)
    assert changes.any() == (len(set(numbers)) > 1 or len(set(betti)) > 1)


def test_critical_voxels_of_a_likelihood():
    likelihood = np.zeros((1, 5, 9), np.float32)
    likelihood[0, 2, 1:8] = [0.9, 0.5, 0.3, 0.55, 0.8, 0.75, 0.77]
    label = likelihood > 0.6
    found = TopologyWeightMap({"critical_voxels": 1})(label, likelihood)[0]
    assert np.argwhere(found).tolist() == [[2, 1], [2, 3], [2, 5]]  # two peaks and the saddle between them
    every = TopologyWeightMap({"critical_voxels": 1}, min_persistence=0)(label, likelihood)[0]
    assert np.argwhere(every).tolist() == [[2, 1], [2, 3], [2, 5], [2, 6], [2, 7]]


@pytest.mark.parametrize("shape", [(9, 13), (7, 9, 8)])
def test_manifolds_of_a_likelihood(shape):
    likelihood = make("smooth", shape, 1)
    found = TopologyWeightMap({"stable_manifolds": 1}, min_persistence=0.05)((likelihood > 0.5)[None], likelihood[None])
    dims = tuple(range(1, len(shape)))
    expected = stable_manifolds(likelihood, persistence_threshold=0.05, dims=dims)
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(found[0] > 0, expected)


def test_every_kind_gets_its_share():
    weights = {"skeleton": 1.0, "end_points": 3.0, "holes": 5.0}  # there are no holes: no share
    weight_map = TopologyWeightMap(weights)(TEE[None])[0]
    assert weight_map.sum() == pytest.approx(1, rel=1e-6)
    ends = places("end_points", TEE)
    assert weight_map[ends].sum() == pytest.approx(3 / 4 + 3 / places("skeleton", TEE).sum() / 4, rel=1e-6)


def test_default_is_every_kind():
    mask = ring().astype(bool)
    mask[3, 6:] = True
    expected = TopologyWeightMap(dict.fromkeys(LABEL_KINDS, 1))(mask[None])
    np.testing.assert_array_equal(TopologyWeightMap()(mask[None]), expected)
    likelihood = make("smooth", mask.shape, 1)[None]
    kinds = dict.fromkeys([*LABEL_KINDS, "critical_voxels", "stable_manifolds"], 1)
    both = TopologyWeightMap()(mask[None], likelihood)
    np.testing.assert_array_equal(both, TopologyWeightMap(kinds)(mask[None], likelihood))
    assert not np.array_equal(both, expected)


def test_channels_are_taken_together():
    other = TEE[::-1].copy()
    both = TopologyWeightMap({"skeleton": 1})(np.stack([TEE, other]))
    assert both.shape == (1, *TEE.shape)
    np.testing.assert_array_equal(both[0] > 0, TEE | other)


@pytest.mark.parametrize("fill", [0, 1])
def test_empty_and_full_labels(fill):
    weight_map = TopologyWeightMap({"end_points": 1, "topology_changes": 1, "holes": 1})(np.full((1, 6, 5), fill))
    assert weight_map.sum() in (0, pytest.approx(1))
    assert np.isfinite(weight_map).all()


def test_dictionary_makes_the_table():
    item = {"label": TEE[None], "p": make("smooth", TEE.shape, 2)[None]}
    done = TopologyWeightMapd("label", likelihood_key="p", map_postfix="_weights")(item)
    np.testing.assert_array_equal(done["label_weights"], TopologyWeightMap()(item["label"], item["p"]))
    table = done["label_topology"]
    np.testing.assert_array_equal(table["indices"], np.flatnonzero(done["label_weights"]))
    assert table["cumulative"][-1] == pytest.approx(1, rel=1e-6)
    assert table["shape"].tolist() == list(TEE.shape)
    assert set(TopologyWeightMapd("label", table_postfix=None, map_postfix="_w")(item)) == {"label", "p", "label_w"}


def test_table_refuses_what_is_no_weight_map():
    for wrong in (np.ones((2, 3, 3)), -np.ones((1, 3, 3))):
        with pytest.raises(ValueError, match="weights of 0 or more in shape"):
            sampling_table(wrong)


def test_bad_input():
    for weights, match in [({"loops": 1}, "no kind 'loops'"), ({"thin": -1}, "for 'thin'"), ({}, "name a kind")]:
        with pytest.raises(ValueError, match=match):
            TopologyWeightMap(weights)
    with pytest.raises(ValueError, match="radius"):
        TopologyWeightMap(radius=0)
    with pytest.raises(ValueError, match="min_persistence"):
        TopologyWeightMap(min_persistence=-1)
    with pytest.raises(ValueError, match="give the likelihood"):
        TopologyWeightMap({"critical_voxels": 1})(TEE[None])
    with pytest.raises(ValueError, match="label's shape"):
        TopologyWeightMap()(TEE[None], np.zeros((1, 3, 3)))
    with pytest.raises(ValueError, match="connectivity"):
        TopologyWeightMap({"skeleton": 1}, connectivity=3)(TEE[None])
