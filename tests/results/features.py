"""How many features a mask has, and how many of them are where the label has them."""

from __future__ import annotations

from monai_topo.metrics.betti_patches import BettiPatchMetric
from monai_topo.topology import betti_numbers, shared_betti_numbers

COUNTS = ("predicted", "label", "shared")


class FeatureCounts(BettiPatchMetric):
    """The terms of the Betti matching error, ``predicted + label - 2 shared`` in each dimension, over the patches."""

    def patch_components(self, prediction, target):
        """``COUNT.DIMENSION`` to number."""
        options = {"connectivity": self.connectivity, "frame": self.frame}
        found = {
            "predicted": betti_numbers(prediction, **options),
            "label": betti_numbers(target, **options),
            "shared": shared_betti_numbers(prediction, target, **options),
        }
        return {f"{count}.{k}": float(found[count][k]) for count in COUNTS for k in range(target.ndim)}


def count_features(mask, label, options):
    """By column, of one mask, patches and frame as an :class:`Options` has them."""
    metric = FeatureCounts(patch_size=options.patch_size, frame=options.frame)
    return {f"features.{column}": number for column, number in metric.channel_components(mask, label).items()}
