"""Where patches lie."""

from __future__ import annotations

import numpy as np
import pytest
from monai.data.utils import dense_patch_slices, get_random_patch, get_valid_patch_size

from monai_topo.topology import PatchLayout

SHAPES = [(10, 7), (5, 9, 12), (3, 4), (1, 8, 2), (4, 4)]
SIZES = [4, 1, 100, np.int64(4), np.uint8(3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_grid_covers_with_patches_of_one_size(shape):
    seen = np.zeros(shape, int)
    for patch in PatchLayout(4).slices(shape):
        assert seen[patch].shape == tuple(min(4, size) for size in shape)
        seen[patch] += 1
    assert seen.min() == 1
    assert len(PatchLayout(4).slices(shape)) == np.prod([-(-size // 4) for size in shape])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=repr)
def test_a_grid_is_that_of_monai(shape, size):
    edges = get_valid_patch_size(shape, (int(size),) * len(shape))
    assert PatchLayout(size).slices(shape) == dense_patch_slices(shape, edges, edges)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=repr)
def test_random_patches_are_those_of_monai(shape, size):
    ours, theirs = np.random.RandomState(3), np.random.RandomState(3)
    edges = get_valid_patch_size(shape, (int(size),) * len(shape))
    assert PatchLayout(size, "random", 9).slices(shape, ours) == [
        get_random_patch(shape, edges, theirs) for _ in range(9)
    ]
    assert ours.randint(2**31) == theirs.randint(2**31)


def test_random_corners_reach_every_valid_position():
    layout = PatchLayout((3, 4), "random", 300)
    corners = {(r.start, c.start) for r, c in layout.slices((5, 6), np.random.RandomState(0))}
    assert corners == {(r, c) for r in range(3) for c in range(3)}


def test_none_is_the_whole_input():
    assert PatchLayout().slices((3, 5)) == [(slice(0, 3), slice(0, 5))]


def test_random_patches_need_a_generator():
    with pytest.raises(ValueError, match="random_state"):
        PatchLayout(3, "random", 1).slices((5, 5))


@pytest.mark.parametrize("size", [(3, 4), [3, 4], np.array([3, 4]), (np.int64(3), np.int16(4))], ids=repr)
def test_a_size_for_each_axis_in_any_form(size):
    assert PatchLayout(size).patch_size == (3, 4)
    with pytest.raises(ValueError, match="3 spatial axes"):
        PatchLayout(size).slices((5, 5, 5))


@pytest.mark.parametrize("size", [0, -1, (4, 0), (), np.int64(0)], ids=repr)
def test_a_size_without_voxels_is_refused(size):
    with pytest.raises(ValueError, match="patch_size must be None or at least 1"):
        PatchLayout(size)


@pytest.mark.parametrize("size", [4.0, (4, 2.5), "4", (4, None), np.array([4.0, 4.0])], ids=repr)
def test_a_size_that_is_no_whole_number_is_refused(size):
    with pytest.raises(TypeError, match="patch_size must be whole numbers"):
        PatchLayout(size)
