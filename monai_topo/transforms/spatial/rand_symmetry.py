"""Random symmetries of the voxel grid: flips, and turns between axes whose voxels have one size."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import permutations

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import get_track_meta
from monai.transforms import Flip, MapTransform, Randomizable, Rotate90, Transform
from monai.utils import TransformBackends, convert_to_tensor

from monai_topo.transforms.channels import SPACING_KNOWN, check_spacing, spacing_of

_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
"""Types that torch cannot flip, and those whose bits can stand for theirs."""


class RandSymmetry(Randomizable, Transform):
    """One of the symmetries of an image's grid, each as likely as any other.

    They are all flips, and all permutations of axes that have voxels of one size and one length: in 3D 48 of a cube of
    isotropic voxels, 16 where one axis differs, 8 where all do; in 2D 8 or 4. A network that is trained on thick
    sections so sees none of them upright, and one that is trained on isotropic voxels sees every direction.

    Where a file says nothing of its voxels' size (:class:`~monai_topo.transforms.LoadVolume` notes it), the third axis
    counts as different: turns are in the plane.

    Args:
        spacing: size of a voxel, one number or one for each axis; None takes that of a ``MetaTensor``, else 1.
        tolerance: share by which two sizes may differ and count as one.

    Raises:
        ValueError: for a spacing that is not positive, or a negative tolerance.

    Example:
        >>> section = torch.arange(6.0).reshape(1, 2, 3)
        >>> turn = RandSymmetry().set_random_state(seed=0)
        >>> turn(section)  # of another length along each axis: flips only
        metatensor([[[2., 1., 0.],
                     [5., 4., 3.]]])
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, spacing: Sequence[float] | float | None = None, tolerance: float = 0.1) -> None:
        if not tolerance >= 0:
            raise ValueError(f"tolerance must be 0 or more, got {tolerance!r}.")
        self.spacing = check_spacing(spacing)
        self.tolerance = tolerance
        self.axes: tuple[int, ...] = ()
        """The axis of the image that becomes each axis of the result."""
        self.flipped: list[int] = []
        """Axes of the result that are flipped."""

    def randomize(self, data: torch.Tensor) -> None:
        """Draw a symmetry of an image's grid.

        Raises:
            ValueError: when the image is none, or ``spacing`` has not one number for each of its axes.
        """
        if data.ndim not in (3, 4):
            raise ValueError(f"img must have shape (C, H, W) or (C, H, W, D), got {tuple(data.shape)}.")
        sizes = list(spacing_of(data, self.spacing))
        if self.spacing is None and not getattr(data, "meta", {}).get(SPACING_KNOWN, True):
            sizes[2:] = [np.inf] * len(sizes[2:])
        found = [order for order in permutations(range(len(sizes))) if self._keeps(order, sizes, data.shape[1:])]
        self.axes = found[self.R.randint(len(found))]
        self.flipped = np.flatnonzero(self.R.randint(2, size=len(sizes))).tolist()

    def _keeps(self, order: tuple[int, ...], sizes: Sequence[float], shape: Sequence[int]) -> bool:
        """Whether each axis comes from one of its length and voxel size."""
        return all(
            shape[a] == shape[b] and max(sizes[a], sizes[b]) <= (1 + self.tolerance) * min(sizes[a], sizes[b])
            for a, b in enumerate(order)
        )

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True) -> torch.Tensor:
        """Turn and flip an image.

        Args:
            img: ``(C, H, W[, D])``, of any type.
            randomize: draw a new symmetry; otherwise the one of the last draw is used.

        Returns:
            The image, of the same shape, with its affine turned too.

        Raises:
            ValueError: as :meth:`randomize`.
        """
        if isinstance(img, np.ndarray):  # MONAI would read the largest ids as negative ones
            img = torch.from_numpy(np.ascontiguousarray(img, img.dtype.newbyteorder("=")))
        img = convert_to_tensor(img, track_meta=get_track_meta())
        if randomize:
            self.randomize(img)
        signed = _SIGNED.get(img.dtype, img.dtype)
        return self._turned(img.view(signed)).view(img.dtype)

    def _turned(self, img: torch.Tensor) -> torch.Tensor:
        flipped, order = [*self.flipped], [*range(len(self.axes))]
        for axis, wanted in enumerate(self.axes):
            place = order.index(wanted)
            if place != axis:  # a quarter turn is an exchange of two axes, and a flip of the first of them
                img = _untraced(Rotate90(1, (axis, place)), img)
                order[axis], order[place] = order[place], order[axis]
                img = _untraced(Flip(axis), img)
        return _untraced(Flip(flipped), img) if flipped else img


def _untraced(transform: Flip | Rotate90, img: torch.Tensor) -> torch.Tensor:
    """The result with its affine, and no operation left behind that an inverse would look for."""
    with transform.trace_transform(False):
        turned: torch.Tensor = transform(img)
    return turned


class RandSymmetryd(Randomizable, MapTransform):
    """Dictionary version of :class:`RandSymmetry`: the same symmetry, of the first item's grid, for all keys.

    It takes the place of MONAI's ``RandFlipd`` and ``RandRotate90d``, of which one has to know which axes are alike.
    Between isotropic axes only patches of one length turn: take cubes there.

    Args:
        keys: keys of the items, all on one grid.
        spacing: size of a voxel; None takes that of a ``MetaTensor``, else 1.
        tolerance: share by which two sizes may differ and count as one.
        allow_missing_keys: whether an item may lack a key.

    Raises:
        ValueError: as :class:`RandSymmetry`, and for items of two shapes.

    Example:
        >>> item = {"image": torch.rand(1, 4, 4, 4), "label": torch.ones(1, 4, 4, 4)}
        >>> turned = RandSymmetryd(["image", "label"]).set_random_state(seed=0)(item)
        >>> turned["image"].shape
        torch.Size([1, 4, 4, 4])
    """

    backend = RandSymmetry.backend

    def __init__(
        self,
        keys: KeysCollection,
        spacing: Sequence[float] | float | None = None,
        tolerance: float = 0.1,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = RandSymmetry(spacing, tolerance)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandSymmetryd:
        """Set the state of the generator, or seed it."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        """Turn and flip the items under ``keys``; the others stay as they are."""
        d = dict(data)
        present = list(self.key_iterator(d))
        for number, key in enumerate(present):
            if d[key].shape[1:] != d[present[0]].shape[1:]:
                raise ValueError(
                    f"{key!r} must lie on the grid of {present[0]!r}, got shapes {tuple(d[key].shape)} and "
                    f"{tuple(d[present[0]].shape)}."
                )
            d[key] = self.transform(d[key], randomize=number == 0)
        return d


RandSymmetryD = RandSymmetryDict = RandSymmetryd
