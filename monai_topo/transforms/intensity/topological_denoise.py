"""Input processing with persistent homology: only objects that stand out keep their contrast."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.topology import (
    check_direction,
    component_regions,
    is_full_connectivity,
    persistence_pairs,
    sublevel_field,
)
from monai_topo.transforms.channels import KeyedTransform, map_channels, to_channels


class TopologicalDenoise(Transform):
    r"""Keep the objects of an image that persist, and level the rest.

    The topological input processing of Sofi and Alsahanova, "Image segmentation with topological priors" (section
    III-C, algorithm 1), in 2D and 3D, each channel on its own:

    1. a uniform filter of ``filter_size`` voxels;
    2. a border of ``border_width`` voxels is given the value at which the filtration starts (the minimum, for dark
       objects), so that whatever touches the border is not an object but part of it;
    3. the components of the filtration and their lifetimes; the threshold is the lower end of the largest gap between
       consecutive lifetimes, where the diagonal, lifetime 0, ends the sequence;
    4. an object for each finite lifetime above the threshold, from the latest death on: the voxels connected to its
       birth before the voxel of its death arrives, so that it never swallows the elder object that it would join;
    5. objects keep the filtered values; outside, the value is interpolated by inverse squared distance between the
       nearest object (at its distance d) and the mean of the background (as if at the distance t = ``transition``):

       .. math:: (t^2 \, value_{object} + d^2 \, mean_{background}) / (t^2 + d^2)

    Args:
        filter_size: edge of the uniform filter in voxels, 1 for none. The paper does not say its size.
        border_width: width in voxels of the border in step 2; 0 leaves it. Then the eldest object is essential, its
            lifetime infinite, and as in the paper it is not marked.
        direction: ``"sublevel"`` for dark objects, as in the paper, ``"superlevel"`` for bright ones. In electron
            microscopy the cells between dark membranes are bright objects.
        threshold: lifetime that objects must exceed, in units of the intensity; None is the gap of step 3.
        transition: distance in voxels at which the fill is half object and half background.
        connectivity: connectivity of the objects: None or the number of axes for full, 1 for face.

    Raises:
        ValueError: for a size, width or threshold that is not possible.

    Example:
        >>> image = np.full((1, 7, 9), 0.75)
        >>> image[0, 3, 4], image[0, 3, 6] = 0.25, 0.625
        >>> TopologicalDenoise(filter_size=1, transition=1)(image)[0, 3].round(2)
        array([0.72, 0.7 , 0.65, 0.5 , 0.25, 0.5 , 0.65, 0.7 , 0.72], dtype=float32)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        filter_size: int = 3,
        border_width: int = 1,
        direction: str = "sublevel",
        threshold: float | None = None,
        transition: float = 3.0,
        connectivity: int | None = None,
    ) -> None:
        if filter_size < 1 or border_width < 0:
            raise ValueError(
                f"filter_size must be at least 1 and border_width at least 0, got {filter_size} and {border_width}."
            )
        if not 0 < transition < np.inf:
            raise ValueError(f"transition must be positive and finite, got {transition!r}.")
        if threshold is not None and not 0 <= threshold < np.inf:
            raise ValueError(f"threshold must be None or a lifetime, 0 or more, got {threshold!r}.")
        self.filter_size = filter_size
        self.border_width = border_width
        self.direction = check_direction(direction)
        self.threshold = threshold
        self.transition = float(transition)
        self.connectivity = connectivity

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Process the image.

        Args:
            img: intensities, ``(C, H, W[, D])``, finite, of any scale; not changed.

        Returns:
            float32 image of the same shape and container; metadata is kept. If nothing exceeds the threshold it is
            the filtered image, and a warning says so.

        Raises:
            ValueError: for another shape, NaN or infinity, or a connectivity that there is not.
        """
        channels = to_channels(img)
        is_full_connectivity(self.connectivity, channels.ndim - 1)
        return map_channels(img, channels, self._process, np.float32)

    def _process(self, channel: NDArray[Any]) -> NDArray[Any]:
        smooth: NDArray[Any] = ndimage.uniform_filter(channel.astype(np.float64), self.filter_size)
        objects = self._objects(smooth)
        if not objects.any():
            warnings.warn(
                "TopologicalDenoise found no object above the threshold: the image comes back filtered only. "
                "Set threshold or border_width, or look whether direction suits the image.",
                stacklevel=2,
            )
        return self._fill(smooth, objects) if objects.any() else smooth

    def _objects(self, smooth: NDArray[Any]) -> NDArray[np.bool_]:
        field = sublevel_field(self._with_border(smooth), self.direction)
        pairs = persistence_pairs(field, direction="sublevel", connectivity=self.connectivity, dims=0)
        finite = np.flatnonzero(pairs.death[0] >= 0)
        lifetimes = field.ravel()[pairs.death[0][finite]] - field.ravel()[pairs.birth[0][finite]]
        threshold = largest_gap(lifetimes) if self.threshold is None else self.threshold
        return component_regions(field, pairs, finite[lifetimes > threshold]) > 0

    def _with_border(self, smooth: NDArray[Any]) -> NDArray[Any]:
        start = smooth.min() if self.direction == "sublevel" else smooth.max()
        inner = tuple(slice(self.border_width, max(size - self.border_width, 0)) for size in smooth.shape)
        bordered = np.full_like(smooth, start)
        bordered[inner] = smooth[inner]
        return bordered

    def _fill(self, smooth: NDArray[Any], objects: NDArray[np.bool_]) -> NDArray[Any]:
        if objects.all():
            return smooth
        distance, nearest = ndimage.distance_transform_edt(~objects, return_indices=True)
        squared, scale = distance**2, self.transition**2
        filled = (scale * smooth[tuple(nearest)] + squared * smooth[~objects].mean()) / (scale + squared)
        return np.where(objects, smooth, filled)


def largest_gap(lifetimes: NDArray[Any]) -> float:
    """The lower end of the largest gap between consecutive lifetimes, 0 included; of equal gaps the upper one.

    Example:
        >>> largest_gap(np.array([0.75, 0.125, 0.875, 0.25]))
        0.25
    """
    falling = np.append(np.sort(lifetimes)[::-1], 0.0)
    return float(falling[1 + np.argmax(falling[:-1] - falling[1:])]) if falling.size > 1 else 0.0


class TopologicalDenoised(KeyedTransform):
    """Dictionary version of :class:`TopologicalDenoise`.

    Args:
        keys: keys of the images.
        filter_size: edge of the uniform filter in voxels, 1 for none.
        border_width: width in voxels of the border that is no object.
        direction: ``"sublevel"`` for dark objects, ``"superlevel"`` for bright ones.
        threshold: lifetime that objects must exceed; None is the largest gap.
        transition: distance in voxels at which the fill is half object and half background.
        connectivity: connectivity of the objects.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> image = torch.full((1, 12, 12), 0.9)
        >>> image[0, 4:8, 4:8] = 0.1
        >>> TopologicalDenoised("image")({"image": image})["image"].shape
        torch.Size([1, 12, 12])
    """

    backend = TopologicalDenoise.backend

    def __init__(
        self,
        keys: KeysCollection,
        filter_size: int = 3,
        border_width: int = 1,
        direction: str = "sublevel",
        threshold: float | None = None,
        transition: float = 3.0,
        connectivity: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        transform = TopologicalDenoise(filter_size, border_width, direction, threshold, transition, connectivity)
        super().__init__(keys, transform, allow_missing_keys)


TopologicalDenoiseD = TopologicalDenoiseDict = TopologicalDenoised
