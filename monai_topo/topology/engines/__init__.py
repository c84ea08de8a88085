"""Engines: interchangeable ways to compute the persistence pairs of a field, found by name."""

from __future__ import annotations

from monai_topo.topology.engines.registry import (
    ESSENTIAL,
    FRAME,
    Engine,
    ImageFunction,
    ManifoldsFunction,
    available_engines,
    get_engine,
    get_image_function,
    get_manifolds_function,
)

__all__ = [
    "ESSENTIAL",
    "FRAME",
    "Engine",
    "ImageFunction",
    "ManifoldsFunction",
    "available_engines",
    "get_engine",
    "get_image_function",
    "get_manifolds_function",
]
