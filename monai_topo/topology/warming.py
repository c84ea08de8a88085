"""Compiling all kernels before the first work: while a container is built, or ahead of a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.affinities.maximin import maximin_pairs
from monai_topo.topology.induced import match_induced
from monai_topo.topology.masks.betti import betti_numbers
from monai_topo.topology.masks.distances import distance_to_background
from monai_topo.topology.persistence import persistence_pairs
from monai_topo.topology.regions.critical import critical_regions
from monai_topo.topology.regions.morse import stable_manifolds

_LARGE = (64, 64, 32)
"""Shape of a volume that two threads work on together."""
_SIDE = 8


def warm_up(dims: Sequence[int] | int = (2, 3), *, progress: bool = True) -> float:
    """Compile the kernels that the losses of this package use, and keep them on disk, or load them if they are there.

    Kernels compile when they are first called, on the machine that they run on. Called while a container is built, or
    before the ranks of a job start, this leaves nothing to compile for persistence pairs, matching, Betti numbers,
    stable manifolds, critical regions, maximin affinities and distances. They are kept where all kernels are: in
    ``NUMBA_CACHE_DIR`` if it is set, otherwise beside the package. On a CPU of another kind they compile again. Losses
    on centerlines compile for about a second more when they are first called.

    Args:
        dims: numbers of spatial axes, 2 or 3, or both.
        progress: whether to show a progress bar.

    Returns:
        The seconds that it took.

    Raises:
        ValueError: when ``dims`` names anything but 2 and 3.

    Example:
        >>> warm_up(2, progress=False) < 600
        True
    """
    from tqdm import tqdm

    start = time.perf_counter()
    steps = [step for ndim in _checked(dims) for step in _steps(ndim)]
    bar = tqdm(steps, desc="compiling kernels", disable=not progress)
    for name, step in bar:
        bar.set_postfix_str(name)
        step()
    return time.perf_counter() - start


def _checked(dims: Sequence[int] | int) -> list[int]:
    asked = list(dims) if isinstance(dims, Sequence) else [dims]
    if not asked or not all(isinstance(ndim, Integral) and ndim in (2, 3) for ndim in asked):
        raise ValueError(f"dims must be 2, 3 or both, the numbers of spatial axes, got {dims!r}.")
    return sorted({int(ndim) for ndim in asked})


def _steps(ndim: int) -> list[tuple[str, Callable[[], Any]]]:
    """What compiles, with the name that the progress bar shows."""
    rng = np.random.default_rng(0)
    likelihood = rng.random((_SIDE,) * ndim, np.float32)
    mask = likelihood > 0.5
    truth, ids = mask.astype(np.float32), mask.astype(np.int64)
    affinities = rng.random((ndim, *mask.shape), np.float32)
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("persistence pairs", lambda: persistence_pairs(likelihood, engine="native")),
        ("Betti numbers", lambda: betti_numbers(mask)),
        ("Betti numbers", lambda: betti_numbers(mask, connectivity=1)),
        ("second attempts", lambda: _attempt_again(likelihood)),
        ("matching", lambda: match_induced(likelihood, truth, engine="native")),
        ("stable manifolds", lambda: stable_manifolds(likelihood, persistence_threshold=0.1, dims=range(1, ndim))),
        ("critical regions", lambda: critical_regions(likelihood > 0.6, mask)),
        ("maximin affinities", lambda: maximin_pairs(affinities, ids, constrained=True)),
        ("distances", lambda: distance_to_background(mask)),
    ]
    if ndim == 3:
        large = np.zeros(_LARGE, np.float32)
        steps.append(("threads", lambda: persistence_pairs(large, num_threads=2, engine="native")))
    return [(f"{ndim}D {name}", step) for name, step in steps]


def _attempt_again(likelihood: NDArray[np.float32]) -> None:
    """What is compiled only when dimension 1 of a volume takes long: here less than nothing may be done at once."""
    from monai_topo.topology.engines.native.compute import EFFORT, compute_image_pairs, compute_pairs_stack

    ndim = likelihood.ndim
    nothing = np.int64(-1)
    effort = EFFORT._replace(first=nothing, attempt=nothing, plateau=nothing)
    options: dict[str, Any] = {"full_connectivity": True, "dims": tuple(range(ndim)), "frame": False, "effort": effort}
    compute_pairs_stack(likelihood[None], **options)
    keys = likelihood.ravel().argsort().argsort().astype(np.int32).reshape(likelihood.shape)
    compute_image_pairs(keys, np.minimum(keys, keys[::-1]), **options)
