"""What the terms of a batch are computed from: channels of prediction and truth, and what came with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Stored = NDArray[np.int64] | None
"""Betti numbers as records, ``(N, n)``, from ``topology.betti_record``."""


class Channels(NamedTuple):
    """What the terms of a batch are computed from, float32, ``(B, C, H, W[, D])``.

    Attributes:
        input: output of the network, all channels, 0 where voxels are ignored.
        prediction: the same after the activation, without the background where that is left out.
        truth: the ground truth of these channels.
        valid: ``(B, 1, H, W[, D])``, False where voxels are ignored; None where all count.
        skeleton: skeleton of the ground truth, where the target holds it.
        stored: Betti numbers of each item and channel, where the target's metadata holds them.
    """

    input: torch.Tensor
    prediction: torch.Tensor
    truth: torch.Tensor
    valid: torch.Tensor | None
    skeleton: torch.Tensor | None = None
    stored: Stored = None
