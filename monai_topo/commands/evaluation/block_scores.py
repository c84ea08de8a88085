"""Scores of volumes that are read by blocks: which metrics have a form by blocks, and what becomes of the others."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tqdm import tqdm

from monai_topo import blockwise
from monai_topo.commands.evaluation.block_values import ids_by_blocks, labels_by_blocks, mask_by_blocks
from monai_topo.commands.evaluation.options import Options
from monai_topo.data import Volume, scale_package
from monai_topo.metrics import AdaptedRandErrorMetric

_BYTES_OF_WORK = 16  # bytes for each voxel that metrics of whole volumes take beside the files' own


@dataclass(frozen=True)
class BlockPair:
    """Two masks or two volumes of ids on one grid, as dask arrays; what several metrics need is computed once.

    Attributes:
        predicted: bool, or uint64 ids.
        true: the same shape.
        options: options that define the numbers.
    """

    predicted: Any
    true: Any
    options: Options

    @cached_property
    def counts(self) -> blockwise.OverlapCounts:
        """Voxels of the masks."""
        return blockwise.overlap_counts(self.predicted, self.true)

    @cached_property
    def table(self) -> blockwise.ContingencyTable:
        """Voxels that instances share."""
        axis = self.options.section_axis
        if self.options.instances == "labels":
            return blockwise.contingency_table(self.predicted, self.true, section_axis=axis)
        ids = [self._components(mask, axis) for mask in (self.predicted, self.true)]
        return blockwise.contingency_table(*ids)

    def _components(self, mask: Any, axis: int | None) -> Any:
        full = self.options.connectivity is None
        if self.options.instances == "background":
            mask, full = ~mask, not full
        return blockwise.label_components(mask, None if full else 1, section_axis=axis)

    def held(self) -> bool:
        """Whether one of the two has a voxel that is not 0."""
        if self.options.instances != "labels":
            return self.counts.predicted + self.counts.true > 0
        return bool(len(self.table.voxels)) or bool(self.predicted.max().compute())

    def scores(self) -> dict[str, float]:
        """Column to number, of the metrics that have a form by blocks."""
        found: dict[str, float] = {}
        for name in metrics_by_blocks(self.options):
            found |= _SCORES[name](self)
        return found


def _pixel(pair: BlockPair) -> dict[str, float]:
    both, predicted, true, scored = pair.counts
    accuracy = (scored - predicted - true + 2 * both) / scored
    if true == 0:
        shares = dict.fromkeys(("dice", "quality", "correctness", "completeness"), math.nan)
    elif predicted == 0:
        shares = dict.fromkeys(("dice", "quality", "correctness", "completeness"), 0.0)
    else:
        quality = both / (predicted + true - both)
        shares = {
            "dice": 2 * quality / (1 + quality),
            "quality": quality,
            "correctness": both / predicted,
            "completeness": both / true,
        }
    return {f"pixel.{name}": value for name, value in {**shares, "accuracy": accuracy}.items()}


def _betti_error(pair: BlockPair) -> dict[str, float]:
    options = pair.options
    counts = [
        blockwise.betti_numbers(mask, options.connectivity, frame=options.frame) for mask in (pair.predicted, pair.true)
    ]
    errors = {str(k): float(abs(p - t)) for k, (p, t) in enumerate(zip(*counts, strict=True))}
    return {f"betti_error.{name}": value for name, value in {**errors, "sum": sum(errors.values())}.items()}


def _euler_error(pair: BlockPair) -> dict[str, float]:
    numbers = [blockwise.euler_characteristic(mask, pair.options.connectivity) for mask in (pair.predicted, pair.true)]
    return {"euler_error": float(abs(numbers[0] - numbers[1]))}


def _adapted_rand_error(pair: BlockPair) -> dict[str, float]:
    variant = AdaptedRandErrorMetric().variant
    return {"adapted_rand_error": pair.table.adapted_rand_error(variant).error}


def _variation_of_information(pair: BlockPair) -> dict[str, float]:
    split, merge = pair.table.variation_of_information()
    found = {"sum": split + merge, "split": split, "merge": merge}
    return {f"variation_of_information.{name}": value for name, value in found.items()}


_SCORES: dict[str, Callable[[BlockPair], dict[str, float]]] = {
    "pixel": _pixel,
    "betti_error": _betti_error,
    "euler_error": _euler_error,
    "adapted_rand_error": _adapted_rand_error,
    "variation_of_information": _variation_of_information,
}


def metrics_by_blocks(options: Options) -> list[str]:
    """The metrics that are computed by blocks: those of whole volumes that have such a form."""
    return [name for name in options.metrics if name in _SCORES and (name != "betti_error" or not options.patch_size)]


def comparisons_by_blocks(
    prediction: Volume, label: Volume, options: Options
) -> Iterator[tuple[int | None, BlockPair]]:
    """What is compared, as :func:`comparisons` of the whole: each class, two masks, or two maps of instances."""
    if options.instances == "labels":
        yield None, BlockPair(ids_by_blocks(prediction), ids_by_blocks(label), options)
    elif options.labels:
        predicted, true = labels_by_blocks(prediction), labels_by_blocks(label)
        for number in options.labels:
            yield number, BlockPair(predicted == number, true == number, options)
    else:
        predicted = mask_by_blocks(prediction, options.threshold)
        yield None, BlockPair(predicted, mask_by_blocks(label, options.label_threshold, "--label-threshold"), options)


def memory_of_whole(volumes: Sequence[Volume]) -> tuple[int, int]:
    """Bytes that volumes take that are read and scored whole, and bytes that there are."""
    each = _BYTES_OF_WORK + sum(volume.array.dtype.itemsize for volume in volumes)
    return math.prod(volumes[0].array.shape) * each, int(scale_package("distributed.system").MEMORY_LIMIT)


def check_fits(volumes: Sequence[Volume], metrics: Sequence[str], options: Options) -> None:
    """Refuse to read volumes whole that do not fit into memory.

    Raises:
        ValueError: saying for which metrics, how much it takes and what to do.
    """
    needed, limit = memory_of_whole(volumes)
    if needed <= limit:
        return
    instead = metrics_by_blocks(options)
    advice = f"say --metrics {' '.join(instead)}, or crop both" if instead else "crop both, or take another metric"
    raise ValueError(
        f"{', '.join(metrics)} need whole volumes, about {needed / 1e9:.0f} GB of {limit / 1e9:.0f} GB of memory: "
        f"{advice}."
    )


@contextmanager
def blocks_shown(case: str) -> Iterator[None]:
    """A bar on the terminal for the blocks of a case, pass by pass; in other processes than the first there is none."""
    hidden = None if multiprocessing.parent_process() is None else True
    with tqdm(desc=case, unit="step", leave=False, disable=hidden) as bar:

        def start(graph: Mapping[Any, Any]) -> None:
            bar.reset(len(graph))

        def step(*_: Any) -> None:
            bar.update()

        with scale_package("dask.callbacks").Callback(start=start, posttask=step):
            yield


def note_on_blocks(volume: Volume, options: Options) -> str:
    """The line of the report on what was computed by blocks, and what was not."""
    found = metrics_by_blocks(options)
    whole = [name for name in options.metrics if name not in found]
    if not found:
        return f"of volumes read whole: {', '.join(whole)}"
    blocks: Any = volume.array
    block = " x ".join(str(max(sizes)) for sizes in blocks.chunks)
    line = f"by blocks of up to {block} voxels: {', '.join(found)}"
    return f"{line}; of volumes read whole: {', '.join(whole)}" if whole else line
