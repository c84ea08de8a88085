"""A bundle's preprocessing on blocks: what needs the whole volume is given its numbers beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import (
    CastToTyped,
    Compose,
    EnsureChannelFirstd,
    EnsureTyped,
    LoadImaged,
    NormalizeIntensityd,
    ScaleIntensityd,
    ScaleIntensityRanged,
    ScaleIntensityRangePercentilesd,
    ShiftIntensityd,
    ThresholdIntensityd,
)
from numpy.typing import NDArray

from monai_topo.commands.segmentation.statistics import Blocks, extremes, mean_and_deviation, percentiles
from monai_topo.transforms import LoadVolumed

_BY_VOXEL = (ScaleIntensityRanged, ShiftIntensityd, ThresholdIntensityd, CastToTyped, EnsureTyped, EnsureChannelFirstd)

Numbers = Mapping[str, float] | None
"""What a transform takes of the whole volume; None for one that works voxel by voxel."""


def steps_after_loading(preprocessing: Any) -> tuple[Any, list[Any]]:
    """The transform that loads, and those after it.

    Raises:
        ValueError: when the first loads no volume, or another cannot be applied to blocks.
    """
    transforms = list(preprocessing.transforms if isinstance(preprocessing, Compose) else [preprocessing])
    if not transforms or not isinstance(transforms[0], (LoadVolumed, LoadImaged)):
        raise ValueError("preprocessing must begin with LoadVolumed or LoadImaged for segmentation by blocks.")
    for transform in transforms[1:]:
        if not isinstance(transform, _BY_VOXEL) and not _takes_the_whole(transform):
            raise ValueError(
                f"{type(transform).__name__} of preprocessing cannot be applied block by block: leave it out, or "
                "apply it to the volume beforehand."
            )
    return transforms[0], transforms[1:]


def _takes_the_whole(transform: Any) -> bool:
    if isinstance(transform, NormalizeIntensityd):
        return not transform.normalizer.nonzero
    return isinstance(transform, (ScaleIntensityd, ScaleIntensityRangePercentilesd))


def numbers_of(transform: Any, blocks: Blocks) -> Numbers:
    """What a transform takes of the whole volume.

    Args:
        transform: the transform.
        blocks: values that it is applied to.
    """
    if isinstance(transform, ScaleIntensityd) and transform.scaler.minv is not None:
        low, high = extremes(blocks)
        return {"low": low, "high": high}
    if isinstance(transform, ScaleIntensityRangePercentilesd):
        low, high = percentiles(blocks, [transform.scaler.lower, transform.scaler.upper])
        return {"low": low, "high": high}
    if isinstance(transform, NormalizeIntensityd) and None in (
        transform.normalizer.subtrahend,
        transform.normalizer.divisor,
    ):
        mean, deviation = mean_and_deviation(blocks)
        return {"mean": mean, "deviation": deviation}
    return None


def with_numbers(transform: Any, numbers: Numbers) -> Any:
    """A transform that does the same, given the numbers of the whole volume."""
    keys = transform.keys
    if numbers is None:
        return transform
    if isinstance(transform, NormalizeIntensityd):
        given = transform.normalizer
        subtrahend = numbers["mean"] if given.subtrahend is None else given.subtrahend
        divisor = numbers["deviation"] if given.divisor is None else given.divisor
        return NormalizeIntensityd(keys, subtrahend=subtrahend, divisor=divisor)
    scaler = transform.scaler
    if isinstance(transform, ScaleIntensityd):
        return ScaleIntensityRanged(keys, numbers["low"], numbers["high"], scaler.minv, scaler.maxv)
    b_min, b_max = scaler.b_min, scaler.b_max
    if scaler.relative and b_min is not None and b_max is not None:
        b_min, b_max = (b_min + (b_max - b_min) * q / 100 for q in (scaler.lower, scaler.upper))
    return ScaleIntensityRanged(keys, numbers["low"], numbers["high"], b_min, b_max, clip=scaler.clip)


def applied(transforms: Sequence[Any], key: str, values: NDArray[Any]) -> NDArray[np.float32]:
    """Values of one channel after some transforms.

    Args:
        transforms: dictionary transforms that work voxel by voxel.
        key: key of the image.
        values: ``(H, W[, D])``.

    Returns:
        ``(1, H, W[, D])``.
    """
    item = {key: MetaTensor(torch.from_numpy(np.ascontiguousarray(values, np.float32)[None]))}
    for transform in transforms:
        if not isinstance(transform, EnsureChannelFirstd):
            item = transform(item)
    return np.asarray(item[key], np.float32)
