"""AuditTopology: counts on drawn labels, and the label handed on."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage

from monai_topo.topology import betti_numbers
from monai_topo.transforms import AuditTopology, AuditTopologyd, InstanceToMembrane


def scene():
    """A plate with a small and a large loop, a pore, a large cavity, and a speck."""
    mask = np.zeros((14, 22, 30), np.uint8)
    mask[2:4, 2:20, 2:20] = 1
    mask[2:4, 5, 5] = 0  # a loop one voxel wide
    mask[2:4, 9:16, 9:16] = 0  # a loop seven wide
    mask[6:13, 2:9, 2:9] = 1
    mask[9, 5, 5] = 0  # a pore
    mask[6:13, 12:19, 12:19] = 1
    mask[8:11, 14:17, 14:17] = 0  # 27 voxels
    mask[2, 2, 26] = 1  # a speck
    return mask


@pytest.mark.parametrize("connectivity", [None, 1])
def test_counts(connectivity):
    (audit,) = AuditTopology(connectivity=connectivity).audits(scene()[None])
    assert audit.betti_numbers == betti_numbers(scene(), connectivity) == (4, 2, 2)
    assert audit.small == (1, 1, 1)
    (all_small,) = AuditTopology(max_size=10**6, connectivity=connectivity).audits(scene()[None])
    assert all_small.small == (4, 2, 2)
    (none_small,) = AuditTopology(max_size=0, connectivity=connectivity).audits(scene()[None])
    assert none_small.small == (0, 0, 0)


def test_an_image():
    image = scene()[2]
    (audit,) = AuditTopology().audits(image[None])
    assert audit.betti_numbers == betti_numbers(image) == (2, 2)
    assert audit.small == (1, 1)


@pytest.mark.parametrize("fill", [0, 1])
def test_empty_and_full(fill):
    (audit,) = AuditTopology().audits(np.full((1, 4, 5, 6), fill))
    assert audit.betti_numbers == (fill, 0, 0)
    assert audit.small == (0, 0, 0)


def test_the_label_is_handed_on(caplog):
    label = scene()[None]
    with caplog.at_level(logging.INFO, "monai_topo"):
        assert AuditTopology()(label) is label
    assert "Betti numbers (4, 2, 2), of which (1, 1, 1) are at most 8 voxels" in caplog.text
    given = MetaTensor(label, affine=torch.diag(torch.tensor([2.0, 3.0, 4.0, 1.0])), meta={"a": 1})
    done = AuditTopology()(given)
    assert done.meta["topology_audit"] == [{"betti_numbers": (4, 2, 2), "small": (1, 1, 1), "max_size": 8}]
    assert done.meta["a"] == 1
    assert torch.equal(done.affine, given.affine)
    assert torch.equal(done, given)
    assert "topology_audit" not in given.meta


def test_dictionary():
    label = scene()[None]
    done = AuditTopologyd("label")({"label": label, "image": label})
    assert done["label"] is label
    assert done["label_audit"] == [{"betti_numbers": (4, 2, 2), "small": (1, 1, 1), "max_size": 8}]
    assert set(done) == {"label", "image", "label_audit"}


def test_artifacts_of_a_real_label_are_seen(real_data):
    path = real_data / "fib25" / "fib25_val.hdf"
    ids = LoadImage(reader="monai_topo.data.HDF5Reader", dataset="volumes/labels/neuron_ids")(path)[None]
    raw, clean = (
        AuditTopology().audits(InstanceToMembrane(**options)(ids))[0]
        for options in ({"opening_radius": 0, "min_cell_size": 0}, {})
    )
    assert raw.small[2] > 0.9 * raw.betti_numbers[2]
    assert raw.betti_numbers[2] > 100
    assert clean.betti_numbers[2] <= 10


def test_bad_input():
    with pytest.raises(ValueError, match="max_size"):
        AuditTopology(-1)
    with pytest.raises(ValueError, match="only 0 and 1"):
        AuditTopology()(np.full((1, 4, 4), 2))
