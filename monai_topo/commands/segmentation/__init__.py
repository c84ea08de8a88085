"""`python -m monai_topo segment`: a bundle's network on a volume of any size, block by block."""

from __future__ import annotations

from monai_topo.commands.segmentation.command_line import add_segment_parser

__all__ = ["add_segment_parser"]
