"""The table from engine name to engine, and what an engine promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

ESSENTIAL = -1
"""Stands for the death of a class that never dies."""
FRAME = -2
"""Stands for a voxel of the frame, which is no voxel of the field."""

IndexPairs = tuple[NDArray[np.int64], NDArray[np.int64]]


class PairsFunction(Protocol):
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


class BatchFunction(Protocol):
    """Computes the pairs of many fields of one shape at once; what :class:`PairsFunction` promises holds for each.

    A voxel is named by its flat index in the whole stack, so that field n of N-voxel fields has n * N to n * N + N - 1.
    At most ``num_threads`` work on it; the pairs and their order do not depend on it.
    """

    def __call__(
        self,
        stack: NDArray[Any],
        *,
        full_connectivity: bool,
        dims: tuple[int, ...],
        frame: bool,
        num_threads: int = 1,
    ) -> dict[int, IndexPairs]:
        """Return (birth, death) for every dimension of ``dims``."""


class ImageFunction(Protocol):
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


class ManifoldsFunction(Protocol):
    """Marks the curves (dimension 1) or sheets (dimension 2) between the valleys of a field.

    The field grows by sublevel sets; :func:`monai_topo.topology.stable_manifolds` says what is marked.
    """

    def __call__(
        self, field: NDArray[Any], *, full_connectivity: bool, dim: int, persistence_threshold: float
    ) -> NDArray[np.bool_]:
        """Return a mask of the field's shape."""


@dataclass(frozen=True)
class Engine:
    """What an engine can do; None for what it cannot.

    Attributes:
        pairs: persistence pairs of one field.
        batch: persistence pairs of many fields of one shape, where the engine has a loop or threads of its own.
        image: image persistence of one field in another.
        manifolds: stable manifolds of a field.
    """

    pairs: PairsFunction
    batch: BatchFunction | None = None
    image: ImageFunction | None = None
    manifolds: ManifoldsFunction | None = None

    @property
    def of_stack(self) -> BatchFunction:
        """``batch``, or else ``pairs`` of each field, in one thread."""
        return self.batch or _one_by_one(self.pairs)


_MODULES = {
    "native": "monai_topo.topology.engines.native",
    "gudhi": "monai_topo.topology.engines.gudhi",
}
"""Modules that define ``ENGINE``; each is imported when its engine is first asked for."""
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

    Example:
        >>> get_engine("gudhi").image is None
        True
    """
    module = _MODULES.get(_AUTO if name == "auto" else name)
    if module is None:
        raise ValueError(f"engine must be 'auto' or one of {available_engines()}, got {name!r}.")
    return cast(Engine, import_module(module).ENGINE)


def get_image_function(name: str) -> ImageFunction:
    """Image persistence of the engine of this name.

    Raises:
        ValueError: when no engine has this name, or the engine cannot do it.
    """
    return get_engine(name).image or _refuse(name, "image persistence", lambda engine: engine.image)


def get_manifolds_function(name: str) -> ManifoldsFunction:
    """Stable manifolds of the engine of this name.

    Raises:
        ValueError: when no engine has this name, or the engine cannot do it.
    """
    return get_engine(name).manifolds or _refuse(name, "stable manifolds", lambda engine: engine.manifolds)


def _refuse(name: str, what: str, capability: Callable[[Engine], object]) -> Any:
    able = tuple(other for other in _MODULES if capability(get_engine(other)))
    raise ValueError(f"engine {name!r} has no {what}: take 'auto' or one of {able}.")


def _one_by_one(pairs_of: PairsFunction) -> BatchFunction:
    def pairs_of_stack(
        stack: NDArray[Any], *, full_connectivity: bool, dims: tuple[int, ...], frame: bool, num_threads: int = 1
    ) -> dict[int, IndexPairs]:
        size = stack[0].size
        each = [pairs_of(field, full_connectivity=full_connectivity, dims=dims, frame=frame) for field in stack]
        return {
            k: (
                np.concatenate([_shift(found[k][0], n * size) for n, found in enumerate(each)]),
                np.concatenate([_shift(found[k][1], n * size) for n, found in enumerate(each)]),
            )
            for k in dims
        }

    return pairs_of_stack


def _shift(voxels: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    return np.where(voxels >= 0, voxels + shift, voxels)
