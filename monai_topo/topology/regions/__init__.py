"""Regions of a scalar field: basins, floods, simplification, ridges and walls."""
