"""A map for proofreaders: where a slightly other threshold would give another topology."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.data import stem_of, written_whole
from monai_topo.topology import PersistencePairs, Status, is_full_connectivity, persistence_pairs
from monai_topo.transforms.channels import like, to_likelihoods


@dataclass(frozen=True)
class UncertainFeature:
    """A feature of the topology that another threshold within the margin would add or take away.

    Attributes:
        channel: channel of the likelihood.
        dim: homology dimension: 0 component, 1 loop, 2 cavity (in 2D a loop is a hole).
        status: ``"missing"`` if the mask at the threshold lacks the feature and another threshold adds it, ``"extra"``
            if the mask has it and another threshold takes it away. Which of the two thresholds is right is not known.
        likelihood: Likelihood of the critical voxel.
        persistence: persistence of the feature, birth minus death; small ones are rather noise.
        x: first world coordinate of the critical voxel by the affine (mm, right), or the index for plain arrays.
        y: second one (mm, anterior).
        z: third one (mm, superior); 0 in 2D.
        index: index of the critical voxel, along each spatial axis.

    Example:
        >>> from monai_topo.transforms import TopologyUncertainty
        >>> (feature,) = TopologyUncertainty().features(np.array([[[0.9, 0.45, 0.9]]]))
        >>> feature.status, feature.likelihood, feature.index
        ('extra', 0.45, (0, 1))
    """

    channel: int
    dim: int
    status: Status
    likelihood: float
    persistence: float
    x: float
    y: float
    z: float
    index: tuple[int, ...]


class TopologyUncertainty(Transform):
    """Mark the critical voxels of features that a threshold within the margin would add or take away.

    A feature of the likelihood is there in the masks of all thresholds from its death (without it) to its birth. It
    is marked where one of the two lies within ``margin`` of ``threshold``: a gap that hardly parts a vessel, a bridge
    that hardly closes a loop, a speck that is hardly there. A feature that the mask lacks is marked once, where it
    would appear; one that it has at each end that is within the margin.

    Args:
        threshold: at which the likelihood is made a mask.
        margin: largest error of the threshold, to either side.
        min_persistence: features at or under it are left out.
        radius: voxels around each critical one, up to this distance in voxels, are marked with it, to be seen.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.

    Raises:
        ValueError: for a threshold outside [0, 1], or a negative margin, persistence or radius.

    Example:
        >>> import numpy as np
        >>> vessel = np.array([[[0.0, 0.875, 0.875, 0.375, 0.75, 0.0]]])  # barely disconnected
        >>> uncertainty = TopologyUncertainty(margin=0.125)
        >>> uncertainty(vessel)[0]
        array([[0, 0, 0, 1, 0, 0]], dtype=uint8)
        >>> [(feature.status, feature.dim, feature.persistence) for feature in uncertainty.features(vessel)]
        [('extra', 0, 0.375)]
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        threshold: float = 0.5,
        margin: float = 0.1,
        min_persistence: float = 0.05,
        radius: float = 0.0,
        connectivity: int | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be a likelihood from 0 to 1, got {threshold!r}.")
        if not (margin >= 0 and min_persistence >= 0 and radius >= 0):
            raise ValueError(
                f"margin, min_persistence and radius must be 0 or more, got {margin!r}, {min_persistence!r} and "
                f"{radius!r}."
            )
        self.threshold = threshold
        self.margin = margin
        self.min_persistence = min_persistence
        self.radius = radius
        self.connectivity = connectivity

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Draw the map, to be saved beside the mask (``SaveImage``) and laid over the image.

        Args:
            img: likelihoods, ``(C, H, W[, D])``, in [0, 1], each channel on its own.

        Returns:
            uint8 of the same shape and container with the metadata of ``img``: 0, or ``1 + 2 dim`` where a feature of
            dimension ``dim`` may be extra and ``2 + 2 dim`` where one may be missing.

        Raises:
            ValueError: for another shape or other values.
        """
        return like(img, self._overlay(img.shape, self.features(img)), np.uint8)

    def features(self, img: NdarrayOrTensor) -> list[UncertainFeature]:
        """The features behind the map, nearest to the threshold first.

        Args:
            img: likelihoods, as for the call.
        """
        channels = to_likelihoods(img)
        is_full_connectivity(self.connectivity, channels.ndim - 1)
        affine = img.affine.cpu().numpy() if isinstance(img, MetaTensor) else np.eye(4)
        found = [
            _feature(number, dim, status, channel, voxel, persistence, affine)
            for number, channel in enumerate(channels)
            for dim, status, voxel, persistence in self._uncertain(channel)
        ]
        return sorted(found, key=lambda feature: abs(feature.likelihood - self.threshold))

    def _uncertain(self, likelihood: NDArray[Any]) -> Iterable[tuple[int, Status, int, float]]:
        """Dimension, status, critical voxel and persistence of each feature within the margin."""
        pairs = persistence_pairs(likelihood, connectivity=self.connectivity, min_persistence=self.min_persistence)
        for dim in pairs.dims:
            births, deaths = _values(likelihood, pairs, dim)
            there = (deaths < self.threshold) & (births >= self.threshold)
            birth_is_near, death_is_near = (np.abs(one - self.threshold) <= self.margin for one in (births, deaths))
            # The mask lacks what is born under the threshold, and what has died over it.
            over, under = deaths >= self.threshold, births < self.threshold
            found: tuple[tuple[Status, NDArray[np.bool_], NDArray[np.int64]], ...] = (
                ("extra", there & birth_is_near, pairs.birth[dim]),
                ("extra", there & death_is_near & (pairs.death[dim] >= 0), pairs.death[dim]),
                ("missing", under & birth_is_near, pairs.birth[dim]),
                ("missing", over & death_is_near, pairs.death[dim]),
            )
            for status, chosen, voxels in found:
                for which in np.flatnonzero(chosen):
                    yield dim, status, int(voxels[which]), float(births[which] - deaths[which])

    def _overlay(self, shape: tuple[int, ...], features: list[UncertainFeature]) -> NDArray[np.uint8]:
        overlay = np.zeros(shape, np.uint8)
        for feature in reversed(features):  # what is nearest to the threshold lies on top
            overlay[feature.channel][feature.index] = 1 + 2 * feature.dim + (feature.status == "missing")
        if self.radius == 0:
            return overlay
        return np.stack([_spread(channel, self.radius) for channel in overlay])


def _values(
    likelihood: NDArray[Any], pairs: PersistencePairs, dim: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Births and deaths; the essential component dies at 0."""
    values = likelihood.ravel().astype(np.float64)
    deaths = np.where(pairs.death[dim] >= 0, values[pairs.death[dim]], 0.0)
    return values[pairs.birth[dim]], deaths


def _spread(marks: NDArray[np.uint8], radius: float) -> NDArray[np.uint8]:
    """Give the mark of the nearest marked voxel to every voxel within a distance."""
    if not marks.any():
        return marks
    distance, nearest = ndimage.distance_transform_edt(marks == 0, return_indices=True)
    return np.where(distance <= radius, marks[tuple(nearest)], 0).astype(np.uint8)


def _feature(
    channel: int,
    dim: int,
    status: Status,
    likelihood: NDArray[Any],
    voxel: int,
    persistence: float,
    affine: NDArray[Any],
) -> UncertainFeature:
    index = tuple(int(i) for i in np.unravel_index(voxel, likelihood.shape))
    size = affine.shape[0] - 1
    place = np.zeros(size)
    place[: len(index)] = index[:size]
    world = np.zeros(3)
    world[:size] = affine[:size, :size] @ place + affine[:size, size]
    x, y, z = world.tolist()
    return UncertainFeature(channel, dim, status, float(likelihood.flat[voxel]), persistence, x, y, z, index)


def save_uncertain_features(features: Iterable[UncertainFeature], path: str | Path) -> Path:
    """Write a list of features as CSV, one a line, columns as :class:`UncertainFeature`.

    Args:
        features: features, from :meth:`TopologyUncertainty.features`.
        path: path of the file, whose folder is made if need be. It is there whole or not at all.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_uncertain_features([], f"{folder}/places.csv").read_text().split(",")[:3]
        ['channel', 'dim', 'status']
    """
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow([field.name for field in fields(UncertainFeature)])
        for feature in features:
            *columns, index = astuple(feature)
            table.writerow([*columns, " ".join(map(str, index))])
    return Path(path)


class TopologyUncertaintyd(MapTransform):
    """Dictionary version of :class:`TopologyUncertainty`, which also lists the features and can write the list.

    For a likelihood under ``"pred"`` the map goes to ``"pred_uncertainty"``, the list of :class:`UncertainFeature` to
    ``"pred_uncertain_features"``.

    Args:
        keys: keys of the likelihoods.
        threshold: at which the likelihood is made a mask.
        margin: largest error of the threshold, to either side.
        min_persistence: features at or under it are left out.
        radius: voxels around each critical one that are marked with it.
        connectivity: connectivity of the foreground.
        output_dir: folder for a CSV file of each list, ``<name>_<key>_uncertainty.csv`` by the file name in the
            metadata of the likelihood; None writes none.
        allow_missing_keys: whether an item may lack a key.

    Raises:
        ValueError: when called with an ``output_dir`` and a likelihood without a file name.

    Example:
        >>> import torch
        >>> likelihood = torch.tensor([[[0.9, 0.45, 0.9]]])
        >>> item = TopologyUncertaintyd("pred")({"pred": likelihood})
        >>> [(feature.status, feature.index) for feature in item["pred_uncertain_features"]]
        [('extra', (0, 1))]
    """

    backend = TopologyUncertainty.backend

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        margin: float = 0.1,
        min_persistence: float = 0.05,
        radius: float = 0.0,
        connectivity: int | None = None,
        output_dir: str | Path | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = TopologyUncertainty(threshold, margin, min_persistence, radius, connectivity)
        self.output_dir = None if output_dir is None else Path(output_dir)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add map and list of every likelihood; the likelihoods stay as they are."""
        d = dict(data)
        for key in self.key_iterator(d):
            features = self.transform.features(d[key])
            overlay = self.transform._overlay(d[key].shape, features)
            d[f"{key}_uncertainty"] = like(d[key], overlay, np.uint8)
            d[f"{key}_uncertain_features"] = features
            if self.output_dir is not None:
                save_uncertain_features(features, self.output_dir / f"{_stem(d[key])}_{key}_uncertainty.csv")
        return d


def _stem(img: NdarrayOrTensor) -> str:
    """Name of the image's file without its suffix."""
    name = stem_of(str(img.meta.get("filename_or_obj", ""))) if isinstance(img, MetaTensor) else ""
    if not name:
        raise ValueError(
            "a likelihood without filename_or_obj in its metadata has no name for its CSV file: set it, or leave "
            "output_dir None and call save_uncertain_features with a path."
        )
    return name


TopologyUncertaintyD = TopologyUncertaintyDict = TopologyUncertaintyd
