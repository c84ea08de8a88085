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
    values = tensor.flatten()
    birth = torch.from_numpy(pairs.birth[dim]).to(tensor.device)
    death = torch.from_numpy(pairs.death[dim]).to(tensor.device)
    if essential_death is None:
        essential_death = 0.0 if pairs.direction == "superlevel" else float(tensor.detach().max())
    deaths = torch.where(death == ESSENTIAL, essential_death, values[death.clamp(min=0)])
    return torch.stack([values[birth], deaths], dim=1)
