"""``python -m monai_topo evaluate``: segmentations on disk against their labels, case by case."""

from __future__ import annotations

from monai_topo.commands.evaluation.case import score_masks
from monai_topo.commands.evaluation.command_line import add_evaluate_parser
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.run import Evaluation, evaluate

__all__ = ["Evaluation", "Options", "add_evaluate_parser", "evaluate", "score_masks"]
