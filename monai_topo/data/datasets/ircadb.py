"""3Dircadb, liver CT with vessels, as it is downloaded: folders of DICOM slices, or zip archives of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.data.datasets.file_tree import FileTree
from monai_topo.data.datasets.folder import contents
from monai_topo.data.datasets.prepared import PARTIAL, Case, Converted, PreparedFolder, convert_cases
from monai_topo.data.readers.dicom import Slice, has_positions, order_slices, read_slice, slice_number, stack_slices
from monai_topo.data.readers.volume import Volume

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

_PATIENT, _MASKS = "patient_dicom", "masks_dicom"
_MAX_DEPTH = 3


@dataclass(frozen=True)
class VesselLabel:
    """What of a case's masks makes the label.

    Attributes:
        structures: names, whose masks are united.
        within_liver: whether the label is cut off where the liver ends; the vena cava and the portal trunk go on.
        liver_margin: by how much the liver is dilated before, millimeters.
        empty_label: whether a case that lacks what the label is made of gets an empty label, instead of none.
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


def ircadb_datalist(
    root: PathLike,
    structures: Sequence[str] = VESSELS,
    *,
    within_liver: bool = False,
    liver_margin: float = 0.0,
    empty_label: bool = False,
    cache_dir: PathLike | None = None,
    progress: bool = True,
) -> list[dict[str, str]]:
    """MONAI data list of the 3Dircadb cases in a folder.

    The download is taken as it is: cases at any of the first levels, zips inside folders or unpacked, folders in
    folders of the same name, slices with or without a suffix. At the first call each case is read through itk and
    written as NIfTI to a cache, which later calls find. Archives are unpacked there, case by case, and removed again;
    nothing is written anywhere else. Slices are ordered by their positions, masks belong to the slice with the same
    number in its name, and voxels are in Hounsfield units. The data are not resampled.

    Structures are found by any case and by their aliases: ``venoussystem`` is ``venacava`` where there is no
    ``venoussystem``, ``portalvein`` includes ``portalvein1``, ``livertumor`` all numbered tumors. The label is
    their union. Vessels run on outside the liver: ``within_liver`` cuts them off there.

    Args:
        root: folder of the download.
        structures: whose masks make the label; ``artery`` is one to add.
        within_liver: intersect the label with the mask ``liver``.
        liver_margin: by how many millimeters the liver is dilated before.
        empty_label: give a case that lacks what the label is made of an empty one.
        cache_dir: where the NIfTI files go; by default a folder of ``root``, ``prepared/`` and the structures' names.
        progress: whether to show a bar.

    Returns:
        ``[{"image": path, "label": path, "patient": name, "missing": text}, ...]`` in the order of the cases'
        numbers; JSON-serializable. ``missing`` says which structures a case lacks, "" for none; a case that lacks all
        of them, or the liver to cut them off at, has no ``"label"``. For folds see :func:`monai_topo.data.split_folds`.

    Raises:
        FileNotFoundError: when the folder does not exist or holds no case.
        ValueError: when a case is damaged or inconsistent, after all others were read; for an archive that points
            outside; for bad arguments.

    Example:
        >>> ircadb_datalist("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: no such file or folder: nowhere
    """
    label = VesselLabel(tuple(structures), within_liver, float(liver_margin), empty_label)
    cache = Path(root) / "prepared" / label.name if cache_dir is None else Path(cache_dir)
    cases = ircadb_cases(root, label, cache)
    folder = PreparedFolder(cache, label.settings())
    records, failures = convert_cases(cases, folder, progress=progress)
    if failures:
        first, reason = next(iter(failures.items()))
        raise ValueError(f"{len(failures)} of {len(cases)} cases cannot be read: {first}: {reason}")
    return [
        {key: str(folder.root / record[key]) for key in ("image", "label") if key in record}
        | {"patient": str(record["patient"]), "missing": " ".join(record["notes"])}
        for record in records
    ]


def ircadb_cases(root: PathLike, label: VesselLabel, cache: Path) -> list[Case]:
    """The cases in a folder, in the order of their numbers.

    Args:
        root: the folder.
        label: what of the masks to take.
        cache: root of the :class:`PreparedFolder` that the cases will be converted to.

    Raises:
        FileNotFoundError: when the folder does not exist or holds no case.
        ValueError: when two folders have the same case.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"no such file or folder: {root}")
    found: dict[str, Path] = {}
    for path in _case_folders(folder, _MAX_DEPTH):
        if path.name in found:
            raise ValueError(f"case {path.name} is there twice: {found[path.name]} and {path}.")
        found[path.name] = path
    if not found:
        raise FileNotFoundError(
            f"{root} holds no 3Dircadb case: expected folders such as 3Dircadb1.1 with PATIENT_DICOM or "
            f"PATIENT_DICOM.zip, found {contents(folder)}. Unpack the outermost archive."
        )
    return [Case(name, name, partial(read_case, found[name], label, cache)) for name in sorted(found, key=_natural)]


def _case_folders(folder: Path, depth: int) -> Iterator[Path]:
    if _find_tree(folder, _PATIENT) is not None:
        yield folder
    elif depth:
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                yield from _case_folders(entry, depth - 1)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(number or -1), text) for text, number in re.findall(r"(\D*)(\d*)", name)]


def _find_tree(folder: Path, name: str) -> Path | None:
    """The folder of this name, or if there is none the archive, whatever the case of its letters."""
    found = {entry.name.lower(): entry for entry in folder.iterdir()}
    return found[name] if name in found and found[name].is_dir() else found.get(f"{name}.zip")


def read_case(folder: Path, label: VesselLabel, cache: Path) -> Converted:
    """Image and label of a case.

    Args:
        folder: which has ``PATIENT_DICOM`` and ``MASKS_DICOM``, as folders or zips.
        label: what of the masks to take.
        cache: existing folder in which archives are unpacked for the time being.

    Raises:
        ValueError: when slices are damaged, missing or there twice, or masks do not fit the image.
    """
    with TemporaryDirectory(dir=cache, prefix=PARTIAL) as scratch:
        patient = _find_tree(folder, _PATIENT)
        tree = FileTree(folder if patient is None else patient)
        slices = _read_numbered(tree, _numbered(tree, tree.names), Path(scratch))
        _check_complete(tree, slices)
        ordered, offset = order_slices(list(slices.values()))
        image = stack_slices(ordered, offset)
        masks = _Masks(_find_tree(folder, _MASKS), ordered, Path(scratch))
        mask, missing = _union(masks, label, image.spacing)
    if mask is None and label.empty_label:
        mask = np.zeros(image.array.shape, bool)
    return Converted(image, None if mask is None else Volume(mask, image.affine), tuple(missing))


def _check_complete(tree: FileTree, numbers: Mapping[int, object]) -> None:
    gaps = sorted(set(range(min(numbers), max(numbers) + 1)) - set(numbers))
    if gaps:
        raise ValueError(
            f"{tree.path} has slices {min(numbers)} to {max(numbers)}, but not {_some(gaps)}. Is the download complete?"
        )


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:8])) + (" ..." if len(numbers) > 8 else "")


def _numbered(tree: FileTree, names: Sequence[PurePosixPath]) -> dict[int, PurePosixPath]:
    """Slices by the numbers in their names."""
    found: dict[int, PurePosixPath] = {}
    for name in names:
        number = slice_number(name.name)
        if number is None:
            continue
        if number in found:
            raise ValueError(f"{tree.path} has slice {number} twice: {found[number]} and {name}.")
        found[number] = name
    if not found:
        raise ValueError(f"{tree.path} holds no slice: expected files such as image_0.")
    return found


def _read_numbered(tree: FileTree, names: Mapping[int, PurePosixPath], scratch: Path) -> dict[int, Slice]:
    paths = tree.fetch(names.values(), scratch)
    return {
        number: read_slice(path, f"{tree.path}/{name}")
        for (number, name), path in zip(names.items(), paths, strict=True)
    }


class _Masks:
    """Masks of a case by their names in lower case, on the image's slices.

    Args:
        path: folder or archive of the masks; None if there is none.
        image: the image's slices in order.
        scratch: folder for what is unpacked.
    """

    def __init__(self, path: Path | None, image: Sequence[Slice], scratch: Path) -> None:
        self.scratch = scratch
        self.image = {slice_number(one.name): one for one in image}
        self.tree = None if path is None else FileTree(path)
        self.files: dict[str, list[PurePosixPath]] = {}
        for file in self.tree.names if self.tree else ():
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
        slices = _read_numbered(tree, _numbered(tree, self.files[name]), self.scratch)
        if slices.keys() != self.image.keys():
            differing = sorted(number or 0 for number in slices.keys() ^ self.image.keys())
            raise ValueError(
                f"mask {name} in {tree.path} has {len(slices)} slices, the image {len(self.image)}: only one of "
                f"them has {_some(differing)}. Is the download complete?"
            )
        ordered = [slices[number or 0] for number in self.image]
        _check_same_places(ordered, list(self.image.values()))
        return np.asarray(np.stack([one.pixels > 0 for one in ordered]).T)


def _check_same_places(mask: Sequence[Slice], image: Sequence[Slice]) -> None:
    """Slices with the same numbers have the same pixels, and lie in the same order where both have positions."""
    for one, other in zip(mask, image, strict=True):
        if one.pixels.shape != other.pixels.shape:
            raise ValueError(
                f"{one.name} has {one.pixels.shape} pixels, {other.name} {other.pixels.shape}: they must be the same."
            )
    if has_positions(mask) and has_positions(image):
        places = [np.array([one.position for one in slices], dtype=float) for slices in (mask, image)]
        apart = np.abs(np.subtract(*[place - place[0] for place in places])).max(axis=1)
        if apart.max() > 0.1:
            worst = int(apart.argmax())
            raise ValueError(
                f"{mask[worst].name} and {image[worst].name} have one number, but lie at {mask[worst].position} and "
                f"{image[worst].position}: the masks are in another order than the image."
            )


def _union(masks: _Masks, label: VesselLabel, spacing: Sequence[float]) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """The label, None if there is nothing to make it of, and what is missing."""
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
