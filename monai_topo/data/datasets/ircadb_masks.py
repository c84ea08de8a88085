"""The masks of a 3Dircadb case on the slices of its image, and the label that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.data.datasets.file_tree import FileTree
from monai_topo.data.datasets.numbered_slices import numbered, read_numbered, some
from monai_topo.data.readers.dicom import Slice, slice_number
from monai_topo.data.readers.dicom_series import laid_on

VESSELS = ("portalvein", "venoussystem")

_ALIASES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "venoussystem": (("venoussystem",), ("venacava",)),
    "venacava": (("venacava",), ("venoussystem",)),
    "lungs": (("lungs", "lung"), ("leftlung", "rightlung")),
    "kidneys": (("kidneys", "kidney"), ("leftkidney", "rightkidney")),
    "livercyst": (("livercyst", "livercysts", "liverkyst", "liverkysts", "liverkyste"),),
    "livertumor": (("livertumor", "livertumors", "tumor", "tumors"),),
}
"""Structure to the sets of names it may go by, the first that is there; of a set all that are there."""


@dataclass(frozen=True)
class VesselLabel:
    """What of a case's masks makes the label.

    Attributes:
        structures: names, whose masks are united.
        within_liver: whether the label is cut off where the liver ends; the vena cava and the portal trunk go on.
        liver_margin: dilation of the liver before, in millimeters.
        empty_label: whether a case that lacks what the label is made of gets an empty label, instead of none.

    Example:
        >>> VesselLabel(structures=("portalvein",), within_liver=True, liver_margin=5.0).within_liver
        True
    """

    structures: tuple[str, ...] = VESSELS
    within_liver: bool = False
    liver_margin: float = 0.0
    empty_label: bool = False

    def __post_init__(self) -> None:
        if not self.structures or not all(isinstance(name, str) and name for name in self.structures):
            raise ValueError(f"structures must name at least one, such as {VESSELS}, got {self.structures!r}.")
        if not 0 <= self.liver_margin < np.inf:
            raise ValueError(f"liver_margin must be 0 or more millimeters, got {self.liver_margin}.")

    @property
    def name(self) -> str:
        """For a folder."""
        liver = [f"liver{self.liver_margin:g}"] if self.within_liver else []
        return "_".join([*self.structures, *liver, *(["empty"] if self.empty_label else [])])

    def settings(self) -> dict[str, object]:
        """For :class:`PreparedFolder`."""
        return {"dataset": "ircadb", **vars(self)}


class Masks:
    """Masks of a case by their names in lower case, on the image's slices.

    Args:
        tree: folder or archive of the masks; None if there is none.
        image: the image's slices in order.
        offset: vector from one of them to the next in LPS, millimeters.
        scratch: folder for what is unpacked.
    """

    def __init__(
        self, tree: FileTree | None, image: Sequence[Slice], offset: NDArray[np.float64], scratch: Path
    ) -> None:
        self.tree, self.offset, self.scratch = tree, offset, scratch
        self.image = {slice_number(one.name): one for one in image}
        self.files: dict[str, list[PurePosixPath]] = {}
        for file in tree.names if tree else ():
            if slice_number(file.name) is not None:
                self.files.setdefault(file.parent.name.lower(), []).append(file)

    def names_of(self, structure: str) -> list[str]:
        """The masks that make up a structure; none if the case lacks it."""
        wanted = structure.lower()
        for names in _ALIASES.get(wanted, ((wanted,),)):
            found = [name for name in self.files if name in names or re.sub(r"\d+$", "", name) in names]
            if found:
                return found
        return []

    def read(self, structure: str) -> NDArray[np.bool_] | None:
        """Union of the masks that make up a structure, ``(x, y, z)``."""
        if self.tree is None:
            return None
        return _any_of([self._read_one(self.tree, name) for name in self.names_of(structure)])

    def _read_one(self, tree: FileTree, name: str) -> NDArray[np.bool_]:
        slices = read_numbered(tree, numbered(tree, self.files[name]), self.scratch, stored=True)
        if slices.keys() != self.image.keys():
            differing = sorted(number or 0 for number in slices.keys() ^ self.image.keys())
            raise ValueError(
                f"mask {name} in {tree.path} has {len(slices)} slices, the image {len(self.image)}: only one of "
                f"them has {some(differing)}. Is the download complete?"
            )
        ordered = [slices[number or 0] for number in self.image]
        pixels = laid_on(ordered, list(self.image.values()), self.offset)
        return np.asarray(np.stack([one > 0 for one in pixels]).T)


def make_label(
    masks: Masks, label: VesselLabel, spacing: Sequence[float]
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """The label, None if there is nothing to make it of, and what is missing.

    Args:
        masks: masks of the case.
        label: choice of masks.
        spacing: voxel size of the image, millimeters.
    """
    there = ", ".join(sorted(masks.files)) or "none"
    found = {structure: masks.read(structure) for structure in label.structures}
    missing = [f"There is no {name} among the masks ({there})." for name, mask in found.items() if mask is None]
    missing += [f"The mask {name} is empty." for name, mask in found.items() if mask is not None and not mask.any()]
    vessels = _any_of([mask for mask in found.values() if mask is not None])
    if vessels is None or not label.within_liver:
        return vessels, missing
    liver = masks.read("liver")
    if liver is None:
        return None, [*missing, f"There is no liver to cut the label off at among the masks ({there})."]
    return vessels & dilate_by_distance(liver, label.liver_margin, spacing), missing


def _any_of(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_] | None:
    return np.asarray(np.logical_or.reduce(masks)) if masks else None


def dilate_by_distance(mask: NDArray[np.bool_], margin: float, spacing: Sequence[float]) -> NDArray[np.bool_]:
    """Voxels at most ``margin`` away from a mask, in the unit of ``spacing``.

    Example:
        >>> dilate_by_distance(np.array([[False, False, True, False, False]]), 2.0, (1.0, 1.5)).astype(int)
        array([[0, 1, 1, 1, 0]])
    """
    if margin == 0 or not mask.any():
        return mask
    reach = np.ceil(margin / np.asarray(spacing)).astype(int)
    box = tuple(
        slice(max(int(part.start) - more, 0), int(part.stop) + more)
        for part, more in zip(ndimage.find_objects(mask.astype(np.uint8))[0], reach.tolist(), strict=True)
    )
    grown = np.zeros_like(mask)
    grown[box] = ndimage.distance_transform_edt(~mask[box], sampling=spacing) <= margin
    return grown
