"""Symmetries against all flips of all permutations, their frequencies, their affine, and what files know."""

from __future__ import annotations

import itertools
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.stats import chisquare

from monai_topo.transforms import LoadVolume, RandSymmetry, RandSymmetryd


def numbered(shape):
    return torch.arange(np.prod(shape), dtype=torch.float32).reshape(1, *shape)


def symmetries(shape, orders):
    """Every image that flips of these permutations of the axes give."""
    image = numbered(shape)[0].numpy()
    axes = range(len(shape))
    flips = [dims for count in range(len(shape) + 1) for dims in itertools.combinations(axes, count)]
    return {np.flip(image.transpose(order), dims).tobytes() for order in orders for dims in flips}


ALL, PLANE = list(itertools.permutations(range(3))), [(0, 1, 2), (1, 0, 2)]


@pytest.mark.parametrize(
    ("shape", "spacing", "orders"),
    [
        ((3, 3, 3), 1, ALL),
        ((3, 3, 3), (4, 4.2, 3.9), ALL),
        ((3, 3, 3), (4, 4, 40), PLANE),
        ((3, 3, 3), (40, 4, 4), [(0, 1, 2), (0, 2, 1)]),
        ((3, 3, 3), (4, 8, 40), [(0, 1, 2)]),
        ((3, 3, 2), 1, PLANE),
        ((2, 3, 4), 1, [(0, 1, 2)]),
        ((3, 3), (2, 2), [(0, 1), (1, 0)]),
        ((3, 3), (2, 3), [(0, 1)]),
    ],
)
def test_every_symmetry_of_the_grid_is_drawn_as_often_as_any_other(shape, spacing, orders):
    transform = RandSymmetry(spacing).set_random_state(seed=0)
    expected = symmetries(shape, orders)
    image = numbered(shape)
    drawn = Counter(transform(image).numpy().tobytes() for _ in range(30 * len(expected)))
    assert set(drawn) == expected
    assert chisquare(list(drawn.values())).pvalue > 1e-3


def test_the_affine_turns_with_the_image():
    """A voxel's position in the world stays."""
    affine = np.array([[0, -4.0, 0, 7], [4.2, 0, 0, -3], [0, 0, 4.0, 11], [0, 0, 0, 1]])
    image = MetaTensor(numbered((3, 3, 3)), affine=affine)
    transform = RandSymmetry().set_random_state(seed=1)
    for _ in range(30):
        turned = transform(image)
        assert turned.applied_operations == []
        for value in (0, 5, 17, 26):
            before, after = (np.append(np.argwhere(np.asarray(i[0]) == value)[0], 1) for i in (image, turned))
            np.testing.assert_allclose(turned.affine.numpy() @ after, affine @ before, atol=1e-6)


def test_the_spacing_of_the_file_decides(tmp_path):
    np.save(tmp_path / "volume.npy", numbered((3, 3, 3))[0].numpy())

    def drawn(**options):
        image = LoadVolume(**options)(tmp_path / "volume.npy")
        transform = RandSymmetry().set_random_state(seed=2)
        return {transform(image).numpy().tobytes() for _ in range(600)}

    assert drawn(spacing=(2, 2, 2)) == symmetries((3, 3, 3), ALL)
    assert drawn(spacing=(2, 2, 9)) == symmetries((3, 3, 3), PLANE)
    assert drawn() == symmetries((3, 3, 3), PLANE)  # the file does not know


def test_the_twin_turns_all_items_alike():
    item = {"image": numbered((4, 4, 4)), "label": 2 * numbered((4, 4, 4)).double(), "name": "a"}
    twin = pickle.loads(pickle.dumps(RandSymmetryd(["image", "label"]).set_random_state(seed=0)))
    assert isinstance(twin, RandSymmetryd)
    seen = [twin(item) for _ in range(9)]
    for done in seen:
        torch.testing.assert_close(done["label"], 2 * done["image"].double())
        assert done["name"] == "a"
    assert len({done["image"].numpy().tobytes() for done in seen}) > 5
    again = RandSymmetryd(["image", "label"]).set_random_state(seed=0)
    for done in seen:
        torch.testing.assert_close(again(item)["image"], done["image"])
    assert RandSymmetryd("absent", allow_missing_keys=True)(item).keys() == item.keys()
    with pytest.raises(ValueError, match="'label' must lie on the grid of 'image'"):
        twin({**item, "label": numbered((4, 4, 3))})


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="spacing must be positive"):
        RandSymmetry(spacing=0)
    with pytest.raises(ValueError, match="tolerance must be 0 or more, got -1"):
        RandSymmetry(tolerance=-1)
    with pytest.raises(ValueError, match="img must have shape"):
        RandSymmetry()(torch.zeros(3, 3))


@pytest.mark.parametrize("dtype", [">u2", "<u2", "uint32", "uint64", ">f4", ">i8", "bool"])
def test_every_type_turns_as_float32_does(dtype):
    marks = np.random.default_rng(0).integers(0, 2, (1, 4, 4, 6))
    turn = RandSymmetry()
    expected = turn.set_random_state(seed=3)(marks.astype(np.float32))
    assert not np.array_equal(expected, marks)
    largest = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    turned = turn.set_random_state(seed=3)(np.where(marks, np.array(largest, dtype), np.array(0, dtype)).astype(dtype))
    np.testing.assert_array_equal(turned.numpy() == np.array(largest, turned.numpy().dtype), expected.numpy() == 1)
    np.testing.assert_array_equal(turned.numpy() == 0, expected.numpy() == 0)
    assert turned.numpy().dtype == np.dtype(dtype).newbyteorder("=")
    assert np.array_equal(turned.affine, expected.affine)
