"""Where patches lie."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.data import PatchLayout


@pytest.mark.parametrize("shape", [(10, 7), (5, 9, 12), (3, 4)], ids=str)
def test_a_grid_covers_with_patches_of_one_size(shape):
    seen = np.zeros(shape, int)
    for patch in PatchLayout(4).slices(shape):
        assert seen[patch].shape == tuple(min(4, size) for size in shape)
        seen[patch] += 1
    assert seen.min() == 1
    assert len(PatchLayout(4).slices(shape)) == np.prod([-(-size // 4) for size in shape])


def test_random_corners_reach_every_valid_position():
    layout = PatchLayout((3, 4), "random", 300)
    corners = {(int(r.start), int(c.start)) for r, c in layout.slices((5, 6), np.random.RandomState(0))}
    assert corners == {(r, c) for r in range(3) for c in range(3)}


def test_none_is_the_whole_input():
    assert PatchLayout().slices((3, 5)) == [(slice(0, 3), slice(0, 5))]


def test_random_patches_need_a_generator():
    with pytest.raises(ValueError, match="random_state"):
        PatchLayout(3, "random", 1).slices((5, 5))
