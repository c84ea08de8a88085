"""The data list of a prepared folder, in the format of the Medical Segmentation Decathlon: written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from monai.config import PathLike

from monai_topo.data.datasets.folds import assign_folds
from monai_topo.data.datasets.prepared import PreparedFolder, read_json
from monai_topo.data.readers.places import is_volume

DATALIST = "datalist.json"


def write_datalist(
    folder: PreparedFolder,
    records: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
    num_folds: int,
    seed: int,
    *,
    split_by: str = "patient",
) -> dict[str, Any]:
    """Write the data list of a prepared folder, in the format of the Medical Segmentation Decathlon.

    Args:
        folder: folder that has the cases.
        records: records of the finished cases; those with a label are the training part.
        about: entries in front of the lists, such as ``name`` and ``labels``.
        num_folds: folds of the training part; with fewer patients there are fewer, with one patient none.
        seed: random seed of the folds.
        split_by: entry whose cases come into one fold; ``"image"`` splits a patient's cases.

    Returns:
        What was written: paths are relative to the folder.
    """
    training = [{key: record[key] for key in ("image", "label", "patient")} for record in records if "label" in record]
    num_folds = min(num_folds, len({item[split_by] for item in training}))
    if num_folds >= 2:
        folds = assign_folds(training, num_folds, seed=seed, key=split_by)
        training = [{**item, "fold": fold} for item, fold in zip(training, folds, strict=True)]
    test = [record["image"] for record in records if "label" not in record]
    counts = {"numTraining": len(training), "numTest": len(test), "numFolds": max(num_folds, 1)}
    datalist = {**about, **counts, "training": training, "test": test}
    folder.write_text(DATALIST, json.dumps(datalist, indent=2) + "\n")
    return datalist


def prepared_datalist(
    root: PathLike, section: str | None = None, *, fold: int = 0, allow_outside: bool = False
) -> list[dict[str, Any]]:
    """MONAI data list of a folder that ``python -m monai_topo prepare`` has written.

    Args:
        root: the folder.
        section: ``"training"`` or ``"validation"`` of a fold, ``"test"`` for cases without a label, None for all cases
            with a label.
        fold: number of the fold.
        allow_outside: whether the list may name files outside of the folder.

    Returns:
        ``[{"image": path, "label": path, "patient": name, "fold": number}, ...]``; JSON-serializable.

    Raises:
        FileNotFoundError: when the folder holds no data list, or a file of the list is not there.
        ValueError: for an unknown section or fold, a file that is no data list, or one that names files outside or
            an image more than once.

    Example:
        >>> prepared_datalist("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: nowhere holds no datalist.json: make it by `python -m monai_topo prepare`.
    """
    if section not in (None, "training", "validation", "test"):
        raise ValueError(f'section must be None, "training", "validation" or "test", got {section!r}.')
    folder = Path(root)
    if not (folder / DATALIST).is_file():
        raise FileNotFoundError(f"{root} holds no {DATALIST}: make it by `python -m monai_topo prepare`.")
    training, test = _lists(folder / DATALIST)
    find = partial(_find, folder, allow_outside)
    if section == "test":
        return [{"image": find(path)} for path in test]
    items = [{**item, **{key: find(item[key]) for key in ("image", "label")}} for item in training]
    _check_once(folder / DATALIST, [item["image"] for item in items])
    if section is None:
        return items
    folds = sorted({item["fold"] for item in items if "fold" in item})
    if not folds:
        raise ValueError(
            f"{folder / DATALIST} has no folds, since its cases are of one patient: prepare volumes in several --parts."
        )
    if fold not in folds:
        raise ValueError(f"{folder / DATALIST} has the folds {folds}, not {fold}.")
    return [item for item in items if (item["fold"] == fold) == (section == "validation")]


def _lists(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    content = read_json(path)
    try:
        training = [{**item, "image": str(item["image"]), "label": str(item["label"])} for item in content["training"]]
        test = [str(name) for name in content["test"]]
    except (KeyError, TypeError):
        raise ValueError(
            f"{path} is no data list of `python -m monai_topo prepare`: it must have training and test."
        ) from None
    folds = [item.get("fold") for item in training]
    if any(fold is not None for fold in folds) and not all(type(fold) is int for fold in folds):
        raise ValueError(f"{path} must have a number as fold of each training item or of none, got {folds}.")
    return training, test


def _check_once(path: Path, images: Sequence[str]) -> None:
    """A volume that is there twice may be trained on and validated by."""
    places = [Path(image).resolve() for image in images]
    twice = next((image for index, image in enumerate(images) if places[index] in places[:index]), None)
    if twice is not None:
        raise ValueError(f"{path} names {twice} more than once: leave one of them out.")


def _find(folder: Path, allow_outside: bool, name: str) -> str:
    """Path of a file of the list."""
    if not allow_outside and (Path(name).is_absolute() or ".." in Path(name).parts):
        raise ValueError(
            f"{folder / DATALIST} names {name}, which is outside of its folder: prepared_datalist(allow_outside=True) "
            "reads it."
        )
    path = folder / name
    if not is_volume(path):
        raise FileNotFoundError(f"{path} is in the data list, but not there.")
    return str(path)
