"""From critical cells to persistence pairs, dimension by dimension."""
