"""``evaluate --sweep``: every metric over thresholds and over tolerances."""

from __future__ import annotations

from monai_topo.commands.evaluation.sweep.run import check_sweep, sweep
from monai_topo.commands.evaluation.sweep.settings import SweepOptions

__all__ = ["SweepOptions", "check_sweep", "sweep"]
