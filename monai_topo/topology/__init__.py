"""The mathematics on arrays: fields, persistence pairs, diagrams, matchings, Morse masks, Betti numbers. No MONAI.

Names in ``__all__`` are public; what is imported ``as`` itself is for the other subpackages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monai_topo.topology.affinities.clusters import affinity_clusters, joined_places, nearest_offsets
from monai_topo.topology.affinities.maximin import MaximinPairs, edge_minima, maximin_pairs
from monai_topo.topology.checks import check_dims, check_direction, check_mask, is_full_connectivity
from monai_topo.topology.compiled.threads import map_in_threads
from monai_topo.topology.diagram import diagram, gather_points
from monai_topo.topology.engines import ESSENTIAL as ESSENTIAL
from monai_topo.topology.engines import FRAME as FRAME
from monai_topo.topology.engines import available_engines
from monai_topo.topology.field import sublevel_field
from monai_topo.topology.field import to_array as to_array
from monai_topo.topology.grid import label_components
from monai_topo.topology.height import HEIGHTS as HEIGHTS
from monai_topo.topology.height import height_function
from monai_topo.topology.induced import InducedMatching, InducedPoints, comparison, match_induced, match_induced_batch
from monai_topo.topology.masks.betti import betti_numbers, euler_characteristic
from monai_topo.topology.masks.counts import FeatureCounts, count_features
from monai_topo.topology.masks.distances import distance_to_background
from monai_topo.topology.masks.features import Feature, list_features
from monai_topo.topology.masks.features import Status as Status
from monai_topo.topology.masks.instances import distance_to_boundary, instance_boundaries
from monai_topo.topology.masks.instances import largest_parts as largest_parts
from monai_topo.topology.masks.instances import remove_small_cells as remove_small_cells
from monai_topo.topology.masks.instances import renumber_ids as renumber_ids
from monai_topo.topology.masks.instances import round_cells as round_cells
from monai_topo.topology.masks.overlap import shared_betti_numbers
from monai_topo.topology.masks.records import BETTI_KEY as BETTI_KEY
from monai_topo.topology.masks.records import betti_record as betti_record
from monai_topo.topology.masks.records import read_betti_record as read_betti_record
from monai_topo.topology.masks.records import stored_betti_numbers as stored_betti_numbers
from monai_topo.topology.masks.runs import ComponentRuns, component_runs
from monai_topo.topology.masks.small_features import SmallFeatures, crop_to_mask, small_features
from monai_topo.topology.matching import FieldMatching, MatchedPoints, Matching, by_lifetime, nearest_corner, optimal
from monai_topo.topology.patches import PatchLayout
from monai_topo.topology.patches import Slices as Slices
from monai_topo.topology.persistence import persistence_pairs, persistence_pairs_batch
from monai_topo.topology.persistence import share_threads as share_threads
from monai_topo.topology.place import match_by_place, match_by_place_batch
from monai_topo.topology.points import DiagramPoints, Filtration, PersistencePairs
from monai_topo.topology.points_cache import PointsCache
from monai_topo.topology.regions.adjacency import MERGES as MERGES
from monai_topo.topology.regions.adjacency import RegionGraph, crossing_edges, merge_regions, region_graph
from monai_topo.topology.regions.basins import component_regions
from monai_topo.topology.regions.critical import CRITERIA as CRITERIA
from monai_topo.topology.regions.critical import CriticalRegions, critical_regions, critical_regions_batch
from monai_topo.topology.regions.morse import check_manifold_dims as check_manifold_dims
from monai_topo.topology.regions.morse import stable_manifolds, stable_manifolds_batch
from monai_topo.topology.regions.simplification import low_pairs as low_pairs
from monai_topo.topology.regions.simplification import simplify
from monai_topo.topology.regions.watershed import basin_walls, catchment_basins
from monai_topo.topology.warming import warm_up

if TYPE_CHECKING:
    from monai_topo.topology.compiled.kernel import entry_kernel as entry_kernel
    from monai_topo.topology.compiled.kernel import kernel as kernel
    from monai_topo.topology.masks.pair_kernels import count_pairs as count_pairs

__all__ = [
    "ComponentRuns",
    "CriticalRegions",
    "DiagramPoints",
    "Feature",
    "FeatureCounts",
    "FieldMatching",
    "Filtration",
    "InducedMatching",
    "InducedPoints",
    "MatchedPoints",
    "Matching",
    "MaximinPairs",
    "PatchLayout",
    "PersistencePairs",
    "PointsCache",
    "RegionGraph",
    "SmallFeatures",
    "affinity_clusters",
    "available_engines",
    "basin_walls",
    "betti_numbers",
    "by_lifetime",
    "catchment_basins",
    "check_dims",
    "check_direction",
    "check_mask",
    "comparison",
    "component_regions",
    "component_runs",
    "count_features",
    "critical_regions",
    "critical_regions_batch",
    "crop_to_mask",
    "crossing_edges",
    "diagram",
    "distance_to_background",
    "distance_to_boundary",
    "edge_minima",
    "euler_characteristic",
    "gather_points",
    "height_function",
    "instance_boundaries",
    "is_full_connectivity",
    "joined_places",
    "label_components",
    "list_features",
    "map_in_threads",
    "match_by_place",
    "match_by_place_batch",
    "match_induced",
    "match_induced_batch",
    "maximin_pairs",
    "merge_regions",
    "nearest_corner",
    "nearest_offsets",
    "optimal",
    "persistence_pairs",
    "persistence_pairs_batch",
    "region_graph",
    "shared_betti_numbers",
    "simplify",
    "small_features",
    "stable_manifolds",
    "stable_manifolds_batch",
    "sublevel_field",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    """Kernels, and ``entry_kernel`` and ``kernel``, how they are compiled, are imported when asked for: with numba."""
    if name == "count_pairs":
        from monai_topo.topology.masks.pair_kernels import count_pairs

        return count_pairs
    if name not in ("entry_kernel", "kernel"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from monai_topo.topology.compiled import kernel as module

    return getattr(module, name)
