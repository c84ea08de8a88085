"""Betti numbers stored with a mask: they are those of the mask, or an error."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from skimage.measure import euler_number, label

from monai_topo.topology import betti_numbers, betti_record, read_betti_record

MASK = np.zeros((6, 7, 5), bool)
MASK[1:5, 1:6, 1:4] = True
MASK[2:4, 3, 2] = False  # a cavity
MASK[5, 6, 4] = True  # a neighbor by a corner, and at the border


@pytest.mark.parametrize(("connectivity", "components"), [(None, 1), (1, 2)])
def test_numbers_and_voxels(connectivity, components):
    record = betti_record(MASK, connectivity)
    assert label(MASK, connectivity=connectivity or 3).max() == components
    assert record[:2].tolist() == [connectivity is None, 0]
    assert record[3:].tolist() == [components, 0, 1]
    assert record[3] - record[4] + record[5] == euler_number(MASK, connectivity=connectivity or 3)
    assert read_betti_record(record, MASK, connectivity) == (components, 0, 1)


def test_the_frame_is_part_of_it():
    record = betti_record(MASK, 1, frame=True).tolist()
    assert record[:2] + record[3:] == [0, 1, 1, 0, 1]
    with pytest.raises(ValueError, match=r"connectivity=1, frame=True, and the loss connectivity=1, frame=False"):
        read_betti_record(betti_record(MASK, 1, frame=True), MASK, 1)
    with pytest.raises(ValueError, match=r"connectivity=None, frame=False, and the loss connectivity=1"):
        read_betti_record(betti_record(MASK), MASK, 1)


CHANGED = {
    "cropped": MASK[1:],
    "cropped where it is empty": np.pad(MASK, 1)[:-1],
    "padded": np.pad(MASK, [(0, 0), (0, 0), (0, 1)]),
    "rolled": np.roll(MASK, 1, axis=1),
    "a slice": MASK[:, :, 1],
    "another mask of as many voxels": np.random.default_rng(0).permuted(MASK.ravel()).reshape(MASK.shape),
}


@pytest.mark.parametrize("other", CHANGED.values(), ids=CHANGED)
def test_another_mask(other):
    with pytest.raises(ValueError, match=r"of another mask: it was .* changed since: put StoreBettiNumbers behind"):
        read_betti_record(betti_record(MASK), other)


@pytest.mark.parametrize("mask", [MASK, MASK[3], MASK[:1]], ids=["3D", "2D", "one layer"])
def test_flips_and_swapped_axes_change_nothing(mask):
    record = betti_record(mask, frame=True)
    for axes in permutations(range(mask.ndim)):
        for steps in product((1, -1), repeat=mask.ndim):
            turned = mask.transpose(axes)[tuple(slice(None, None, step) for step in steps)]
            assert read_betti_record(record, turned, frame=True) == betti_numbers(turned, frame=True)
