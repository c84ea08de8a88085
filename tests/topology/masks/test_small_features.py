"""Small components and enclosed regions, counted by scikit-image."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from skimage.measure import label, regionprops
from skimage.segmentation import find_boundaries

from monai_topo.data import small_features


def sizes(mask, connectivity):
    return [region.area for region in regionprops(label(mask, connectivity=connectivity))]


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(14, 23), (11, 12, 20)], ids=str)
def test_counts_by_scikit_image(shape, connectivity, rng):
    ndim = len(shape)
    mask = rng.random(shape) < 0.98 * np.sin(np.linspace(0, np.pi, shape[-1]))  # pores inside, specks at the ends
    outside = np.pad(~mask, 1, constant_values=True)
    regions = label(outside, connectivity=1 if connectivity is None else ndim)
    holes = [region.area for region in regionprops(regions) if region.label != regions.flat[0]]
    components = sizes(mask, connectivity or ndim)
    for max_size in (0, 1, 3, 1000):
        found = small_features(mask, max_size, connectivity)
        assert found.components == sum(size <= max_size for size in components)
        assert found.holes == sum(size <= max_size for size in holes)
        assert (found.betti_numbers[0], found.betti_numbers[-1]) == (len(components), len(holes))
    assert min(len(components), len(holes)) > 1


def test_what_it_refuses():
    with pytest.raises(ValueError, match="max_size must be 0 or more"):
        small_features(np.zeros((3, 4), bool), -1)
    with pytest.raises(ValueError, match="only 0 and 1"):
        small_features(np.full((3, 4), 2))


def test_boundaries_of_real_cells_are_full_of_pores(real_data):
    with h5py.File(real_data / "fib25" / "fib25_val.hdf") as file:
        ids = file["volumes/labels/neuron_ids"][()]
    boundary = find_boundaries(ids.astype(np.int64), connectivity=1, mode="thick")
    found = small_features(boundary, max_size=8)
    assert found.betti_numbers[2] == 289
    assert found.holes == 278
