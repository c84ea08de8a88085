"""Betti numbers against gudhi, against shapes that everybody knows, and against recorded values."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest
import torch

from monai_topo.topology import betti_numbers, euler_characteristic
from tests.topology import images


def gudhi_betti_numbers(mask, full):
    cells = {"top_dimensional_cells" if full else "vertices": 1.0 - np.pad(mask, 1).astype(float)}
    cubical = gudhi.CubicalComplex(**cells)
    cubical.compute_persistence(homology_coeff_field=2, min_persistence=-1)
    return tuple([*cubical.persistent_betti_numbers(0, 0.5), 0, 0, 0][: mask.ndim])


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(5, 9), (4, 6, 7), (1, 8), (6, 1), (3, 1, 5), (1, 1, 4), (12, 7)], ids=str)
def test_random_masks_against_gudhi(shape, connectivity, rng):
    for density in (0.2, 0.5, 0.8):
        mask = rng.random(shape) < density
        assert betti_numbers(mask, connectivity) == gudhi_betti_numbers(mask, connectivity is None)


def test_the_wrong_connectivity_would_be_seen(rng):
    mask = rng.random((12, 13)) < 0.5
    assert betti_numbers(mask) != gudhi_betti_numbers(mask, full=False)


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(5, 9), (4, 6, 7), (1, 8), (3, 1, 5)], ids=str)
def test_framed_masks_against_gudhi(shape, connectivity, rng):
    """Padded by foreground, less the classes of the frame itself: a component, and a cavity if anything is left."""
    for density in (0.2, 0.5, 0.8):
        mask = rng.random(shape) < density
        b0, *loops, top = gudhi_betti_numbers(np.pad(mask, 1, constant_values=True), connectivity is None)
        assert betti_numbers(mask, connectivity, frame=True) == (b0 - 1, *loops, max(top - 1, 0))


def solid(shape, inside):
    return inside(*np.indices(shape).astype(float))


KNOWN = {
    "ball": (solid((11, 12, 13), lambda x, y, z: (x - 5) ** 2 + (y - 5) ** 2 + (z - 6) ** 2 <= 16), (1, 0, 0)),
    "shell": (
        solid((13, 12, 14), lambda x, y, z: abs(np.sqrt((x - 6) ** 2 + (y - 5) ** 2 + (z - 6) ** 2) - 4) <= 1),
        (1, 0, 1),
    ),
    "solid torus": (
        solid((8, 17, 18), lambda x, y, z: np.hypot(np.hypot(y - 8, z - 8) - 5, x - 4) <= 1.8),
        (1, 1, 0),
    ),
    "linked rings": (
        solid(
            (17, 17, 24),
            lambda x, y, z: (
                (np.hypot(np.hypot(y - 8, z - 8) - 5, x - 8) <= 1.3)
                | (np.hypot(np.hypot(x - 8, z - 13) - 5, y - 8) <= 1.3)
            ),
        ),
        (2, 2, 0),
    ),
    "full box": (np.ones((3, 4, 5), bool), (1, 0, 0)),
    "empty box": (np.zeros((3, 4, 5), bool), (0, 0, 0)),
    "box without its inside, on the border": (np.pad(np.zeros((2, 3, 4), bool), 1, constant_values=True), (1, 0, 1)),
    "ring on the border": (np.pad(np.zeros((2, 3), bool), 1, constant_values=True), (1, 1)),
    "border opened by one pixel": (np.array([[1, 1, 1], [1, 0, 0], [1, 1, 1]], bool), (1, 0)),
}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("connectivity", [None, 1])
def test_well_known_shapes(name, connectivity):
    mask, expected = KNOWN[name]
    assert betti_numbers(mask, connectivity) == expected
    assert gudhi_betti_numbers(mask, connectivity is None) == expected


def diagonal(shape, *places):
    mask = np.zeros(shape)
    for place in places:
        mask[place] = 1
    return mask


def theta():
    mask = np.pad(np.zeros((5, 5)), 1, constant_values=1)
    mask[3] = 1
    return mask


@pytest.mark.parametrize(
    ("mask", "full", "face"),
    [
        (images.ring((5, 5), (2, 2), 1), (1, 1), (1, 1)),
        (diagonal((4, 4), (1, 1), (2, 2)), (1, 0), (2, 0)),
        (np.zeros((5, 5)), (0, 0), (0, 0)),
        (theta(), (1, 2), (1, 2)),
        (diagonal((4, 4, 4), (1, 1, 1), (2, 2, 2)), (1, 0, 0), (2, 0, 0)),
        (np.random.default_rng(1).random((16, 16)) < 0.5, (9, 9), (24, 1)),
    ],
    ids=["ring", "diagonal", "empty", "theta on the border", "corner pair", "default_rng(1) (16, 16) < 0.5"],
)
def test_recorded_values(mask, full, face):
    assert betti_numbers(mask) == full
    assert betti_numbers(mask, connectivity=mask.ndim) == full
    assert betti_numbers(mask, connectivity=1) == face


def test_frame_closes_what_the_border_cuts():
    assert betti_numbers(images.y_branch()) == (1, 0)
    assert betti_numbers(images.y_branch(), frame=True) == (0, 2)
    assert betti_numbers(np.ones((4, 5)), frame=True) == (0, 0)
    assert betti_numbers(np.zeros((4, 5, 3)), frame=True) == (0, 0, 0)


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(6, 9), (4, 5, 6)], ids=str)
def test_euler_characteristic_is_the_alternating_sum(shape, connectivity, rng):
    mask = rng.random(shape) < 0.4
    numbers = gudhi_betti_numbers(mask, connectivity is None)
    alternating = sum((-1) ** k * b for k, b in enumerate(numbers))
    assert alternating != 1
    assert euler_characteristic(mask, connectivity) == alternating


def test_tensors_and_dtypes():
    mask = images.ring()
    for same in (torch.tensor(mask), torch.tensor(mask).bool(), mask.astype(np.int32), mask.tolist()):
        assert betti_numbers(same) == (1, 1)


@pytest.mark.parametrize(
    ("mask", "connectivity", "message"),
    [
        (np.zeros(4), None, r"\(H, W\) or \(H, W, D\)"),
        (np.zeros((2, 0)), None, "not empty"),
        (np.full((2, 2), 0.5), None, "only 0 and 1"),
        (np.array([[0, 2]]), None, "only 0 and 1"),
        (np.array([[0, np.nan]]), None, "only 0 and 1"),
        (np.zeros((2, 2, 2)), 2, "connectivity"),
    ],
)
def test_bad_masks_are_refused(mask, connectivity, message):
    for function in (betti_numbers, euler_characteristic):
        with pytest.raises(ValueError, match=message):
            function(mask, connectivity)
