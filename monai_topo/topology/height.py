"""Height functions: added to a field, they make its persistence diagram tell where a feature is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HEIGHTS = ("linear", "radial", "quadratic")
"""The forms of Oner et al. 2023, section 3.3; the paper found the linear one best."""


def height_function(
    kind: str, shape: Sequence[int], slope: float, random_state: np.random.RandomState
) -> NDArray[np.float32]:
    """One height function of a kind, its direction or center drawn at random.

    With x a voxel's place as seen from the middle of the grid, in voxels, and u a direction drawn uniformly from the
    sphere:

    - ``"linear"``: ``slope * u.x``;
    - ``"radial"``: ``slope * |x - q|`` with a point q drawn uniformly from the grid, between voxels too;
    - ``"quadratic"``: ``(w.x)**2`` with w along u, so long that the steepest place rises by ``2 * slope`` a voxel.

    Args:
        kind: ``"linear"``, ``"radial"`` or ``"quadratic"``.
        shape: ``(H, W)`` or ``(H, W, D)``.
        slope: rise of the height over the length of a voxel, in the unit of the field.
        random_state: draws the direction or the center.

    Returns:
        float32 array of this shape.

    Raises:
        ValueError: for an unknown kind.

    Example:
        >>> height = height_function("linear", (5, 7), 0.5, np.random.RandomState(0))
        >>> round(float(np.hypot(height[1, 0] - height[0, 0], height[0, 1] - height[0, 0])), 6)
        0.5
    """
    if kind not in HEIGHTS:
        raise ValueError(f"height must be one of {HEIGHTS}, got {kind!r}.")
    middle = (np.array(shape) - 1) / 2
    places = np.moveaxis(np.indices(shape), 0, -1) - middle
    if kind == "radial":
        center = random_state.uniform(size=len(shape)) * (np.array(shape) - 1) - middle
        return np.asarray(slope * np.linalg.norm(places - center, axis=-1), np.float32)
    along = places @ _draw_direction(len(shape), random_state)
    if kind == "linear":
        return np.asarray(slope * along, np.float32)
    reach = max(float(np.linalg.norm(middle)), 1.0)
    return np.asarray(slope * along**2 / reach, np.float32)


def _draw_direction(ndim: int, random_state: np.random.RandomState) -> NDArray[np.float64]:
    direction = random_state.normal(size=ndim)
    return np.asarray(direction / np.linalg.norm(direction))
