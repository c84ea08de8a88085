"""Which versions of numba and llvmlite the kernels are known to compile with: they rest on private parts of both."""

from __future__ import annotations

import logging
import re
from importlib.metadata import PackageNotFoundError, version

BOUNDS = {"numba": ("0.65", "0.69"), "llvmlite": ("0.47", "0.51")}
"""The lowest version that is known to do, and the first one that is not."""

ADVICE = "install the versions that are known to do: pip install " + " ".join(
    f"'{name}>={low},<{high}'" for name, (low, high) in BOUNDS.items()
)


def unknown_versions() -> list[str]:
    """The packages whose installed version lies outside the bounds, with it.

    Example:
        >>> unknown_versions()
        []
    """
    return [f"{name} {found}" for name, found in _installed().items() if not _is_known(name, found)]


def warn_of_unknown_versions() -> None:
    """Log a line if a version lies outside the bounds: it may do all the same."""
    unknown = unknown_versions()
    if unknown:
        logging.getLogger("monai_topo").warning(
            "The kernels have not been tried with %s. If they do not compile, %s", " and ".join(unknown), ADVICE
        )


def _installed() -> dict[str, str]:
    found = {}
    for name in BOUNDS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # importing it will tell
            continue
    return found


def _is_known(name: str, found: str) -> bool:
    low, high = BOUNDS[name]
    return _numbers(low) <= _numbers(found) < _numbers(high)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])
