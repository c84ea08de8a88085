"""Engines: interchangeable ways to compute the persistence pairs of a field, found by name."""

from __future__ import annotations

from monai_topo.topology.engines.registry import (
    ESSENTIAL,
    FRAME,
    Engine,
    ImageEngine,
    available_engines,
    get_engine,
    get_image_engine,
    get_stack_engine,
)

__all__ = [
    "ESSENTIAL",
    "FRAME",
    "Engine",
    "ImageEngine",
    "available_engines",
    "get_engine",
    "get_image_engine",
    "get_stack_engine",
]
