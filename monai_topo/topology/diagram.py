"""From pairs and the tensor they index to births and deaths: the one place where persistence meets autograd."""

from __future__ import annotations

import torch

from monai_topo.topology.engines import ESSENTIAL
from monai_topo.topology.persistence import PersistencePairs


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
    birth, death = (torch.from_numpy(index[dim]).to(tensor.device) for index in (pairs.birth, pairs.death))
    return gather_dots(tensor.flatten(), birth, death, essential_death)


def gather_dots(
    values: torch.Tensor, birth: torch.Tensor, death: torch.Tensor, essential_death: torch.Tensor | float
) -> torch.Tensor:
    """Births and deaths ``(n, 2)`` from flat ``values`` and int64 indices; a death of -1 is ``essential_death``.

    That is one number for all dots or a tensor ``(n,)`` with one for each.

    Example:
        >>> gather_dots(torch.tensor([0.75, 0.25, 0.5]), torch.tensor([0, 2]), torch.tensor([-1, 1]), 0.0)
        tensor([[0.7500, 0.0000],
                [0.5000, 0.2500]])
    """
    dots = values.index_select(0, torch.cat([birth, death.clamp(min=0)])).reshape(2, -1)
    return torch.stack([dots[0], torch.where(death == ESSENTIAL, essential_death, dots[1])], dim=1)
