"""The table from engine name to engine, and what an engine promises."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

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


_MODULES = {
    "native": "monai_topo.topology.engines.native",
    "gudhi": "monai_topo.topology.engines.gudhi",
}
_AUTO = "native"


def available_engines() -> tuple[str, ...]:
    """Names that the ``engine`` argument accepts beside ``"auto"``.

    Example:
        >>> "gudhi" in available_engines()
        True
    """
    return tuple(_MODULES)


def get_engine(name: str) -> Engine:
    """Load an engine by name; ``"auto"`` is the package's default one.

    Raises:
        ValueError: when no engine has this name.
    """
    module = _MODULES.get(_AUTO if name == "auto" else name)
    if module is None:
        raise ValueError(f"engine must be 'auto' or one of {available_engines()}, got {name!r}.")
    compute: Callable[..., dict[int, IndexPairs]] = import_module(module).compute_pairs
    return compute
