"""The trainers of ``monai_topo.nnunet``, where nnU-Net looks for them."""

from __future__ import annotations

from monai_topo.nnunet import *  # noqa: F403
