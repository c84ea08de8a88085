"""Input processing: which objects are marked, against components by scikit-image, and what is filled in."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label as connected

from monai_topo.transforms import TopologicalDenoise
from monai_topo.transforms.intensity.topological_denoise import largest_gap

PLAIN = {"filter_size": 1, "border_width": 1}


def bumps(shape, centers, depths, width=1.5):
    """A flat image of 1 with pits, and weak noise between them."""
    image = 1 + np.random.default_rng(5).normal(0, 0.005, shape)
    grid = np.moveaxis(np.indices(shape), 0, -1)
    for center, depth in zip(centers, depths, strict=True):
        image -= depth * np.exp(-0.5 * np.square(np.linalg.norm(grid - center, axis=-1) / width))
    return image


def lifetimes_by_gudhi(image):
    """Of dark components under a border of the minimum."""
    framed = np.full(image.shape, image.min())
    inner = (slice(1, -1),) * image.ndim
    framed[inner] = image[inner]
    cubical = gudhi.CubicalComplex(dimensions=framed.shape[::-1], top_dimensional_cells=framed.ravel())
    cubical.compute_persistence(homology_coeff_field=2)
    return np.diff(cubical.persistence_intervals_in_dimension(0), axis=1).ravel()


PITS_2D = bumps((17, 26), [(5, 5), (11, 12), (6, 20)], [0.6, 0.5, 0.7])
PITS_3D = bumps((11, 17, 22), [(5, 5, 5), (5, 11, 16)], [0.6, 0.5])


@pytest.mark.parametrize("image", [PITS_2D, PITS_3D], ids=["2D", "3D"])
def test_objects_are_those_above_the_gap(image):
    lifetimes = lifetimes_by_gudhi(image)
    finite = np.sort(lifetimes[np.isfinite(lifetimes)])
    assert np.diff(finite).max() > 0.3  # the gap is there
    objects = TopologicalDenoise(**PLAIN)._objects(image)
    assert connected(objects).max() == (finite > 0.4).sum()
    changed = TopologicalDenoise(**PLAIN)(image[None])[0]
    np.testing.assert_array_equal(changed[objects], image.astype(np.float32)[objects])
    minima = ndimage.minimum_filter(image, 7) == image
    assert objects[minima & (image < 0.6)].all()


def test_bright_objects_are_dark_ones_upside_down():
    for dark, bright in [(TopologicalDenoise(), TopologicalDenoise(direction="superlevel"))]:
        np.testing.assert_allclose(bright(-PITS_2D[None]), -dark(PITS_2D[None]), atol=1e-6)
        assert not np.allclose(bright(PITS_2D[None]), dark(PITS_2D[None]))


def test_an_object_does_not_swallow_the_elder_one():
    """Pits in a row: each ends at the saddle to an elder one, and holds the younger ones that ended in it."""
    image = np.ones((7, 12))
    image[3, 3:9] = [0.2, 0.5, 0.3, 0.6, 0.4, 0.6]
    image[6, 11] = 0.1  # the minimum, which the border gets
    marked = {
        0.15: [1, 1, 1, 1, 1, 1],  # the eldest, dying at 1, holds the others
        0.75: [1, 1, 1, 1, 1, 1],
        0.85: [0, 0, 0, 0, 0, 0],
    }
    for threshold, expected in marked.items():
        objects = TopologicalDenoise(threshold=threshold, **PLAIN)._objects(image)
        assert objects[3, 3:9].tolist() == [bool(one) for one in expected]
    image[:, :2] = image[3, 2] = 0.1  # a dark region from the border to beside the eldest: that is none any more
    objects = TopologicalDenoise(threshold=0.15, **PLAIN)._objects(image)
    assert objects[3, 3:9].tolist() == [False, False, True, False, True, False]


def test_what_touches_the_border_is_no_object():
    image = bumps((15, 21), [(7, 5), (7, 19)], [0.6, 0.7])
    objects = TopologicalDenoise(**PLAIN)._objects(image)
    assert objects[7, 5]
    assert not objects[:, 15:].any()
    without = TopologicalDenoise(filter_size=1, border_width=0)._objects(image)
    assert without[7, 5]
    assert not without[7, 19]  # the eldest one is essential


def test_the_fill_goes_smoothly_to_the_background():
    image = PITS_2D.copy()
    image[14, 22] -= 0.2  # a speck
    changed = TopologicalDenoise(**PLAIN)(image[None])[0]
    objects = TopologicalDenoise(**PLAIN)._objects(image)
    background = image[~objects].mean()
    assert not objects[14, 22]
    around = (slice(13, 16), slice(21, 24))
    assert np.ptp(changed[around]) < 0.05 * np.ptp(image[around])
    assert changed.min() >= image.min() - 1e-6
    assert changed.max() <= image.max() + 1e-6
    half = TopologicalDenoise(transition=1, **PLAIN)(image[None])[0]
    beside = ndimage.binary_dilation(objects) & ~objects  # face neighbors, at distance 1
    nearest = ndimage.distance_transform_edt(~objects, return_distances=False, return_indices=True)
    np.testing.assert_allclose(half[beside], (image[tuple(nearest)] + background)[beside] / 2, rtol=1e-5)


def test_the_filter_is_scipys():
    with pytest.warns(UserWarning, match="filtered only"):
        done = TopologicalDenoise(filter_size=3, threshold=9.0)(PITS_2D[None])
    np.testing.assert_allclose(done[0], ndimage.uniform_filter(PITS_2D, 3), rtol=1e-6)


@pytest.mark.parametrize("image", [np.full((5, 9), 7), np.eye(4)[:, :3], np.ones((1, 6)), np.ones((2, 2, 2))])
def test_without_objects_the_image_comes_back(image):
    with pytest.warns(UserWarning, match="no object above the threshold"):
        done = TopologicalDenoise(filter_size=1)(image[None])
    np.testing.assert_array_equal(done[0], image)


def test_channels_are_processed_apart():
    both = TopologicalDenoise()(np.stack([PITS_2D, PITS_2D[::-1]]))
    np.testing.assert_array_equal(both[1], TopologicalDenoise()(PITS_2D[::-1][None])[0])
    assert not np.array_equal(both[0], both[1])


def test_gap():
    assert largest_gap(np.array([0.9, 0.8, 0.1, 0.05])) == 0.1
    assert largest_gap(np.array([0.5, 0.5])) == 0.0  # both above: the gap to the diagonal
    assert largest_gap(np.array([])) == 0.0


def test_bad_input():
    for options in ({"filter_size": 0}, {"border_width": -1}, {"transition": 0}, {"threshold": np.nan}):
        with pytest.raises(ValueError, match=next(iter(options))):
            TopologicalDenoise(**options)
    with pytest.raises(ValueError, match="direction"):
        TopologicalDenoise(direction="up")
    with pytest.raises(ValueError, match="connectivity"):
        TopologicalDenoise(connectivity=2)(np.zeros((1, 4, 4, 4)))
    with pytest.raises(ValueError, match="NaN or infinity in channel 1"):
        TopologicalDenoise()(np.stack([np.zeros((4, 4)), np.full((4, 4), np.nan)]))
