"""Fields to measure on: noise, smooth noise, and trees of vessels."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def white(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def smooth(shape, seed=0):
    return gaussian_filter(white(shape, seed), 1.5)


def vessel_mask(size, ndim, branches=12, seed=0):
    """Random walks that turn slowly."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((size,) * ndim, np.float32)
    for _ in range(branches):
        position, heading = rng.uniform(0, size, ndim), rng.standard_normal(ndim)
        for _ in range(2 * size):
            heading = heading + 0.2 * rng.standard_normal(ndim)
            heading /= np.linalg.norm(heading)
            position = np.clip(position + heading, 0, size - 1)
            mask[tuple(position.astype(int))] = 1
    return mask


def vessel_tree(size):
    return gaussian_filter(vessel_mask(size, 3), 1.2)
