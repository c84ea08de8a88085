"""Skeletons of labels, made where nnU-Net augments: in its background processes, which a loss on skeletons needs."""

from __future__ import annotations

from typing import Any

import torch

from monai_topo.transforms import SkeletonTube

DOWNSAMPLING = "DownsampleSegForDSTransform"
"""nnU-Net's transform that makes the targets of deep supervision; tubes are made before it."""


class AppendTubes:
    """Transform of nnU-Net's augmentation that appends the tubes of a segmentation to its channels.

    Args:
        dilations: number of times that the skeleton is dilated.
        kind: ``"curve"`` or ``"surface"``.
        regions: number of regions; None of class indices.
        ignore_label: nnU-Net's ignore label, None where there is none.

    Example:
        >>> labels = torch.tensor([[[1, 1, 1, 2, 2, 2]] * 3], dtype=torch.int16)
        >>> AppendTubes(dilations=0)(segmentation=labels)["segmentation"][1]
        tensor([[0, 1, 0, 0, 2, 0],
                [0, 1, 0, 0, 2, 0],
                [0, 1, 0, 0, 2, 0]], dtype=torch.int16)
    """

    def __init__(
        self, dilations: int = 2, kind: str = "curve", regions: int | None = None, ignore_label: int | None = None
    ) -> None:
        self.tubes = SkeletonTube(dilations, kind, ignore_index=ignore_label if regions is None else None)
        self.count = 1 if regions is None else regions

    def __call__(self, **data: Any) -> dict[str, Any]:
        """Append the tubes of the labels or regions, after an ignored channel of regions."""
        segmentation = data["segmentation"]
        tubes = torch.as_tensor(self.tubes(segmentation[: self.count].to(torch.int16)))
        return {**data, "segmentation": torch.cat([segmentation, tubes.to(segmentation.dtype)])}

    def __repr__(self) -> str:
        return f"AppendTubes(dilations={self.tubes.dilations}, kind={self.tubes.kind!r}, count={self.count})"


def with_tubes(composed: Any, append: AppendTubes) -> Any:
    """nnU-Net's transforms, changed in place, with tubes before the targets of deep supervision are made.

    Args:
        composed: nnU-Net's ``ComposeTransforms``.
        append: the transform that makes them.
    """
    names = [type(transform).__name__ for transform in composed.transforms]
    composed.transforms.insert(names.index(DOWNSAMPLING) if DOWNSAMPLING in names else len(names), append)
    return composed
