"""From pairs to the stable manifolds of a field."""
