"""Two centerline graphs over each other: what is matched, missing and extra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.config import PathLike
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.graphs import Network, junction_points, match_points
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import COLORS

LineCollection, _ = optional_import("matplotlib.collections", name="LineCollection")

if TYPE_CHECKING:
    import networkx


def plot_graphs(
    path: PathLike,
    prediction: networkx.Graph,
    truth: networkx.Graph,
    image: NDArray[Any] | None = None,
    *,
    max_distance: float = 4.0,
    match_radius: float = 5.0,
    axis: int = -1,
) -> Path:
    """Write a PNG of two graphs, projected along an axis.

    Green are the pieces of the truth that have the prediction near them, red those that are missing from it, blue the
    extra pieces of the prediction, far from the truth. Circles of the same colors are junctions, matched one to one.

    Args:
        path: PNG file to write.
        prediction: graph with the attributes of :mod:`monai_topo.graphs`.
        truth: graph in the same space; its ``spacing`` is that of the image.
        image: ``(H, W)`` or ``(H, W, D)`` intensities behind the graphs, the brightest along the axis; None is white.
        max_distance: distance of a piece's middle to the other graph, up to which it is matched, in the graphs' unit.
        match_radius: matching radius of junctions, in the same unit.
        axis: along which a volume is projected.

    Returns:
        The path.

    Raises:
        ValueError: when the image, the prediction and the truth have different numbers of axes, or both graphs none.

    Example:
        >>> from monai_topo.graphs import skeleton_graph
        >>> graph = skeleton_graph(np.ones((3, 20)))
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_graphs(f"{folder}/picture.png", graph, graph)
        ...     path.name
        'picture.png'
    """
    networks = Network.from_graph(prediction), Network.from_graph(truth)
    axes = {network.positions.shape[1] for network in networks if len(network.positions)}
    axes |= {image.ndim} if image is not None else set()
    if len(axes) != 1 or axes - {2, 3}:
        raise ValueError(f"image, prediction and truth must all have 2 or all 3 axes, got {sorted(axes) or 'none'}.")
    shown = _shown_axes(axes.pop(), axis)
    figure, cells = new_figure(1, 1, size=8.0)
    cell = cells[0, 0]
    if image is not None:
        _draw_image(cell, image, shown, axis, truth.graph.get("spacing", 1.0))
    for segments, color in _pieces(*networks, max_distance):
        cell.add_collection(LineCollection(segments[..., shown], colors=[color], linewidths=1.5))
    for points, color in _junctions(prediction, truth, match_radius):
        cell.plot(*points[:, shown].T, "o", markersize=8, markerfacecolor="none", markeredgecolor=color)
    cell.set(xticks=[], yticks=[], aspect="equal")
    cell.autoscale_view()
    if image is None:
        cell.invert_yaxis()
    figure.supxlabel("green: matched    red: missing    blue: extra    circles: junctions")
    return save_png(figure, path)


def _shown_axes(ndim: int, axis: int) -> list[int]:
    if ndim == 3 and not -3 <= axis < 3:
        raise ValueError(f"axis must be one of the volume's 3, got {axis}.")
    return [0, 1] if ndim == 2 else [other for other in range(3) if other != axis % 3]


def _draw_image(cell: Any, image: NDArray[Any], shown: list[int], axis: int, spacing: Any) -> None:
    flat = image if image.ndim == 2 else image.max(axis=axis)
    height, width = np.broadcast_to(spacing, image.ndim)[shown]
    extent = ((-0.5) * height, (flat.shape[0] - 0.5) * height, (flat.shape[1] - 0.5) * width, (-0.5) * width)
    cell.imshow(np.swapaxes(flat, 0, 1), cmap="gray", extent=extent, interpolation="nearest")


def _pieces(
    predicted: Network, true: Network, max_distance: float
) -> list[tuple[NDArray[np.float64], tuple[float, float, float]]]:
    """Straight pieces as ``(k, 2, ndim)`` segments, with their color."""
    matched, missing = _near_and_far(true, predicted, max_distance)
    _, extra = _near_and_far(predicted, true, max_distance)
    return [(matched, COLORS["matched"]), (missing, COLORS["missing"]), (extra, COLORS["extra"])]


def _near_and_far(
    network: Network, other: Network, max_distance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    near = other.nearest(network.piece_start + network.piece_step / 2, max_distance).edge >= 0
    segments = np.stack([network.piece_start, network.piece_start + network.piece_step], axis=1)
    return segments[near], segments[~near]


def _junctions(
    prediction: networkx.Graph, truth: networkx.Graph, radius: float
) -> list[tuple[NDArray[np.float64], tuple[float, float, float]]]:
    predicted, true = (junction_points(graph) for graph in (prediction, truth))
    matched, found = match_points(predicted, true, radius)
    groups = [(true[found], COLORS["matched"]), (np.delete(true, found, axis=0), COLORS["missing"])]
    groups.append((np.delete(predicted, matched, axis=0), COLORS["extra"]))
    return [(points, color) for points, color in groups if len(points)]
