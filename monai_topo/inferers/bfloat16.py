"""Mixed precision on the CPU: the network computes in bfloat16, on images with their channels last."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import Inferer


def has_fast_bfloat16() -> bool:
    """Whether the CPU has instructions for products of bfloat16: AVX-512 BF16 or AMX.

    PyTorch computes in bfloat16 on every CPU, but without them several times as long as in float32.

    Example:
        >>> has_fast_bfloat16() in (True, False)
        True
    """
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


class BFloat16Inferer(Inferer):
    """Applies an inferer to a network that computes in bfloat16 by autocast, on inputs with their channels last.

    The engines' own mixed precision (``amp``) is of the GPU alone. bfloat16 has the range of float32: no scaling of
    gradients is needed. What the network gives is float32 again, for activations and losses.

    Args:
        inferer: inferer that applies the network to one input, such as MONAI's ``SimpleInferer`` or
            ``SlidingWindowInferer``.
        enabled: Whether to do so; otherwise the inferer is applied to the network as it is.

    Example:
        >>> from monai.inferers import SimpleInferer
        >>> network = torch.nn.Conv3d(1, 2, 3, padding=1)
        >>> output = BFloat16Inferer(SimpleInferer())(torch.rand(1, 1, 4, 5, 6), network)
        >>> output.dtype, output.shape
        (torch.float32, torch.Size([1, 2, 4, 5, 6]))
    """

    def __init__(self, inferer: Inferer, enabled: bool = True) -> None:
        self.inferer = inferer
        self.enabled = enabled

    def __call__(self, inputs: torch.Tensor, network: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the network.

        Args:
            inputs: ``(B, C, H, W[, D])``, on the CPU.
            network: network from an input to an output, or to several.
            *args: Further arguments of the inferer.
            **kwargs: Further arguments of the inferer.

        Returns:
            What the inferer makes of the network's outputs.
        """
        if not self.enabled:
            return self.inferer(inputs, network, *args, **kwargs)

        def in_bfloat16(windows: torch.Tensor, *more: Any, **options: Any) -> Any:
            layout = torch.channels_last_3d if windows.ndim == 5 else torch.channels_last
            with torch.autocast("cpu", torch.bfloat16):
                output = network(windows.contiguous(memory_format=layout), *more, **options)
            return output.float() if isinstance(output, torch.Tensor) else [part.float() for part in output]

        return self.inferer(inputs, in_bfloat16, *args, **kwargs)
