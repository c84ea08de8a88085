"""Perceptual topology loss of Mosinska et al. 2018."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import torch
from monai.utils import LossReduction, optional_import
from torch import nn

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.options import LossOptions

VGG19_LAYERS = (3, 8, 17)
"""Places in torchvision's ``vgg19().features`` of relu1_2, relu2_2 and relu3_4."""


class PerceptualTopologyLoss(TopologyLoss):
    r"""The loss of "Beyond the Pixel-Wise Loss for Topology-Aware Delineation" (Mosinska et al., CVPR 2018).

    What a network that was trained on photographs answers to the likelihood, compared with what it answers to the
    label: gaps and small branches change its responses far more than a voxel does. With f_l the response of layer l

    .. math:: L = \sum_l \operatorname{mean}\,(f_l(p) - f_l(y))^2

    The paper takes VGG19 of ImageNet at relu1_2, relu2_2 and relu3_4; public re-implementations weigh the loss by 0.1
    beside cross-entropy: ``DiceCETopologyLoss(topology=PerceptualTopologyLoss(...), lambda_topo=0.1)``. The
    likelihood is given to all input channels of the network as it is. Volumes are seen slice by slice, across each
    axis, and the mean over the axes is taken; the paper has images only. Nothing is downloaded.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        network: file with the weights of torchvision's ``vgg19``, whole or its ``features``, which needs torchvision;
            or any 2D network as ``nn.Sequential``. A frozen copy of it is kept.
        layers: places in the sequence whose responses are compared; the default is the paper's, of VGG19.
        **options: :class:`LossOptions`. Patches must be as large as the network makes them smaller: 4 pixels for VGG19.

    Raises:
        TypeError: when ``network`` is neither a file nor an ``nn.Sequential``, or ``other_act`` is not callable, or for
            an argument that the loss does not have.
        FileNotFoundError: when there is no such file.
        ValueError: for layers that the network does not have, more than one activation or an unknown option.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        >>> loss = PerceptualTopologyLoss(network=network, layers=[1])
        >>> label = torch.ones(1, 1, 8, 8)
        >>> loss(label, label)
        tensor(0.)
    """

    network: nn.Sequential

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        network: nn.Sequential | str | os.PathLike[str],
        layers: Sequence[int] = VGG19_LAYERS,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(include_background, to_onehot_y, sigmoid, softmax, other_act, reduction, **options)
        sequence: Any = _vgg19(network) if isinstance(network, (str, os.PathLike)) else network
        if not isinstance(sequence, nn.Sequential):
            raise TypeError(f"network must be a file or an nn.Sequential, got {type(network).__name__}.")
        if not layers or not all(0 <= layer < len(sequence) for layer in layers):
            raise ValueError(f"layers must be places from 0 to {len(sequence) - 1} of the network, got {layers!r}.")
        self.layers = tuple(sorted({int(layer) for layer in layers}))
        used: Any = sequence[: self.layers[-1] + 1]
        self.network = copy.deepcopy(used).requires_grad_(False).eval()
        first = next(self.network.parameters(), torch.zeros(1, 1))
        self.num_channels = int(first.shape[1]) if first.ndim == 4 else 1

    def train(self, mode: bool = True) -> PerceptualTopologyLoss:
        """The network stays as it is in evaluation."""
        super().train(mode)
        self.network.eval()
        return self

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The mean over the axes that slices are taken across."""
        truth = mask.to(likelihood.dtype)
        if likelihood.ndim == 3:
            return self._compare(likelihood[:, None], truth[:, None])
        across = [self._compare(likelihood.movedim(axis, 1), truth.movedim(axis, 1)) for axis in (1, 2, 3)]
        return torch.stack(across).mean(dim=0)

    def _compare(self, likelihood: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """The sum over layers of the squared differences of responses, for slices ``(N, slices, H, W)`` to ``(N,)``."""
        count = likelihood.shape[1]
        self._check_size(likelihood)
        found, wanted = (
            images.flatten(0, 1)[:, None].expand(-1, self.num_channels, -1, -1) for images in (likelihood, truth)
        )
        total = likelihood.new_zeros(len(likelihood))
        for place, layer in enumerate(self.network):
            found = layer(found)
            with torch.no_grad():
                wanted = layer(wanted)
            if place in self.layers:
                total = total + (found - wanted).square().flatten(1).mean(dim=1).reshape(-1, count).mean(dim=1)
        return total

    def _check_size(self, slices: torch.Tensor) -> None:
        strides: list[Any] = [getattr(layer, "stride", 1) for layer in self.network]
        factor = math.prod(max(stride) if isinstance(stride, tuple) else stride for stride in strides)
        if min(slices.shape[2:]) < factor:
            raise ValueError(
                f"patches must be of at least {factor} voxels along each axis, which the network makes 1, got "
                f"{tuple(slices.shape[1:])}: take lower layers or larger patches."
            )


def _vgg19(path: str | os.PathLike[str]) -> nn.Sequential:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"network: no file {os.fspath(path)!r} with the weights of VGG19.")
    models, _ = optional_import("torchvision.models")
    network: nn.Module = models.vgg19(weights=None)
    state = torch.load(path, map_location="cpu", weights_only=True)
    features: nn.Sequential = network.features  # type: ignore[assignment]
    own = {name.removeprefix("features."): value for name, value in state.items() if "classifier" not in name}
    features.load_state_dict(own)
    return features
