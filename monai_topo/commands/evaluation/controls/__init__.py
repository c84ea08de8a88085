"""``evaluate --controls``: the scores of answers that have not seen the image."""

from __future__ import annotations

from monai_topo.commands.evaluation.controls.masks import ControlOptions
from monai_topo.commands.evaluation.controls.run import check_controls, score_controls

__all__ = ["ControlOptions", "check_controls", "score_controls"]
