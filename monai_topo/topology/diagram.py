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
    values: torch.Tensor, birth: NDArray[np.int64], death: NDArray[np.int64], essential_death: NDArray[Any] | float
) -> torch.Tensor:
    """Births and deaths ``(n, 2)`` from flat ``values`` and indices into them; a death of -1 is ``essential_death``.

    That is one number for all points or an array ``(n,)`` with one for each.

    Example:
        >>> gather_points(torch.tensor([0.75, 0.25, 0.5]), np.array([0, 2]), np.array([-1, 1]), 0.0)
        tensor([[0.7500, 0.0000],
                [0.5000, 0.2500]])
    """
    never = np.flatnonzero(death == ESSENTIAL)
    voxels = np.stack([birth, death], axis=1)
    voxels[never, 1] = 0  # any voxel will do: its value is replaced below
    points = values.index_select(0, torch.from_numpy(voxels.ravel()).to(values.device)).reshape(-1, 2)
    if not len(never):
        return points
    ends = torch.from_numpy(np.broadcast_to(essential_death, death.shape)[never]).to(points)
    return points.index_put((torch.from_numpy(never).to(points.device), torch.tensor(1, device=points.device)), ends)
