"""Post-processing of the likelihood of walls: a mask whose leaks are closed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray

from monai_topo.topology import (
    basin_walls,
    catchment_basins,
    crossing_edges,
    is_full_connectivity,
    label_components,
)
from monai_topo.transforms.channels import like, to_likelihoods
from monai_topo.transforms.post.smoothing import check_sigma, smooth, without_small


@dataclass(frozen=True)
class WallPiece:
    """A piece of wall that the threshold alone does not give: where a path leads from basin to basin beside the mask.

    A step of such a path, from a voxel to its neighbor in another basin, has the larger of their likelihoods, which are
    the network's own, without smoothing.

    Attributes:
        channel: channel of the likelihood.
        number: its voxels' number in the map of pieces.
        size: number of its voxels.
        weakest: the lowest likelihood of a step through it.
        mean: the mean likelihood of all steps through it.
        index: the voxel with the likelihood of the weakest step, in the channel.

    Example:
        >>> from monai_topo.transforms import CloseWalls
        >>> wall = np.zeros((1, 5, 4))
        >>> wall[0, 2] = 0.9, 0.9, 0.2, 0.9
        >>> numbers, (piece,) = CloseWalls(sigma=0, min_size=0).added(wall)
        >>> piece.size, piece.weakest, piece.index
        (2, 0.2, (2, 2))
    """

    channel: int
    number: int
    size: int
    weakest: float
    mean: float
    index: tuple[int, ...]


class CloseWalls(Transform):
    """Mask of walls, such as membranes, without the leaks that the network left in them.

    It is the threshold of the smoothed likelihood united with its 2-stable walls
    (:func:`monai_topo.topology.basin_walls`; in 2D the ridges between basins): one voxel on each side, between all
    basins of the likelihood that are deeper than ``persistence_threshold``. So a hole in a wall closes, however low the
    likelihood there, if to go through it one has to climb by more than this from either side. Components of the result
    of fewer than ``min_size`` voxels are then removed, and parts of the background of fewer, in the dual connectivity,
    filled.

    No training is needed. Choose the arguments on validation data with a floor on Dice: a small persistence divides
    every cell, a large sigma moves the walls.

    Args:
        threshold: likelihood from which a voxel of the smoothed likelihood is wall.
        sigma: Standard deviation of the Gaussian filter in voxels, one number or one for each axis; 0 for none.
        persistence_threshold: depth, in units of the likelihood, from which a basin is walled off; 0.03 and the sigma
            of 0.7 were chosen on electron microscopy of isotropic voxels.
        min_size: Voxels that a component of wall or of background needs to stay; 0 or 1 keeps all.
        connectivity: Connectivity of the walls: None or the number of axes for full, 1 for face.

    Raises:
        ValueError: for a threshold outside [0, 1], a negative argument.

    Example:
        >>> likelihood = np.zeros((1, 5, 4))
        >>> likelihood[0, 2] = 0.9, 0.9, 0.2, 0.9  # a wall with a leak
        >>> CloseWalls(sigma=0, min_size=0)(likelihood)[0]
        array([[0, 0, 0, 0],
               [0, 0, 0, 0],
               [1, 1, 1, 1],
               [1, 1, 1, 1],
               [0, 0, 0, 0]], dtype=uint8)
        >>> [(piece.index, piece.weakest) for piece in CloseWalls(sigma=0, min_size=0).added(likelihood)[1]]
        [((2, 2), 0.2)]
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        threshold: float = 0.5,
        sigma: Sequence[float] | float = 0.7,
        persistence_threshold: float = 0.03,
        min_size: int = 30,
        connectivity: int | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be a likelihood from 0 to 1, got {threshold!r}.")
        if not (persistence_threshold >= 0 and min_size >= 0):
            raise ValueError(
                f"persistence_threshold and min_size must be 0 or more, got {persistence_threshold!r} and {min_size!r}."
            )
        self.threshold = threshold
        self.sigma = check_sigma(sigma)
        self.persistence_threshold = persistence_threshold
        self.min_size = min_size
        self.connectivity = connectivity

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Close the walls.

        Args:
            img: likelihoods of walls, ``(C, H, W[, D])``, in [0, 1], each channel on its own.

        Returns:
            uint8 masks of the same shape and container; metadata is kept.

        Raises:
            ValueError: for another shape or other values.
        """
        return like(img, np.stack([self._close(channel) for channel in to_likelihoods(img)]), np.uint8)

    def added(self, img: NdarrayOrTensor) -> tuple[NdarrayOrTensor, list[WallPiece]]:
        """The walls that the threshold alone does not give, piece by piece: what a proofreader looks at.

        Args:
            img: likelihoods, as for the call.

        Returns:
            int32 map of the pieces' numbers, of the shape and container of ``img``, 0 elsewhere; and the pieces, of
            each channel the ones of the weakest place first.
        """
        numbers, pieces = np.zeros(img.shape, np.int32), []
        for channel, likelihood in enumerate(to_likelihoods(img)):
            edges = self._leaks(likelihood)
            leaking = np.zeros(likelihood.shape, bool)
            leaking.flat[edges] = True
            numbers[channel] = label_components(leaking, full=True)
            pieces += _list_pieces(channel, numbers[channel], likelihood, edges)
        return like(img, numbers, np.int32), pieces

    def _close(self, likelihood: NDArray[Any]) -> NDArray[np.bool_]:
        full = is_full_connectivity(self.connectivity, likelihood.ndim)
        smoothed = smooth(likelihood, self.sigma)
        closed = basin_walls(smoothed, persistence_threshold=self.persistence_threshold, connectivity=self.connectivity)
        closed |= smoothed >= self.threshold
        closed = without_small(closed, self.min_size, full)
        return ~without_small(~closed, self.min_size, not full)

    def _leaks(self, likelihood: NDArray[Any]) -> NDArray[np.int64]:
        """Steps from basin to basin that do not touch the mask, but the closed one."""
        smoothed = smooth(likelihood, self.sigma)
        basins = catchment_basins(
            smoothed, persistence_threshold=self.persistence_threshold, connectivity=self.connectivity
        )
        basins[smoothed >= self.threshold] = 0
        basins[~self._close(likelihood)] = 0
        return crossing_edges(basins, not is_full_connectivity(self.connectivity, likelihood.ndim))


def _list_pieces(
    channel: int, numbers: NDArray[np.int32], likelihood: NDArray[Any], edges: NDArray[np.int64]
) -> list[WallPiece]:
    """The pieces of a channel; an edge belongs to the piece that both of its voxels are in."""
    values = likelihood.ravel()[edges]
    places = np.where(values[0] >= values[1], *edges)
    heights, owners = values.max(axis=0), numbers.ravel()[edges[0]]
    sizes, counts = np.bincount(numbers.ravel()), np.bincount(owners)
    means = np.bincount(owners, heights) / np.maximum(counts, 1)
    order = np.lexsort((heights, owners))
    first = order[np.unique(owners[order], return_index=True)[1]]
    pieces = [
        WallPiece(channel, int(n), int(sizes[n]), float(heights[edge]), float(means[n]), _index(places[edge], numbers))
        for n, edge in zip(owners[first], first, strict=True)
    ]
    return sorted(pieces, key=lambda piece: (piece.weakest, piece.number))


def _index(voxel: int, image: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(place) for place in np.unravel_index(voxel, image.shape))


class CloseWallsd(MapTransform):
    """Dictionary version of :class:`CloseWalls`, which can also give what it added.

    Args:
        keys: keys of the likelihoods, which the masks replace.
        threshold: likelihood from which a voxel of the smoothed likelihood is wall.
        sigma: Standard deviation of the Gaussian filter in voxels, one number or one for each axis.
        persistence_threshold: depth from which a basin is walled off.
        min_size: Voxels that a component of wall or of background needs to stay.
        connectivity: Connectivity of the walls.
        added_postfix: ending of the keys of what was added: for ``"pred"`` and ``"_added"`` the map of pieces goes to
            ``"pred_added"`` and the list of :class:`WallPiece` to ``"pred_added_pieces"``; None adds neither.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> wall = torch.zeros(1, 5, 4)
        >>> wall[0, 2] = torch.tensor([0.9, 0.9, 0.2, 0.9])
        >>> item = CloseWallsd("pred", sigma=0, min_size=0, added_postfix="_added")({"pred": wall})
        >>> item["pred"][0, 2], item["pred_added_pieces"][0].index
        (tensor([1, 1, 1, 1], dtype=torch.uint8), (2, 2))
    """

    backend = CloseWalls.backend

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        sigma: Sequence[float] | float = 0.7,
        persistence_threshold: float = 0.03,
        min_size: int = 30,
        connectivity: int | None = None,
        added_postfix: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = CloseWalls(threshold, sigma, persistence_threshold, min_size, connectivity)
        self.added_postfix = added_postfix

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace every likelihood by its mask."""
        d = dict(data)
        for key in self.key_iterator(d):
            if self.added_postfix is not None:
                added = f"{key}{self.added_postfix}"
                d[added], d[f"{added}_pieces"] = self.transform.added(d[key])
            d[key] = self.transform(d[key])
        return d


CloseWallsD = CloseWallsDict = CloseWallsd
