"""The total order of the voxels, by value and then by flat index.

- ``keys``: the order as integer keys, the border around a field, and sorting.
- ``neighbors``: which neighbors of each voxel come first, as the bits of a word.
"""
