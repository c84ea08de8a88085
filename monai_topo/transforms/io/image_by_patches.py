"""Images of which only the patches that are cropped are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from monai.data import MetaTensor

from monai_topo.data import BoxSource

_ALLOWED = (
    "__get__",
    "__set__",
    "to",
    "size",
    "dim",
    "numel",
    "element_size",
    "contiguous",
    "is_floating_point",
    "is_complex",
)


class ImageByPatches(MetaTensor):
    """An image on disk that MONAI's crops, and :class:`RandCropByTopology`, read no more of than the patch.

    It has shape, type and affine of the image and holds no voxel: it is a ``MetaTensor`` on torch's device ``meta``.
    A slice of it is read, and is a ``MetaTensor`` like any other. Everything that would need all voxels is an error. It
    is copied and sent to other processes as what it is, a name and a place.

    Made by :class:`LoadVolume` with ``by_patches``.

    Args:
        source: volume, of which boxes are read.
        dtype: type of the numbers of what is read.
        affine: ``(4, 4)``, from voxel to position in RAS.
        meta: metadata.

    Raises:
        RuntimeError: for whatever needs all voxels.

    Example:
        >>> import numpy as np
        >>> from monai.transforms import SpatialCrop
        >>> array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
        >>> image = ImageByPatches(BoxSource.of(array.__getitem__, array.shape, array.dtype), torch.float32)
        >>> image.shape, SpatialCrop(roi_start=(1, 2, 3), roi_end=(2, 4, 4))(image).flatten().tolist()
        (torch.Size([1, 3, 4, 5]), [33.0, 38.0])
    """

    source: BoxSource

    @staticmethod
    def __new__(
        cls: type[Self],
        source: BoxSource,
        dtype: torch.dtype,
        affine: Any = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Self:
        """A tensor without storage."""
        empty = torch.empty((1, *source.shape), dtype=dtype, device="meta")
        made: Self = super().__new__(cls, empty, affine, None if meta is None else dict(meta))
        return made

    def __init__(
        self, source: BoxSource, dtype: torch.dtype, affine: Any = None, meta: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(torch.empty(0), affine, None if meta is None else dict(meta))
        self.source = source

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Shapes, types and copies, but nothing that needs voxels."""
        name = getattr(func, "__name__", str(func))
        image = next((one for one in args if isinstance(one, ImageByPatches)), None)
        if image is None or name not in _ALLOWED:
            raise RuntimeError(_needs_voxels(name))
        try:
            result = super().__torch_function__(func, types, args, kwargs or {})
        except NotImplementedError:  # to another device
            raise RuntimeError(_needs_voxels(name)) from None
        if isinstance(result, ImageByPatches):
            result.source = image.source
        return result

    def __getitem__(self, index: Any) -> MetaTensor:
        """The voxels of a patch; ``index`` has a slice of step 1 for the channel and for each axis."""
        index = index if isinstance(index, tuple) else (index,)
        parts = [*index, *[slice(None)] * (self.ndim - len(index))]
        if not all(isinstance(part, slice) and part.step in (None, 1) for part in parts) or len(parts) != self.ndim:
            raise RuntimeError(_needs_voxels(f"index {index}"))
        bounds = [part.indices(n)[:2] for part, n in zip(parts[1:], self.shape[1:], strict=True)]
        voxels = torch.from_numpy(self.source.box(bounds))[None].to(self.dtype)
        return MetaTensor(voxels[parts[0]], meta=dict(self.meta))

    def as_tensor(self) -> torch.Tensor:
        """Itself: there is no tensor without the metadata."""
        return self

    def __deepcopy__(self, memo: Any) -> ImageByPatches:
        return self._again()

    def clone(self, **kwargs: Any) -> ImageByPatches:
        """A copy, which reads the same file."""
        return self._again()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _make, (self.source, self.dtype, dict(self.meta), list(self.applied_operations))

    def __str__(self, *args: Any, **kwargs: Any) -> str:
        return repr(self)

    def __repr__(self, *args: Any, **kwargs: Any) -> str:
        return f"ImageByPatches(shape={tuple(self.shape)}, dtype={self.dtype})"

    def _again(self) -> ImageByPatches:
        return _make(self.source, self.dtype, dict(self.meta), list(self.applied_operations))


def _make(source: BoxSource, dtype: torch.dtype, meta: dict[str, Any], applied: list[Any]) -> ImageByPatches:
    image = ImageByPatches(source, dtype, meta=meta)
    image.applied_operations = applied
    return image


def _needs_voxels(what: str) -> str:
    return (
        f"{what} needs all voxels of an image that is read by patches: put it after the crop, or load without "
        "by_patches."
    )
