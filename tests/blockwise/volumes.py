"""Random small volumes with random blocks."""

from __future__ import annotations

import dask.array as da
import numpy as np

DENSITIES = (0.0, 0.03, 0.2, 0.5, 0.8, 0.97, 1.0)


def random_sizes(rng, length):
    """Sizes of blocks along an axis: ragged, all 1, or one."""
    if rng.random() < 0.1:
        return (1,) * length
    cuts = rng.choice(np.arange(1, length), rng.integers(0, min(length, 3)), replace=False) if length > 1 else []
    return tuple(np.diff([0, *np.sort(cuts), length]).tolist())


def random_chunks(rng, shape):
    return tuple(random_sizes(rng, length) for length in shape)


def random_mask(rng):
    """2D or 3D, some axes of size 1, empty and full ones, full and empty blocks, and structures through corners."""
    ndim = int(rng.integers(2, 4))
    shape = tuple(int(rng.choice([1, 2, 3, 5, 7], p=[0.1, 0.1, 0.2, 0.3, 0.3])) for _ in range(ndim))
    chunks = random_chunks(rng, shape)
    kind = rng.random()
    if kind < 0.6:
        mask = rng.random(shape) < rng.choice(DENSITIES)
    elif kind < 0.8:  # each block full or empty
        mask = rng.random([len(sizes) for sizes in chunks]) < 0.5
        for axis, sizes in enumerate(chunks):
            mask = np.repeat(mask, sizes, axis)
    else:  # diagonals
        places = np.indices(shape)
        mask = (places[0] - places[-1]) % 4 == rng.integers(4)
        mask &= (places[0] - places[ndim - 2]) % 3 == 0
    return mask, da.from_array(mask, chunks=chunks)
