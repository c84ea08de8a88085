"""What every transform does alike: containers, metadata, input left alone, Compose, pickling, dictionary twin."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_topo import transforms
from tests.topology.images import make

MASK, PORES, IMAGE, INSTANCES = "mask", "mask with pores", "image", "instances"
CASES = {
    "ClippedDistanceMap": ({"max_distance": 2.5, "signed": True}, MASK),
    "BridgeGaps": ({"sigma": 0.3, "min_ends": 0, "max_angle": 180}, IMAGE),
    "CloseWalls": ({"sigma": 0.5, "min_size": 2}, IMAGE),
    "FillCavities": ({}, PORES),
    "InstanceToAffinities": ({}, INSTANCES),
    "InstanceToMembrane": ({"min_cell_size": 3}, INSTANCES),
    "RemoveLowPersistence": ({"threshold": 0.3}, IMAGE),
    "SegmentCells": ({"persistence_threshold": 0.1, "level": 0.6}, IMAGE),
    "SkeletonTube": ({"dilations": 1}, MASK),
    "StableManifolds": ({"persistence_threshold": 0.3, "connectivity": 1}, IMAGE),
    "StructureMask": ({"values": [0]}, MASK),
    "TopologicalDenoise": ({"filter_size": 1}, IMAGE),
    "TopologyUncertainty": ({"margin": 0.3}, IMAGE),
    "TopologyWeightMap": ({}, MASK),
}
ADDED = {"TopologyWeightMap": ({"map_postfix": "_weights"}, "_weights"), "TopologyUncertainty": ({}, "_uncertainty")}
"""For twins that leave the item and add another: their arguments, and what its key ends with."""
SHAPES = [(9, 13), (7, 9, 8)]


def values(kind, shape):
    image = make("smooth", shape, seed=3)
    if kind == IMAGE:
        return make("white", shape, seed=3)[None]
    if kind == PORES:
        return (make("white", shape, seed=3) < 0.8).astype(np.float32)[None]
    if kind == INSTANCES:
        return (1 + (np.arange(shape[0]) > 4)).reshape(1, -1, *[1] * (len(shape) - 1)) * np.ones((1, *shape))
    return (image > np.median(image)).astype(np.float32)[None]


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


@pytest.fixture(params=SHAPES, ids=str)
def given(request, name):
    return values(CASES[name][1], request.param)


@pytest.fixture
def transform(name):
    return getattr(transforms, name)(**CASES[name][0])


def test_the_table_is_complete():
    others = {
        "AffinityToMembrane",
        "AffinityWatershed",
        "RandCropByTopology",
        "AuditTopology",
        "StoreBettiNumbers",
        "LoadVolume",
        "SeparateTrees",
        "RandSymmetry",
    }  # a channel for each axis, a list, its input, its input with metadata, a path, two inputs, a random one
    arrays = {n for n in transforms.__all__ if f"{n}d" in transforms.__all__}
    assert arrays - others == set(CASES)


@pytest.mark.parametrize("container", [np.asarray, torch.tensor, MetaTensor])
def test_container_and_values(transform, given, container):
    done = transform(container(given))
    assert type(done) is type(container(given))
    np.testing.assert_array_equal(np.asarray(done), transform(given))
    assert not np.array_equal(done, given)


def test_bfloat16_as_autocast_makes_it(transform, given):
    rounded = torch.from_numpy(given).bfloat16()
    done = transform(rounded)
    expected = transform(rounded.float())
    assert done.dtype in (torch.bfloat16, expected.dtype)
    torch.testing.assert_close(done.float(), expected.to(done.dtype).float())


def test_metadata_is_kept(transform, given):
    affine = torch.diag(torch.tensor([1.0, 1.0, 1.0, 1.0]))
    affine[:3, 3] = torch.tensor([5.0, -6.0, 7.0])
    done = transform(MetaTensor(given, affine=affine, meta={"filename_or_obj": "volume.nii.gz"}))
    assert torch.equal(done.affine, affine.double())
    assert done.meta["filename_or_obj"] == "volume.nii.gz"


def test_input_is_left_alone(transform, given):
    before = given.copy()
    transform(given)
    tensor = torch.from_numpy(given)
    transform(tensor)
    np.testing.assert_array_equal(given, before)


def test_pickled_in_compose(transform, given):
    again = pickle.loads(pickle.dumps(Compose([transform])))
    np.testing.assert_array_equal(again(given), transform(given))


def test_dictionary_twin(name, transform, given):
    twin = getattr(transforms, f"{name}d")
    assert getattr(transforms, f"{name}D") is getattr(transforms, f"{name}Dict") is twin
    item = {"a": given, "b": given[:, ::-1].copy(), "c": "as it is"}
    arguments, postfix = ADDED.get(name, ({}, ""))
    done = pickle.loads(pickle.dumps(twin(["a", "b"], **CASES[name][0], **arguments)))(item)
    for key in ("a", "b"):
        np.testing.assert_array_equal(done[f"{key}{postfix}"], transform(item[key]))
    assert done["c"] == "as it is"
    assert item["a"] is given
    assert twin("absent", allow_missing_keys=True, **CASES[name][0])(item) == item
    with pytest.raises(KeyError):
        twin("absent", **CASES[name][0])(item)


@pytest.mark.parametrize("shape", [(4, 4), (1, 2, 3, 4, 5), (1, 0, 4)])
def test_bad_shapes(transform, shape):
    with pytest.raises(ValueError, match="img must"):
        transform(np.zeros(shape, np.float32))
