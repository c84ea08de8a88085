"""Trees and neurites in 3D: the surface of a segmentation, in color where it is wrong, with its breaks circled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray

from monai_topo.topology import Status
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import COLORS, feature_mark, status_text
from monai_topo.visualize.scale_bar import draw_scale_bar, unit_name
from monai_topo.visualize.topology_errors import TopologyError

has_pyvista = find_spec("pyvista") is not None

_SIZE = 900
"""Pixels of the longer side of a rendering."""
_PLAIN = (0.78, 0.76, 0.72)
_SMOOTHING = 20
_CAPTION = "gray: right    red: missing    blue: extra"


@dataclass(frozen=True)
class _View:
    """A picture of a volume, and where its places lie in it.

    Attributes:
        pixels: ``(rows, columns, 3)``.
        places: ``(n, 2)`` column and row of each point asked for.
        unit: pixels of one unit of the spacing.
    """

    pixels: NDArray[Any]
    places: NDArray[np.float64]
    unit: float


def plot_surfaces(
    path: PathLike,
    prediction: NDArray[Any],
    label: NDArray[Any] | None = None,
    errors: Sequence[TopologyError] = (),
    *,
    spacing: Sequence[float] | float = 1.0,
    unit: str | None = None,
    tolerance: int = 1,
    title: str = "",
    renderer: Literal["auto", "pyvista", "projection"] = "auto",
) -> Path:
    """Write a PNG of a volume of tubes in 3D, with what is missing, what is extra, and a circle at each error.

    The surface is that of prediction and label together: gray where they agree up to the tolerance, red where the
    prediction lacks it, blue where only the prediction has it. The view is along the shortest of the object's main
    axes, in parallel projection, so that the scale bar holds everywhere.

    Args:
        path: PNG file to write.
        prediction: ``(H, W, D)``, 0 and 1.
        label: the same shape, 0 and 1; None draws the prediction alone.
        errors: errors of :func:`~monai_topo.visualize.find_topology_errors` to be circled.
        spacing: size of a voxel along each axis, or one size for all.
        unit: unit of the spacing, for the scale bar; None is unknown.
        tolerance: distance in voxels from the other mask up to which a voxel counts as right: a surface that lies one
            voxel farther out is not what breaks a tree. 0 colors every wrong voxel.
        title: shown above.
        renderer: ``"pyvista"`` needs the package of that name (extra ``render``), ``"projection"`` only matplotlib: the
            voxels along the last axis, what is wrong in front. ``"auto"`` is the first where it is installed.

    Returns:
        The path.

    Raises:
        ValueError: when a volume has not 3 axes, the shapes differ, ``renderer`` is unknown, or ``tolerance`` negative.
        ImportError: when ``renderer="pyvista"`` is not installed.

    Example:
        >>> from monai_topo.visualize import find_topology_errors
        >>> label = np.zeros((20, 5, 6))
        >>> label[:, 1:4, 2:4] = 1
        >>> broken = label.copy()
        >>> broken[8:12] = 0
        >>> errors = find_topology_errors(broken, label)
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_surfaces(f"{folder}/picture.png", broken, label, errors, renderer="projection")
        ...     path.name
        'picture.png'
    """
    true = prediction if label is None else label
    if prediction.ndim != 3 or prediction.shape != true.shape:
        raise ValueError(
            f"prediction and label must have one shape (H, W, D), got {prediction.shape} and {true.shape}."
        )
    if tolerance < 0:
        raise ValueError(f"tolerance must be a number of voxels, 0 or more, got {tolerance!r}.")
    if renderer not in ("auto", "pyvista", "projection"):
        raise ValueError(f"renderer must be 'auto', 'pyvista' or 'projection', got {renderer!r}.")
    if renderer == "pyvista" and not has_pyvista:
        raise ImportError("renderer='pyvista' needs PyVista: pip install \"monai_topo[render]\".")
    sizes = np.broadcast_to(np.asarray(spacing, float), 3)
    status = _status(prediction.astype(bool), true.astype(bool), tolerance)
    centers = np.array([error.center for error in errors], float).reshape(-1, 3)
    rendered = _rendered if renderer != "projection" and has_pyvista and status.any() else _projected
    return save_png(
        _figure(rendered(status, sizes, centers), errors, label is not None, unit_name(unit, sizes), title), path
    )


def _status(predicted: NDArray[np.bool_], true: NDArray[np.bool_], tolerance: int) -> NDArray[np.uint8]:
    """0 background, 1 foreground that both have or nearly have, 2 missing, 3 extra."""
    near_predicted, near_true = (_grown(mask, tolerance) for mask in (predicted, true))
    status = (predicted | true).astype(np.uint8)
    status[true & ~near_predicted] = 2
    status[predicted & ~near_true] = 3
    return status


def _grown(mask: NDArray[np.bool_], voxels: int) -> NDArray[np.bool_]:
    from scipy.ndimage import maximum_filter

    grown: NDArray[np.bool_] = maximum_filter(mask, 2 * voxels + 1, mode="constant")
    return grown


_OF_STATUS: tuple[tuple[float, float, float], ...] = ((1.0, 1.0, 1.0), _PLAIN, COLORS["missing"], COLORS["extra"])


def _projected(status: NDArray[np.uint8], spacing: NDArray[np.float64], centers: NDArray[np.float64]) -> _View:
    """The highest status along the last axis, so that what is wrong is seen; axes as in the other pictures."""
    unit = max(1, _SIZE // max(status.shape[:2])) / spacing[:2].min()
    rows, columns = (np.floor(np.arange(int(size * step * unit)) / (step * unit)).astype(int).clip(0, size - 1)
                     for size, step in ((status.shape[1], spacing[1]), (status.shape[0], spacing[0])))  # fmt: skip
    flat = status.max(axis=2).T[np.ix_(rows, columns)]
    return _View(np.array(_OF_STATUS)[flat], (centers[:, :2] + 0.5) * spacing[:2] * unit, unit)


def _rendered(status: NDArray[np.uint8], spacing: NDArray[np.float64], centers: NDArray[np.float64]) -> _View:
    """The surface, lit, in parallel projection along the object's shortest main axis."""
    mesh = _surface(status, spacing)
    points = np.asarray(mesh.points)
    middle, axes = points.mean(axis=0), np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    across = (points - middle) @ axes[:2].T
    low, high = across.min(axis=0), across.max(axis=0)
    extent = 1.06 * np.maximum(high - low, 0.05 * (high - low).max() + 1e-9)
    size = np.maximum(np.round(_SIZE * extent / extent.max()), 64).astype(int)
    focus = middle + (low + high) / 2 @ axes[:2]
    normal = np.cross(axes[0], axes[1])
    camera = [focus + normal * 2 * extent.max(), focus, axes[1]]
    pixels = _screenshot(mesh, size, camera, extent[1] / 2)
    unit = size[1] / extent[1]
    places = ((centers + 0.5) * spacing - focus) @ axes[:2].T * unit * [1, -1] + size / 2
    return _View(pixels, places, float(unit))


def _screenshot(mesh: Any, size: NDArray[np.int64], camera: list[NDArray[np.float64]], scale: float) -> NDArray[Any]:
    import pyvista

    with pyvista.vtk_verbosity("off"):  # VTK looks for a screen first, and complains where there is none
        plotter = pyvista.Plotter(off_screen=True, window_size=size.tolist())
        plotter.set_background("white")
        plotter.add_mesh(mesh, scalars="colors", rgb=True, smooth_shading=True, specular=0.2)
        plotter.camera_position = camera
        plotter.enable_parallel_projection()
        plotter.camera.parallel_scale = scale
        plotter.reset_camera_clipping_range()
        pixels: NDArray[Any] = plotter.screenshot(return_img=True)
        plotter.close()
    return pixels


def _surface(status: NDArray[np.uint8], spacing: NDArray[np.float64]) -> Any:
    """A smoothed mesh around all foreground, each vertex in the color of the highest status about it."""
    import pyvista
    from scipy.ndimage import maximum_filter
    from skimage.measure import marching_cubes

    padded = np.pad(status, 1)
    vertices, faces, _, _ = marching_cubes((padded > 0).astype(np.float32), 0.5)
    around = maximum_filter(padded, 3)
    colors = np.array(_OF_STATUS)[around[tuple(np.round(vertices).astype(int).T)]]
    mesh = pyvista.PolyData.from_regular_faces((vertices - 0.5) * spacing, faces)
    mesh["colors"] = (255 * colors).astype(np.uint8)
    return mesh.smooth_taubin(n_iter=_SMOOTHING, pass_band=0.15)


def _figure(view: _View, errors: Sequence[TopologyError], compared: bool, unit: str, title: str) -> Any:
    figure, axes = new_figure(1, 1, size=8.0, aspects=[view.pixels.shape[0] / view.pixels.shape[1]])
    (cell,) = axes.flat
    cell.imshow(view.pixels)
    seen: dict[tuple[int, Status], Any] = {}
    for error, place in zip(errors, view.places, strict=True):
        (seen[error.dim, error.status],) = cell.plot(*place, **feature_mark(error.dim, error.status))
    cell.set_axis_off()
    draw_scale_bar(cell, view.unit, unit)
    figure.suptitle(title)
    if seen:
        names = [status_text(*kind) for kind in sorted(seen)]
        marks = [seen[kind] for kind in sorted(seen)]
        figure.legend(marks, names, loc="outside lower center", ncols=3, frameon=False, title=_CAPTION)
    elif compared:
        figure.supxlabel(_CAPTION, fontsize="small")
    return figure
