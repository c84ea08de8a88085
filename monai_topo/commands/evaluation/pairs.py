"""Predictions and labels on disk, paired by name."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_topo.data import VOLUME_SUFFIXES, is_volume_folder, is_zarr, printable, stem_of, walk_volumes

TRACING = ".swc"
"""Suffix of tracings, which may be labels."""

_ROLE = re.compile(r"(^|[_.-])(seg|segmentation|pred|prediction|label|labels|gt|mask|trans)$", re.IGNORECASE)
_LIKELIHOOD = re.compile(r"[_.-](prob|probability)$", re.IGNORECASE)
_BESIDE = re.compile(r"[_.-](uncertainty|features|closed|bridged|cells)$", re.IGNORECASE)

Files = dict[str, list[Path]]
"""Name to the files of that name."""


@dataclass(frozen=True)
class Pair:
    """A prediction and its label.

    Attributes:
        name: name of the case, the files' common name; with its folder where that makes the difference.
        prediction: file of the prediction.
        label: file of the label.
    """

    name: str
    prediction: Path
    label: Path


@dataclass(frozen=True)
class Pairing:
    """What was found.

    Attributes:
        pairs: pairs by name.
        alone: a line for each name that is no pair.
        skipped: a line for each file that stands beside the one that is scored.
    """

    pairs: list[Pair]
    alone: list[str]
    skipped: list[str]


def case_name(path: Path) -> str:
    """Name of the case: the file's, without its suffix and what only says which of the two it is.

    Example:
        >>> case_name(Path("out/liver_07_seg.nii.gz")), case_name(Path("liver_07.tif")), case_name(Path("1.2.840.nii"))
        ('liver_07', 'liver_07', '1.2.840')
    """
    stem = _stem(path)
    return _ROLE.sub("", stem) or stem


def _stem(path: Path) -> str:
    return _plain(path.stem if path.suffix.lower() == TRACING else stem_of(path))


def _plain(name: str) -> str:
    """A name as tables show it: letters with accents are one character, whatever the file system makes of them."""
    return printable(unicodedata.normalize("NFC", name))


def pair_volumes(prediction: Path, label: Path, likelihoods: bool = False, sections: bool = False) -> Pairing:
    """Pairs of files of one case name.

    Files of one name in several folders are told apart by the folder, ``case1/ct`` from ``case2/ct``, and so are files
    that have no name but a role, ``case1/seg.nii``. Of a case's mask (``x_seg``) and likelihood (``x_prob``) in one
    folder one is taken; overlays and further results of inference (``x_uncertainty``, ``x_cells``) beside it
    are left out, unless a label has their name.

    Args:
        prediction: folder, searched with its subfolders, or one file.
        label: folder or one file; two single files are a pair whatever their names.
        likelihoods: whether likelihoods are wanted where there is a mask too.
        sections: whether folders that hold nothing but images are volumes, an image for each section.

    Raises:
        FileNotFoundError: when a folder does not exist or holds no volume.
        ValueError: when nothing can be paired.
    """
    for path in (prediction, label):
        if not path.exists():
            raise FileNotFoundError(f"no such file or folder: {path}")
    is_folder = is_volume_folder if sections else is_zarr
    if _is_one(prediction, is_folder) and _is_one(label, is_folder):
        _check_suffixes(prediction, label)
        return Pairing([Pair(case_name(label), prediction, label)], [], [])
    labels = _by_name(label, (*VOLUME_SUFFIXES, TRACING), is_folder)
    by_name = _by_name(prediction, VOLUME_SUFFIXES, is_folder, known=labels)
    predictions, skipped = _without_companions(by_name, labels, likelihoods)
    pairs, alone = [], []
    for name in sorted({*predictions, *labels}):
        found = _told_apart(name, predictions.get(name, []), labels.get(name, []), prediction, label)
        for case, (ours, theirs) in found.items():
            if len(ours) == len(theirs) == 1:
                pairs.append(Pair(case, ours[0], theirs[0]))
            else:
                alone.append(_why_alone(case, {"prediction": ours, "label": theirs}))
    if not pairs and {*predictions} & {*labels}:
        raise ValueError(f"nothing can be paired: {'; '.join(alone)}.")
    if not pairs:
        examples = [str(next(iter(paths.values()))[0]) for paths in (predictions, labels)]
        raise ValueError(
            f"no prediction in {prediction} has the name of a label in {label}: {' and '.join(examples)} for instance."
        )
    return Pairing(pairs, alone, skipped)


def _is_one(path: Path, is_folder: Callable[[Path], bool]) -> bool:
    return path.is_file() or is_folder(path)


def _check_suffixes(prediction: Path, label: Path) -> None:
    for path, suffixes in ((prediction, VOLUME_SUFFIXES), (label, (*VOLUME_SUFFIXES, TRACING))):
        if not path.is_dir() and not path.name.lower().endswith(suffixes):
            raise ValueError(f"{path} is none of {', '.join(suffixes)}.")


def _by_name(
    root: Path, suffixes: tuple[str, ...], is_folder: Callable[[Path], bool], known: Collection[str] | None = None
) -> Files:
    files = [root] if _is_one(root, is_folder) else walk_volumes(root, is_folder)
    found = defaultdict(list)
    for path in files:
        known_kind = path.is_dir() or path.name.lower().endswith(suffixes)
        if known_kind and not path.name.startswith("."):
            found[_name_or_folder(path, root, known)].append(path)
    if not found:
        raise FileNotFoundError(f"{root} holds no volume ({', '.join(suffixes)}).")
    return dict(found)


def _name_or_folder(path: Path, root: Path, known: Collection[str] | None) -> str:
    """Name of the case; the folder's where the file is called by its role alone.

    That of a likelihood is its mask's, ``x`` of ``x_prob``, unless a label is known by the longer one.
    """
    if _ROLE.fullmatch(_stem(path)) and root not in (path, path.parent):
        return _plain(path.parent.name)
    name = case_name(path)
    return name if known is None or name in known else _LIKELIHOOD.sub("", name)


def _without_companions(files: Files, labels: Files, likelihoods: bool) -> tuple[Files, list[str]]:
    """What is scored of the files that inference writes of a case, and a line for each of the others."""
    chosen, skipped = defaultdict(list), []
    for name, paths in files.items():
        for path in paths:
            reason = "" if name in labels and len(paths) == 1 else _reason_to_skip(path, name, files, likelihoods)
            if reason:
                skipped.append(f"{path}: {reason}")
            else:
                chosen[name].append(path)
    return dict(chosen), skipped


def _reason_to_skip(path: Path, name: str, files: Files, likelihoods: bool) -> str:
    owner = _BESIDE.sub("", name)
    if owner != name and any(other.parent == path.parent for other in files.get(owner, [])):
        return f"an overlay or another result of {owner}"
    beside = [other for other in files[name] if other.parent == path.parent]
    soft = [other for other in beside if _LIKELIHOOD.search(_stem(other))]
    if not 0 < len(soft) < len(beside) or (path in soft) == likelihoods:
        return ""
    return "a mask beside the likelihood that --threshold asks for" if likelihoods else "a likelihood beside its mask"


def _told_apart(
    name: str, predictions: Sequence[Path], labels: Sequence[Path], prediction: Path, label: Path
) -> Mapping[str, tuple[list[Path], list[Path]]]:
    """Files of one name by their folders, where there are several and each has a folder of its own."""
    folders = [_folders(predictions, prediction), _folders(labels, label)]
    if max(len(predictions), len(labels)) < 2 or not all(all(found) for found in folders):
        return {name: (list(predictions), list(labels))}
    apart: dict[str, tuple[list[Path], list[Path]]] = defaultdict(lambda: ([], []))
    for side, (paths, found) in enumerate(zip((predictions, labels), folders, strict=True)):
        for path, folder in zip(paths, found, strict=True):
            apart[folder if Path(folder).name == name else f"{folder}/{name}"][side].append(path)
    return dict(sorted(apart.items()))


def _folders(paths: Sequence[Path], root: Path) -> list[str]:
    """Folder of each file under the root, empty for the root itself."""
    top = root if root.is_dir() else root.parent
    folders = [path.parent.relative_to(top) for path in paths]
    return ["" if folder == Path() else _plain(folder.as_posix()) for folder in folders]


def _why_alone(name: str, files: Mapping[str, Sequence[Path]]) -> str:
    for role, other in (("prediction", "label"), ("label", "prediction")):
        if not files[role]:
            return f"{name}: no {role} for the {other} {', '.join(map(str, files[other]))}"
    many = {role: paths for role, paths in files.items() if len(paths) > 1}
    return f"{name}: more than one " + " and ".join(f"{role}: {', '.join(map(str, p))}" for role, p in many.items())
