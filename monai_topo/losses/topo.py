"""TopoLoss of Hu et al. 2019."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from monai.utils import LossReduction

from monai_topo.losses.persistence import PersistenceLoss


class TopoLoss(PersistenceLoss):
    """The loss of "Topology-Preserving Deep Image Segmentation" (Hu, Li, Samaras, Chen, NeurIPS 2019).

    :class:`PersistenceLoss` with the paper's settings: as many dots of the likelihood's diagram as the ground truth
    has features, those nearest to (birth 1, death 0), are pulled to that corner, every other dot to the diagonal
    (equation 2.2). A loss of 0 implies that the likelihood thresholded at 0.5 has the Betti numbers of the ground
    truth (theorem 1), as long as its diagram has as many dots: what is missing without a trace adds nothing. Each patch
    is framed by foreground ("relative homology", section 2.3).

    What is summed and averaged: the value for one item and channel is the sum over the dots of all ``dims``, averaged
    over patches; it grows with the number of dots, so a 3D patch has a much larger value than a 2D one. Beside a
    per-voxel mean (cross-entropy, Dice) the paper weighs the term by about 1e-4; choose the weight so that the norms
    of the two gradients are of one size.

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
        dims: homology dimensions; None is all below the number of spatial axes (the paper trains on loops in 2D,
            footnote 8, and calls both of a 2D image's dimensions important).
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: surround each patch by foreground; on, as in the paper.
        persistence_threshold: dots whose persistence is at most this are left alone. 0, as in the paper; the
            published code uses 0.03.
        patch_size: edge lengths of the patches; None takes the whole input as one patch. The paper's is 65.
        patch_mode: ``"grid"`` covers the input; ``"random"``, the paper's way, draws ``num_patches`` anew at each call.
        num_patches: number of random patches for each item.
        seed: seed of the generator that draws them.
        engine: ``"auto"`` or a name of ``monai_topo.topology.available_engines()``.
        num_threads: threads for the patches; None is one for each CPU core, and one for few small patches.

    Raises:
        TypeError: when ``other_act`` is not callable.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> logits = torch.zeros(2, 1, 8, 8, 8, requires_grad=True)
        >>> target = torch.zeros(2, 1, 8, 8, 8)
        >>> target[:, :, 3:5, 3:5, 3:5] = 1
        >>> TopoLoss(sigmoid=True)(logits, target)  # a constant likelihood has no feature to move
        tensor(0., grad_fn=<MeanBackward0>)
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
        dims: Sequence[int] | int | None = None,
        connectivity: int | None = None,
        frame: bool = True,
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
            matching="nearest_corner",
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
