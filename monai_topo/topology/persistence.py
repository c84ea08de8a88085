"""One door to all engines: a field goes in, persistence pairs as voxel indices come out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import Direction, check_dims, check_direction, is_full_connectivity
from monai_topo.topology.compiled.threads import count_threads, map_in_threads
from monai_topo.topology.engines import ESSENTIAL, FRAME, get_stack_engine
from monai_topo.topology.field import sublevel_field, sublevel_stack

_CHUNKS_PER_THREAD = 2
_WORTH_A_THREAD = {2: 2**17, 3: 2**15}
"""Voxels of all fields, by number of axes, up to which starting a thread takes longer than it saves."""
_LARGEST_STACK = 2**18
"""Voxels that are handed to an engine at once: as many as stay in the cache."""


@dataclass(frozen=True)
class PersistencePairs:
    """The persistence pairs of one field: where each topological feature is born and where it dies.

    Attributes:
        birth: for each homology dimension, the flat C-order index (int64) of the voxel where each feature is born.
        death: likewise where it dies; -1 (``ESSENTIAL``) for the class that never dies.
        shape: shape of the field that the indices refer to.
        direction: ``"superlevel"`` or ``"sublevel"``.
        connectivity: 1 (face) or ``len(shape)`` (full), of the foreground.
        frame: whether the pairs are relative to a surrounding frame of foreground.
    """

    birth: Mapping[int, NDArray[np.int64]]
    death: Mapping[int, NDArray[np.int64]]
    shape: tuple[int, ...]
    direction: Direction
    connectivity: int
    frame: bool

    @property
    def dims(self) -> tuple[int, ...]:
        """The homology dimensions that were computed."""
        return tuple(self.birth)


def persistence_pairs(
    field: ArrayLike | torch.Tensor,
    *,
    direction: str = "superlevel",
    connectivity: int | None = None,
    dims: Sequence[int] | int | None = None,
    frame: bool = False,
    min_persistence: float = 0.0,
    engine: str = "auto",
) -> PersistencePairs:
    """Persistent homology of a 2D or 3D image, with the critical voxels of every feature.

    The threshold sweeps the image's values; components (dimension 0), loops (1) and in 3D cavities (2) are born
    at one voxel and die at another. Ties are broken by the total order (filtration value, flat index), so the
    same input always gives the same pairs. Coefficients are integers modulo 2.

    Args:
        field: one channel, ``(H, W)`` or ``(H, W, D)``: array or tensor of any real dtype, values finite.
        direction: ``"superlevel"`` (threshold falls, for likelihoods) or ``"sublevel"`` (rises, for distances).
        connectivity: of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: homology dimensions wanted; None is all below the number of axes.
        frame: surround the image by foreground and leave out the frame's own classes (relative homology), so
            that a branch cut by the border closes a loop. Then nothing is essential.
        min_persistence: features whose values at birth and death differ by at most this are left out; those of
            zero persistence always are. The essential class stays.
        engine: ``"auto"`` or a name of ``available_engines()``.

    Returns:
        The pairs, sorted by birth and then death in flat index within each dimension.

    Raises:
        ValueError: for a bad shape, NaN or infinity, or an unknown option.

    Example:
        >>> pairs = persistence_pairs([[0.9, 0.2, 0.7]], dims=0)
        >>> pairs.birth[0], pairs.death[0]  # the right peak dies where it meets the left; the left one never dies
        (array([0, 2]), array([-1,  1]))
    """
    options = _Options(direction, connectivity, dims, frame, min_persistence, engine)
    return _pairs_of_stack(sublevel_field(field, direction)[None], options)[0]


@dataclass(frozen=True)
class _Options:
    """The options of :func:`persistence_pairs`, as they were given."""

    direction: str = "superlevel"
    connectivity: int | None = None
    dims: Sequence[int] | int | None = None
    frame: bool = False
    min_persistence: float = 0.0
    engine: str = "auto"


def _pairs_of_stack(stack: NDArray[Any], options: _Options) -> list[PersistencePairs]:
    """The pairs of fields of one shape, growing by sublevel sets."""
    if not options.min_persistence >= 0:
        raise ValueError(f"min_persistence must be 0 or more, got {options.min_persistence!r}.")
    shape, ndim, frame = stack.shape[1:], stack.ndim - 1, bool(options.frame)
    full = is_full_connectivity(options.connectivity, ndim)
    wanted = check_dims(options.dims, ndim)
    found = get_stack_engine(options.engine)(stack, full_connectivity=full, dims=wanted, frame=frame)
    kept = {k: _keep_persistent(stack.ravel(), *found[k], options.min_persistence) for k in wanted}
    fields = {k: _split(*kept[k], len(stack), stack[0].size) for k in wanted}
    return [
        PersistencePairs(
            birth={k: fields[k][n][0] for k in wanted},
            death={k: fields[k][n][1] for k in wanted},
            shape=shape,
            direction=check_direction(options.direction),
            connectivity=ndim if full else 1,
            frame=frame,
        )
        for n in range(len(stack))
    ]


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


def _split(
    birth: NDArray[np.int64], death: NDArray[np.int64], count: int, size: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """From flat indices in a stack to those in each of its fields; the pairs are sorted by birth."""
    if count == 1:
        return [(birth, death)]
    bounds = np.searchsorted(birth, np.arange(count + 1) * size)
    first = np.repeat(np.arange(count) * size, np.diff(bounds))
    birth, death = birth - first, np.where(death == ESSENTIAL, ESSENTIAL, death - first)
    return [(birth[start:stop], death[start:stop]) for start, stop in pairwise(bounds.tolist())]


def persistence_pairs_batch(
    fields: Sequence[ArrayLike | torch.Tensor] | NDArray[Any] | torch.Tensor,
    *,
    num_threads: int | None = None,
    **options: Any,
) -> list[PersistencePairs]:
    """Persistence pairs of many fields, such as the channels and patches of a batch, in parallel.

    Args:
        fields: ``(N, H, W[, D])``, or a sequence of N fields that may differ in shape.
        num_threads: at most this many threads; None is one for each CPU core, and one for what is small. The result
            does not depend on it.
        **options: as for :func:`persistence_pairs`.

    Returns:
        One ``PersistencePairs`` for each field, in order.

    Raises:
        ValueError: as :func:`persistence_pairs`, or when ``num_threads`` is not positive.

    Example:
        >>> [pairs.birth[0].size for pairs in persistence_pairs_batch(np.eye(4).reshape(2, 2, 4))]
        [1, 1]
    """
    given = _Options(**options)
    threads = count_threads(_threads_worth(fields) if num_threads is None else num_threads, len(fields))
    length = -(-len(fields) // (threads * _CHUNKS_PER_THREAD)) if threads > 1 else len(fields)
    chunks = [range(start, min(start + length, len(fields))) for start in range(0, len(fields), length or 1)]
    found = map_in_threads(lambda chunk: _pairs_of_chunk(fields, chunk, given), chunks, threads)
    return [pairs for chunk in found for pairs in chunk]


def _threads_worth(fields: Any) -> int | None:
    """One thread for fields that are few and small, else None."""
    shapes = [np.shape(field) for field in fields]
    large = any(math.prod(shape) * len(shapes) > _WORTH_A_THREAD.get(len(shape), 0) for shape in shapes)
    return None if large else 1


def _pairs_of_chunk(fields: Any, chunk: range, options: _Options) -> list[PersistencePairs]:
    """The pairs of some of the fields; neighbors in the chunk of one shape and dtype are computed as one stack."""
    return [pairs for stack in _stacks(fields, chunk, options.direction) for pairs in _pairs_of_stack(stack, options)]


def _stacks(fields: Any, chunk: range, direction: str) -> Iterator[NDArray[Any]]:
    if isinstance(fields, (np.ndarray, torch.Tensor)) and fields.ndim > 1:
        length = max(1, _LARGEST_STACK // max(1, math.prod(fields.shape[1:])))
        for start in range(chunk.start, chunk.stop, length):
            yield _named_stack(fields, range(start, min(start + length, chunk.stop)), direction)
        return
    values = [_named_field(fields[n], n, direction) for n in chunk]
    for _, run in groupby(values, key=lambda field: (field.shape, field.dtype)):
        stack = list(run)
        length = max(1, _LARGEST_STACK // stack[0].size)
        yield from (np.stack(stack[start : start + length]) for start in range(0, len(stack), length))


def _named_stack(fields: Any, part: range, direction: str) -> NDArray[Any]:
    try:
        return sublevel_stack(fields[part.start : part.stop], direction)
    except (TypeError, ValueError):
        for n in part:
            _named_field(fields[n], n, direction)  # says which field it is
        raise


def _named_field(field: Any, index: int, direction: str) -> NDArray[Any]:
    try:
        return sublevel_field(field, direction)
    except (TypeError, ValueError) as error:
        raise type(error)(f"fields[{index}]: {error}") from None
