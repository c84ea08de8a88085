"""Slices of volumes beside their segmentations, with the voxels that are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.topology import betti_numbers
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import COLORS

_SPARSE = 0.5


def shows_in_projection(label: NDArray[Any], axis: int = -1) -> bool:
    """Whether a mask's projection along an axis leaves half of the picture free, as vessels do and membranes do not.

    Example:
        >>> shows_in_projection(np.eye(5)[..., None]), shows_in_projection(np.ones((3, 4, 5)))
        (True, False)
    """
    return bool(label.any(axis=axis).mean() < _SPARSE)


def error_map(prediction: NDArray[Any], label: NDArray[Any]) -> NDArray[np.float64]:
    """Color image of a 2D segmentation: red where foreground is missing, blue where it is extra.

    Args:
        prediction: ``(H, W)``, 0 and 1.
        label: ``(H, W)``, 0 and 1.

    Returns:
        ``(H, W, 3)`` in [0, 1]: correct foreground is light gray, correct background white.

    Example:
        >>> error_map(np.array([[0, 1]]), np.array([[1, 1]]))[0, 0].tolist() == list(COLORS["missing"])
        True
    """
    predicted, true = prediction.astype(bool), label.astype(bool)
    colors = np.ones((*label.shape, 3))
    colors[predicted & true] = 0.75
    colors[~predicted & true] = COLORS["missing"]
    colors[predicted & ~true] = COLORS["extra"]
    return colors


def find_gaps(prediction: NDArray[Any], label: NDArray[Any]) -> list[tuple[float, float]]:
    """Centers of the missing pixels that matter: filling them changes the topology of the predicted image.

    Args:
        prediction: ``(H, W)``, 0 and 1.
        label: ``(H, W)``, 0 and 1.

    Returns:
        (row, column) of each connected group of missing pixels that, filled alone, closes a loop relative to a frame
        or joins two components.

    Example:
        >>> label = np.ones((1, 5))
        >>> find_gaps(np.array([[1, 1, 0, 1, 1]]), label), find_gaps(np.array([[1, 1, 1, 1, 0]]), label)
        ([(0.0, 2.0)], [])
    """
    predicted, true = prediction.astype(bool), label.astype(bool)
    groups, count = ndimage.label(true & ~predicted, np.ones((3, 3)))
    before = betti_numbers(predicted, frame=True), betti_numbers(predicted)[0]
    gaps = []
    for group in range(1, count + 1):
        filled = predicted | (groups == group)
        loops, components = betti_numbers(filled, frame=True)[1], betti_numbers(filled)[0]
        if loops > before[0][1] or components < before[1]:
            gaps.append(tuple(np.argwhere(groups == group).mean(axis=0).tolist()))
    return gaps


def plot_segmentations(
    path: PathLike,
    image: NDArray[Any],
    label: NDArray[Any],
    predictions: Mapping[str, NDArray[Any]],
    slices: Sequence[int] | None = None,
    label_title: str = "label",
) -> Path:
    """Write a PNG: a row for each slice with the image, the label, and each prediction with its errors.

    Circles mark the errors that change the topology of the slice, see :func:`find_gaps`.

    Args:
        path: PNG file to write.
        image: ``(H, W, D)`` or ``(H, W)`` intensities.
        label: the same shape, 0 and 1.
        predictions: title of a column to a mask of the same shape, 0 and 1.
        slices: indices along the last axis; None is three of them evenly spread. A 2D image has slice 0 only.
        label_title: title of the label's column.

    Returns:
        The path.

    Raises:
        ValueError: when a shape differs from the label's.

    Example:
        >>> label, broken = np.ones((3, 5)), np.ones((3, 5))
        >>> broken[:, 2] = 0
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_segmentations(f"{folder}/picture.png", label, label, {"broken": broken})
        ...     path.name
        'picture.png'
    """
    volumes = {"image": image, label_title: label, **predictions}
    for name, volume in volumes.items():
        if volume.shape != label.shape:
            raise ValueError(f"{name!r} must have the label's shape {label.shape}, got {volume.shape}.")
    if label.ndim == 2:
        volumes = {name: volume[..., None] for name, volume in volumes.items()}
    depth = volumes[label_title].shape[-1]
    chosen = sorted({depth // 4, depth // 2, 3 * depth // 4}) if slices is None else slices
    figure, axes = new_figure(len(chosen), len(volumes))
    for cell, name in zip(axes[0], volumes, strict=True):
        cell.set_title(name)
    for row, index in zip(axes, chosen, strict=True):
        true = volumes[label_title][..., index]
        for cell, (name, volume) in zip(row, volumes.items(), strict=True):
            shown = error_map(volume[..., index], true) if name in predictions else volume[..., index]
            colors = "gray_r" if name == label_title else "gray"
            cell.imshow(np.swapaxes(shown, 0, 1), cmap=colors, interpolation="nearest")
            cell.set(xticks=[], yticks=[])
            for gap in find_gaps(volume[..., index], true) if name in predictions else []:
                cell.plot(*gap, "o", markersize=14, markerfacecolor="none", markeredgecolor="black")
        row[0].set_ylabel(f"slice {index}" if depth > 1 else "")
    figure.supxlabel(
        "red: missing foreground    circles: where that breaks a vessel or opens a cell    blue: extra foreground"
    )
    return save_png(figure, path)
