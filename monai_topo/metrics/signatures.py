"""The options of a metric, written into the signatures of what passes them on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

OF_METRICS_ONLY = ("reduction", "get_not_nans")
"""What a metric takes and a function, which returns every number, does not."""


def show_options(function: Callable[..., Any], metric: type) -> None:
    """Write the arguments of a metric in the place of ``**options`` of the function that computes it.

    ``help`` and ``inspect.signature`` then name them with their types and defaults, which the metric alone holds.

    Example:
        >>> def compute_x(y_pred, y, **options): ...
        >>> class XMetric:
        ...     def __init__(self, dim: int = 0, reduction: str = "none"): ...
        >>> show_options(compute_x, XMetric)
        >>> list(inspect.signature(compute_x).parameters)
        ['y_pred', 'y', 'dim']
    """
    own = inspect.signature(function)
    function.__signature__ = with_options(own, inspect.signature(metric), leave_out=OF_METRICS_ONLY)  # type: ignore[attr-defined]


def with_options(
    own: inspect.Signature, options: inspect.Signature, leave_out: tuple[str, ...] = ()
) -> inspect.Signature:
    """A signature whose ``**options`` are written out as the keyword arguments of another."""
    kept = [parameter for parameter in own.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
    known = {parameter.name for parameter in kept} | {*leave_out}
    added = [parameter for parameter in options.parameters.values() if parameter.name not in known]
    return own.replace(parameters=[*kept, *(parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in added)])
