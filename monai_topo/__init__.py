"""Topology losses, metrics, transforms and bundles for MONAI.

``import monai_topo`` in a bundle's ``imports`` makes every public name a short ``_target_``.
"""

from __future__ import annotations

import sys

if (sys.argv[:1] == ["-m"] and __name__ in sys.orig_argv) or "".join(sys.argv[:1]).endswith("monai-topo"):
    # The command line: Ctrl-C from the first import on.
    from monai_topo.commands.interrupt import leave_at_interrupts

    leave_at_interrupts()

from monai_topo import data, graphs, handlers, inferers, losses, metrics, topology, transforms, visualize
from monai_topo.data import *  # noqa: F403
from monai_topo.handlers import *  # noqa: F403
from monai_topo.inferers import *  # noqa: F403
from monai_topo.losses import *  # noqa: F403
from monai_topo.metrics import *  # noqa: F403
from monai_topo.transforms import *  # noqa: F403

__version__ = "0.1.0"

__all__ = ["data", "graphs", "handlers", "inferers", "losses", "metrics", "topology", "transforms", "visualize"]
__all__ += data.__all__
__all__ += handlers.__all__
__all__ += inferers.__all__
__all__ += losses.__all__
__all__ += metrics.__all__
__all__ += transforms.__all__
