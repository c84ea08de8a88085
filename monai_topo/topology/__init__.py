"""The mathematics on arrays: fields, persistence pairs, diagrams, matchings, Morse masks, Betti numbers. No MONAI."""

from __future__ import annotations

from monai_topo.topology.betti import betti_numbers, euler_characteristic
from monai_topo.topology.diagram import diagram
from monai_topo.topology.engines import ESSENTIAL, FRAME, available_engines
from monai_topo.topology.features import Feature, list_features
from monai_topo.topology.field import sublevel_field
from monai_topo.topology.height import HEIGHTS, height_function
from monai_topo.topology.induced import InducedMatching, comparison, match_induced, match_induced_batch
from monai_topo.topology.matching import FieldMatching, Matching, by_lifetime, nearest_corner, optimal
from monai_topo.topology.morse import stable_manifolds, stable_manifolds_batch
from monai_topo.topology.overlap import shared_betti_numbers
from monai_topo.topology.persistence import PersistencePairs, persistence_pairs, persistence_pairs_batch
from monai_topo.topology.place import match_by_place, match_by_place_batch

__all__ = [
    "ESSENTIAL",
    "FRAME",
    "HEIGHTS",
    "Feature",
    "FieldMatching",
    "InducedMatching",
    "Matching",
    "PersistencePairs",
    "available_engines",
    "betti_numbers",
    "by_lifetime",
    "comparison",
    "diagram",
    "euler_characteristic",
    "height_function",
    "list_features",
    "match_by_place",
    "match_by_place_batch",
    "match_induced",
    "match_induced_batch",
    "nearest_corner",
    "optimal",
    "persistence_pairs",
    "persistence_pairs_batch",
    "shared_betti_numbers",
    "stable_manifolds",
    "stable_manifolds_batch",
    "sublevel_field",
]
