"""`python -m monai_topo segment`: a bundle's network on a volume of any size, block by block."""

from __future__ import annotations

from monai_topo.commands.segmentation.command_line import add_segment_parser
from monai_topo.commands.segmentation.images import segment_images

__all__ = ["add_segment_parser", "segment_images"]
