"""Ignite handler of the Betti number error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from monai.handlers.ignite_metric import IgniteMetricHandler
from monai.utils import MetricReduction

from monai_topo.metrics import BettiErrorMetric


class BettiError(IgniteMetricHandler):
    """Computes the Betti number error during evaluation; lower is better.

    As a key metric it needs ``key_metric_negative_sign=True`` in the ``CheckpointSaver`` and a ``metric_cmp_fn`` of
    "smaller is better" in the evaluator.

    Args:
        include_background: if False, channel 0 is left out (unless it is the only one).
        dim: homology dimension, or ``"sum"`` of the errors of all.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: count relative to a frame of foreground.
        patch_size: edge lengths of the patches, None for the whole volume.
        patch_mode: ``"grid"`` or ``"random"``.
        num_patches: number of random patches.
        seed: of the random corners; they are the same for every item.
        reduction: MONAI's, over items and channels.
        output_transform: takes ``engine.state.output`` to ``(y_pred, y)``, batch-first tensors or lists of
            channel-first ones.
        save_details: whether to keep each item's error in ``engine.state.metric_details``.
    """

    def __init__(
        self,
        include_background: bool = True,
        dim: int | str = "sum",
        connectivity: int | None = None,
        frame: bool = False,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        output_transform: Callable[..., Any] = lambda x: x,
        save_details: bool = True,
    ) -> None:
        metric = BettiErrorMetric(
            include_background=include_background,
            dim=dim,
            connectivity=connectivity,
            frame=frame,
            patch_size=patch_size,
            patch_mode=patch_mode,
            num_patches=num_patches,
            seed=seed,
            reduction=reduction,
        )
        super().__init__(metric_fn=metric, output_transform=output_transform, save_details=save_details)
