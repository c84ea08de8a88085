"""Cells with ids: colored sections, and the volume with a corner cut away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.scale_bar import draw_scale_bar, unit_name

transforms, _ = optional_import("matplotlib.transforms")
colors, _ = optional_import("matplotlib.colors")

_AXES = np.array([[np.cos(np.pi / 6), -0.5], [-np.cos(np.pi / 6), -0.5], [0.0, 1.0]])
"""Where a step along each axis of a volume leads in the picture: isometric, the last axis upward."""
_LIGHT = (0.72, 0.86, 1.0)
"""Brightness of the sides across each axis."""


def id_colors(ids: NDArray[Any], seed: int = 0) -> NDArray[np.float64]:
    """A color for each id, the same in every picture, black for 0.

    Args:
        ids: integers of any shape.
        seed: random seed of the colors.

    Returns:
        The shape of ``ids`` with red, green and blue in [0, 1] as a last axis.

    Example:
        >>> id_colors(np.array([0, 7]))[0]
        array([0., 0., 0.])
        >>> bool((id_colors(np.array([7])) == id_colors(np.array([5, 7]))[1]).all())
        True
    """
    found, place = np.unique(ids, return_inverse=True)
    # The golden ratio spreads the hues of consecutive ids; a second sequence varies their brightness.
    hue = (found.astype(np.float64) * 0.6180339887 + 0.37 * seed) % 1
    value = 0.65 + 0.35 * ((found.astype(np.float64) * 0.7548776662) % 1)
    table = colors.hsv_to_rgb(np.stack([hue, np.full_like(hue, 0.6), value], axis=-1))
    table[found == 0] = 0
    shown: NDArray[np.float64] = table[place.reshape(ids.shape)]
    return shown


def plot_cells(
    path: PathLike,
    cells: NDArray[Any],
    image: NDArray[Any] | None = None,
    label: NDArray[Any] | None = None,
    *,
    spacing: Sequence[float] | float = 1.0,
    unit: str | None = None,
    title: str = "",
) -> Path:
    """Write a PNG of cells: the middle section of image, cells and label, and the volume with a corner cut away.

    Args:
        path: PNG file to write.
        cells: ids ``(H, W[, D])``, 0 between cells.
        image: the same shape, intensities; None leaves it out.
        label: the same shape, the true ids; None leaves it out.
        spacing: size of a voxel along each axis, or one size for all.
        unit: unit of the spacing, for the scale bar; None is unknown.
        title: shown above.

    Returns:
        The path.

    Raises:
        ValueError: when ``cells`` has not 2 or 3 axes, or a shape differs from its.

    Example:
        >>> cells = np.arange(24).reshape(2, 3, 4)
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_cells(f"{folder}/picture.png", cells)
        ...     path.name
        'picture.png'
    """
    if cells.ndim not in (2, 3):
        raise ValueError(f"cells must be (H, W) or (H, W, D), got shape {cells.shape}.")
    for name, volume in {"image": image, "label": label}.items():
        if volume is not None and volume.shape != cells.shape:
            raise ValueError(f"{name} must have the shape of cells, {cells.shape}, got {volume.shape}.")
    sizes = np.broadcast_to(np.asarray(spacing, float), cells.ndim)
    panels = [("image", image), ("cells", cells), ("label", label)]
    sections = [(name, _section(panel)) for name, panel in panels if panel is not None]
    shown = [(name, section if name == "image" else id_colors(section)) for name, section in sections]
    aspect = cells.shape[1] * sizes[1] / (cells.shape[0] * sizes[0])
    figure, axes = new_figure(1, len(shown) + (cells.ndim == 3), aspects=[float(np.clip(aspect, 0.5, 2))])
    for cell, (name, panel) in zip(axes.flat, shown, strict=False):
        cell.imshow(np.swapaxes(panel, 0, 1), cmap="gray", interpolation="nearest", aspect=sizes[1] / sizes[0])
        cell.set_title(name)
        cell.set_axis_off()
    draw_scale_bar(axes.flat[0], 1 / sizes[0], unit_name(unit, sizes))
    if cells.ndim == 3:
        _draw_cut_volume(axes.flat[-1], cells, sizes)
    figure.suptitle(title)
    return save_png(figure, path)


def _section(volume: NDArray[Any]) -> NDArray[Any]:
    return volume if volume.ndim == 2 else volume[:, :, volume.shape[2] // 2]


def _draw_cut_volume(axes: Any, cells: NDArray[Any], spacing: NDArray[np.float64]) -> None:
    """Draw a volume of ids ``(H, W, D)`` from a corner, the eighth of it at that corner taken away."""
    for axis, level, pixels in _sides(cells):
        first, second = (other for other in range(3) if other != axis)
        steps = _AXES * spacing[:, None]
        corner = level * steps[axis]
        onto = transforms.Affine2D(
            np.array([[*steps[second][:1], steps[first][0], corner[0]], [steps[second][1], steps[first][1], corner[1]],
                      [0, 0, 1]])
        )  # fmt: skip
        height, width = pixels.shape[:2]
        axes.imshow(
            pixels * [*[_LIGHT[axis]] * 3, 1],
            extent=(0, width, 0, height),
            origin="lower",
            interpolation="nearest",
            transform=onto + axes.transData,
        )
    corners = np.array(list(np.ndindex(2, 2, 2))) * cells.shape * spacing @ _AXES
    axes.set(xlim=(corners[:, 0].min(), corners[:, 0].max()), ylim=(corners[:, 1].min(), corners[:, 1].max()))
    axes.set_aspect("equal")
    axes.set_axis_off()


def _sides(cells: NDArray[Any]) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """Axis, level and RGBA pixels of the sides that are seen: three outer ones and the three of the cut."""
    middle = [size // 2 for size in cells.shape]
    for axis, size in enumerate(cells.shape):
        in_cut = np.zeros([other for k, other in enumerate(cells.shape) if k != axis])
        in_cut[tuple(slice(half, None) for k, half in enumerate(middle) if k != axis)] = 1
        yield axis, size, _with_opacity(cells.take(-1, axis=axis), 1 - in_cut)
        yield axis, middle[axis], _with_opacity(cells.take(max(middle[axis] - 1, 0), axis=axis), in_cut)


def _with_opacity(ids: NDArray[Any], opacity: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([id_colors(ids), opacity[..., None]], axis=2)
