"""The native engine: persistence pairs by discrete Morse theory and union-find, in numba kernels.

The steps, one file each: ``order`` (the total order as integer keys), ``neighbors`` (which neighbors are lower),
``circle`` and ``gradient`` (the discrete gradient by tables of the lower link, 2D and 3D), ``squares`` and ``saddles``
(the critical cells), ``components`` (dimension 0 and the top dimension), ``loops`` and ``coboundaries`` (dimension 1
in 3D, with ``chains``), ``pairs`` (the steps in order) and ``compute`` (the functions that the registry knows).
``shared``, ``mixed`` and ``image`` go on to two fields: a gradient for both, image persistence; ``levels`` is the
gradient for a field and its comparison with a mask. ``descent``, ``manifolds`` and ``morse`` go on from the pairs to
the stable manifolds and the basins of a field.
"""

from __future__ import annotations

from monai_topo.topology.engines.native.compute import compute_image_pairs, compute_pairs, compute_pairs_stack
from monai_topo.topology.engines.native.manifolds.morse import compute_basins, compute_manifolds
from monai_topo.topology.engines.registry import Engine

ENGINE = Engine(
    pairs=compute_pairs,
    batch=compute_pairs_stack,
    image=compute_image_pairs,
    manifolds=compute_manifolds,
    basins=compute_basins,
)
