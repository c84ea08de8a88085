"""Slices of volumes beside their segmentations, with the voxels that are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray

from monai_topo.visualize.figure import new_figure, save_png

MISSED = (0.84, 0.19, 0.15)
"""Red: foreground that the prediction lacks, where a vessel breaks or a membrane leaks."""
FALSE = (0.19, 0.40, 0.84)
"""Blue: foreground that the prediction has too much."""


def error_map(prediction: NDArray[Any], label: NDArray[Any]) -> NDArray[np.float64]:
    """Color image of a 2D segmentation: white where right, red where foreground is missed, blue where it is false.

    Args:
        prediction: ``(H, W)``, 0 and 1.
        label: ``(H, W)``, 0 and 1.

    Returns:
        ``(H, W, 3)`` in [0, 1]: correct foreground is light gray, correct background white.

    Example:
        >>> error_map(np.array([[0, 1]]), np.array([[1, 1]]))[0, 0].tolist() == list(MISSED)
        True
    """
    predicted, true = prediction.astype(bool), label.astype(bool)
    colors = np.ones((*label.shape, 3))
    colors[predicted & true] = 0.75
    colors[~predicted & true] = MISSED
    colors[predicted & ~true] = FALSE
    return colors


def plot_segmentations(
    path: PathLike,
    image: NDArray[Any],
    label: NDArray[Any],
    predictions: Mapping[str, NDArray[Any]],
    slices: Sequence[int] | None = None,
    label_title: str = "label",
) -> Path:
    """Write a PNG: a row for each slice with the image, the label, and each prediction with its errors.

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
        row[0].set_ylabel(f"slice {index}" if depth > 1 else "")
    figure.supxlabel("red: missed foreground, where membranes leak and vessels break    blue: false foreground")
    return save_png(figure, path)
