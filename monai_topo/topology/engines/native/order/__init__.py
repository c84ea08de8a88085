"""The total order of the voxels: integer keys, and which neighbors come first."""
