"""3Dircadb, liver CT with vessels, as it is downloaded: folders of DICOM slices, or zip archives of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from monai.config import PathLike

from monai_topo.data.datasets.cases import Case, Converted
from monai_topo.data.datasets.conversion import convert_cases
from monai_topo.data.datasets.file_tree import MAX_UNPACKED, FileTree
from monai_topo.data.datasets.folder import contents
from monai_topo.data.datasets.ircadb_masks import VESSELS, Masks, VesselLabel, make_label
from monai_topo.data.datasets.numbered_slices import check_complete, numbered, read_numbered
from monai_topo.data.datasets.prepared import PARTIAL, opened_folder
from monai_topo.data.readers.dicom import Slice
from monai_topo.data.readers.dicom_series import notes_on_geometry, order_slices, stack_slices

_PATIENT, _MASKS = "patient_dicom", "masks_dicom"
_MAX_DEPTH = 3


def ircadb_datalist(
    root: PathLike,
    structures: Sequence[str] = VESSELS,
    *,
    within_liver: bool = False,
    liver_margin: float = 0.0,
    empty_label: bool = False,
    cache_dir: PathLike | None = None,
    max_unpacked: float = MAX_UNPACKED,
    progress: bool = True,
) -> list[dict[str, str]]:
    """MONAI data list of the 3Dircadb cases in a folder.

    The download is taken as it is: cases at any of the first levels, zips inside folders or unpacked, folders in
    folders of the same name, slices with or without a suffix. At the first call each case is read through itk and
    written as NIfTI to a cache, which later calls find. Archives are unpacked there, case by case, and removed again;
    nothing is written anywhere else. Slices are ordered by their positions, which also decide about the affine; masks
    belong to the slice with the same number in its name, and one that is stored mirrored or transposed is turned by its
    position. Voxels are in Hounsfield units. The data are not resampled.

    Structures are found by any case and by their aliases: ``venoussystem`` is ``venacava`` where there is no
    ``venoussystem``, ``portalvein`` includes ``portalvein1``, ``livertumor`` all numbered tumors. The label is
    their union. Vessels run on outside the liver: ``within_liver`` cuts them off there.

    Args:
        root: folder of the download.
        structures: structures whose masks make the label; ``artery`` is one to add.
        within_liver: intersect the label with the mask ``liver``.
        liver_margin: dilation of the liver before, in millimeters.
        empty_label: give a case that lacks what the label is made of an empty one.
        cache_dir: folder of the NIfTI files; by default a folder of ``root``, ``prepared/`` and the structures' names.
        max_unpacked: gigabytes that one archive may be unpacked to; one that holds more is refused.
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
    cases = ircadb_cases(root, label, cache, max_unpacked)
    with opened_folder(cache, label.settings(), "ircadb_datalist", wait=True) as folder:
        conversion = convert_cases(cases, folder, progress=progress)
    if conversion.failed:
        first, reason = next(iter(conversion.failed.items()))
        raise ValueError(f"{len(conversion.failed)} of {len(cases)} cases cannot be read: {first}: {reason}")
    return [
        {key: str(folder.root / record[key]) for key in ("image", "label") if key in record}
        | {"patient": str(record["patient"]), "missing": str(record["missing"])}
        for record in conversion.records
    ]


def ircadb_cases(root: PathLike, label: VesselLabel, cache: Path, max_unpacked: float = MAX_UNPACKED) -> list[Case]:
    """The cases in a folder, in the order of their numbers.

    Args:
        root: the folder.
        label: choice of masks.
        cache: root of the :class:`PreparedFolder` that the cases will be converted to.
        max_unpacked: gigabytes that one archive may be unpacked to.

    Raises:
        FileNotFoundError: when the folder does not exist or holds no case.
        ValueError: when two folders have the same case, or ``max_unpacked`` is not positive.
    """
    if not max_unpacked > 0:
        raise ValueError(f"max_unpacked must be more than 0 gigabytes, got {max_unpacked}.")
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
    load = partial(read_case, label=label, cache=cache, max_unpacked=max_unpacked)
    return [
        Case(name, name, partial(load, found[name]), files=_parts_of(found[name]))
        for name in sorted(found, key=_natural)
    ]


def _case_folders(folder: Path, depth: int) -> Iterator[Path]:
    """Folders of cases; one that may not be looked into counts as one, so that reading it says so."""
    try:
        entries = sorted(folder.iterdir())
    except PermissionError:
        yield folder
        return
    if _find_tree(folder, _PATIENT) is not None:
        yield folder
    elif depth:
        for entry in entries:
            if entry.is_dir():
                yield from _case_folders(entry, depth - 1)


def _parts_of(folder: Path) -> tuple[Path, ...]:
    """Folders or archives of a case's image and masks."""
    try:
        return tuple(path for name in (_PATIENT, _MASKS) if (path := _find_tree(folder, name)) is not None)
    except PermissionError:
        return (folder,)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(number or -1), text) for text, number in re.findall(r"(\D*)(\d*)", name)]


def _find_tree(folder: Path, name: str) -> Path | None:
    """The folder of this name, or if there is none the archive, whatever the case of its letters."""
    found = {entry.name.lower(): entry for entry in folder.iterdir()}
    return found[name] if name in found and found[name].is_dir() else found.get(f"{name}.zip")


def read_case(folder: Path, label: VesselLabel, cache: Path, max_unpacked: float = MAX_UNPACKED) -> Converted:
    """Image and label of a case.

    Args:
        folder: folder that has ``PATIENT_DICOM`` and ``MASKS_DICOM``, as folders or zips.
        label: choice of masks.
        cache: existing folder in which archives are unpacked for the time being.
        max_unpacked: gigabytes that one archive may be unpacked to.

    Raises:
        ValueError: when slices are damaged, missing or there twice, or masks do not fit the image.
    """
    with TemporaryDirectory(dir=cache, prefix=PARTIAL) as scratch:
        ordered, offset = order_slices(_read_patient(folder, Path(scratch), max_unpacked))
        image = stack_slices(ordered, offset)
        path = _find_tree(folder, _MASKS)
        tree = None if path is None else FileTree(path, max_unpacked)
        mask, missing = make_label(Masks(tree, ordered, offset, Path(scratch)), label, image.spacing)
    if mask is None and label.empty_label:
        mask = np.zeros(image.array.shape, bool)
    notes = (*notes_on_geometry(ordered, offset), *missing)
    facts = {"missing": " ".join(missing)}
    return Converted(image, None if mask is None else replace(image, array=mask), notes, facts)


def _read_patient(folder: Path, scratch: Path, max_unpacked: float) -> list[Slice]:
    patient = _find_tree(folder, _PATIENT)
    tree = FileTree(folder if patient is None else patient, max_unpacked)
    names = numbered(tree, tree.names)
    check_complete(tree, names)
    return list(read_numbered(tree, names, scratch).values())
