"""Pictures of the worst cases."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from tqdm import tqdm

from monai_topo.commands.evaluation.case import comparisons, fits, read_pair
from monai_topo.commands.evaluation.metric_table import higher_is_better
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.pairs import Pair
from monai_topo.commands.evaluation.report import Row, columns_of
from monai_topo.data import Volume
from monai_topo.topology import betti_numbers, list_features
from monai_topo.visualize import (
    find_topology_errors,
    plot_cells,
    plot_features,
    plot_surfaces,
    plot_topology_errors,
    shows_in_projection,
    write_feature_map,
)

NUM_FIGURES = 3
"""So many cases are drawn."""


def worst_rows(rows: Sequence[Row], count: int = NUM_FIGURES) -> tuple[str, list[Row]]:
    """The column that decides, the sum of Betti errors or else the first, and the rows that are worst in it.

    Example:
        >>> worst_rows([Row("a", None, {"ccq.quality": 0.9}), Row("b", None, {"ccq.quality": 0.1})], count=1)
        ('ccq.quality', [Row(case='b', label=None, scores={'ccq.quality': 0.1}, held=True)])
    """
    columns = columns_of(rows)
    column = "betti_error.sum" if "betti_error.sum" in columns else columns[0]
    sign = 1 if higher_is_better(column) else -1
    defined = [row for row in rows if not math.isnan(row.scores[column])]
    return column, sorted(defined, key=lambda row: sign * row.scores[column])[:count]


def draw_worst(pairs: Sequence[Pair], rows: Sequence[Row], options: Options, folder: Path) -> list[Path]:
    """Draw the worst cases: extra or missing components, loops and cavities of masks, the cells of instances.

    Volumes of tubes are drawn in 3D beside (:func:`~monai_topo.visualize.plot_surfaces`).

    Args:
        pairs: files of the cases.
        rows: their numbers.
        options: options of the evaluation.
        folder: gets a PNG for each case and class, of its name.

    Returns:
        The paths of the pictures, worst first.
    """
    column, worst = worst_rows(rows)
    files = {pair.name: pair for pair in pairs}
    drawn = []
    for row in tqdm(worst, desc="draw", unit="case"):
        if not fits(files[row.case], options):
            sys.stderr.write(f"not drawn: {row.case}: a picture needs whole volumes, which do not fit into memory\n")
            continue
        volumes = read_pair(files[row.case], options)
        predicted, true = next((p, t) for number, p, t in comparisons(*volumes, options) if number == row.label)
        name = row.case if row.label is None else f"{row.case}_label_{row.label}"
        score = f"{name}: {column} {row.scores[column]:.4g}"
        if options.instances == "labels":
            grid = _grid(volumes[1], options)
            drawn.append(plot_cells(folder / f"{name}.png", predicted, label=true, **grid, title=score))
        else:
            drawn += _draw_masks(folder, name, predicted, true, options, volumes[1], score)
    return drawn


def _grid(label: Volume, options: Options) -> dict[str, Any]:
    spacing = options.spacing if isinstance(options.spacing, tuple) else label.known_spacing
    return {"spacing": spacing or 1.0, "unit": label.unit if spacing == label.known_spacing else None}


def _draw_masks(
    folder: Path,
    name: str,
    predicted: NDArray[Any],
    true: NDArray[Any],
    options: Options,
    label: Volume,
    score: str,
) -> list[Path]:
    counts = [betti_numbers(mask, options.connectivity, frame=options.frame) for mask in (true, predicted)]
    title = f"{score}\nBetti numbers {counts[0]}, predicted {counts[1]}"
    errors = find_topology_errors(predicted, true, options.connectivity, options.frame)
    drawn = [plot_topology_errors(folder / f"{name}.png", predicted, true, errors, title)]
    if true.ndim == 3 and shows_in_projection(true):
        grid = _grid(label, options)
        drawn.append(plot_surfaces(folder / f"{name}_surface.png", predicted, true, errors, **grid, title=score))
    if "betti_matching_error" in options.metrics:
        drawn.append(_draw_features(folder, name, predicted, true, options, label.affine))
    return drawn


def _draw_features(
    folder: Path, name: str, predicted: NDArray[Any], true: NDArray[Any], options: Options, affine: NDArray[Any] | None
) -> Path:
    """The features that match, are missing or extra: a picture, and for volumes a NIfTI overlay beside it."""
    features = list_features(predicted, true, options.connectivity, frame=options.frame)
    if true.ndim == 3:
        write_feature_map(folder / f"{name}_features.nii.gz", features, true.shape, affine)
    return plot_features(folder / f"{name}_features.png", predicted, true, features)
