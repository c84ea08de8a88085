"""Tubes in nnU-Net's augmentation, without nnU-Net."""

from __future__ import annotations

import types

import pytest
import torch

from monai_topo.graphs import skeleton_tube
from monai_topo.nnunet.tubes import DOWNSAMPLING, AppendTubes, with_tubes


def labels():
    segmentation = torch.zeros(1, 9, 14, dtype=torch.int16)
    segmentation[0, 2:7, 1:8] = 1
    segmentation[0, 2:7, 8:11] = 2
    segmentation[0, :, 12:] = 3
    return segmentation


@pytest.mark.parametrize("dilations", [0, 2])
def test_each_class_has_its_own(dilations):
    segmentation = labels()
    made = AppendTubes(dilations, ignore_label=3)(segmentation=segmentation, image="kept")
    assert made["image"] == "kept"
    assert made["segmentation"].dtype == torch.int16
    assert torch.equal(made["segmentation"][:1], segmentation)
    for label in (1, 2):
        expected = skeleton_tube((segmentation[0] == label).numpy(), "curve", dilations)
        assert expected.any()
        assert (made["segmentation"][1].numpy() == label).tolist() == expected.tolist()
    assert not (made["segmentation"][1] == 3).any()


def test_regions_and_their_ignored_channel():
    segmentation = torch.stack([labels()[0] > 0, labels()[0] == 2, labels()[0] == 3])
    made = AppendTubes(0, regions=2)(segmentation=segmentation)["segmentation"]
    assert made.shape[0] == 5
    assert made.dtype == torch.bool
    for region in (0, 1):
        expected = skeleton_tube(segmentation[region].numpy(), "curve", 0)
        assert made[3 + region].tolist() == expected.tolist()


def test_they_come_before_the_targets_of_deep_supervision():
    downsampling = type(DOWNSAMPLING, (), {})()
    for transforms, place in (([1, downsampling], 1), ([1, 2], 2)):
        append = AppendTubes()
        composed = with_tubes(types.SimpleNamespace(transforms=list(transforms)), append)
        assert composed.transforms.index(append) == place
    assert repr(append) == "AppendTubes(dilations=2, kind='curve', count=1)"
