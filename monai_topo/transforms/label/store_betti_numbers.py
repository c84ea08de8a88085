"""The Betti numbers of a label in its metadata, for the losses that ask for them at every step."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray

from monai_topo.topology import BETTI_KEY, betti_record
from monai_topo.transforms.channels import to_masks


class StoreBettiNumbers(Transform):
    """Count the components, loops and cavities of a label once, and store them in its metadata.

    ``TopoLoss``, ``LifetimeTopoLoss`` and ``PersistenceLoss`` on likelihoods, given a target with these numbers, do not
    count again; a term of ``DiceCETopologyLoss`` does likewise. Put it last among the transforms of the label: in the
    workers of a ``DataLoader`` it costs the training nothing, and where the label does not change from epoch to epoch a
    ``CacheDataset`` keeps it. A digest of the label is stored too, so that one that was cropped, padded, moved or
    changed later is an error; flips and rotations by 90 degrees change no number, and are none.

    The loss counts itself where it looks at patches, ignores voxels or is given class indices, whose channels are not
    those of the label.

    Args:
        connectivity: connectivity of the foreground, that of the loss: None or the number of axes for full, 1 for face.
        frame: whether the numbers are relative to a frame of foreground, as the loss's ``frame``; on, as in
            ``TopoLoss``.

    Example:
        >>> label = np.zeros((1, 6, 7))
        >>> label[0, 1:4, 1:4] = label[0, 5, 6] = 1
        >>> StoreBettiNumbers(frame=False)(label).meta["betti_numbers"][:, 3:]  # two components, no loop
        array([[2, 0]])
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(self, connectivity: int | None = None, frame: bool = True) -> None:
        self.connectivity = connectivity
        self.frame = frame

    def __call__(self, img: NdarrayOrTensor) -> MetaTensor:
        """Count, and return the label with the counts.

        Args:
            img: masks, ``(C, H, W[, D])``, only 0 and 1, each channel on its own.

        Returns:
            A ``MetaTensor`` of the same values; its ``meta["betti_numbers"]`` has a row for each channel: 1 for full
            connectivity, 1 for a frame, the digest, and the Betti numbers.

        Raises:
            ValueError: for another shape, other values or a bad connectivity.
        """
        records = [betti_record(mask, self.connectivity, frame=self.frame) for mask in to_masks(img)]
        own = img.meta if isinstance(img, MetaTensor) else {}
        values = img if isinstance(img, torch.Tensor) else _to_tensor(img)
        stored = MetaTensor(values, meta={**own, BETTI_KEY: np.stack(records)})
        if isinstance(img, MetaTensor):
            stored.applied_operations = img.applied_operations
        return stored


def _to_tensor(values: NDArray[Any]) -> torch.Tensor:
    """The same values, of an array in any order of axes and bytes."""
    return torch.from_numpy(np.array(values, dtype=values.dtype.newbyteorder("="), order="C"))


class StoreBettiNumbersd(MapTransform):
    """Dictionary version of :class:`StoreBettiNumbers`.

    Args:
        keys: keys of the labels, masks.
        connectivity: connectivity of the foreground, that of the loss.
        frame: whether the numbers are relative to a frame of foreground.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> label = np.ones((1, 4, 5))
        >>> StoreBettiNumbersd("label", frame=False)({"label": label})["label"].meta["betti_numbers"][:, 3:]
        array([[1, 0]])
    """

    backend = StoreBettiNumbers.backend

    def __init__(
        self,
        keys: KeysCollection,
        connectivity: int | None = None,
        frame: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = StoreBettiNumbers(connectivity, frame)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Store the numbers of every label."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key])
        return d


StoreBettiNumbersD = StoreBettiNumbersDict = StoreBettiNumbersd
