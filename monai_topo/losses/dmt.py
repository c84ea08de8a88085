"""DMT-loss of Hu et al. 2021."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import numpy as np
import torch
from monai.utils import LossReduction

from monai_topo.losses.options import LossOptions
from monai_topo.losses.region import VoxelCrossEntropyLoss, check_normalization
from monai_topo.topology import check_manifold_dims, stable_manifolds_batch


class DMTLoss(VoxelCrossEntropyLoss):
    r"""The loss of "Topology-Aware Segmentation Using Discrete Morse Theory" (Hu, Wang, Li, Samaras, Chen, ICLR 2021).

    Cross-entropy on the ridges and walls that the likelihood has or nearly has: the mask M of its stable manifolds
    (:func:`monai_topo.topology.stable_manifolds`), whatever the ground truth says of them. Where it says foreground, a
    gap is closed; where it says background, a phantom branch or wall is taken away. With likelihood p and truth g

    .. math:: L = -\frac{1}{|M|} \sum_{x \in M} g_x \log p_x + (1 - g_x) \log(1 - p_x)

    (section 2.3). M is a constant for the gradient, which is nothing outside of it. An empty mask gives 0. With
    ``sigmoid`` or ``softmax`` the logarithms are taken of the logits, exact however sure the network is. Of likelihoods
    given, or made by ``other_act``, they are held at -100 or more, as in ``torch.nn.BCELoss``: likelihoods of 0 and 1
    have a finite loss, and float32 tells none apart that are nearer to 1 than 6e-8.

    What is summed and averaged: the value for one item and channel is the mean over the voxels of M, averaged over
    patches, so it is as large as a mean cross-entropy, whatever the number of structures.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        dims: 1 for ridges (vessels, neurites), 2 for walls (membranes in 3D), or both; None is all that the data have,
            1 in 2D, 1 and 2 in 3D, as in the paper (section 2.3).
        persistence_threshold: structures of at most this persistence do not count; 0.2 in the paper (section 3, by
            validation: 0.1 and 0.3 were worse). A gap in a wall or a loop is seen only where its likelihood is more
            than this above the bottom of the shallower side; one that parts two components is seen however deep.
        normalize: ``"mask"`` averages over the voxels of M; ``"image"`` divides by all voxels, which is the formula as
            the paper writes it, with M on both likelihood and ground truth.
        connectivity: connectivity of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        engine: ``"auto"`` or the name of an engine that has stable manifolds.
        num_threads: threads for the patches; None is one for each CPU core.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.9, 0.25, 0.8, 0.75, 0.77]]]])  # a gap, and a dent of less than 0.2
        >>> target = torch.ones_like(likelihood)
        >>> DMTLoss()(likelihood, target)  # the mean of -log over the first three voxels
        tensor(0.5716)
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        dims: Sequence[int] | int | None = None,
        persistence_threshold: float = 0.2,
        normalize: str = "mask",
        connectivity: int | None = None,
        engine: str = "auto",
        num_threads: int | None = None,
        **options: Unpack[LossOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, **options)
        if dims is not None:
            check_manifold_dims(dims, ndim=3)
        if not persistence_threshold >= 0:
            raise ValueError(f"persistence_threshold must be 0 or more, got {persistence_threshold!r}.")
        check_normalization(normalize)
        self.dims = dims
        self.persistence_threshold = persistence_threshold
        self.normalize = normalize
        self.connectivity = connectivity
        self.engine = engine
        self.num_threads = num_threads

    def region_of(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Mask of the manifolds of each patch, on the likelihood's device."""
        found = stable_manifolds_batch(
            likelihood.detach().cpu(),
            persistence_threshold=self.persistence_threshold,
            dims=tuple(range(1, likelihood.ndim - 1)) if self.dims is None else self.dims,
            connectivity=self.connectivity,
            engine=self.engine,
            num_threads=self.num_threads,
        )
        return torch.from_numpy(np.stack(found)).to(likelihood.device)
