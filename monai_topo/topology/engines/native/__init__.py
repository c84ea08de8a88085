"""The native engine: persistence pairs by discrete Morse theory and union-find, in numba kernels.

Its rooms, each of which says what its files do: ``order`` (the total order as integer keys), ``gradient`` (the critical
cells), ``pairing`` (persistence pairs), ``image`` (image pairs of two fields) and ``manifolds`` (stable manifolds).
Beside them ``types`` names what the kernels are given and give, and ``compute`` holds the functions that the registry
knows.
"""

from __future__ import annotations

from monai_topo.topology.engines.native.compute import compute_image_pairs, compute_pairs, compute_pairs_stack
from monai_topo.topology.engines.native.manifolds.morse import compute_manifolds
from monai_topo.topology.engines.registry import Engine

ENGINE = Engine(
    pairs=compute_pairs,
    batch=compute_pairs_stack,
    image=compute_image_pairs,
    manifolds=compute_manifolds,
)
