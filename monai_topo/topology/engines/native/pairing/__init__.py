"""From critical cells to persistence pairs, dimension by dimension.

- ``components``: dimension 0 and the top dimension: merging by union-find.
- ``chains``: a chain of cells that is pushed along the gradient, and where reduced chains are kept.
- ``boundaries``: chains of edges: the boundary of a square, and the push down the gradient.
- ``loops``: dimension 1 in 3D: chains of edges pushed down from the critical squares.
- ``reduction``: their turns one after the other, in one thread or several.
- ``shares``, ``ends``: one 3D field in several threads, and its dimensions 0 and 2.
- ``sweep``, ``sets``, ``remainder``: the squares that this takes too long for: a small matrix, and its reduction.
- ``coboundaries``: the same pairs from the other end: chains of squares pushed up from the critical edges.
- ``attempts``: the first attempt at dimension 1 in 3D, and which way to go on from it.
- ``pairs``: all steps in order: the entry kernels for 2D and 3D.
- ``finish``: entry kernels that go on where that for 3D has stopped, and the loop over the fields of a stack.
"""
