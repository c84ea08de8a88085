"""The discrete gradient: lower links, critical cells, and what two fields share of them.

- ``circle``: the link of a voxel in 2D, as a table of its 256 configurations.
- ``links``: the link of a voxel in 3D, as a table: how its cells pair up, and which stay critical.
- ``squares``: the critical squares of one voxel, and the two sides that each separates.
- ``saddles``: the critical cells of a whole field, in the total order.
- ``mixed``: the edges that belong to different voxels in two orders.
"""
