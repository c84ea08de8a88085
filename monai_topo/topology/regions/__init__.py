"""Regions of a scalar field: basins, floods, simplification, ridges and walls.

- ``basins``: the region of a feature, from its pair of critical voxels.
- ``flood``: kernels that collect the voxels of such a region, level it or bridge to it.
- ``simplification``: fields without their features of low persistence.
- ``morse``: masks of ridges and walls, and catchment basins, by discrete Morse theory.
- ``adjacency``: the graph of regions that touch, what is measured on their walls, and merging by it.
- ``critical``: false regions of a segmentation whose correction changes its topology.
- ``wall_kernels``: kernels that measure the walls between regions, and the regions.
- ``agglomeration``: kernels that merge regions across their weakest walls.
"""
