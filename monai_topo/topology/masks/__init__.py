"""Binary masks and label images: Betti numbers, shared and listed features, specks, instances.

- ``betti``: Betti numbers and Euler characteristic of a mask.
- ``cells``: their kernels: components by runs of voxels, the Euler characteristic by counting cells.
- ``runs``, ``run_kernels``: components as runs of voxels, without an array of labels.
- ``overlap``: how many features two masks share inside their union.
- ``counts``: how many features each of two masks has, and how many match.
- ``features``: the features of two masks one by one, matched, missing and extra, and where they are.
- ``distances``, ``distance_kernels``: from each voxel of a mask to the nearest one outside of it.
- ``small_features``: what a label holds: its Betti numbers, and its specks and pores.
- ``instances``: instance maps: where cells touch, and maps without specks and slivers.
"""
