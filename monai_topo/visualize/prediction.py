"""One prediction beside its label: where it is wrong, which voxels decide that, and its persistence diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import PathLike
from monai.utils import optional_import
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology import Status, to_array
from monai_topo.visualize.critical_voxels import CriticalVoxel, Features, compare_features, wrong_voxels
from monai_topo.visualize.diagram import prepare_diagram
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import COLORS, MARKERS, count_text, feature_mark, status_text
from monai_topo.visualize.segmentation import error_map, shows_in_projection

Patch, _ = optional_import("matplotlib.patches", name="Patch")

VIEWS = ("auto", "slice", "projection")
SLICES = ("middle", "worst")
_RING = {"marker": "o", "markersize": 13, "markerfacecolor": "none", "markeredgecolor": "black", "linestyle": "none"}


@dataclass(frozen=True)
class _View:
    """How a volume becomes a picture: a slice across an axis, or (no index) the maximum along it; a 2D image as is."""

    axis: int | None = None
    index: int | None = None

    @property
    def title(self) -> str:
        if self.axis is None:
            return ""
        return "projection" if self.index is None else f"slice {self.index}"

    def flatten(self, volume: NDArray[Any]) -> NDArray[Any]:
        if self.axis is None:
            return volume
        return np.asarray(volume.max(self.axis) if self.index is None else volume.take(self.index, self.axis))

    def sees(self, voxel: tuple[int, ...]) -> bool:
        return self.axis is None or self.index is None or voxel[self.axis] == self.index

    def place(self, voxel: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(at for axis, at in enumerate(voxel) if axis != self.axis)


def plot_prediction(
    path: PathLike,
    image: ArrayLike | torch.Tensor,
    likelihood: ArrayLike | torch.Tensor,
    label: ArrayLike | torch.Tensor,
    **options: Any,
) -> Path:
    """Write the figure of :func:`prediction_figure` as a PNG; returns the path.

    Example:
        >>> image = np.array([[0.9, 0.2, 0.8]])
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_prediction(f"{folder}/picture.png", image, image, np.ones((1, 3)))
        ...     path.name
        'picture.png'
    """
    return save_png(prediction_figure(image, likelihood, label, **options), path)


def prediction_figure(
    image: ArrayLike | torch.Tensor,
    likelihood: ArrayLike | torch.Tensor,
    label: ArrayLike | torch.Tensor,
    *,
    threshold: float = 0.5,
    connectivity: int | None = None,
    frame: bool = False,
    min_persistence: float = 0.05,
    view: str = "auto",
    slice_index: int | str = "middle",
    axis: int = -1,
    max_marks: int = 15,
    title: str = "",
) -> Any:
    """Draw image, label, likelihood, error map with critical voxels, and the persistence diagram of both.

    The diagram shows the likelihood's features as points, and the label's, which are all at birth 1 and death 0, as a
    ring. What is wrong has the same mark there and on the error map, see
    :func:`~monai_topo.visualize.find_critical_voxels`. Betti numbers are of the whole volume.

    Args:
        image: ``(H, W[, D])`` intensities.
        likelihood: the same shape, in [0, 1].
        label: the same shape, 0 and 1.
        threshold: the prediction is where the likelihood is at least this, above 0 and at most 1.
        connectivity: connectivity of the foreground: None is full, 1 is face.
        frame: count relative to a frame of foreground.
        min_persistence: points nearer to the diagonal are left out, unless they are wrong.
        view: way to show a volume: ``"slice"``, ``"projection"`` (maximum), or ``"auto"``: a projection if the label's
            leaves half of the picture free, as vessels do, otherwise a slice. A number in ``slice_index`` asks for that
            slice.
        slice_index: number of the slice, ``"middle"``, or ``"worst"``, the one with the most marks (of several the
            nearest to the middle).
        axis: across the slices, along the projection.
        max_marks: largest number of marks of a kind, those of the most persistent features.
        title: shown above.

    Returns:
        A matplotlib ``Figure``.

    Raises:
        ValueError: as ``find_critical_voxels``, when the image has another shape, or an option is out of range.

    Example:
        >>> ring = np.pad([[1, 1, 1], [1, 0, 1], [1, 1, 1]], 1)
        >>> figure = prediction_figure(ring, 0.9 * ring, ring, title="epoch 7")
        >>> figure.axes[2].get_title().splitlines()
        ['prediction', '1 component, 1 loop']
    """
    seen, true, values = to_array(image), to_array(label), to_array(likelihood)
    features = compare_features(values, true, threshold, connectivity, frame, min_persistence)
    if seen.shape != true.shape:
        raise ValueError(f"image must have the label's shape {true.shape}, got {seen.shape}.")
    if max_marks < 0:
        raise ValueError(f"max_marks must be 0 or more, got {max_marks!r}.")
    voxels = wrong_voxels(features, true.shape)
    chosen = _choose_view(true, voxels, view, slice_index, axis)
    marked = _choose_marks(voxels, chosen, max_marks)
    mask, predicted = (chosen.flatten(volume) for volume in (true, values >= threshold))
    figure, axes = new_figure(2, 3)
    _show(axes[0, 0], f"image\n{chosen.title}", chosen.flatten(seen), cmap="gray")
    counts = ", ".join(count_text(one.dim, one.true_count) for one in features)
    _show(axes[0, 1], f"label\n{counts}", mask, cmap="gray_r", vmin=0, vmax=1)
    counts = ", ".join(count_text(one.dim, int(one.exists.sum())) for one in features)
    _show(axes[0, 2], f"prediction\n{counts}", chosen.flatten(values), cmap="gray_r", vmin=0, vmax=1)
    _show(axes[1, 0], "errors", error_map(predicted, mask))
    for voxel in marked:
        axes[1, 0].plot(*chosen.place(voxel.voxel), **feature_mark(voxel.dim, voxel.status))
    _draw_diagram(axes[1, 1], features, threshold, min_persistence)
    _draw_legend(axes[1, 2], features, marked, threshold, frame)
    figure.suptitle(title)
    return figure


def _choose_view(label: NDArray[Any], voxels: Sequence[CriticalVoxel], view: str, index: int | str, axis: int) -> _View:
    _check_view(label.shape, view, index, axis)
    if label.ndim == 2:
        return _View()
    sparse = view == "auto" and isinstance(index, str) and shows_in_projection(label, axis)
    if view == "projection" or sparse:
        return _View(axis % 3)
    depth = label.shape[axis]
    if index == "worst":
        marks = np.bincount([voxel.voxel[axis] for voxel in voxels], minlength=depth)
        fullest = np.flatnonzero(marks == marks.max())
        index = int(fullest[np.abs(fullest - depth // 2).argmin()])
    return _View(axis % 3, depth // 2 if isinstance(index, str) else index)


def _check_view(shape: tuple[int, ...], view: str, index: int | str, axis: int) -> None:
    if view not in VIEWS:
        raise ValueError(f"view must be one of {VIEWS}, got {view!r}.")
    if not -3 <= axis < 3:
        raise ValueError(f"axis must be one of a volume's 3 axes, -3 to 2, got {axis!r}.")
    last = shape[axis] - 1 if len(shape) == 3 else 0
    if index not in SLICES and (isinstance(index, str) or not 0 <= index <= last):
        raise ValueError(f"slice_index must be one of {SLICES} or a number from 0 to {last} here, got {index!r}.")
    if view == "projection" and not isinstance(index, str):
        raise ValueError(f"slice_index has no meaning with view='projection', got {index!r}: leave one of them out.")


def _choose_marks(voxels: Sequence[CriticalVoxel], view: _View, max_marks: int) -> list[CriticalVoxel]:
    seen = [voxel for voxel in voxels if view.sees(voxel.voxel)]
    return [voxel for dim in range(3) for voxel in [one for one in seen if one.dim == dim][:max_marks]]


def _show(axes: Any, title: str, picture: NDArray[Any], **colors: Any) -> None:
    axes.imshow(np.swapaxes(picture, 0, 1), interpolation="nearest", **colors)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize="medium")


def _draw_diagram(axes: Any, found: Sequence[Features], threshold: float, min_persistence: float) -> None:
    prepare_diagram(axes, threshold)
    axes.set_title("persistence diagram", fontsize="medium")
    for features in found:
        births, deaths = features.points.T
        other = ~features.wrong & (births - deaths > min_persistence)
        axes.scatter(births[other], deaths[other], color="0.5", **_marker(features.dim))
        for color, of_status in ((COLORS["extra"], features.exists), (COLORS["missing"], ~features.exists)):
            rows = features.wrong & of_status
            axes.scatter(births[rows], deaths[rows], color=color, zorder=3, **_marker(features.dim))
    if any(features.true_count for features in found):
        axes.plot(1, 0, clip_on=False, **_RING)


def _marker(dim: int) -> dict[str, Any]:
    return {"marker": MARKERS[dim], "s": 16, "alpha": 0.7, "linewidths": 0}


def _draw_legend(
    axes: Any, found: Sequence[Features], marked: Sequence[CriticalVoxel], threshold: float, frame: bool
) -> None:
    kinds = {(0.75,) * 3: "matched foreground"}
    kinds |= {COLORS["missing"]: "missing foreground", COLORS["extra"]: "extra foreground"}
    handles = [Patch(color=color, label=text) for color, text in kinds.items()]
    for features in found:
        surplus = int(features.exists.sum()) - features.true_count
        if surplus:
            shown = sum(voxel.dim == features.dim for voxel in marked)
            status: Status = "missing" if surplus < 0 else "extra"
            text = f"{status_text(features.dim, status)}: {abs(surplus)}, {shown} marked"
            handles += axes.plot([], [], label=text, **feature_mark(features.dim, status))
    handles += axes.plot([], [], "o", color="0.5", markersize=4, label="diagram: other feature of the prediction")
    handles += axes.plot([], [], label="diagram: all features of the label", **_RING)
    handles.append(Patch(color="0.92", label=f"diagram: exists at threshold {threshold:g}"))
    about = "A mark is the voxel that decides about a feature." + (
        "\nWhat touches the border is connected." if frame else ""
    )
    axes.legend(handles=handles, loc="center", frameon=False, title=about, labelspacing=0.9)
    axes.set_axis_off()
