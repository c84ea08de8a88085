"""Pictures of segmentations and of their topology, as PNG files; they need matplotlib (extra ``bundle``)."""

from __future__ import annotations

from monai_topo.visualize.cells import id_colors, plot_cells
from monai_topo.visualize.centerline_graphs import plot_graphs
from monai_topo.visualize.critical_voxels import CriticalVoxel, find_critical_voxels
from monai_topo.visualize.curves import CurvePanel, plot_curves
from monai_topo.visualize.diagram import plot_persistence_diagram, plot_persistence_diagrams
from monai_topo.visualize.features import feature_map, plot_features, write_feature_map
from monai_topo.visualize.figure import figure_pixels, save_png
from monai_topo.visualize.paired_differences import Differences, plot_differences
from monai_topo.visualize.prediction import plot_prediction, prediction_figure
from monai_topo.visualize.segmentation import error_map, find_gaps, plot_segmentations, shows_in_projection
from monai_topo.visualize.surfaces import plot_surfaces
from monai_topo.visualize.topology_errors import TopologyError, find_topology_errors, plot_topology_errors
from monai_topo.visualize.trade_off import plot_trade_off
from monai_topo.visualize.training_curves import plot_training_curves

__all__ = [
    "CriticalVoxel",
    "CurvePanel",
    "Differences",
    "TopologyError",
    "error_map",
    "feature_map",
    "figure_pixels",
    "find_critical_voxels",
    "find_gaps",
    "find_topology_errors",
    "id_colors",
    "plot_cells",
    "plot_curves",
    "plot_differences",
    "plot_features",
    "plot_graphs",
    "plot_persistence_diagram",
    "plot_persistence_diagrams",
    "plot_prediction",
    "plot_segmentations",
    "plot_surfaces",
    "plot_topology_errors",
    "plot_trade_off",
    "plot_training_curves",
    "prediction_figure",
    "save_png",
    "shows_in_projection",
    "write_feature_map",
]
