"""From pairs and the tensor they index to births and deaths: the one place where persistence meets autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monai_topo.topology.engines import ESSENTIAL
from monai_topo.topology.points import PersistencePairs


def diagram(
    tensor: torch.Tensor, pairs: PersistencePairs, dim: int, *, essential_death: float | None = None
) -> torch.Tensor:
    """Persistence diagram of one homology dimension, differentiable with respect to the tensor.

    The pairs are integers and carry no gradient; the births and deaths are gathered from ``tensor``, so gradients
    reach exactly the critical voxels.

    Args:
        tensor: the field that the pairs were computed from (or any other on the same grid), ``(H, W[, D])``.
        pairs: its persistence pairs.
        dim: homology dimension.
        essential_death: constant death of the class that never dies. None is 0 for a superlevel filtration (a
            likelihood outside the image) and the tensor's maximum for a sublevel one (the filtration's end).

    Returns:
        ``(n, 2)``, births and deaths in the dtype and on the device of ``tensor``.

    Raises:
        ValueError: when the shapes differ or ``dim`` was not computed.

    Example:
        >>> from monai_topo.topology import persistence_pairs
        >>> image = torch.tensor([[0.75, 0.25, 0.5]])
        >>> diagram(image, persistence_pairs(image), dim=0)
        tensor([[0.7500, 0.0000],
                [0.5000, 0.2500]])
    """
    if tuple(tensor.shape) != pairs.shape:
        raise ValueError(f"tensor must have the shape of the pairs' field, {pairs.shape}, got {tuple(tensor.shape)}.")
    if dim not in pairs.birth:
        raise ValueError(f"dim must be one of the dimensions computed, {pairs.dims}, got {dim!r}.")
    if essential_death is None:
        essential_death = 0.0 if pairs.direction == "superlevel" else float(tensor.detach().max())
    return gather_points(tensor.flatten(), pairs.birth[dim], pairs.death[dim], essential_death)


def gather_points(
    values: torch.Tensor,
    birth: NDArray[np.int64] | torch.Tensor,
    death: NDArray[np.int64] | torch.Tensor,
    essential_death: NDArray[Any] | torch.Tensor | float | None,
) -> torch.Tensor:
    """Births and deaths ``(n, 2)`` from flat ``values`` and indices into them; a death of -1 is ``essential_death``.

    That is one number for all points or one for each, ``(n,)``; None where no death is -1. Indices that are tensors
    on the device of ``values`` stay there, and nothing waits for the device.

    Example:
        >>> gather_points(torch.tensor([0.75, 0.25, 0.5]), np.array([0, 2]), np.array([-1, 1]), 0.0)
        tensor([[0.7500, 0.0000],
                [0.5000, 0.2500]])
    """
    if not isinstance(death, torch.Tensor) and not (death == ESSENTIAL).any():
        essential_death = None
    births, deaths = (torch.as_tensor(column, device=values.device) for column in (birth, death))
    voxels = torch.stack([births, deaths if essential_death is None else deaths.clamp(min=0)], dim=1)
    points = values.index_select(0, voxels.flatten()).reshape(-1, 2)
    if essential_death is None:
        return points
    ends = torch.as_tensor(essential_death, dtype=points.dtype, device=points.device)
    return torch.stack([points[:, 0], torch.where(deaths == ESSENTIAL, ends, points[:, 1])], dim=1)
