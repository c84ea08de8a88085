"""One door to all engines: a field goes in, persistence pairs as voxel indices come out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import check_dims, is_full_connectivity
from monai_topo.topology.compiled.threads import count_threads, threads_for_each
from monai_topo.topology.engines import ESSENTIAL, FRAME, get_engine
from monai_topo.topology.field import sublevel_field
from monai_topo.topology.points import DiagramPoints, Filtration, PersistencePairs
from monai_topo.topology.stacks import CHUNKS_PER_THREAD, Batch, map_stacks

_WORTH_A_THREAD = {2: 2**17, 3: 2**15}
"""Voxels of all fields, by number of axes, up to which starting a thread takes longer than it saves."""


def persistence_pairs(
    field: ArrayLike | torch.Tensor,
    *,
    direction: str = "superlevel",
    connectivity: int | None = None,
    dims: Sequence[int] | int | None = None,
    frame: bool = False,
    min_persistence: float = 0.0,
    engine: str = "auto",
    num_threads: int | None = 1,
) -> PersistencePairs:
    """Persistent homology of a 2D or 3D image, with the critical voxels of every feature.

    The threshold sweeps the image's values; components (dimension 0), loops (1) and in 3D cavities (2) are born
    at one voxel and die at another. Ties are broken by the total order (filtration value, flat index), so the
    same input always gives the same pairs. Coefficients are integers modulo 2.

    Args:
        field: one channel, ``(H, W)`` or ``(H, W, D)``: array or tensor of any real dtype, values finite.
        direction: ``"superlevel"`` (threshold falls, for likelihoods) or ``"sublevel"`` (rises, for distances).
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: homology dimensions wanted; None is all below the number of axes.
        frame: surround the image by foreground and leave out the frame's own classes (relative homology), so
            that a branch cut by the border closes a loop. Then nothing is essential.
        min_persistence: features whose values at birth and death differ by at most this are left out; those of
            zero persistence always are. The essential class stays.
        engine: ``"auto"`` or a name of ``available_engines()``.
        num_threads: at most this many threads; None is one for each CPU core. They pay for 3D fields from about 50³
            voxels on; smaller ones, and 2D fields, are computed by one. The result does not depend on it.

    Returns:
        The pairs, sorted by birth and then death in flat index within each dimension.

    Raises:
        ValueError: for a bad shape, NaN or infinity, an unknown option, or when ``num_threads`` is not positive.

    Example:
        >>> pairs = persistence_pairs([[0.9, 0.2, 0.7]], dims=0)
        >>> pairs.birth[0], pairs.death[0]  # the right peak dies where it meets the left; the left one never dies
        (array([0, 2]), array([-1,  1]))
    """
    filtration = Filtration(direction, connectivity, dims, frame, min_persistence, engine)
    threads = threads_for_each(num_threads, 1)
    return points_of_stack(sublevel_field(field, direction)[None], filtration, threads).pairs(0)


def points_of_stack(stack: NDArray[Any], filtration: Filtration, num_threads: int = 1) -> DiagramPoints:
    """The points of fields ``(N, H, W[, D])`` that grow by sublevel sets already.

    Raises:
        ValueError: for an unknown option.
    """
    if not filtration.min_persistence >= 0:
        raise ValueError(f"min_persistence must be 0 or more, got {filtration.min_persistence!r}.")
    ndim = stack.ndim - 1
    full = is_full_connectivity(filtration.connectivity, ndim)
    dims = check_dims(filtration.dims, ndim)
    pairs_of = get_engine(filtration.engine).of_stack
    found = pairs_of(stack, full_connectivity=full, dims=dims, frame=bool(filtration.frame), num_threads=num_threads)
    kept = {k: _keep_persistent(stack.ravel(), *found[k], filtration.min_persistence) for k in dims}
    return DiagramPoints.of_stack(kept, stack.shape, filtration)


def _keep_persistent(
    values: NDArray[Any], birth: NDArray[np.int64], death: NDArray[np.int64], min_persistence: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Drop the frame's own classes and what is not persistent; sort what stays by birth and then death."""
    # Clipped, because what is not a voxel is negative; its persistence does not matter.
    born, died = values.take(birth, mode="clip"), values.take(death, mode="clip")
    lasts = died.astype(np.float64) - born > min_persistence if min_persistence else died != born
    keep = (lasts | (death == ESSENTIAL)) & (birth != FRAME)
    bits = int(values.size).bit_length()
    # One integer for both, sorted as it is, takes a tenth of the time of sorting by two keys.
    both = ((birth << bits) | (death - ESSENTIAL))[keep]
    both.sort()
    return both >> bits, (both & ((1 << bits) - 1)) + ESSENTIAL


def persistence_pairs_batch(
    fields: Batch,
    *,
    direction: str = "superlevel",
    connectivity: int | None = None,
    dims: Sequence[int] | int | None = None,
    frame: bool = False,
    min_persistence: float = 0.0,
    engine: str = "auto",
    num_threads: int | None = None,
) -> DiagramPoints:
    """Points of the persistence diagrams of many fields, such as the channels and patches of a batch, in parallel.

    Args:
        fields: ``(N, H, W[, D])``, or a sequence of N fields that may differ in shape.
        direction: this and the other options as for :func:`persistence_pairs`.
        connectivity: connectivity of the foreground.
        dims: homology dimensions wanted.
        frame: whether to surround each field by foreground.
        min_persistence: features of at most this persistence are left out.
        engine: ``"auto"`` or a name of ``available_engines()``.
        num_threads: at most this many threads in all; None is one for each CPU core, and one for what is small. They
            divide the fields among them; where there are more threads than fields, several work together on each 3D
            field from about 50³ voxels on, 16 threads on two fields as 8 on each. The result does not depend on it.

    Returns:
        The points of all fields in flat columns; ``points.pairs(n)`` is what :func:`persistence_pairs` gives for
        field n.

    Raises:
        ValueError: as :func:`persistence_pairs`, or when ``num_threads`` is not positive.

    Example:
        >>> persistence_pairs_batch(np.eye(4).reshape(2, 2, 4), dims=0).birth
        array([ 0, 10])
    """
    filtration = Filtration(direction, connectivity, dims, frame, min_persistence, engine)
    threads = _threads_worth(fields) if num_threads is None else num_threads
    within = threads_for_each(threads, len(fields))
    points_of = partial(points_of_stack, filtration=filtration, num_threads=within)
    found = map_stacks(points_of, {"fields": fields}, direction, threads)
    return DiagramPoints.join(found, filtration)


def _threads_worth(fields: Any) -> int | None:
    """One thread for fields that are few and small, else None."""
    shapes = [np.shape(field) for field in fields]
    large = any(math.prod(shape) * len(shapes) > _WORTH_A_THREAD.get(len(shape), 0) for shape in shapes)
    return None if large else 1


def share_threads(
    shape: Sequence[int], num_threads: int | None, length: int | None = None
) -> tuple[list[range], int, int]:
    """How threads share a batch of fields of one shape on which more is done than persistence.

    Args:
        shape: ``(N, H, W[, D])``.
        num_threads: at most this many threads; None is one for each CPU core, and one for what is small.
        length: at most this many fields in a part.

    Returns:
        The parts of the batch, how many threads there are for them, and the ``num_threads`` for the fields of a part.

    Raises:
        ValueError: when ``num_threads`` is not positive.

    Example:
        >>> share_threads((3, 64, 64, 64), num_threads=2)
        ([range(0, 1), range(1, 2), range(2, 3)], 2, 1)
    """
    count = shape[0]
    if num_threads is None and math.prod(shape) <= _WORTH_A_THREAD.get(len(shape) - 1, 0):
        num_threads = 1
    threads = count_threads(num_threads, count)
    pieces = 1 if threads == 1 else threads * CHUNKS_PER_THREAD
    step = max(1, min(-(-count // pieces), length or count))
    parts = [range(start, min(start + step, count)) for start in range(0, count, step)]
    within = threads_for_each(num_threads, threads)
    return parts, threads, within
