"""Volumes on one grid, turned ones, and others; nibabel is the oracle."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import nibabel
import numpy as np
import pytest

from monai_topo.data import Volume, on_grid_of, read_volume, same_grid, voxel_sizes

TURNS = [
    (order, flips) for order in permutations(range(3)) for flips in product((1, -1), repeat=3)
]  # all 48 orientations


@pytest.fixture
def image(rng):
    """In an oblique place, with sizes that differ along each axis."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn * [0.7, 1.3, 2.5]
    affine[:3, 3] = (-120.3, 55.25, 900.1)
    return nibabel.Nifti1Image(rng.integers(0, 2**31, (4, 5, 6), dtype=np.int32), affine)


@pytest.mark.parametrize(("order", "flips"), TURNS, ids=str)
def test_every_orientation_comes_back(order, flips, image, tmp_path):
    turned = image.as_reoriented(np.stack([order, flips], axis=1))
    nibabel.save(image, tmp_path / "a.nii")
    nibabel.save(turned, tmp_path / "b.nii")
    a, b = (read_volume(tmp_path / f"{name}.nii") for name in "ab")
    back = on_grid_of(b, a)
    np.testing.assert_array_equal(back.array, a.array)
    np.testing.assert_allclose(back.affine, a.affine, atol=1e-3)
    assert same_grid(a, b) == (order == (0, 1, 2) and flips == (1, 1, 1))


@pytest.mark.parametrize(("axis", "fraction"), list(product(range(3), (0.01, 0.5, 1.0, -1.0))))
def test_a_shift_counts_from_a_tenth_of_a_voxel(axis, fraction, image):
    a = Volume(image.get_fdata(), image.affine)
    affine = a.affine.copy()
    affine[:3, 3] += fraction * affine[:3, axis]
    b = replace(a, affine=affine)
    assert same_grid(a, b) == (fraction == 0.01)
    if fraction != 0.01:
        with pytest.raises(ValueError, match=r"different grids: shapes .* affines \[\[.*\]\] and \[\[.*\]\]; resample"):
            on_grid_of(b, a)


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_rounded_headers_pass(digits, image):
    a = Volume(image.get_fdata(), image.affine)
    sizes, place = np.array(a.spacing), image.affine[:3, 3].round(digits)
    affine = a.affine.copy()
    affine[:3, :3] = (affine[:3, :3] / sizes).round(digits + 1) * sizes.round(digits)
    affine[:3, 3] = place
    assert same_grid(a, replace(a, affine=affine))


def test_a_turn_by_a_degree_is_another_grid(image):
    a = Volume(image.get_fdata(), np.eye(4))
    angle = np.deg2rad(1)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    with pytest.raises(ValueError, match="different grids"):
        on_grid_of(replace(a, affine=affine), a)


def test_what_a_file_does_not_know_agrees_with_anything():
    a = Volume(np.zeros((3, 4, 5)), np.diag([-1.0, 1, 2, 1]))
    nothing = Volume(a.array, np.eye(4), knows="nothing")
    assert same_grid(a, nothing)
    assert on_grid_of(nothing, a) is nothing
    for spacing, same in (((1, 1, 2), True), ((1, 1, 3), False)):
        b = Volume(a.array, np.diag([*spacing, 1.0]), knows="spacing")
        assert same_grid(a, b) == same == same_grid(b, a)
    with pytest.raises(ValueError, match=r"voxel sizes 1 x 1 x 3 and 1 x 1 x 2"):
        on_grid_of(b, a)
    with pytest.raises(ValueError, match=r"differ in shape: \(3, 4, 4\) and \(3, 4, 5\)"):
        on_grid_of(replace(nothing, array=np.zeros((3, 4, 4))), a)


@pytest.mark.parametrize(
    ("scale", "unit", "same"), [(1e3, "um", True), (1e6, "nm", True), (1.0, "um", True), (10.0, "um", False)]
)
def test_units_are_converted(scale, unit, same):
    a = Volume(np.zeros((3, 4, 5)), np.diag([0.5, 0.5, 2, 1]), unit="mm")
    b = Volume(a.array, np.diag([0.5 * scale, 0.5 * scale, 2 * scale, 1]), unit=unit)
    assert same_grid(a, b) == same == same_grid(b, a)


@pytest.mark.parametrize("plane", [(0, 1), (0, 2), (1, 2), (2, 0)])
def test_images_in_any_plane(plane, rng, tmp_path):
    """A slice's voxel sizes are those of nibabel's header, and it is turned within its plane only."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (axis, size) in enumerate(zip((*plane, 3 - sum(plane)), (2.0, 3.0, 1.0), strict=True)):
        affine[axis, column] = size
    image = nibabel.Nifti1Image(rng.integers(0, 9, (4, 5), dtype=np.uint8), affine)
    nibabel.save(image, tmp_path / "a.nii")
    a = read_volume(tmp_path / "a.nii")
    assert a.spacing == voxel_sizes(a.affine, 2) == tuple(map(float, image.header.get_zooms())) == (2.0, 3.0)
    mirrored = affine.copy()
    mirrored[:, 3] += 3 * affine[:, 0]
    mirrored[:, 0] *= -1
    np.testing.assert_array_equal(on_grid_of(Volume(a.array[::-1], mirrored), a).array, a.array)
    other = affine[[1, 2, 0, 3]]
    with pytest.raises(ValueError, match="different grids"):
        on_grid_of(Volume(a.array, other), a)
