"""Affinities: how strongly neighbor voxels are joined, and what they make of a volume.

- ``maximin``: which edge decides how strongly two voxels are joined, counted over all pairs.
- ``clusters``: instances by the mutex watershed, and from seeds.
- ``cluster_kernels``: kernels that join clusters and keep them apart.
- ``edge_kernels``: kernels that list the edges that a maximum spanning forest may hold.
- ``pair_kernels``: kernels that count pairs of ids along it.
"""
