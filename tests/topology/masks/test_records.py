"""Betti numbers stored with a mask: they are those of the mask, or an error."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import euler_number, label

from monai_topo.topology import betti_record, read_betti_record

MASK = np.zeros((6, 7, 5), bool)
MASK[1:5, 1:6, 1:4] = True
MASK[2:4, 3, 2] = False  # a cavity
MASK[5, 6, 4] = True  # a neighbor by a corner, and at the border


@pytest.mark.parametrize(("connectivity", "components"), [(None, 1), (1, 2)])
def test_numbers_and_voxels(connectivity, components):
    record = betti_record(MASK, connectivity)
    assert label(MASK, connectivity=connectivity or 3).max() == components
    assert record.tolist() == [connectivity is None, 0, MASK.sum(), components, 0, 1]
    assert record[3] - record[4] + record[5] == euler_number(MASK, connectivity=connectivity or 3)
    assert read_betti_record(record, MASK, connectivity) == (components, 0, 1)


def test_the_frame_is_part_of_it():
    assert betti_record(MASK, 1, frame=True).tolist() == [0, 1, MASK.sum(), 1, 0, 1]
    with pytest.raises(ValueError, match=r"connectivity=1, frame=True, and the loss connectivity=1, frame=False"):
        read_betti_record(betti_record(MASK, 1, frame=True), MASK, 1)
    with pytest.raises(ValueError, match=r"connectivity=None, frame=False, and the loss connectivity=1"):
        read_betti_record(betti_record(MASK), MASK, 1)


@pytest.mark.parametrize("other", [MASK[1:], MASK[:, :, 1]], ids=["cropped", "a slice"])
def test_another_mask(other):
    with pytest.raises(ValueError, match="of another mask, of 3 axes and 59 voxels: put StoreBettiNumbers behind"):
        read_betti_record(betti_record(MASK), other[: other.shape[0] - 1])
