"""From a label image to the mask of one structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends, ensure_tuple
from numpy.typing import NDArray

from monai_topo.transforms.channels import KeyedTransform, like, to_channels


class StructureMask(Transform):
    """Mask of one structure of a label, which is refused where it does not say which of its values that is.

    Labels of masks come as 0 and 1, 0 and 255, or with the value of a class. MONAI's ``LabelToMask`` takes the values
    that it is told; left to itself it takes everything above 0, and a second class or a soft label with it.

    Args:
        values: Values of the structure; None for labels of 0 and one other value, or of one value alone.

    Raises:
        ValueError: when called, with the values of the label: for ``values=None`` and a label of three values or more
            or of two without 0, or for ``values`` none of which is among a label's more than one.

    Example:
        >>> label = np.array([[[0, 255, 255]]])
        >>> StructureMask()(label)
        array([[[0, 1, 1]]], dtype=uint8)
        >>> StructureMask(values=0)(label)  # membranes that are drawn black
        array([[[1, 0, 0]]], dtype=uint8)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(self, values: Sequence[int] | int | None = None) -> None:
        self.values = values

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the mask.

        Args:
            img: Label, ``(C, H, W[, D])``.

        Returns:
            uint8 mask of the same shape and type of container, 1 on the structure; metadata is kept.
        """
        label = to_channels(img)
        return like(img, self._mask(label), np.uint8)

    def _mask(self, label: NDArray[Any]) -> NDArray[np.bool_]:
        found = np.unique(label)
        if self.values is None:
            if len(found) > 2 or (len(found) == 2 and found[0] != 0):
                raise ValueError(
                    f"the label holds {_listed(found)}, where a mask has 0 and one other value: say by values which of "
                    "them are the structure."
                )
            return np.asarray(label != 0)
        mask = np.isin(label, ensure_tuple(self.values))
        if not mask.any() and len(found) > 1:
            raise ValueError(f"the label holds {_listed(found)}, none of the values {ensure_tuple(self.values)}.")
        return mask


def _listed(values: NDArray[Any]) -> str:
    return ", ".join(f"{value:g}" for value in values[:6].tolist()) + (" ..." if len(values) > 6 else "")


class StructureMaskd(KeyedTransform):
    """Dictionary version of :class:`StructureMask`.

    Args:
        keys: Keys of the labels.
        values: Values of the structure; None for labels of 0 and one other value.
        allow_missing_keys: Whether an item may lack a key.

    Example:
        >>> import torch
        >>> StructureMaskd("label")({"label": torch.tensor([[[0, 255]]])})["label"]
        tensor([[[0, 1]]], dtype=torch.uint8)
    """

    backend = StructureMask.backend

    def __init__(
        self, keys: KeysCollection, values: Sequence[int] | int | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, StructureMask(values), allow_missing_keys)


StructureMaskD = StructureMaskDict = StructureMaskd
