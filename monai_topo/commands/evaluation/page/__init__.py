"""``evaluate --html``: everything that is known of an evaluation on one page that needs nothing else."""

from __future__ import annotations

from monai_topo.commands.evaluation.page.run import write_page

__all__ = ["write_page"]
