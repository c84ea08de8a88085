"""Which process of a distributed run this is: what all handlers ask, by ``ignite.distributed``."""

from __future__ import annotations

import torch
from monai.utils import IgniteInfo, min_version, optional_import

idist, _ = optional_import("ignite.distributed", IgniteInfo.OPT_IMPORT_VERSION, min_version)


def rank() -> int:
    """Rank of this process; 0 outside of a distributed run."""
    return int(idist.get_rank())


def is_first_rank() -> bool:
    """Whether this is the process that writes and logs.

    Example:
        >>> is_first_rank()
        True
    """
    return rank() == 0


def average_over_ranks(values: torch.Tensor) -> torch.Tensor:
    """Mean over all processes, each of which must call it; the values themselves outside of a distributed run.

    Args:
        values: the same shape in every process.

    Returns:
        The mean on the CPU.
    """
    if idist.get_world_size() == 1:
        return values
    mean: torch.Tensor = idist.all_reduce(values.to(idist.device())).cpu() / idist.get_world_size()
    return mean
