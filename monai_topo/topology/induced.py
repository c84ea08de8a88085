"""Induced (Betti) matching: features of two fields belong together where they are one feature of their union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import check_dims, is_full_connectivity
from monai_topo.topology.common_features import FeaturesOfSide, common_features
from monai_topo.topology.compiled.threads import count_threads, map_in_threads
from monai_topo.topology.engines import get_image_function
from monai_topo.topology.field import sublevel_field, to_ordered_integers
from monai_topo.topology.matching import FieldMatching, MatchedPoints, Matching, check_counts, join_matched, join_rows
from monai_topo.topology.persistence import points_of_stack
from monai_topo.topology.points import DiagramPoints, Filtration, PersistencePairs
from monai_topo.topology.points_cache import PointsCache
from monai_topo.topology.stacks import Batch, map_stacks

_PARTS = 4
"""Parts of a matching that threads may share."""
_WORTH_A_THREAD = 2**15
"""Voxels from which another thread saves more than it takes to start."""


@dataclass(frozen=True)
class InducedMatching(FieldMatching):
    """The features of two fields on one grid, and which belong together through the comparison of both.

    Attributes:
        prediction_image: the voxel, for each feature of the prediction that is still one in the comparison, where it
            is born in the prediction and the one where it dies in the comparison. The essential class is left out.
        target_image: likewise for the target.

    Example:
        >>> match_induced(np.array([[0.9, 0.1, 0.8]]), np.array([[1.0, 0.0, 0.0]])).matchings[0].unmatched_first
        array([1])
    """

    prediction_image: PersistencePairs
    target_image: PersistencePairs


@dataclass(frozen=True)
class InducedPoints(MatchedPoints):
    """The points of two batches of fields, and which belong together through the comparisons.

    Attributes:
        prediction_image: those of the predictions' features that are still one in the comparison, born where they are
            in the prediction and dying where they do in the comparison. The essential class is left out.
        target_image: likewise for the targets.

    Example:
        >>> match_induced_batch(np.eye(3, 4)[None], np.eye(3, 4)[None]).matching.matched
        array([[0, 0]])
    """

    prediction_image: DiagramPoints
    target_image: DiagramPoints

    def field(self, patch: int) -> InducedMatching:
        """The features of one field."""
        sides = (self.prediction, self.target, self.prediction_image, self.target_image)
        prediction, target, *images = (points.pairs(patch) for points in sides)
        return InducedMatching(prediction, target, self.matchings(patch), *images)


def comparison(
    prediction: ArrayLike | torch.Tensor, target: ArrayLike | torch.Tensor, direction: str = "superlevel"
) -> NDArray[Any]:
    """The comparison of two fields: their maximum (superlevel) or minimum, whose level sets are the unions of theirs.

    Args:
        prediction: ``(H, W)`` or ``(H, W, D)``, finite.
        target: the same shape.
        direction: ``"superlevel"`` or ``"sublevel"``.

    Returns:
        A float array of the same shape.

    Raises:
        ValueError: for a bad shape, NaN or infinity, or two shapes.

    Example:
        >>> comparison([[0.25, 0.75]], [[0.5, 0.5]])
        array([[0.5 , 0.75]])
    """
    first, second = _two_fields(prediction, target, direction)
    joint = np.minimum(first, second)
    return sublevel_field(joint, direction)


def match_induced(
    prediction: ArrayLike | torch.Tensor,
    target: ArrayLike | torch.Tensor,
    *,
    direction: str = "superlevel",
    connectivity: int | None = None,
    dims: Sequence[int] | int | None = None,
    frame: bool = False,
    engine: str = "auto",
) -> InducedMatching:
    """Match the topological features of two fields in space (Stucki et al., ICML 2023; in 3D 2024).

    The level sets of both fields lie in those of their comparison, the unions. A feature of either field that is
    still a feature there dies in the comparison at some voxel; features of the two that die there as one and
    the same feature of the comparison are matched. So a loop is matched with a loop around the same hole,
    whatever their values, and never with another one elsewhere.

    Each field has its own total order (value, flat index), and so has the comparison. Features of one field
    that are born at one voxel are told apart in the order of their deaths, the longest first; features of the
    comparison that die at one voxel in the order of their births. The essential classes are matched. With ties, as in
    a binary target, which of several features that merge at one value is the matched one depends on flat indices.

    Args:
        prediction: one channel, ``(H, W)`` or ``(H, W, D)``: array or tensor of any real dtype, values finite.
        target: the same shape.
        direction: ``"superlevel"`` (for likelihoods) or ``"sublevel"`` (for distances).
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: homology dimensions wanted; None is all below the number of axes.
        frame: surround the fields by foreground and leave out the frame's own classes (relative homology).
        engine: ``"auto"`` or the name of an engine that has image persistence.

    Returns:
        The pairs of both fields and, for each dimension, the matching of their rows.

    Raises:
        ValueError: for a bad shape, NaN or infinity, an unknown option or an engine without image persistence.

    Example:
        >>> likelihood = [[0.9, 0.2, 0.7, 0.1, 0.8]]
        >>> truth = [[0.0, 0.0, 1.0, 0.0, 1.0]]
        >>> found = match_induced(likelihood, truth, dims=0)
        >>> found.prediction.birth[0], found.target.birth[0]
        (array([0, 2, 4]), array([2, 4]))
        >>> found.matchings[0].matched  # the component at voxel 4, and the two that never die
        array([[0, 0],
               [2, 1]])
    """
    filtration = Filtration(direction, connectivity, dims, frame, engine=engine)
    get_image_function(engine)  # refuses first of all
    first, second = _two_fields(prediction, target, direction)
    return _match_stacks(first[None], second[None], filtration).field(0)


def match_induced_batch(
    predictions: Batch,
    targets: Batch,
    *,
    direction: str = "superlevel",
    connectivity: int | None = None,
    dims: Sequence[int] | int | None = None,
    frame: bool = False,
    engine: str = "auto",
    num_threads: int | None = None,
    target_cache: PointsCache | None = None,
) -> InducedPoints:
    """Match many pairs of fields, such as the channels and patches of a batch, in parallel.

    Args:
        predictions: ``(N, H, W[, D])``, or a sequence of N fields that may differ in shape.
        targets: likewise.
        direction: this and the other options as for :func:`match_induced`.
        connectivity: connectivity of the foreground.
        dims: homology dimensions wanted.
        frame: whether to surround the fields by foreground.
        engine: ``"auto"`` or the name of an engine that has image persistence.
        num_threads: at most this many threads; None is one for each CPU core. The result does not depend on it.
        target_cache: None, or where the points of targets are kept that come again. Nor does it depend on this.

    Returns:
        The points of all fields in flat columns with the matching of their rows; ``found.field(n)`` is what
        :func:`match_induced` gives for pair n.

    Raises:
        ValueError: as :func:`match_induced`, when the numbers of fields differ, or ``num_threads`` is not positive.

    Example:
        >>> match_induced_batch(np.ones((2, 3, 3)), np.ones((2, 3, 3))).matching.matched
        array([[0, 0],
               [1, 1]])
    """
    check_counts(predictions, targets)
    filtration = Filtration(direction, connectivity, dims, frame, engine=engine)
    get_image_function(engine)
    batches = {"predictions": predictions, "targets": targets}
    across, all_threads = (count_threads(num_threads, part * len(predictions)) for part in (1, _PARTS))
    of_stacks = partial(_match_stacks, filtration=filtration, cache=target_cache, threads=all_threads // across)
    found = map_stacks(of_stacks, batches, direction, num_threads)
    if len(found) == 1:
        return found[0]
    joined = join_matched(found, filtration)
    images = ([part.prediction_image for part in found], [part.target_image for part in found])
    of_first, of_second = (DiagramPoints.join(side, filtration) for side in images)
    return InducedPoints(joined.prediction, joined.target, joined.matching, of_first, of_second)


def _two_fields(prediction: Any, target: Any, direction: str) -> tuple[NDArray[Any], NDArray[Any]]:
    first, second = sublevel_field(prediction, direction), sublevel_field(target, direction)
    if first.shape != second.shape:
        raise ValueError(f"prediction and target must have one shape, got {first.shape} and {second.shape}.")
    return first, second


def _match_stacks(
    first: NDArray[Any],
    second: NDArray[Any],
    filtration: Filtration,
    cache: PointsCache | None = None,
    threads: int = 1,
) -> InducedPoints:
    """Match fields of one shape, ``(N, H, W[, D])`` each, that grow by sublevel sets already.

    The points of both sides and their images do not need each other, so threads may share them.
    """
    keys = to_ordered_integers(np.stack([first, second]))
    joint = np.minimum(*keys)
    points_of_targets = cache.points_of_stack if cache is not None else points_of_stack
    parts: list[partial[DiagramPoints]] = [
        *(partial(_images, own, joint, filtration) for own in keys),  # the first takes longest
        partial(points_of_targets, second, filtration),
        partial(points_of_stack, first, filtration),
    ]
    *images, true, own = map_in_threads(partial.__call__, parts, threads if first.size >= _WORTH_A_THREAD else 1)
    points = own, true
    matched = [
        common_features(*(FeaturesOfSide.of(points[n], images[n], k, keys[n], joint) for n in range(2)))
        for k in check_dims(filtration.dims, first.ndim - 1)
    ]
    matching = Matching.of(join_rows(matched), points[0].count, points[1].count)
    return InducedPoints(points[0], points[1], matching, images[0], images[1])


def _images(own: NDArray[np.int32], joint: NDArray[np.int32], filtration: Filtration) -> DiagramPoints:
    """The bars of each field's image in its comparison that are not empty."""
    image_pairs, shape = get_image_function(filtration.engine), own.shape[1:]
    full, dims = is_full_connectivity(filtration.connectivity, len(shape)), check_dims(filtration.dims, len(shape))
    parts = []
    for keys, larger in zip(own, joint, strict=True):
        found = image_pairs(keys, larger, full_connectivity=full, dims=dims, frame=bool(filtration.frame))
        kept = {k: keys.take(birth) < larger.take(death) for k, (birth, death) in found.items()}
        pairs = {k: (found[k][0][kept[k]], found[k][1][kept[k]]) for k in dims}
        parts.append(DiagramPoints.of_stack(pairs, (1, *shape), filtration))
    return DiagramPoints.join(parts, filtration)
