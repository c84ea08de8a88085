"""Persistence diagrams as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.config import PathLike
from numpy.typing import ArrayLike

from monai_topo.topology import diagram, persistence_pairs, to_array
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import count_text

_COLORS = ("tab:blue", "tab:orange", "tab:green")


def plot_persistence_diagram(
    axes: Any,
    likelihood: ArrayLike | torch.Tensor,
    *,
    dims: tuple[int, ...] | None = None,
    connectivity: int | None = None,
    frame: bool = False,
    min_persistence: float = 0.05,
    title: str = "",
) -> None:
    """Draw the superlevel persistence diagram of a likelihood.

    A point near the corner (birth 1, death 0) is a feature that the thresholded likelihood surely has, a point near the
    diagonal is noise; the gray quadrant holds the features there at threshold 0.5.

    Args:
        axes: matplotlib axes to draw on.
        likelihood: one channel, ``(H, W[, D])``, in [0, 1].
        dims: homology dimensions; None is all below the number of axes.
        connectivity: connectivity of the foreground: None is full, 1 is face.
        frame: whether the diagram is relative to a frame of foreground.
        min_persistence: points nearer to the diagonal are left out.
        title: shown above.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().subplots()
        >>> plot_persistence_diagram(axes, np.array([[0.9, 0.2, 0.8]]), title="a network")
        >>> axes.get_title()
        'a network'
    """
    field = torch.from_numpy(to_array(likelihood))
    pairs = persistence_pairs(field, dims=dims, connectivity=connectivity, frame=frame, min_persistence=min_persistence)
    prepare_diagram(axes)
    axes.set_title(title)
    for k in pairs.dims:
        births, deaths = diagram(field, pairs, k).T.tolist()
        label = count_text(k, len(births))
        axes.scatter(births, deaths, s=14, color=_COLORS[k], alpha=0.7, linewidths=0, label=label)
    axes.legend(loc="upper left", fontsize="small", frameon=False)


def prepare_diagram(axes: Any, threshold: float = 0.5) -> None:
    """Draw what is behind the points: the diagonal, and in gray where features are that exist at a threshold."""
    axes.fill_between([threshold, 1.02], -0.02, threshold, color="0.92", zorder=0)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="birth", ylabel="death", aspect="equal")


def plot_persistence_diagrams(
    path: PathLike,
    likelihoods: Mapping[str, ArrayLike | torch.Tensor],
    *,
    title: str = "",
    dims: tuple[int, ...] | None = None,
    connectivity: int | None = None,
    frame: bool = False,
    min_persistence: float = 0.05,
) -> Path:
    """Write a PNG of persistence diagrams side by side.

    Args:
        path: PNG file to write.
        likelihoods: title to likelihood, each ``(H, W[, D])`` in [0, 1].
        title: Title of the picture: say which part of a volume is shown.
        dims: homology dimensions; None is all below the number of axes.
        connectivity: connectivity of the foreground: None is full, 1 is face.
        frame: whether the diagrams are relative to a frame of foreground.
        min_persistence: points nearer to the diagonal are left out.

    Returns:
        The path.

    Example:
        >>> import numpy as np
        >>> likelihood = np.array([[0.9, 0.2, 0.8]])
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_persistence_diagrams(f"{folder}/picture.png", {"network": likelihood})
        ...     path.name
        'picture.png'
    """
    figure, axes = new_figure(1, len(likelihoods))
    for cell, (name, likelihood) in zip(axes[0], likelihoods.items(), strict=True):
        plot_persistence_diagram(
            cell,
            likelihood,
            dims=dims,
            connectivity=connectivity,
            frame=frame,
            min_persistence=min_persistence,
            title=name,
        )
    figure.suptitle(title)
    return save_png(figure, path)
