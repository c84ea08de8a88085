"""From fields to the entry kernels and back: pairs of a field, of a stack of fields, and of one field in another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.threads import Team
from monai_topo.topology.engines.native.gradient.links import new_link_table
from monai_topo.topology.engines.native.image.image_pairs import image_pairs_of_plane, image_pairs_of_volume
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL, BELOW_ALL
from monai_topo.topology.engines.native.pairing.finish import pairs_of_stack
from monai_topo.topology.engines.native.pairing.pairs import pairs_of_planes
from monai_topo.topology.engines.native.pairing.shares import share_of_volume
from monai_topo.topology.engines.native.together import Task, memory_of_threads, pairs_in_threads
from monai_topo.topology.engines.native.types import Effort
from monai_topo.topology.engines.registry import IndexPairs
from monai_topo.topology.field import to_integers
from monai_topo.topology.grid import neighbor_offsets

LARGEST_FIELD = 2**31 - 1
"""Voxels, with one layer of border, that 32-bit indices can name."""

VOXELS_WORTH_A_THREAD = 2**16
"""Voxels of a field for each thread: smooth fields of 48³ take as long in two threads as in one, 64³ less."""

EFFORT = Effort(np.int64(64), np.int64(3), np.int64(12), np.int64(20))
"""Chosen by counting: beyond 64 of work for each square, all squares of a smooth field take less than 1 of work
a voxel together and those of white noise 2, so both are through at the first attempt.

Rods, sheets and noise of few levels take 4 to 60; after a tenth to all of their squares the rest of these are put off.

On smooth fields of 64³ with a plateau that comes last, pushing up takes 1.3 times as long as pushing down at a share of
10%, 0.8 at 30% and half at 50%. Noise with a plateau takes up to 7 of work a voxel upward at 96³; rods and a ball of
few levels take 9 to 20, which is several times as long as pushing down.
"""

_ARRAYS_OF_TWO = {2: 6, 3: 7}
"""What ``image_pairs`` needs beside two fields in 2D and 3D; in one piece, because the system clears pieces anew."""

_link_table: list[NDArray[np.int64]] = []


def compute_pairs(
    field: NDArray[Any], *, full_connectivity: bool, dims: tuple[int, ...], frame: bool
) -> dict[int, IndexPairs]:
    """Persistence pairs of the sublevel filtration of one field; see ``registry.PairsFunction``.

    Raises:
        ValueError: for a field of more than 2**31 voxels.
    """
    return compute_pairs_stack(field[None], full_connectivity=full_connectivity, dims=dims, frame=frame)


def compute_pairs_stack(
    stack: NDArray[Any],
    *,
    full_connectivity: bool,
    dims: tuple[int, ...],
    frame: bool,
    num_threads: int = 1,
    effort: Effort | None = None,
) -> dict[int, IndexPairs]:
    """Persistence pairs of fields of one shape; see ``registry.BatchFunction``.

    One thread loops over the fields inside the kernel. Several take one large 3D field after the other together.

    Raises:
        ValueError: for fields of more than 2**31 voxels.
    """
    ndim = stack.ndim - 1
    _check_size(stack.shape[1:])
    # Full connectivity is face connectivity upside down: dimensions, the frame and the outside change places.
    of_dim = {k: ndim - 1 - k if full_connectivity else k for k in dims}
    wanted = _mark(of_dim.values(), ndim)
    framed = frame != full_connectivity
    values, is_float = to_integers(stack)
    offsets = neighbor_offsets(_padded(stack.shape[1:]))
    options = (is_float, framed, full_connectivity, wanted)
    if ndim == 2:
        found = pairs_of_planes(values[:, None], *options, _memory(stack[0]), offsets)
    elif (threads := min(num_threads, stack[0].size // VOXELS_WORTH_A_THREAD)) > 1:
        found = _pairs_in_threads(values, *options, offsets, threads)
    else:
        found = pairs_of_stack(values, *options, _memory(stack[0]), offsets, _shared_link_table(), effort or EFFORT)
    return {k: (found[of_dim[k]][0], found[of_dim[k]][1]) for k in dims}


def _pairs_in_threads(
    values: NDArray[np.int32],
    is_float: bool,
    framed: bool,
    upside_down: bool,
    wanted: NDArray[np.bool_],
    offsets: NDArray[np.int64],
    num_threads: int,
) -> Any:
    """Pairs of 3D fields for each dimension: in several threads, and by one where that takes long."""
    size, links = math.prod(_padded(values.shape[1:])), _shared_link_table()
    memory, order = memory_of_threads(size, num_threads), (is_float, framed, upside_down)
    each = []
    with Team(num_threads) as team:
        for n, field in enumerate(values):
            call = partial(share_of_volume, field, *order, memory, offsets, links, EFFORT)
            found = pairs_in_threads(Task(call, wanted, size, num_threads, team))
            if found is None:
                found = pairs_of_stack(field[None], *order, wanted, memory[: 3 * size], offsets, links, EFFORT)
            each.append([np.where(pairs >= 0, pairs + n * field.size, pairs) for pairs in found] if n else found)
    return each[0] if len(each) == 1 else [np.concatenate(pairs, axis=1) for pairs in zip(*each, strict=True)]


def _paired(kernel: Any, arguments: tuple[Any, ...]) -> Any:
    """What a kernel pairs, in a second call where the first has given up: that one is compiled when it is needed."""
    done, *found = kernel(*arguments)
    return found if done else kernel(*arguments, True)[1:]


def compute_image_pairs(
    keys: NDArray[np.int32],
    larger_keys: NDArray[np.int32],
    *,
    full_connectivity: bool,
    dims: tuple[int, ...],
    frame: bool,
    effort: Effort | None = None,
) -> dict[int, IndexPairs]:
    """Image pairs of a sublevel filtration in a larger one; see ``registry.ImageFunction``.

    Raises:
        ValueError: for fields of more than 2**31 voxels.
    """
    ndim = keys.ndim
    _check_size(keys.shape)
    of_dim = {k: ndim - 1 - k if full_connectivity else k for k in dims}
    wanted = _mark(of_dim.values(), ndim)
    options = (frame != full_connectivity, full_connectivity, wanted)
    offsets = neighbor_offsets(_padded(keys.shape))
    domain, codomain = _align(keys, larger_keys)
    if domain is codomain:
        found = _pairs_inside(domain, *options, offsets)
    elif ndim == 2:
        found = image_pairs_of_plane(domain[None], codomain[None], *options, _memory(keys, _ARRAYS_OF_TWO[2]), offsets)
    else:
        options = (*options, _memory(keys, _ARRAYS_OF_TWO[3]), offsets, _shared_link_table(), effort or EFFORT)
        found = _paired(image_pairs_of_volume, (domain, codomain, *options))
    return {k: (found[of_dim[k]][0], found[of_dim[k]][1]) for k in dims}


def _pairs_inside(
    keys: NDArray[np.int32],
    framed: bool,
    upside_down: bool,
    wanted: NDArray[np.bool_],
    offsets: NDArray[np.int64],
) -> Any:
    """Pairs of one field, without those that never die or are born with the frame."""
    options = (False, framed, upside_down, wanted, _memory(keys), offsets)
    if keys.ndim == 2:
        found = pairs_of_planes(keys[None, None], *options)
    else:
        plateau = upside_down and np.count_nonzero(keys == keys.min()) * 100 > EFFORT.plateau * keys.size
        effort = EFFORT._replace(first=np.int64(0)) if plateau else EFFORT
        found = pairs_of_stack(keys[None], *options, _shared_link_table(), effort)
    return [pairs[:, (pairs >= 0).all(axis=0)] for pairs in found]


def _align(domain: NDArray[np.int32], codomain: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Order both fields alike where it cannot change a bar that is not empty: the gradient that they share is larger.

    What dies in the codomain before the domain's first voxel, or is born in the domain after the codomain's last,
    has an empty bar. So these voxels of the one field, the foreground of a binary target above all, may come in
    the order of the other. Where the integers do not suffice for both orders, they stay as they are.

    Returns:
        The two fields; one and the same where nothing is left that they order differently.
    """
    start, stop = int(domain.min()), int(codomain.max())
    early, late = codomain <= start, domain >= stop
    down, up = int(domain.max()) - start + 1, stop + 1 - int(codomain.min())
    if not _fits(start - down, stop):  # less may do: only these voxels move
        down = int(domain.max(where=early, initial=start)) - start + 1
    if not _fits(start, stop + up):
        up = stop + 1 - int(codomain.min(where=late, initial=stop))
    lower, raised = _fits(start - down, stop), _fits(start, stop + up)
    aligned = _choose(early, domain - np.int32(down), codomain) if lower else codomain
    if lower and raised and (early | late).all():
        return aligned, aligned
    return _choose(late, codomain + np.int32(up), domain) if raised else domain, aligned


def _fits(lowest: int, highest: int) -> bool:
    """Whether there are keys for both, apart from those of the outside."""
    return bool(lowest > BELOW_ALL + 1 and highest < ABOVE_ALL - 1)


def _choose(where: NDArray[np.bool_], these: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.int32]:
    """What ``np.where`` gives, by bits: a branch for each voxel takes three times as long."""
    bits = -where.astype(np.int32)
    return np.asarray(others ^ ((these ^ others) & bits))


def _mark(dims: Iterable[int], ndim: int) -> NDArray[np.bool_]:
    wanted = np.zeros(ndim, np.bool_)
    wanted[list(dims)] = True
    return wanted


def _check_size(shape: Sequence[int]) -> None:
    padded = math.prod(_padded(shape))
    if padded > LARGEST_FIELD:
        raise ValueError(
            f"the native engine indexes up to 2**31 voxels, borders included; a field of shape {tuple(shape)} has "
            f"{padded}. Compute it in blocks, or at lower resolution."
        )


def _memory(field: NDArray[Any], arrays: int = 3) -> NDArray[np.int32]:
    """Some int32 for each voxel of the padded grid, from numpy: its large pages save a tenth of the time at 128³."""
    return np.empty(arrays * math.prod(_padded(field.shape)), np.int32)


def _padded(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size + 2 for size in shape)


def _shared_link_table() -> NDArray[np.int64]:
    if not _link_table:
        _link_table.append(new_link_table())
    return _link_table[0]
