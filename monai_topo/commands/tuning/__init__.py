"""``python -m monai_topo tune``: arguments of the transforms that finish a segmentation, chosen on validation data."""

from __future__ import annotations

from monai_topo.commands.tuning.command_line import add_tune_parser
from monai_topo.commands.tuning.search import Point, choose, search
from monai_topo.commands.tuning.settings import Settings

__all__ = ["Point", "Settings", "add_tune_parser", "choose", "search"]
