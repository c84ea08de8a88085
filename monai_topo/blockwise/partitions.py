"""Scores of instance segmentations by blocks, from one sparse table of how many voxels two ids share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_topo.blockwise.arrays import check_section_axis, join_blocks, to_block_pair

VARIANTS = ("skimage", "cremi")


class RandScores(NamedTuple):
    """The adapted Rand error and what it is made of, in scikit-image's order.

    Example:
        >>> RandScores(error=0.1, precision=0.85, recall=0.95).error
        0.1
    """

    error: float
    precision: float
    recall: float


class InformationScores(NamedTuple):
    """The two halves of the variation of information, in bits: what is split, and what is merged.

    Example:
        >>> InformationScores(split=0.2, merge=1.5).merge
        1.5
    """

    split: float
    merge: float


@dataclass(frozen=True)
class ContingencyTable:
    """How many voxels of each true instance each predicted segment has.

    Attributes:
        predicted: ``(n,)`` uint64 ids, 0 among them.
        true: ``(n,)`` uint64 ids, none of them 0; the pairs are sorted by these and then by the predicted.
        voxels: ``(n,)`` number of voxels of each pair, more than 0.
        scored: number of all voxels that are not ignored, those of true id 0 included.

    Example:
        >>> import numpy as np
        >>> table = contingency_table(np.array([[1, 1, 5, 0]]), np.array([[2, 2, 2, 0]]))
        >>> table.voxels
        array([2, 1])
    """

    predicted: NDArray[np.uint64]
    true: NDArray[np.uint64]
    voxels: NDArray[np.int64]
    scored: int

    def adapted_rand_error(self, variant: str = "skimage") -> RandScores:
        """See :func:`monai_topo.blockwise.adapted_rand_error`."""
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {VARIANTS}, got {variant!r}.")
        of_true, of_predicted = self._sums(self.true), self._sums(self.predicted)
        if variant == "skimage":
            both, true, predicted = (_pairs(counts) for counts in (self.voxels, of_true, of_predicted))
            return _rand_scores(both, true, predicted, swapped=True)
        joined = self.predicted > 0
        alone = float(self.voxels[~joined].sum()) / self.scored if self.scored else 0.0
        of_joined = _sums_by(self.predicted[joined], self.voxels[joined])
        both, true, predicted = (_squares(counts) for counts in (self.voxels[joined], of_true, of_joined))
        return _rand_scores(both + alone, true, predicted + alone, swapped=False)

    def variation_of_information(self) -> InformationScores:
        """See :func:`monai_topo.blockwise.variation_of_information`."""
        if not len(self.voxels):
            return InformationScores(np.nan, np.nan)
        return InformationScores(self._entropy_within(self.true), self._entropy_within(self.predicted))

    def _sums(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        return _sums_by(ids, self.voxels)

    def _entropy_within(self, ids: NDArray[np.uint64]) -> float:
        """Entropy of the pairs, given one of the two."""
        _, place = np.unique(ids, return_inverse=True)
        share = self.voxels / self._sums(ids)[place]
        bits = -float((self.voxels * np.log2(share)).sum()) / int(self.voxels.sum())
        return round(abs(bits), 12)


def contingency_table(
    prediction: Any, target: Any, *, ignore_index: int | None = None, section_axis: int | None = None
) -> ContingencyTable:
    """Count the voxels that each predicted segment shares with each true instance, block by block.

    All scores of partitions follow from it, so that a volume is read once for several. It is computed at the call, by
    dask's current scheduler; memory grows with the number of pairs of ids that overlap.

    Args:
        prediction: Ids, ``(H, W)`` or ``(H, W, D)``, integers from 0 to 2^64 - 1: a dask array with any blocks, or a
            NumPy or zarr array.
        target: True ids, the same shape; its blocks may be others. Voxels of id 0 are not scored.
        ignore_index: id of ``target`` whose voxels are not scored either, and do not count as voxels.
        section_axis: axis along which no two sections share an instance; ids are then numbered anew. None takes the
            volume whole.

    Raises:
        ValueError: when the shapes differ, ids are no integers or negative, ``section_axis`` is no axis, and as
            :func:`monai_topo.blockwise.betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import numpy as np
        >>> table = contingency_table(np.array([[1, 1, 5, 0]]), np.array([[2, 2, 2, 0]]))
        >>> table.predicted.tolist(), table.true.tolist(), table.voxels.tolist(), table.scored
        ([1, 5], [2, 2], [2, 1], 4)
    """
    first, second, axes = to_block_pair(prediction, target)
    for array, name in ((first, "prediction"), (second, "target")):
        if array.dtype.kind not in "bui":
            raise ValueError(
                f"{name} must hold ids as integers, got {array.dtype}: threshold or label it, or read it as integers."
            )
    axis = None if section_axis is None else check_section_axis(section_axis, axes)
    summarize = partial(_tabulate_sections, axis=axis, ignore_index=ignore_index)
    predicted, true, voxels, scored = _one_table(join_blocks(summarize, _add_sections, first, second))
    order = np.lexsort((predicted, true))
    return ContingencyTable(predicted[order], true[order], voxels[order], scored)


def adapted_rand_error(
    prediction: Any,
    target: Any,
    *,
    variant: str = "skimage",
    ignore_index: int | None = None,
    section_axis: int | None = None,
) -> RandScores:
    """Adapted Rand error, block by block: that of :class:`monai_topo.metrics.AdaptedRandErrorMetric` of the whole.

    Args:
        prediction: Ids, as for :func:`contingency_table`.
        target: True ids, the same shape.
        variant: ``"skimage"`` or ``"cremi"``, see the metric.
        ignore_index: id of ``target`` whose voxels are not scored.
        section_axis: axis along which no two sections share an instance; None takes the volume whole.

    Returns:
        ``(error, precision, recall)``, NaN where there is no true instance, or none of two voxels in either.

    Raises:
        ValueError: for an unknown variant, and as :func:`contingency_table`.
        TypeError: for what is no array.

    Example:
        >>> import numpy as np
        >>> true = np.repeat([[1, 1, 1, 1, 2, 2, 2, 2]], 4, axis=0)
        >>> round(adapted_rand_error(np.ones_like(true), true).error, 4)  # all merged
        0.3478
    """
    table = contingency_table(prediction, target, ignore_index=ignore_index, section_axis=section_axis)
    return table.adapted_rand_error(variant)


def variation_of_information(
    prediction: Any, target: Any, *, ignore_index: int | None = None, section_axis: int | None = None
) -> InformationScores:
    """Variation of information, block by block: :class:`monai_topo.metrics.VariationOfInformationMetric` of the whole.

    Args:
        prediction: Ids, as for :func:`contingency_table`.
        target: True ids, the same shape.
        ignore_index: id of ``target`` whose voxels are not scored.
        section_axis: axis along which no two sections share an instance; None takes the volume whole.

    Returns:
        ``(split, merge)`` in bits, NaN where there is no true instance.

    Raises:
        ValueError: as :func:`contingency_table`.
        TypeError: for what is no array.

    Example:
        >>> import numpy as np
        >>> variation_of_information(np.array([[1, 1, 2, 2]]), np.array([[1, 1, 1, 1]]))
        InformationScores(split=1.0, merge=0.0)
    """
    table = contingency_table(prediction, target, ignore_index=ignore_index, section_axis=section_axis)
    return table.variation_of_information()


_Counts = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64], int]


_Sections = dict[tuple[int, int], _Counts]
"""The counts of each section, by the number of its block and its place in it; one entry where there are none."""


def _tabulate_sections(
    prediction: NDArray[Any], target: NDArray[Any], axis: int | None, ignore_index: int | None, block_id: Any
) -> _Sections:
    if axis is None:
        return {(0, 0): _tabulate(prediction, target, ignore_index)}
    sections = zip(np.moveaxis(np.asarray(prediction), axis, 0), np.moveaxis(np.asarray(target), axis, 0), strict=True)
    return {(block_id[axis], place): _tabulate(*pair, ignore_index) for place, pair in enumerate(sections)}


def _add_sections(first: _Sections, second: _Sections, axis: int) -> _Sections:
    shared = {key: _add(counts, second[key]) for key, counts in first.items() if key in second}
    return {**first, **second, **shared}


def _one_table(sections: _Sections) -> _Counts:
    """All counts together; of several sections, each has ids of its own, but for 0."""
    tables = list(sections.values())
    if len(tables) == 1:
        return tables[0]
    predicted, true = _numbered_apart([table[0] for table in tables]), _numbered_apart([table[1] for table in tables])
    return predicted, true, np.concatenate([table[2] for table in tables]), sum(table[3] for table in tables)


def _numbered_apart(lists: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    found, last = [], 0
    for ids in lists:
        values, places = np.unique(ids, return_inverse=True)
        positive = values > 0
        numbers = np.where(positive, np.cumsum(positive) + last, 0)
        found.append(numbers[places].astype(np.uint64))
        last += int(positive.sum())
    return np.concatenate(found)


def _tabulate(prediction: NDArray[Any], target: NDArray[Any], ignore_index: int | None) -> _Counts:
    from monai_topo.topology import count_pairs

    predicted, true = np.asarray(prediction).ravel(), np.asarray(target).ravel()
    if ignore_index is not None:
        kept = true != ignore_index
        predicted, true = predicted[kept], true[kept]
    first, second = _as_ids(predicted, "prediction"), _as_ids(true, "target")
    predicted, true, voxels = count_pairs(first, second, np.empty(0, np.int64))
    instance = true > 0
    return predicted[instance], true[instance], voxels[instance], len(second)


def _as_ids(values: NDArray[Any], name: str) -> NDArray[np.uint64]:
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise ValueError(f"{name} must hold ids of at least 0, got {values.min()}: name it as ignore_index, or set 0.")
    return values.astype(np.uint64, copy=False)


def _add(first: _Counts, second: _Counts) -> _Counts:
    from monai_topo.topology import count_pairs

    both = [np.concatenate([a, b]) for a, b in zip(first[:3], second[:3], strict=True)]
    return (*count_pairs(*both), first[3] + second[3])


def _sums_by(ids: NDArray[np.uint64], voxels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Voxels of each id, in the order of the ids."""
    if not len(ids):
        return voxels
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(ids[order]) > 0))
    return np.asarray(np.add.reduceat(voxels[order], starts))


def _squares(counts: NDArray[np.int64]) -> float:
    return float(np.square(counts.astype(float)).sum())


def _pairs(counts: NDArray[np.int64]) -> float:
    """Twice the number of pairs of voxels within each count."""
    return float((counts.astype(float) * (counts - 1)).sum())


def _rand_scores(both: float, true: float, predicted: float, swapped: bool) -> RandScores:
    """Error, precision and recall; with ``swapped`` the latter two by the names that scikit-image has for them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = np.float64(both) / predicted, np.float64(both) / true
        error = 1 - 2 * np.float64(both) / (predicted + true)
    named = (recall, precision) if swapped else (precision, recall)
    return RandScores(float(error), float(named[0]), float(named[1]))
