"""Where a segmentation has extra or missing components, loops and cavities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.topology import Status, betti_numbers
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import feature_mark, status_text
from monai_topo.visualize.segmentation import error_map, shows_in_projection


@dataclass(frozen=True)
class TopologyError:
    """Features that a prediction lacks or should not have, and the wrong voxels that make the difference.

    Attributes:
        dim: 0 component, 1 loop, 2 cavity.
        status: ``"missing"`` if the prediction lacks them, ``"extra"`` if it should not have them.
        count: number of features.
        center: index of the wrong voxel nearest to the middle of its group.
        size: number of voxels of the group.

    Example:
        >>> from monai_topo.visualize import find_topology_errors
        >>> broken = np.ones((3, 5))
        >>> broken[:, 2] = 0
        >>> find_topology_errors(broken, np.ones((3, 5)))
        [TopologyError(dim=0, status='extra', count=1, center=(1, 2), size=3)]
    """

    dim: int
    status: Status
    count: int
    center: tuple[int, ...]
    size: int


def find_topology_errors(
    prediction: NDArray[Any],
    label: NDArray[Any],
    connectivity: int | None = None,
    frame: bool = False,
    max_groups: int = 100,
) -> list[TopologyError]:
    """The groups of wrong voxels that matter: setting one right alone changes the prediction's Betti numbers.

    A vessel that breaks is an extra component, two vessels that touch are a missing one, a pierced membrane is an extra
    loop. Groups are connected in full connectivity. One that leaves the Betti numbers of its own bounding box as
    they are is passed over: that is nearly always the ragged surface of a structure.

    Args:
        prediction: ``(H, W[, D])``, 0 and 1.
        label: the same shape, 0 and 1.
        connectivity: connectivity of the foreground: None is full, 1 is face.
        frame: count relative to a frame of foreground.
        max_groups: largest number of groups that are looked at, the largest ones: each takes a count of the volume.

    Returns:
        The errors, largest groups first; none where the topology is right, or where no group alone changes it.

    Raises:
        ValueError: when the shapes differ, or a mask is none.

    Example:
        >>> label = np.ones((1, 5))
        >>> find_topology_errors(np.array([[1, 1, 0, 1, 1]]), label)
        [TopologyError(dim=0, status='extra', count=1, center=(0, 2), size=1)]
    """
    if prediction.shape != label.shape:
        raise ValueError(f"prediction and label must have one shape, got {prediction.shape} and {label.shape}.")
    predicted = prediction.astype(bool)
    before = betti_numbers(prediction, connectivity, frame=frame)
    betti_numbers(label, connectivity)  # refuses what is no mask
    wrong = sorted(_groups(predicted, label.astype(bool), connectivity, frame), key=len, reverse=True)
    errors = []
    for group in wrong[:max_groups]:
        flipped = predicted.copy()
        flipped[tuple(group.T)] ^= True
        change = np.subtract(betti_numbers(flipped, connectivity, frame=frame), before)
        center = group[np.linalg.norm(group - group.mean(axis=0), axis=1).argmin()]
        errors += [
            TopologyError(dim, "missing" if gain > 0 else "extra", abs(int(gain)), tuple(center.tolist()), len(group))
            for dim, gain in enumerate(change)
            if gain
        ]
    return errors


def _groups(
    predicted: NDArray[Any], true: NDArray[Any], connectivity: int | None, frame: bool
) -> Iterator[NDArray[np.int64]]:
    """Indices ``(n, ndim)`` of each group of wrong voxels that changes the topology around it."""
    margin = np.pad(predicted, 1, constant_values=frame)
    for wrong in (true & ~predicted, predicted & ~true):
        groups, _ = ndimage.label(wrong, np.ones((3,) * wrong.ndim))
        for number, box in enumerate(ndimage.find_objects(groups), start=1):
            group = groups[box] == number
            around = margin[tuple(slice(side.start, side.stop + 2) for side in box)]
            if betti_numbers(around, connectivity) != betti_numbers(around ^ np.pad(group, 1), connectivity):
                yield np.argwhere(group) + [side.start for side in box]


def plot_topology_errors(
    path: PathLike,
    prediction: NDArray[Any],
    label: NDArray[Any],
    errors: Sequence[TopologyError],
    title: str = "",
    max_slices: int = 3,
) -> Path:
    """Write a PNG of a label and its prediction with the wrong voxels and a mark at each topology error.

    A volume is shown as its projection along the last axis, unless that is full, and below it the slices with the most
    errors.

    Args:
        path: PNG file to write.
        prediction: ``(H, W[, D])``, 0 and 1.
        label: the same shape, 0 and 1.
        errors: errors of :func:`find_topology_errors`.
        title: shown above.
        max_slices: largest number of slices of a volume.

    Returns:
        The path.

    Example:
        >>> label, broken = np.ones((3, 5)), np.ones((3, 5))
        >>> broken[:, 2] = 0
        >>> errors = find_topology_errors(broken, label)
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_topology_errors(f"{folder}/picture.png", broken, label, errors)
        ...     path.name
        'picture.png'
    """
    predicted, true = (mask.astype(bool).reshape(*mask.shape, *[1] * (3 - mask.ndim)) for mask in (prediction, label))
    levels = [error.center[2] if label.ndim == 3 else 0 for error in errors]
    slices = sorted(sorted(set(levels), key=levels.count, reverse=True)[:max_slices])
    views: list[tuple[str, Any, Any, list[TopologyError]]] = []
    if not slices or label.ndim == 2 or shows_in_projection(true):
        views.append(("projection" if label.ndim == 3 else "", predicted.any(axis=2), true.any(axis=2), list(errors)))
    for level in slices if label.ndim == 3 else ():
        shown = [error for error, at in zip(errors, levels, strict=True) if at == level]
        views.append((f"slice {level}", predicted[..., level], true[..., level], shown))
    figure, axes = new_figure(len(views), 2)
    for row, (name, seen, wanted, shown) in zip(axes, views, strict=True):
        _draw(row, name, seen, wanted, shown)
    axes[0, 0].set_title("label")
    axes[0, 1].set_title("prediction")
    figure.suptitle(title)
    _add_legend(figure, errors)
    return save_png(figure, path)


def _draw(row: Any, name: str, predicted: NDArray[Any], true: NDArray[Any], errors: Sequence[TopologyError]) -> None:
    row[0].imshow(true.T, cmap="gray_r", interpolation="nearest")
    row[1].imshow(np.swapaxes(error_map(predicted, true), 0, 1), interpolation="nearest")
    row[0].set_ylabel(name)
    for axes in row:
        axes.set(xticks=[], yticks=[])
        for error in errors:
            axes.plot(*error.center[:2], **feature_mark(error.dim, error.status))


def _add_legend(figure: Any, errors: Sequence[TopologyError]) -> None:
    marks = []
    for dim, status in sorted({(error.dim, error.status) for error in errors}):
        count = sum(error.count for error in errors if (error.dim, error.status) == (dim, status))
        label = f"{status_text(dim, status)}: {count}"
        marks += figure.axes[0].plot([], [], label=label, **feature_mark(dim, status))
    colors = "red: missing foreground    blue: extra foreground"
    figure.legend(handles=marks, loc="outside lower center", ncols=2, fontsize="small", frameon=False, title=colors)
