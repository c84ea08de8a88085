"""What a label would teach a topology loss: its Betti numbers, and how many of its features are specks and pores."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.topology import persistence_pairs, small_features
from monai_topo.transforms.channels import to_masks

_logger = logging.getLogger("monai_topo")


@dataclass(frozen=True)
class TopologyAudit:
    """Betti numbers of a mask, and how many of its features are small.

    Attributes:
        betti_numbers: components, loops and in 3D cavities.
        small: number of small ones of each.
        max_size: voxels of the largest feature that is called small.

    Example:
        >>> from monai_topo.transforms import AuditTopology
        >>> label = np.zeros((1, 6, 7))
        >>> label[0, 1:4, 1:4] = label[0, 5, 6] = 1
        >>> AuditTopology(max_size=2).audits(label)
        [TopologyAudit(betti_numbers=(2, 0), small=(1, 0), max_size=2)]
    """

    betti_numbers: tuple[int, ...]
    small: tuple[int, ...]
    max_size: int


class AuditTopology(Transform):
    """Count the components, loops and cavities of a label, and those under a size, and hand the label on as it is.

    A topology loss is taught every feature of its target, artifacts too. Look at the counts before training, and clean
    the label where most of its features are small.

    Components, cavities and the holes of an image are measured in voxels. A loop of a volume has none: it is called
    small if a ball of ``max_size`` voxels' volume would plug it, which a dilation by that ball's radius does.

    Counts go to the log ``monai_topo`` (level info), and to ``meta["topology_audit"]`` of a ``MetaTensor``.

    Args:
        max_size: voxels of the largest feature that is called small.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.

    Raises:
        ValueError: for a negative ``max_size``.

    Example:
        >>> import numpy as np
        >>> label = np.pad(np.ones((1, 5, 5), int), [(0, 0), (2, 2), (2, 2)])
        >>> label[0, 4, 4], label[0, 0, 0] = 0, 1
        >>> AuditTopology().audits(label)
        [TopologyAudit(betti_numbers=(2, 1), small=(1, 1), max_size=8)]
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(self, max_size: int = 8, connectivity: int | None = None) -> None:
        if max_size < 0:
            raise ValueError(f"max_size must be 0 or more voxels, got {max_size!r}.")
        self.max_size = max_size
        self.connectivity = connectivity

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Count, and return the label.

        Args:
            img: masks, ``(C, H, W[, D])``, only 0 and 1, each channel on its own.

        Returns:
            ``img``; if it is a ``MetaTensor`` a shallow copy with the counts of all channels in its metadata.

        Raises:
            ValueError: for another shape or other values.
        """
        audits = self.audits(img)
        for channel, audit in enumerate(audits):
            _logger.info(
                "Channel %d has Betti numbers %s, of which %s are at most %d voxels.",
                channel,
                audit.betti_numbers,
                audit.small,
                audit.max_size,
            )
        if not isinstance(img, MetaTensor):
            return img
        audited = MetaTensor(img, meta={**img.meta, "topology_audit": [asdict(audit) for audit in audits]})
        audited.applied_operations = img.applied_operations
        return audited

    def audits(self, img: NdarrayOrTensor) -> list[TopologyAudit]:
        """The counts of every channel.

        Args:
            img: masks, as for the call.
        """
        return [self._audit(mask) for mask in to_masks(img)]

    def _audit(self, mask: NDArray[np.bool_]) -> TopologyAudit:
        found = small_features(mask, self.max_size, self.connectivity)
        loops = (self._small_loops(mask),) if mask.ndim == 3 else ()
        small = (found.components, *loops, found.holes)
        return TopologyAudit(found.betti_numbers, small, self.max_size)

    def _small_loops(self, mask: NDArray[np.bool_]) -> int:
        """Loops that are there in the mask and no more after a dilation."""
        if not mask.any():
            return 0
        radius = (0.75 * self.max_size / np.pi) ** (1 / 3)
        distance = ndimage.distance_transform_edt(~mask)
        pairs = persistence_pairs(distance, direction="sublevel", connectivity=self.connectivity, dims=1)
        born, dies = distance.flat[pairs.birth[1]], distance.flat[np.maximum(pairs.death[1], 0)]
        return int(np.count_nonzero((born == 0) & (dies <= radius) & (pairs.death[1] >= 0)))


class AuditTopologyd(MapTransform):
    """Dictionary version of :class:`AuditTopology`.

    For a label under ``"label"`` the counts, a plain dictionary for each channel, are put under ``"label_audit"``.

    Args:
        keys: keys of the labels, masks.
        max_size: voxels of the largest feature that is called small.
        connectivity: connectivity of the foreground.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> label = torch.zeros(1, 6, 7)
        >>> label[0, 1:4, 1:4] = label[0, 5, 6] = 1
        >>> AuditTopologyd("label", max_size=2)({"label": label})["label_audit"]
        [{'betti_numbers': (2, 0), 'small': (1, 0), 'max_size': 2}]
    """

    backend = AuditTopology.backend

    def __init__(
        self,
        keys: KeysCollection,
        max_size: int = 8,
        connectivity: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = AuditTopology(max_size, connectivity)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the counts of every label; the labels stay as they are."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[f"{key}_audit"] = [asdict(audit) for audit in self.transform.audits(d[key])]
        return d


AuditTopologyD = AuditTopologyDict = AuditTopologyd
