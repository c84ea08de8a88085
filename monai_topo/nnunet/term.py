"""nnU-Net's loss with a topology term of the full-resolution output beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from monai_topo.losses import TOPOLOGY_TERMS, DiagramLoss, SameClassNeighborPenalty, side_by_side

IGNORED = 255
"""Value that the voxels of nnU-Net's ignore label have in the target of a region."""


class TermAtFullResolution(nn.Module):
    """A loss of nnU-Net plus ``weight`` times a topology term of the first output.

    nnU-Net's loss sees all outputs of deep supervision, the term the one at full resolution alone: a label made smaller
    has another topology. The term is not computed where ``weight`` is 0.

    Args:
        base: nnU-Net's loss, of one output or of a list of them.
        topology: term of (logits, target). With labels it is given logits, ``(B, C, H, W[, D])``, and class indices,
            ``(B, 1, H, W[, D])``. With regions each region is an item of its own: logits and masks are
            ``(B * C, 1, H, W[, D])``, and ignored voxels are 255. Tubes that came with the target follow as further
            channels.
        regions: whether the channels of the network are regions, which may overlap, and not classes.
        ignore_label: whether the target of regions ends with a channel of ignored voxels.

    Attributes:
        weight: factor of the term, 0 at first.

    Example:
        >>> term = TOPOLOGY_TERMS["topo"].loss(include_background=False, to_onehot_y=True, softmax=True)
        >>> loss = TermAtFullResolution(lambda output, target: output.mean() * 0, term)
        >>> logits = torch.zeros(1, 2, 8, 9)
        >>> logits[:, 1, 3, 4] = 1  # an object that is none
        >>> loss.weight = 0.5
        >>> bool(loss(logits, torch.zeros(1, 1, 8, 9)) > 0)
        True
    """

    def __init__(self, base: Any, topology: nn.Module, regions: bool = False, ignore_label: bool = False) -> None:
        super().__init__()
        self.base = base
        self.topology = topology
        self.regions = regions
        self.ignore_label = ignore_label
        self.weight = 0.0

    def extra_repr(self) -> str:
        """The weight of the term."""
        return f"weight={self.weight}"

    def forward(
        self, output: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor | Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Compute the weighted sum.

        Args:
            output: logits, ``(B, C, H, W[, D])``, or a list of them, full resolution first.
            target: target as nnU-Net gives it: ``(B, 1, H, W[, D])`` class indices, or a channel for each region and
                one for the ignored voxels; tubes may follow, one channel for the classes or one for each region.

        Returns:
            A scalar.
        """
        if not self.weight:
            alone: torch.Tensor = self.base(output, self.without_tubes(output, target))
            return alone
        own = (self.base, output, self.without_tubes(output, target))
        value, term = side_by_side([own, self._term_call(output, target)])
        return value + self.weight * term

    def _term_call(self, output: Any, target: Any) -> tuple[Callable[..., torch.Tensor], Any, Any]:
        """The term with what it is called with."""
        if isinstance(self.topology, DiagramLoss):
            return self.topology, *self.prepared(full_resolution(output), full_resolution(target))
        return self.term, output, target

    def term(
        self, output: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor | Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The term at weight 1."""
        value: torch.Tensor = self.topology(*self.prepared(full_resolution(output), full_resolution(target)))
        return value

    def without_tubes(self, output: Any, target: Any) -> Any:
        """The target as nnU-Net's loss takes it, without the tubes that may follow."""
        if not isinstance(target, torch.Tensor):
            pairs = zip(output, target, strict=True)
            return [self.without_tubes(each, truth) for each, truth in pairs]
        return target[:, : self.num_labels(full_resolution(output))]

    def num_labels(self, output: torch.Tensor) -> int:
        """How many channels of a target are nnU-Net's."""
        return output.shape[1] + self.ignore_label if self.regions else 1

    def prepared(self, output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and target at full resolution as the term takes them."""
        if not self.regions:
            return output, target
        count = output.shape[1]
        masks, tubes = target[:, :count].float(), target[:, self.num_labels(output) :].float()
        if self.ignore_label:
            masks = torch.where(target[:, count : count + 1].bool(), IGNORED, masks)
        channels = [part.flatten(0, 1)[:, None] for part in (masks, tubes) if part.shape[1]]
        return output.flatten(0, 1)[:, None], torch.cat(channels, dim=1)


class PenaltyAtFullResolution(TermAtFullResolution):
    """The same with :class:`SameClassNeighborPenalty` around nnU-Net's own loss as the term."""

    topology: SameClassNeighborPenalty

    def term(
        self, output: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor | Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """nnU-Net's loss of the worst logits around each voxel at full resolution."""
        logits, truth = full_resolution(output), full_resolution(target)
        worst = self.topology.worst(*self.prepared(logits, truth)).reshape(logits.shape)
        value: torch.Tensor = self.topology.loss(worst, self.without_tubes(logits, truth))
        return value


def full_resolution(tensors: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
    """The tensor at full resolution."""
    return tensors if isinstance(tensors, torch.Tensor) else tensors[0]


def build_term(
    name: str, regions: bool = False, ignore_label: int | None = None, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """A topology loss as nnU-Net's outputs and targets want it.

    Args:
        name: name of the loss, one of those that ``DiceCETopologyLoss(topology=...)`` takes.
        regions: whether the channels of the network are regions.
        ignore_label: nnU-Net's ignore label, None where there is none.
        options: further arguments of the loss.

    Raises:
        ValueError: for a name that there is not.
        TypeError: for an option that the loss does not have.

    Example:
        >>> build_term("dmt", options={"dims": (1,)}).softmax
        True
    """
    if name not in TOPOLOGY_TERMS:
        raise ValueError(f"topology must be one of {tuple(TOPOLOGY_TERMS)}, got {name!r}.")
    arguments: dict[str, Any] = {"include_background": False, "to_onehot_y": True, "softmax": True}
    if regions:
        arguments = {"sigmoid": True}
    if ignore_label is not None:
        arguments["ignore_index"] = IGNORED if regions else ignore_label
    term: nn.Module = TOPOLOGY_TERMS[name].loss(**arguments, **(options or {}))
    return term
