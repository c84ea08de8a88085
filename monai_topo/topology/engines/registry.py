"""The table from engine name to engine, and what an engine promises."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

ESSENTIAL = -1
"""Stands for the death of a class that never dies."""
FRAME = -2
"""Stands for a voxel of the frame, which is no voxel of the field."""

IndexPairs = tuple[NDArray[np.int64], NDArray[np.int64]]


class Engine(Protocol):
    """Computes persistence pairs of the sublevel filtration of one field, as flat C-order voxel indices.

    The filtration is the lower-star one of the total order (value, flat index): with full connectivity voxels are
    the top cells of a cubical complex, with face connectivity its vertices. With a frame the field is surrounded by
    one layer of voxels below every value. A class born or dying with the frame carries ``FRAME`` there, a class that
    never dies carries ``ESSENTIAL`` as its death. Pairs whose birth and death are one voxel are left out; pairs of
    two voxels of equal value need not be.
    """

    def __call__(
        self, field: NDArray[Any], *, full_connectivity: bool, dims: tuple[int, ...], frame: bool
    ) -> dict[int, IndexPairs]:
        """Return (birth, death) for every dimension of ``dims``."""


class StackEngine(Protocol):
    """Computes the pairs of many fields of one shape at once; what :class:`Engine` promises holds for each.

    A voxel is named by its flat index in the whole stack, so that field n of N-voxel fields has n * N to n * N + N - 1.
    """

    def __call__(
        self, stack: NDArray[Any], *, full_connectivity: bool, dims: tuple[int, ...], frame: bool
    ) -> dict[int, IndexPairs]:
        """Return (birth, death) for every dimension of ``dims``."""


class ImageEngine(Protocol):
    """Computes the image pairs of the sublevel filtration of one field in that of a larger one, as flat indices.

    The fields are given as integer keys in the order of their values, the larger filtration's at most the other's
    everywhere; ties are in the order of flat indices. A class is born in the first and dies in the second. Pairs that
    are born with the frame or never die are left out, and so may be pairs born at a key not lower than that of their
    death, which are no bars.
    """

    def __call__(
        self,
        keys: NDArray[np.int32],
        larger_keys: NDArray[np.int32],
        *,
        full_connectivity: bool,
        dims: tuple[int, ...],
        frame: bool,
    ) -> dict[int, IndexPairs]:
        """Return (birth, death) for every dimension of ``dims``."""


_MODULES = {
    "native": "monai_topo.topology.engines.native",
    "gudhi": "monai_topo.topology.engines.gudhi",
}
_AUTO = "native"


def available_engines() -> tuple[str, ...]:
    """Names that the ``engine`` argument accepts beside ``"auto"``.

    Example:
        >>> available_engines()
        ('native', 'gudhi')
    """
    return tuple(_MODULES)


def get_engine(name: str) -> Engine:
    """Load an engine by name; ``"auto"`` is the package's default one.

    Raises:
        ValueError: when no engine has this name.
    """
    return cast(Engine, _load(name).compute_pairs)


def get_stack_engine(name: str) -> StackEngine:
    """Load an engine for stacks by name: its own loop over the fields where it has one.

    Raises:
        ValueError: when no engine has this name.
    """
    module = _load(name)
    own = getattr(module, "compute_pairs_stack", None)
    return cast(StackEngine, own or partial(_one_by_one, module.compute_pairs))


def get_image_engine(name: str) -> ImageEngine:
    """Load an engine by name for image persistence.

    Raises:
        ValueError: when no engine has this name, or the engine cannot do it.
    """
    own = getattr(_load(name), "compute_image_pairs", None)
    if own is None:
        able = [other for other in _MODULES if hasattr(_load(other), "compute_image_pairs")]
        raise ValueError(f"engine {name!r} has no image persistence: take 'auto' or one of {tuple(able)}.")
    return cast(ImageEngine, own)


def _load(name: str) -> ModuleType:
    module = _MODULES.get(_AUTO if name == "auto" else name)
    if module is None:
        raise ValueError(f"engine must be 'auto' or one of {available_engines()}, got {name!r}.")
    return import_module(module)


def _one_by_one(engine: Engine, stack: NDArray[Any], **options: Any) -> dict[int, IndexPairs]:
    found = [engine(field, **options) for field in stack]
    shifts = [n * stack[0].size for n in range(len(stack))]
    return {
        k: (
            np.concatenate([_shift(pairs[k][0], shift) for pairs, shift in zip(found, shifts, strict=True)]),
            np.concatenate([_shift(pairs[k][1], shift) for pairs, shift in zip(found, shifts, strict=True)]),
        )
        for k in options["dims"]
    }


def _shift(voxels: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    return np.where(voxels >= 0, voxels + shift, voxels)
