"""Ignite handler that draws the volumes that an evaluator scores: trees in 3D, cells as sections and a cut volume."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.config import PathLike
from monai.data import MetaTensor
from monai.utils import IgniteInfo, min_version, optional_import
from numpy.typing import NDArray

from monai_topo.data import stem_of, voxel_sizes
from monai_topo.handlers.ranks import is_first_rank
from monai_topo.topology import label_components
from monai_topo.visualize import find_topology_errors, plot_cells, plot_surfaces

if TYPE_CHECKING:
    from ignite.engine import Engine, Events
else:
    Events, _ = optional_import("ignite.engine", IgniteInfo.OPT_IMPORT_VERSION, min_version, "Events")

KINDS = ("surfaces", "walls", "cells")


class SegmentationPictures:
    """Draws the first volumes of an evaluation as PNG files, ``<volume>_<key>.png``.

    ``"surfaces"`` are trees in 3D with missing parts in red, extra ones in blue and a circle at each topology error
    (:func:`~monai_topo.visualize.plot_surfaces`). ``"cells"`` are colored sections and the volume with a corner cut
    away (:func:`~monai_topo.visualize.plot_cells`), and so are ``"walls"``, whose cells are the components between
    them. In a distributed run rank 0 draws.

    Args:
        output_dir: folder for the pictures.
        kinds: key of a result in the engine's output to its kind. A result that an item lacks is left out.
        label_key: key of the mask that surfaces and walls are compared with.
        ids_key: key of the ids that cells are compared with; where an item lacks it, cells are drawn alone.
        max_volumes: largest number of volumes that are drawn.
        connectivity: connectivity of the foreground: None is full (26), 1 is face (6).

    Raises:
        ValueError: for an unknown kind or a negative number of volumes; when called, for a volume that cannot be drawn.

    Example:
        >>> from ignite.engine import Engine
        >>> import os, tempfile
        >>> tube = torch.zeros(1, 20, 5, 6)
        >>> tube[:, :, 1:4, 2:4] = 1
        >>> evaluator = Engine(lambda engine, batch: [{"pred": tube, "label": tube}])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     SegmentationPictures(folder, {"pred": "surfaces"}).attach(evaluator)
        ...     _ = evaluator.run([0])
        ...     os.listdir(folder)
        ['volume_1_pred.png']
    """

    def __init__(
        self,
        output_dir: PathLike,
        kinds: Mapping[str, str],
        label_key: str = "label",
        ids_key: str = "true_ids",
        max_volumes: int = 4,
        connectivity: int | None = None,
    ) -> None:
        if unknown := sorted(set(kinds.values()) - set(KINDS)):
            raise ValueError(f"kinds must be of {KINDS}, got {unknown}.")
        if max_volumes < 0:
            raise ValueError(f"max_volumes must be 0 or more, got {max_volumes!r}.")
        self.output_dir = Path(output_dir)
        self.kinds = dict(kinds)
        self.label_key = label_key
        self.ids_key = ids_key
        self.max_volumes = max_volumes
        self.connectivity = connectivity
        self._drawn = 0

    def attach(self, engine: Engine) -> None:
        """Register with an engine.

        Args:
            engine: evaluator whose output is a list of items, as MONAI's engines have it.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Draw the items of a batch, on rank 0."""
        if not is_first_rank():
            return
        for item in engine.state.output:
            if self._drawn < self.max_volumes:
                self._drawn += 1
                self._draw(item)

    def _begin(self, engine: Engine) -> None:
        self._drawn = 0

    def _draw(self, item: Mapping[str, Any]) -> None:
        for key, kind in self.kinds.items():
            if item.get(key) is not None:
                path = self.output_dir / f"{self._name(item)}_{key}.png"
                draw = self._draw_surfaces if kind == "surfaces" else self._draw_cells
                draw(path, key, kind, item)

    def _draw_surfaces(self, path: Path, key: str, kind: str, item: Mapping[str, Any]) -> None:
        result, label = (_channel(item[name], name) > 0 for name in (key, self.label_key))
        errors = find_topology_errors(result, label, self.connectivity)
        spacing = _spacing(item[self.label_key])
        plot_surfaces(
            path, result, label, errors, spacing=spacing, title=f"{path.stem}: topology errors: {len(errors)}"
        )

    def _draw_cells(self, path: Path, key: str, kind: str, item: Mapping[str, Any]) -> None:
        true_key = self.label_key if kind == "walls" else self.ids_key
        true = None if item.get(true_key) is None else _channel(item[true_key], true_key)
        cells = _channel(item[key], key)
        if kind == "walls":
            # The background has the connectivity that the walls have not.
            full = self.connectivity == 1
            cells = label_components(cells == 0, full)
            true = None if true is None else label_components(true == 0, full)
        image = None if item.get("image") is None else _channel(item["image"], "image")
        title = f"{path.stem}: cells: {len(np.unique(cells[cells > 0]))}"
        plot_cells(path, cells, image, true, spacing=_spacing(item[key]), title=title)

    def _name(self, item: Mapping[str, Any]) -> str:
        found = (getattr(value, "meta", {}).get("filename_or_obj") for value in item.values())
        return next((stem_of(str(name)) for name in found if name), f"volume_{self._drawn}")


def _channel(tensor: torch.Tensor, key: str) -> NDArray[Any]:
    """The one channel of an item's volume."""
    if len(tensor) != 1:
        raise ValueError(f"{key!r} must have one channel to be drawn, got {len(tensor)}: leave it out of kinds.")
    return np.asarray(torch.as_tensor(tensor[0]).detach().cpu())


def _spacing(tensor: torch.Tensor) -> tuple[float, ...] | float:
    ndim = tensor.ndim - 1
    return voxel_sizes(np.asarray(tensor.affine), ndim) if isinstance(tensor, MetaTensor) else 1.0
