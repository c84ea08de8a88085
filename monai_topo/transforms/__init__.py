"""Transforms with their dictionary twins, in MONAI's folders."""

from __future__ import annotations

from monai_topo.transforms import croppad, intensity, io, label, post, spatial
from monai_topo.transforms.croppad import *  # noqa: F403
from monai_topo.transforms.intensity import *  # noqa: F403
from monai_topo.transforms.io import *  # noqa: F403
from monai_topo.transforms.label import *  # noqa: F403
from monai_topo.transforms.post import *  # noqa: F403
from monai_topo.transforms.spatial import *  # noqa: F403

__all__: list[str] = []
__all__ += croppad.__all__
__all__ += intensity.__all__
__all__ += io.__all__
__all__ += label.__all__
__all__ += post.__all__
__all__ += spatial.__all__
