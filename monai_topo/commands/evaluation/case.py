"""One case: read, brought to one grid, and scored."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.commands.evaluation.block_scores import (
    blocks_shown,
    check_fits,
    comparisons_by_blocks,
    memory_of_whole,
    metrics_by_blocks,
    note_on_blocks,
)
from monai_topo.commands.evaluation.metric_table import build_metric, compute, metric_of
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.pairs import TRACING, Pair
from monai_topo.commands.evaluation.report import CaseResult, Row
from monai_topo.commands.evaluation.values import to_ids, to_labels, to_mask
from monai_topo.data import SWCReader, Volume, on_grid_of, open_volume, opens_by_blocks, read_volume, state_of
from monai_topo.graphs import in_voxels, read_swc

if TYPE_CHECKING:
    import networkx

PACKAGES = ("monai_topo", "monai", "numpy", "scipy", "scikit-image", "networkx", "torch", "numba")

TRACED = "traced_graph"
"""Name under which the facts of a drawn label hold the graph that it was drawn of."""

Comparison = tuple[int | None, NDArray[Any], NDArray[Any]]
"""Number of the class, predicted and true mask; or no number, and two masks or two label maps."""


def score_case(pair: Pair, options: Options) -> CaseResult:
    """Numbers of one case, a row for each class.

    Raises:
        ValueError: when a file cannot be read or is not what the options say.
    """
    with _noted() as notes:
        if is_by_blocks(pair):
            return _score_by_blocks(pair, options, notes)
        prediction, label = read_pair(pair, options)
        spacing, unit = _voxel_size(prediction, label, options)
        rows = [
            Row(
                pair.name,
                number,
                score_masks(predicted, true, options, spacing, tracing=tracing_of(label, number)),
                bool(predicted.any() or true.any()),
            )
            for number, predicted, true in comparisons(prediction, label, options)
        ]
    return CaseResult(rows, list(dict.fromkeys(notes)), label.array.shape, spacing, unit)


def _score_by_blocks(pair: Pair, options: Options, notes: list[str]) -> CaseResult:
    """The same numbers of volumes that are read by blocks; metrics without such a form read them whole, if they fit."""
    prediction, label = read_pair(pair, options, open_volume)
    spacing, unit = _voxel_size(prediction, label, options)
    others = [name for name in options.metrics if name not in metrics_by_blocks(options)]
    whole: dict[int | None, dict[str, float]] = {}
    if others:
        check_fits((prediction, label), others, options)
        for number, predicted, true in comparisons(*read_pair(pair, options), options):
            whole[number] = score_masks(predicted, true, options, spacing, others)
    rows = []
    with blocks_shown(pair.name):
        compared = [(*one, one[1].scores(), one[1].held()) for one in comparisons_by_blocks(prediction, label, options)]
    for number, _, scores, held in compared:
        found = {**scores, **whole.get(number, {})}
        ordered = {column: found[column] for name in options.metrics for column in found if metric_of(column) == name}
        rows.append(Row(pair.name, number, ordered, held))
    lines = list(dict.fromkeys([note_on_blocks(label, options), *notes]))
    return CaseResult(rows, lines, label.array.shape, spacing, unit)


def is_by_blocks(pair: Pair) -> bool:
    """Whether a case is read by blocks: one of its volumes at least is kept in blocks, and none is a tracing."""
    paths = (pair.prediction, pair.label)
    return any(map(opens_by_blocks, paths)) and not pair.label.name.lower().endswith(TRACING)


def fits(pair: Pair, options: Options) -> bool:
    """Whether memory holds both volumes of a case."""
    if not is_by_blocks(pair):
        return True
    needed, limit = memory_of_whole(read_pair(pair, options, open_volume))
    return needed <= limit


def tracing_of(label: Volume, number: int | None) -> networkx.Graph | None:
    """The graph that a label was drawn of, for the class that it draws; None for any other label or class."""
    return label.facts.get(TRACED) if number in (None, 1) else None


def check_in_memory(pair: Pair, options: Options, work: str) -> None:
    """Refuse a case whose volumes memory does not hold.

    Args:
        pair: files of the case.
        options: options that define the numbers.
        work: option whose work needs whole volumes.

    Raises:
        ValueError: naming the option.
    """
    if not fits(pair, options):
        raise ValueError(f"{work} needs whole volumes, and memory does not hold these: crop both.")


def score_masks(
    prediction: NDArray[Any],
    label: NDArray[Any],
    options: Options,
    spacing: Sequence[float] | None = None,
    metrics: Sequence[str] | None = None,
    tracing: networkx.Graph | None = None,
) -> dict[str, float]:
    """Column to number, of one pair of masks or label maps on one grid.

    Args:
        prediction: bool, or ids of instances.
        label: the same shape.
        options: options that define the numbers.
        spacing: voxel size of the file, for options that ask for it.
        metrics: some of those of the options; None for all.
        tracing: graph that the label was drawn of, if it was.

    Example:
        >>> score_masks(np.eye(3) > 0, np.zeros((3, 3)) > 0, Options(metrics=("euler_error",)))
        {'euler_error': 1.0}
    """
    scores: dict[str, float] = {}
    for name in options.metrics if metrics is None else metrics:
        scores |= compute(name, build_metric(name, options.arguments(spacing)), prediction, label, tracing)
    return scores


def read_pair(pair: Pair, options: Options, read: Callable[..., Volume] = read_volume) -> tuple[Volume, Volume]:
    """Prediction and label, on the label's grid; a tracing is drawn on the prediction's.

    Args:
        pair: files of the case.
        options: options that define the numbers.
        read: function that reads a file, or opens it to be read by blocks.

    Raises:
        ValueError: when a file cannot be read, or flips and permutations of axes do not bring both to one grid.
    """
    if pair.prediction.samefile(pair.label) and options.pred_dataset == options.label_dataset:
        raise ValueError(f"prediction and label are one file, {pair.label}.")
    spacing = options.spacing if isinstance(options.spacing, tuple) else None
    prediction = read(pair.prediction, dataset=options.pred_dataset, spacing=spacing)
    if pair.label.name.lower().endswith(TRACING):
        return prediction, _draw(pair, prediction, options)
    label = read(pair.label, dataset=options.label_dataset, spacing=spacing)
    return on_grid_of(prediction, label), label


def _draw(pair: Pair, prediction: Volume, options: Options) -> Volume:
    """A tracing as a mask on the grid of the prediction."""
    if prediction.known_spacing is None and options.swc_unit == "physical":
        raise ValueError(
            f"{pair.prediction} does not know its voxel size, which places {pair.label} on its grid: "
            "give --spacing, or --swc-unit voxel if the tracing counts voxels."
        )
    reader = SWCReader(
        options.swc_mode, prediction.array.shape, prediction.spacing, options.swc_unit, options.swc_origin
    )
    drawn = reader.read_volume(pair.label)
    return replace(
        prediction, array=drawn.array, path=pair.label, facts={TRACED: _read_tracing(pair, prediction, options)}
    )


def _read_tracing(pair: Pair, prediction: Volume, options: Options) -> networkx.MultiGraph:
    """The graph of a tracing on the grid of the prediction, in the unit of the distances."""
    ndim = prediction.array.ndim
    spacing = prediction.spacing[:ndim]
    graph = read_swc(pair.label, spacing=spacing, unit=options.swc_unit, origin=options.swc_origin, axes="xyz"[:ndim])
    return in_voxels(graph) if options.spacing is None else graph


def _voxel_size(prediction: Volume, label: Volume, options: Options) -> tuple[tuple[float, ...] | None, str | None]:
    """Voxel size and unit of a case, as far as a file knows them."""
    knowing = next((volume for volume in (label, prediction) if volume.known_spacing is not None), None)
    if knowing is None and options.spacing == "file":
        raise ValueError("neither file holds a voxel size: give it by --spacing.")
    return (None, None) if knowing is None else (knowing.known_spacing, label.unit or prediction.unit)


def comparisons(prediction: Volume, label: Volume, options: Options) -> Iterator[Comparison]:
    """What is compared: each class of label maps, or two masks or maps of instances at once."""
    if options.instances == "labels":
        yield None, _of(prediction, to_ids), _of(label, to_ids)
    elif options.labels:
        predicted, true = _of(prediction, to_labels), _of(label, to_labels)
        for number in options.labels:
            yield number, predicted == number, true == number
    else:
        predicted = _of(prediction, to_mask, options.threshold)
        yield None, predicted, _of(label, to_mask, options.label_threshold, "--label-threshold")


def _of(volume: Volume, meaning: Any, *arguments: Any) -> NDArray[Any]:
    try:
        return np.asarray(meaning(volume.array, *arguments))
    except ValueError as error:
        raise ValueError(f"{volume.path}: {error}") from None


@contextmanager
def _noted() -> Iterator[list[str]]:
    """What readers and metrics warn of or report, as lines of a report instead of the terminal's."""
    notes: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: notes.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("monai_topo.metrics")
    level = logger.level
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield notes
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
            own = [one for one in caught if issubclass(one.category, (UserWarning, RuntimeWarning))]
            notes += [str(one.message).partition("\n")[0] for one in own]


def fingerprint(pair: Pair, options: Options) -> str:
    """Digest of all that the numbers of a case depend on: its files, the options, the versions."""
    files = [state for path in (pair.prediction, pair.label) for state in state_of(path)]
    return hashlib.sha256(json.dumps([files, asdict(options), versions()]).encode()).hexdigest()


def versions() -> Mapping[str, str]:
    """Versions of what computes the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
