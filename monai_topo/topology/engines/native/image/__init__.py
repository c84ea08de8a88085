"""Image persistence: the pairs of one field inside a larger one."""
