"""Where the topology of a label is decided, as a map of weights to draw patches from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor, PathLike
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey, TransformBackends
from numpy.typing import NDArray

from monai_topo.data import scale_package
from monai_topo.topology import is_full_connectivity
from monai_topo.transforms.channels import check_spacing, like, spacing_of, to_likelihoods, to_masks
from monai_topo.transforms.croppad.places import LabelPlaces, LikelihoodPlaces
from monai_topo.transforms.croppad.sampling_table import sampling_table
from monai_topo.transforms.croppad.stored_table import BlockTask, StoredTable, stored_table
from monai_topo.transforms.io.image_by_patches import ImageByPatches

KINDS = (*LabelPlaces.kinds, *LikelihoodPlaces.kinds)


class TopologyWeightMap(Transform):
    """Weights of the places of a label, and of a likelihood, where topology is won or lost.

    Every kind of place gets its share of the draws, however many voxels it has: the weights of its voxels add up to
    what ``weights`` says, among the kinds that occur. Where kinds overlap, weights add.

    =====================  ===============================================================================
    kind                   voxels
    =====================  ===============================================================================
    ``skeleton``           the centerline (``graphs.centerline_mask``), of a sheet lines in it
    ``branch_points``      nodes of the centerline's graph where three or more branches meet
    ``end_points``         nodes where a branch ends
    ``thin``               centerline voxels at most ``radius`` from the background
    ``holes``              background that the label encloses (loops in 2D, cavities in 3D)
    ``topology_changes``   where an erosion or dilation by up to ``radius`` changes the Betti numbers: the
                           critical voxels of the signed distance map
    ``critical_voxels``    births and deaths of the likelihood's features of persistence over
                           ``min_persistence``, in all dimensions
    ``stable_manifolds``   ridges of the likelihood (in 3D walls too) at the persistence ``min_persistence``:
                           what it has and what it nearly has
    =====================  ===============================================================================

    Args:
        weights: share of the draws for each kind wanted, of any scale. None is 1 for each kind of the label,
            and, if there is one, of the likelihood.
        radius: radius in the units of the voxel size; None is 1.5 times the largest voxel size.
        min_persistence: smallest persistence of features of the likelihood; the default, 0.1, leaves out the noise of a
            network.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.
        spacing: voxel size along each spatial axis; None takes it from the affine of a ``MetaTensor`` and is 1 for
            arrays and plain tensors.

    Raises:
        ValueError: for an unknown kind, or a weight, radius or persistence that is not possible.

    Example:
        >>> label = np.zeros((1, 3, 9))
        >>> label[0, 1, 1:8] = 1
        >>> TopologyWeightMap({"skeleton": 3, "end_points": 2})(label)[0, 1].round(3)
        array([0.   , 0.286, 0.086, 0.086, 0.086, 0.086, 0.086, 0.286, 0.   ],
              dtype=float32)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        radius: float | None = None,
        min_persistence: float = 0.1,
        connectivity: int | None = None,
        spacing: Sequence[float] | float | None = None,
    ) -> None:
        _check_weights(weights)
        if radius is not None and not 0 < radius < np.inf:
            raise ValueError(f"radius must be positive and finite, got {radius!r}.")
        if not min_persistence >= 0:
            raise ValueError(f"min_persistence must be 0 or more, got {min_persistence!r}.")
        self.weights = None if weights is None else dict(weights)
        self.radius = radius
        self.min_persistence = min_persistence
        self.connectivity = connectivity
        self.spacing = check_spacing(spacing)

    def __call__(self, img: NdarrayOrTensor, likelihood: NdarrayOrTensor | None = None) -> NdarrayOrTensor:
        """Compute the map.

        Args:
            img: masks, ``(C, H, W[, D])``, only 0 and 1; places of all channels are taken together.
            likelihood: values in [0, 1] of the same shape, such as an earlier prediction.

        Returns:
            float32 weights ``(1, H, W[, D])`` in the container of ``img``, adding up to 1, or all 0 if nothing that
            was asked for occurs.

        Raises:
            ValueError: for other shapes or values, or for a kind of the likelihood without one.
        """
        found = self.places(img, likelihood)
        weights = self.asked(likelihood is not None)
        total = np.zeros(img.shape[1:])
        for kind, places in found.items():
            total += weights[kind] / max(int(places.sum()), 1) * places
        return like(img, total[None] / (total.sum() or 1), np.float32)

    def places(self, img: NdarrayOrTensor, likelihood: NdarrayOrTensor | None = None) -> dict[str, NDArray[np.bool_]]:
        """The places of each kind that is asked for, masks ``(H, W[, D])``; arguments and errors as of a call."""
        masks = to_masks(img)
        is_full_connectivity(self.connectivity, masks.ndim - 1)
        label, prediction = self._of_label(img, masks), self._of_likelihood(likelihood, masks.shape)
        found = {}
        for kind in self.asked(likelihood is not None):
            channels = label if kind in LabelPlaces.kinds else prediction
            found[kind] = np.any([getattr(channel, kind) for channel in channels], axis=0)
        return found

    def _of_label(self, img: NdarrayOrTensor, masks: NDArray[np.bool_]) -> Sequence[LabelPlaces | LikelihoodPlaces]:
        spacing = spacing_of(img, self.spacing)
        radius = 1.5 * max(spacing) if self.radius is None else self.radius
        return [LabelPlaces(mask, self.connectivity, spacing, radius) for mask in masks]

    def _of_likelihood(self, likelihood: NdarrayOrTensor | None, shape: tuple[int, ...]) -> Sequence[LikelihoodPlaces]:
        if likelihood is None:
            return []
        channels = to_likelihoods(likelihood)
        if channels.shape != shape:
            raise ValueError(f"likelihood must have the label's shape {shape}, got {channels.shape}.")
        return [LikelihoodPlaces(channel, self.connectivity, self.min_persistence) for channel in channels]

    def asked(self, has_likelihood: bool) -> dict[str, float]:
        """The kinds to find, with their weights."""
        weights = self.weights or dict.fromkeys(KINDS if has_likelihood else LabelPlaces.kinds, 1.0)
        for kind in LikelihoodPlaces.kinds:
            if kind in weights and not has_likelihood:
                raise ValueError(f"the weights ask for {kind!r}: give the likelihood to find them in.")
        return weights


def _check_weights(weights: Mapping[str, float] | None) -> None:
    if weights is not None and not weights:
        raise ValueError(f"weights must be None or name a kind at least: the kinds are {KINDS}.")
    for kind, weight in (weights or {}).items():
        if kind not in KINDS:
            raise ValueError(f"weights has no kind {kind!r}: the kinds are {KINDS}.")
        if not 0 <= weight < np.inf:
            raise ValueError(f"weights must be 0 or more and finite, got {weight!r} for {kind!r}.")


class TopologyWeightMapd(MapTransform):
    """Dictionary version of :class:`TopologyWeightMap`, which also makes the table to draw from.

    It is deterministic, so ``CacheDataset`` keeps what it computes. For a label under ``"label"`` the table goes to
    ``"label_topology"``, for :class:`RandCropByTopologyd`.

    Args:
        keys: keys of the labels, masks.
        weights: share of the draws for each kind.
        likelihood_key: key of a likelihood on the label's grid; None for none.
        table_postfix: the table is put under the label's key with this added; None for no table.
        map_postfix: likewise the weight map, to look at or for MONAI's ``RandWeightedCropd``; None for no map.
        radius: radius of erosion and dilation, in the units of the voxel size.
        min_persistence: least persistence of features of the likelihood.
        connectivity: connectivity of the foreground.
        spacing: voxel size along each spatial axis; None takes it from the affine.
        to_mask: function from a label, or a block of it, to its mask; None for labels that are masks.
        cache_dir: folder of the tables of labels that are read by patches, which need it.
        block: edge length in voxels of the blocks that such a table is made by.
        halo: voxels around a block that are read with it.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> label = torch.zeros(1, 12, 14)
        >>> label[0, 5:8, 2:12] = 1
        >>> sorted(TopologyWeightMapd("label", map_postfix="_weights")({"label": label}))
        ['label', 'label_topology', 'label_weights']
    """

    backend = TopologyWeightMap.backend

    def __init__(
        self,
        keys: KeysCollection,
        weights: Mapping[str, float] | None = None,
        likelihood_key: str | None = None,
        table_postfix: str | None = "_topology",
        map_postfix: str | None = None,
        radius: float | None = None,
        min_persistence: float = 0.1,
        connectivity: int | None = None,
        spacing: Sequence[float] | float | None = None,
        to_mask: Callable[[Any], Any] | None = None,
        cache_dir: PathLike | None = None,
        block: int = 128,
        halo: int = 16,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if block < 1 or halo < 0:
            raise ValueError(f"block must be at least 1 and halo at least 0, got {block!r} and {halo!r}.")
        self.to_mask = to_mask
        self.cache_dir = cache_dir
        self.block = block
        self.halo = halo
        self._tables: dict[str, StoredTable] = {}
        self.likelihood_key = likelihood_key
        self.table_postfix = table_postfix
        self.map_postfix = map_postfix
        self.transform = TopologyWeightMap(weights, radius, min_persistence, connectivity, spacing)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add table and map of every label; the labels stay as they are."""
        d = dict(data)
        likelihood = None if self.likelihood_key is None else d[self.likelihood_key]
        for key in self.key_iterator(d):
            if isinstance(d[key], ImageByPatches):
                d[f"{key}{self.table_postfix}"] = self._table_by_blocks(d[key], likelihood)
                continue
            weight_map = self.transform(self._mask_of(d[key]), likelihood)
            if self.table_postfix is not None:
                d[f"{key}{self.table_postfix}"] = sampling_table(weight_map)
            if self.map_postfix is not None:
                d[f"{key}{self.map_postfix}"] = weight_map
        return d

    def _mask_of(self, label: Any) -> Any:
        return label if self.to_mask is None else self.to_mask(label)

    def _places(self, label: Any, likelihood: Any) -> dict[str, NDArray[np.bool_]]:
        return self.transform.places(self._mask_of(label), likelihood)

    def _table_by_blocks(self, label: ImageByPatches, likelihood: Any) -> StoredTable:
        if self.cache_dir is None or self.map_postfix is not None or self.table_postfix is None:
            raise ValueError(
                "cache_dir must name a folder, and map_postfix be None, for a label that is read by patches: its table "
                "is made by blocks and kept there."
            )
        if likelihood is not None and not isinstance(likelihood, ImageByPatches):
            raise ValueError("the likelihood of a label that is read by patches must be read by patches, too.")
        path = str(label.meta[ImageMetaKey.FILENAME_OR_OBJ])
        if path not in self._tables:
            self._tables[path] = self._make_table(label, likelihood, Path(self.cache_dir))
        return self._tables[path]

    def _make_table(self, label: ImageByPatches, likelihood: ImageByPatches | None, cache_dir: Path) -> StoredTable:
        weights = self.transform.asked(likelihood is not None)
        task = BlockTask(label, likelihood, self._places, weights, self.block, self.halo)
        made = "" if self.to_mask is None else scale_package("cloudpickle").dumps(self.to_mask).hex()
        own = {name: value for name, value in vars(self.transform).items() if name != "weights"}
        return stored_table(task, {**own, "to_mask": made, "version": version("monai_topo")}, cache_dir)


TopologyWeightMapD = TopologyWeightMapDict = TopologyWeightMapd
