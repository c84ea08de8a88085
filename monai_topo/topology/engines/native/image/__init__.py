"""Image persistence: the pairs of one field inside a larger one.

- ``shared``: a gradient that both orders share, and the cells that it leaves critical.
- ``elders``: merging in one order where the other tells which component is the elder.
- ``image_pairs``: all steps in order: the entry kernels for 2D and 3D.
"""
