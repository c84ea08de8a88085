"""Post-processing of the likelihood of tubes: a mask whose gaps are bridged."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.graphs import Gap, draw_bridges, find_ways
from monai_topo.topology import stable_manifolds
from monai_topo.transforms.channels import check_spacing, like, spacing_of, to_likelihoods
from monai_topo.transforms.post.bridge_list import Bridge, list_bridge
from monai_topo.transforms.post.smoothing import check_sigma, smooth, without_small


class BridgeGaps(Transform):
    """Mask of tubes, such as vessels or neurites, whose gaps are bridged where the likelihood has a ridge.

    A gap is a path along the 1-stable ridges of the smoothed likelihood
    (:func:`monai_topo.topology.stable_manifolds`) that leads from one component of the mask to another, nowhere lower
    than ``floor``. Those that pass the thresholds are drawn, the strongest first, as tubes whose radius goes from that
    of one end to that of the other. Each bridge takes just one component away; unless ``allow_loops`` is set, no loop
    and no cavity is closed. Channels are classes that stay apart: a bridge does not come to touch another channel's
    mask, which was there or was bridged before.

    No training is needed. Choose the arguments on validation data: without a floor ridges flood the background.

    Args:
        threshold: likelihood from which a voxel of the smoothed likelihood is tube.
        floor: lowest likelihood that a bridge may pass; 0.15 was chosen on two-photon stacks of vessels.
        sigma: Standard deviation of the Gaussian filter in voxels, one number or one for each axis; 0 for none.
        persistence_threshold: persistence of the ridges, in units of the likelihood: smaller joins are part of a tube
            anyway.
        max_length: Longest bridge, in the unit of the spacing; None for any.
        min_mean: lowest mean likelihood of a bridge.
        max_angle: largest angle in degrees between an end's direction and the bridge; 180 for any.
        min_ends: number of the two places that must be ends of a tube, and not its side: 0, 1 or 2.
        allow_loops: whether two places of one component are bridged too.
        min_size: Voxels that a component of the mask needs to stay (before bridges); 0 or 1 keeps all.
        spacing: size of a voxel, one number or one for each axis; None takes that of a ``MetaTensor``, else 1.

    Raises:
        ValueError: for an argument out of its range.

    Example:
        >>> likelihood = np.full((1, 5, 9), 0.05)
        >>> likelihood[0, 2] = 0.9, 0.9, 0.9, 0.8, 0.3, 0.85, 0.9, 0.9, 0.9  # a vessel with a gap
        >>> transform = BridgeGaps(sigma=0, min_size=0)
        >>> transform(likelihood)[0, 2]
        array([1, 1, 1, 1, 1, 1, 1, 1, 1], dtype=uint8)
        >>> [(bridge.outcome, bridge.length, bridge.weakest) for bridge in transform.bridges(likelihood)[1]]
        [('bridged', 2.0, 0.3)]
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        threshold: float = 0.5,
        floor: float = 0.15,
        sigma: Sequence[float] | float = 0.7,
        persistence_threshold: float = 0.1,
        max_length: float | None = None,
        min_mean: float = 0.0,
        max_angle: float = 75.0,
        min_ends: int = 1,
        allow_loops: bool = False,
        min_size: int = 0,
        spacing: Sequence[float] | float | None = None,
    ) -> None:
        if not 0 <= floor <= threshold <= 1:
            raise ValueError(f"floor and threshold must rise from 0 to 1, got {floor!r} and {threshold!r}.")
        if not (persistence_threshold >= 0 and min_size >= 0 and min_mean >= 0 and max_angle >= 0):
            raise ValueError(
                "persistence_threshold, min_size, min_mean and max_angle must be 0 or more, got "
                f"{persistence_threshold!r}, {min_size!r}, {min_mean!r} and {max_angle!r}."
            )
        if min_ends not in (0, 1, 2):
            raise ValueError(f"min_ends must be 0, 1 or 2 of the two places of a bridge, got {min_ends!r}.")
        if max_length is not None and not max_length > 0:
            raise ValueError(f"max_length must be None or positive, got {max_length!r}.")
        self.threshold = threshold
        self.floor = floor
        self.sigma = check_sigma(sigma)
        self.persistence_threshold = persistence_threshold
        self.max_length = np.inf if max_length is None else max_length
        self.min_mean = min_mean
        self.max_angle = max_angle
        self.min_ends = min_ends
        self.allow_loops = allow_loops
        self.min_size = min_size
        self.spacing = check_spacing(spacing)

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Bridge the gaps.

        Args:
            img: likelihoods of tubes, ``(C, H, W[, D])``, in [0, 1], a class in each channel.

        Returns:
            uint8 masks of the same shape and container; metadata is kept.

        Raises:
            ValueError: for another shape or other values.
        """
        return like(img, self._bridged(img)[0], np.uint8)

    def bridges(self, img: NdarrayOrTensor) -> tuple[NdarrayOrTensor, list[Bridge]]:
        """What a proofreader looks at: the bridges, and the gaps that were left.

        Args:
            img: likelihoods, as for the call.

        Returns:
            uint8 map of the shape and container of ``img``: 1 where a bridge was drawn, 2 on the path of a gap that was
            left, 0 elsewhere; and all of them, of each channel those of the highest weakest likelihood first.
        """
        masks, before, found = self._bridged(img)
        overlay = (masks & ~before).astype(np.uint8)
        for bridge, gap in found:
            if bridge.outcome != "bridged":
                path = (bridge.channel, *gap.path[1:-1].T)
                overlay[path] = np.where(overlay[path] == 1, 1, 2)
        return like(img, overlay, np.uint8), [bridge for bridge, _ in found]

    def _bridged(self, img: NdarrayOrTensor) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[tuple[Bridge, Gap]]]:
        """Masks with and without bridges, and the gaps."""
        smoothed = np.stack([smooth(channel, self.sigma) for channel in to_likelihoods(img)])
        spacing = spacing_of(img, self.spacing)
        before = np.stack([without_small(channel >= self.threshold, self.min_size) for channel in smoothed])
        masks, found = before.copy(), []
        for channel, likelihood in enumerate(smoothed):
            others = np.asarray(np.delete(masks, channel, axis=0).any(axis=0))
            blocked = _touched(others) & ~masks[channel]
            masks[channel], gaps = self._bridge(masks[channel], likelihood, blocked, spacing)
            found += [(list_bridge(channel, gap, outcome), gap) for gap, outcome in gaps]
        return masks, before, found

    def _bridge(
        self,
        mask: NDArray[np.bool_],
        likelihood: NDArray[Any],
        blocked: NDArray[np.bool_],
        spacing: Sequence[float],
    ) -> tuple[NDArray[np.bool_], list[tuple[Gap, str]]]:
        ridges = stable_manifolds(likelihood, persistence_threshold=self.persistence_threshold)
        passable = ridges & ~mask & ~blocked & (likelihood >= self.floor)
        gaps = sorted(find_ways(mask, passable, likelihood, spacing), key=lambda gap: (-gap.weakest, -gap.mean))
        reasons = [self._reason_against(gap) for gap in gaps]
        fit = [gap for gap, reason in zip(gaps, reasons, strict=True) if not reason]
        bridged, drawn = draw_bridges(mask, fit, likelihood, spacing, allow_loops=self.allow_loops, blocked=blocked)
        outcomes = iter(drawn)
        return bridged, [(gap, reason or next(outcomes)) for gap, reason in zip(gaps, reasons, strict=True)]

    def _reason_against(self, gap: Gap) -> str:
        if gap.length > self.max_length * (1 + 1e-9):
            return "length"
        if gap.mean < self.min_mean:
            return "mean"
        if gap.num_ends < self.min_ends:
            return "ends"
        return "angle" if gap.angle > self.max_angle else ""


def _touched(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3,) * mask.ndim)))


class BridgeGapsd(MapTransform):
    """Dictionary version of :class:`BridgeGaps`, which can also give what it bridged and what it left.

    Args:
        keys: keys of the likelihoods, which the masks replace.
        bridges_postfix: ending of the keys of the proof: for ``"pred"`` and ``"_bridges"`` the map goes to
            ``"pred_bridges"`` and the list of :class:`Bridge` to ``"pred_bridges_list"``; None adds neither.
        allow_missing_keys: whether an item may lack a key.
        **options: arguments of :class:`BridgeGaps`.

    Raises:
        TypeError: when :class:`BridgeGaps` has no such argument.
        ValueError: when it refuses one.

    Example:
        >>> import torch
        >>> tube = torch.zeros(1, 24, 5, 5)
        >>> tube[0, :, 1:4, 1:4] = 0.9
        >>> tube[0, 11:13, 1:4, 1:4] = 0.3
        >>> item = BridgeGapsd("pred", bridges_postfix="_bridges")({"pred": tube})
        >>> int(item["pred"][0, 11:13].sum() > 0), item["pred_bridges_list"][0].outcome
        (1, 'bridged')
    """

    backend = BridgeGaps.backend

    def __init__(
        self,
        keys: KeysCollection,
        bridges_postfix: str | None = None,
        allow_missing_keys: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = BridgeGaps(**options)
        self.bridges_postfix = bridges_postfix

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace every likelihood by its mask."""
        d = dict(data)
        for key in self.key_iterator(d):
            if self.bridges_postfix is not None:
                proof = f"{key}{self.bridges_postfix}"
                d[proof], d[f"{proof}_list"] = self.transform.bridges(d[key])
            d[key] = self.transform(d[key])
        return d


BridgeGapsD = BridgeGapsDict = BridgeGapsd
