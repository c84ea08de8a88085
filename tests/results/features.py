"""How many features a mask has, and how many of them are where the label has them."""

from __future__ import annotations

from monai_topo.metrics.betti_patches import BettiPatchMetric
from monai_topo.topology import count_features as count_patch

COUNTS = {"predicted": "predicted", "label": "true", "shared": "matched"}
"""Column of the records to the count."""


class FeatureTerms(BettiPatchMetric):
    """The terms of the Betti matching error, ``predicted + label - 2 shared`` in each dimension, over the patches."""

    def patch_components(self, prediction, target):
        """``COUNT.DIMENSION`` to number."""
        counts = count_patch(prediction, target, self.connectivity, frame=self.frame)
        return {
            f"{name}.{k}": float(getattr(found, term)) for name, term in COUNTS.items() for k, found in counts.items()
        }


def count_features(mask, label, options):
    """By column, of one mask, patches and frame as an :class:`Options` has them."""
    metric = FeatureTerms(patch_size=options.patch_size, frame=options.frame)
    return {f"features.{column}": number for column, number in metric.channel_components(mask, label).items()}
