"""From instance ids of cells to a mask of the membranes between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends

from monai_topo.topology import distance_to_boundary, instance_boundaries, remove_small_cells, round_cells
from monai_topo.transforms.channels import KeyedTransform, check_spacing, like, spacing_of, to_channels

_THICK = 2.0  # sections this many times as thick as pixels are wide are no neighbors of each other


class InstanceToMembrane(Transform):
    """Mask of the membranes of an instance segmentation, without the artifacts that topology losses would learn.

    A membrane is where the id of a face neighbor differs, one voxel on each side (scikit-image's ``find_boundaries`` in
    mode ``"thick"``) or ``thickness`` wide, and where the id is the background's. Drawn so from real labels, a membrane
    has hundreds of tiny cavities that are no cells. The insides of the cells are therefore opened by a small ball and
    the smallest ones filled.

    Args:
        axes: Spatial axes along which neighbors are compared; None is all. For thick sections name the in-plane ones
            (0 and 1 of an (x, y, z) volume): the next section is no neighbor. ``"auto"`` goes by the voxel size: where
            a volume's voxels are at least twice as long along one axis as along either of the others, that axis is left
            out. CREMI's 40 nm sections of 4 nm pixels are such.
        background: id that is membrane itself; None when there is no such id.
        opening_radius: radius in voxels of the ball that opens the cells, over the compared axes; 0 leaves them.
        min_cell_size: cells of fewer voxels are filled; 0 fills none.
        thickness: thickness of the membrane between two cells, in the units of the voxel size: voxels whose center is
            at most half of it from the face between two ids. Voxels may be anisotropic. None is one voxel on each side.
        spacing: Voxel size along each spatial axis, for ``thickness`` and ``axes="auto"``; None takes it from the
            affine of a ``MetaTensor`` and is 1 for arrays and plain tensors.

    Raises:
        ValueError: for negative sizes, an unknown word as ``axes``, and when called on anything but one channel of 2 or
            3 axes with whole numbers, or with a ``thickness`` under the voxel size, which would leave gaps.

    Example:
        >>> ids = np.array([[[1, 1, 1, 2, 2, 2]] * 6])
        >>> InstanceToMembrane(opening_radius=0, min_cell_size=0)(ids)[0, 0]
        array([0, 0, 1, 1, 0, 0], dtype=uint8)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        axes: Sequence[int] | str | None = None,
        background: int | None = 0,
        opening_radius: int = 1,
        min_cell_size: int = 64,
        thickness: float | None = None,
        spacing: Sequence[float] | float | None = None,
    ) -> None:
        if isinstance(axes, str) and axes != "auto":
            raise ValueError(f'axes must be None, "auto" or axes, got {axes!r}.')
        if thickness is not None and not 0 < thickness < np.inf:
            raise ValueError(f"thickness must be None or positive and finite, got {thickness!r}.")
        if opening_radius < 0 or min_cell_size < 0:
            raise ValueError(
                f"opening_radius and min_cell_size must be 0 or more, got {opening_radius} and {min_cell_size}."
            )
        self.axes = axes
        self.background = background
        self.opening_radius = opening_radius
        self.min_cell_size = min_cell_size
        self.thickness = thickness
        self.spacing = check_spacing(spacing)

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the mask.

        Args:
            img: instance ids, ``(1, H, W[, D])``.

        Returns:
            uint8 mask of the same shape and type of container, 1 on membranes; metadata is kept.
        """
        ids = to_channels(img)
        if ids.shape[0] != 1:
            raise ValueError(f"img must be instance ids of shape (1, H, W) or (1, H, W, D), got {ids.shape}.")
        if ids.dtype.kind == "f" and not np.array_equal(ids, np.round(ids)):
            raise ValueError("img must hold instance ids, whole numbers; got fractions. Was a label interpolated?")
        return like(img, ~self._insides(ids[0], spacing_of(img, self.spacing))[None], np.uint8)

    def _insides(self, ids: np.ndarray[Any, Any], spacing: tuple[float, ...]) -> np.ndarray[Any, Any]:
        axes = in_plane_axes(spacing) if isinstance(self.axes, str) else self.axes
        inside = ~self._boundaries(ids, spacing, axes)
        if self.background is not None:
            inside &= ids != self.background
        if axes is None or len(axes) == ids.ndim:
            return remove_small_cells(round_cells(inside, self.opening_radius), self.min_cell_size)
        return self._insides_of_sections(inside, axes)

    def _boundaries(
        self, ids: np.ndarray[Any, Any], spacing: tuple[float, ...], axes: Sequence[int] | None
    ) -> np.ndarray[Any, Any]:
        if self.thickness is None:
            return instance_boundaries(ids, axes)
        largest = max(spacing if axes is None else (spacing[axis] for axis in axes))
        if self.thickness < largest * (1 - 1e-6):
            raise ValueError(
                f"thickness={self.thickness} is less than a voxel, {largest:g} along its longest compared axis: the "
                "membrane would have gaps. Take more, or compare fewer axes."
            )
        return distance_to_boundary(ids, spacing, axes) <= self.thickness / 2 * (1 + 1e-6)

    def _insides_of_sections(self, inside: np.ndarray[Any, Any], axes: Sequence[int]) -> np.ndarray[Any, Any]:
        """Clean every section on its own: across sections cells neither touch nor support each other."""
        across = [axis for axis in range(inside.ndim) if axis not in axes]
        sections = np.moveaxis(inside, across, range(len(across)))
        cleaned = np.empty_like(sections)
        for index in np.ndindex(*sections.shape[: len(across)]):
            rounded = round_cells(sections[index], self.opening_radius)
            cleaned[index] = remove_small_cells(rounded, self.min_cell_size)
        return np.moveaxis(cleaned, range(len(across)), across)


def in_plane_axes(spacing: Sequence[float]) -> tuple[int, ...] | None:
    """Axes of a volume without that of its thick sections; None where no section is thick, and for images.

    Example:
        >>> in_plane_axes((4, 4, 40)), in_plane_axes((8, 8, 8)), in_plane_axes((4, 40))
        ((0, 1), None, None)
    """
    longest = int(np.argmax(spacing))
    others = tuple(axis for axis in range(len(spacing)) if axis != longest)
    thick = len(spacing) == 3 and spacing[longest] >= _THICK * max(spacing[axis] for axis in others)
    return others if thick else None


class InstanceToMembraned(KeyedTransform):
    """Dictionary version of :class:`InstanceToMembrane`.

    Args:
        keys: keys of the instance maps.
        axes: Spatial axes along which neighbors are compared; None is all, "auto" goes by the voxel size.
        background: id that is membrane itself; None when there is no such id.
        opening_radius: radius in voxels of the ball that opens the cells; 0 leaves them.
        min_cell_size: cells of fewer voxels are filled; 0 fills none.
        thickness: thickness of the membrane, in the units of the voxel size; None is one voxel on each side.
        spacing: voxel size along each spatial axis; None takes it from the affine.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> cells = torch.tensor([[[1, 1, 1, 2, 2, 2]] * 3])
        >>> InstanceToMembraned("label", opening_radius=0, min_cell_size=0)({"label": cells})["label"][0, 0]
        tensor([0, 0, 1, 1, 0, 0], dtype=torch.uint8)
    """

    backend = InstanceToMembrane.backend

    def __init__(
        self,
        keys: KeysCollection,
        axes: Sequence[int] | str | None = None,
        background: int | None = 0,
        opening_radius: int = 1,
        min_cell_size: int = 64,
        thickness: float | None = None,
        spacing: Sequence[float] | float | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        transform = InstanceToMembrane(axes, background, opening_radius, min_cell_size, thickness, spacing)
        super().__init__(keys, transform, allow_missing_keys)


InstanceToMembraneD = InstanceToMembraneDict = InstanceToMembraned
