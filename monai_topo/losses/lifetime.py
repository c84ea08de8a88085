"""LifetimeTopoLoss: the loss of "Image segmentation with topological priors"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.persistence import PersistenceLoss
from monai_topo.topology import Matching, by_lifetime


class LifetimeTopoLoss(PersistenceLoss):
    """The loss of "Image segmentation with topological priors" (Sofi, Alsahanova).

    :class:`PersistenceLoss` with the paper's setting: the dots of the likelihood's diagram and of the ground truth's
    are sorted by lifetime, longest first, and paired in that order; the squared distances of the pairs are summed. The
    shorter diagram is filled with dots on the diagonal: an unpaired dot costs ``(b - d)**2 / 2``, so a feature of the
    ground truth that the likelihood has no dot for adds the constant 1/2.

    What is summed and averaged: dots and ``dims`` are summed, patches averaged. The paper weighs the term by 1/12000
    beside cross-entropy.

    Args:
        include_background: if False, channel 0 is left out.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: if True, apply a sigmoid to the input.
        softmax: if True, apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        weight: factor of each class, as in ``DiceLoss``: one number, or one for each class that is not left out.
        ignore_index: class, or value of the target, whose voxels are ignored; they take the value of the frame (1),
            without a frame that of the outside (0).
        sort_by: ``"lifetime"``, the paper's text, or ``"birth"``, the order in which its published notebook pairs dots.
        dims: homology dimensions; components and loops, as in the paper.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: surround each patch by foreground; off, as in the paper.
        persistence_threshold: dots whose persistence is at most this are left alone.
        patch_size: edge lengths of the patches in voxels; None takes the whole input as one patch.
        patch_mode: ``"grid"`` covers the input; ``"random"`` draws ``num_patches`` for each item anew at each call.
        num_patches: number of random patches for each item.
        seed: seed of the generator that draws them.
        engine: ``"auto"`` or a name of ``monai_topo.topology.available_engines()``.
        num_threads: threads for the patches; None is one for each CPU core, and one for few small patches.

    Raises:
        TypeError: when ``other_act`` is not callable.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.5, 0.0, 0.75]]]])
        >>> LifetimeTopoLoss()(likelihood, torch.tensor([[[[1.0, 0.0, 0.0]]]]))  # (1 - 0.75)**2 + 0.5**2 / 2
        tensor(0.1875)
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
        weight: Sequence[float] | float | torch.Tensor | None = None,
        ignore_index: int | None = None,
        sort_by: str = "lifetime",
        dims: Sequence[int] | int | None = (0, 1),
        connectivity: int | None = None,
        frame: bool = False,
        persistence_threshold: float = 0.0,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
        engine: str = "auto",
        num_threads: int | None = None,
    ) -> None:
        super().__init__(
            include_background,
            to_onehot_y,
            sigmoid,
            softmax,
            other_act,
            reduction,
            weight=weight,
            ignore_index=ignore_index,
            matching="by_lifetime",
            dims=dims,
            connectivity=connectivity,
            frame=frame,
            persistence_threshold=persistence_threshold,
            patch_size=patch_size,
            patch_mode=patch_mode,
            num_patches=num_patches,
            seed=seed,
            engine=engine,
            num_threads=num_threads,
        )
        by_lifetime([], [], sort_by=sort_by)  # refuses an unknown order now, not at the first batch
        self.sort_by = sort_by

    def match_dots(self, dots: NDArray[Any], truth: NDArray[Any]) -> Matching:
        """Match in the order of ``sort_by``."""
        return by_lifetime(dots, truth, sort_by=self.sort_by)
