"""What the array transforms share: images in, one channel at a time, images of the same container out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_data_type, convert_to_dst_type
from numpy.typing import NDArray

from monai_topo.data import voxel_sizes
from monai_topo.graphs import check_spacing as voxel_size

SPACING_KNOWN = "spacing_known"
"""Entry of the metadata: whether the file, or the user, says the size of a voxel."""


def to_channels(img: NdarrayOrTensor) -> NDArray[Any]:
    """The image as an array, ``(C, H, W)`` or ``(C, H, W, D)``.

    Raises:
        ValueError: for another number of axes, an empty axis, NaN or infinity.
    """
    if isinstance(img, torch.Tensor) and img.dtype == torch.bfloat16:  # NumPy has no such type; float32 holds it
        img = img.float()
    channels: NDArray[Any] = convert_data_type(img, np.ndarray)[0]
    if channels.ndim not in (3, 4) or channels.size == 0:
        raise ValueError(
            f"img must have shape (C, H, W) or (C, H, W, D), not empty; got {channels.shape}. "
            "EnsureChannelFirst puts the channel axis there."
        )
    for number, channel in enumerate(channels):
        if channel.dtype.kind == "f" and not np.isfinite(channel).all():
            raise ValueError(f"img holds NaN or infinity in channel {number}: replace it first.")
    return channels


def to_masks(img: NdarrayOrTensor) -> NDArray[np.bool_]:
    """The image as masks, one in each channel.

    Raises:
        ValueError: as :func:`to_channels`, and for values other than 0 and 1.
    """
    channels = to_channels(img)
    masks = channels.astype(bool)
    if channels.dtype != bool and not np.array_equal(channels, masks):
        raise ValueError(
            "img must hold only 0 and 1 (or bools): threshold a likelihood, one-hot encode a label map (AsDiscrete)."
        )
    return masks


def to_likelihoods(img: NdarrayOrTensor) -> NDArray[Any]:
    """The image as likelihoods, float32 or float64, one in each channel; to be read only, they may be the image's own.

    Raises:
        ValueError: as :func:`to_channels`, and for values outside [0, 1].
    """
    channels = to_channels(img)
    lowest, highest = float(channels.min()), float(channels.max())
    if lowest < 0 or highest > 1:
        raise ValueError(
            f"img must hold likelihoods in [0, 1], got values from {lowest:g} to {highest:g}: apply a sigmoid or "
            "softmax first (Activations)."
        )
    return channels if channels.dtype == np.float64 else channels.astype(np.float32, copy=False)


def map_channels(
    img: NdarrayOrTensor, channels: NDArray[Any], function: Callable[[NDArray[Any]], NDArray[Any]], dtype: Any
) -> NdarrayOrTensor:
    """Apply a function to every channel; the container, device and metadata are those of ``img``."""
    changed = np.stack([function(channel) for channel in channels])
    return like(img, changed, dtype)


def like(img: NdarrayOrTensor, values: NDArray[Any], dtype: Any = None) -> NdarrayOrTensor:
    """Values in the container of ``img``, on its device and with its metadata; None is its dtype, too."""
    result: NdarrayOrTensor = convert_to_dst_type(values, dst=img, dtype=dtype)[0]
    return result


def check_spacing(spacing: Sequence[float] | float | None) -> Sequence[float] | float | None:
    """Return ``spacing`` if it is None or positive and finite.

    Raises:
        ValueError: when it is not.
    """
    if spacing is not None and not all(0 < size < np.inf for size in np.atleast_1d(spacing)):
        raise ValueError(f"spacing must be positive and finite, got {spacing!r}.")
    return spacing


def spacing_of(img: NdarrayOrTensor, spacing: Sequence[float] | float | None = None) -> tuple[float, ...]:
    """Voxel size along each spatial axis: as given, else of the affine of a ``MetaTensor``, else 1.

    Raises:
        ValueError: when ``spacing`` is neither one number nor one for each axis.
    """
    ndim: int = img.ndim - 1
    if spacing is not None:
        return tuple(voxel_size(spacing, ndim).tolist())
    if not isinstance(img, MetaTensor):
        return (1.0,) * ndim
    return voxel_sizes(img.affine.cpu().numpy(), ndim)


class KeyedTransform(MapTransform):
    """Dictionary twin of an array transform: applies it to the item under each key.

    Args:
        keys: keys of the items to transform.
        transform: the array transform.
        allow_missing_keys: whether an item may lack a key.
    """

    def __init__(self, keys: KeysCollection, transform: Transform, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = transform

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Transform the items under ``keys``; the others stay as they are."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key])
        return d
