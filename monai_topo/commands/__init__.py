"""The commands of ``python -m monai_topo``."""
