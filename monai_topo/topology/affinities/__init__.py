"""Affinities: how strongly neighbor voxels are joined, and what they make of a volume.

- ``maximin``: which edge decides how strongly two voxels are joined, counted over all pairs.
- ``clusters``: instances by the mutex watershed, and from seeds.
- ``cluster_kernels``: kernels that join clusters and keep them apart.
- ``forest_kernels``: kernels that find the maximum spanning forest.
- ``pair_kernels``: kernels that count pairs of ids along it.
"""
