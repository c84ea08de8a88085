"""From pairs to the stable manifolds of a field.

- ``descent``: the step of steepest descent from every voxel, and the edges of a saddle.
- ``manifolds``: kernels: curves down from the saddles, sheets between the basins.
- ``morse``: from a field and its pairs to masks.
"""
