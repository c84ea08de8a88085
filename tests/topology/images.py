"""Images that tell a right implementation from a wrong one: no square shapes, ties, plateaus, single-voxel axes."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SHAPES = [(5, 9), (1, 6), (7, 1), (4, 3), (1, 1), (3, 4, 2), (2, 1, 5), (1, 1, 4), (3, 3, 4)]
KINDS = ["white", "smooth", "tied", "binary", "constant"]


def make(kind, shape, seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    noise = rng.random(shape)
    image = {
        "white": noise,
        "smooth": ndimage.gaussian_filter(noise, 1.0),
        "tied": np.floor(noise * 4) / 4,
        "binary": (noise < 0.5).astype(float),
        "constant": np.full(shape, 0.25),
    }[kind]
    return image.astype(dtype)


def ring(shape=(7, 9), center=(3, 4), radius=2):
    """A square ring of foreground."""
    mask = np.zeros(shape, np.float32)
    rows, columns = np.indices(shape)
    distance = np.maximum(abs(rows - center[0]), abs(columns - center[1]))
    mask[distance == radius] = 1
    return mask


def y_branch():
    """A fork whose three ends lie on the border."""
    mask = np.zeros((9, 11), np.float32)
    mask[:5, 5] = 1
    for step in range(5):
        mask[4 + step, 5 - step] = mask[4 + step, 5 + step] = 1
    return mask
