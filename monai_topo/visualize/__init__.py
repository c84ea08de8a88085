"""Pictures of segmentations and of their topology, as PNG files; they need matplotlib (extra ``bundle``)."""

from __future__ import annotations

from monai_topo.visualize.diagram import plot_persistence_diagram, plot_persistence_diagrams
from monai_topo.visualize.features import feature_map, plot_features, write_feature_map
from monai_topo.visualize.segmentation import error_map, find_gaps, plot_segmentations

__all__ = [
    "error_map",
    "feature_map",
    "find_gaps",
    "plot_features",
    "plot_persistence_diagram",
    "plot_persistence_diagrams",
    "plot_segmentations",
    "write_feature_map",
]
