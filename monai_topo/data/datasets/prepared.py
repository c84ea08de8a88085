"""Folders of converted cases: NIfTI images and labels, a data list, and what is known of each case."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai.config import PathLike
from tqdm import tqdm

from monai_topo.data.datasets.folds import assign_folds
from monai_topo.data.readers.volume import Volume, save_nifti

DATALIST = "datalist.json"
_SETTINGS = "settings.json"
PARTIAL = ".partial-"
"""How the names of folders begin that hold what is not complete; they are removed when the next run begins."""


@dataclass(frozen=True)
class Converted:
    """A case in memory.

    Attributes:
        image: intensities.
        label: mask on the image's grid; None for a case that has none.
        notes: what is missing or remarkable, each a short sentence.
        facts: what else is known, JSON-serializable.
    """

    image: Volume
    label: Volume | None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A case that can be loaded.

    Attributes:
        name: of its files.
        patient: to which it belongs; cases of one patient come into one fold.
        load: reads it. A ``ValueError`` or ``OSError`` of it says what is wrong with the case.
    """

    name: str
    patient: str
    load: Callable[[], Converted]


class PreparedFolder:
    """A folder of converted cases, which can be interrupted and gone on with.

    ``images/NAME.nii.gz``, ``labels/NAME.nii.gz`` and ``cases/NAME.json`` are moved into place when all three are
    complete, the last one last: a case with a record is finished.

    Args:
        root: the folder; made if it is not there.
        settings: of the conversion, JSON-serializable. A folder that was begun with others is refused.

    Raises:
        ValueError: when the folder was begun with other settings, or holds files of something else.
        OSError: when it cannot be written.
    """

    def __init__(self, root: PathLike, settings: Mapping[str, Any]) -> None:
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self._check_settings(json.loads(json.dumps(settings)))
        for left_over in self.root.glob(f"{PARTIAL}*"):  # of a run that was killed
            shutil.rmtree(left_over)

    def _check_settings(self, settings: Any) -> None:
        path = self.root / _SETTINGS
        if not path.exists():
            if any(not entry.name.startswith(PARTIAL) for entry in self.root.iterdir()):
                raise ValueError(f"{self.root} is not empty and no prepared folder: name another one.")
            self.write_text(_SETTINGS, json.dumps(settings, indent=2) + "\n")
            return
        begun = _read_json(path)
        if begun != settings:
            raise ValueError(
                f"{self.root} was begun with other settings: {begun} instead of {settings}. "
                "Name another folder, or delete this one."
            )

    def finished(self, name: str) -> dict[str, Any] | None:
        """The record of a finished case; None if it is not finished."""
        path = self.root / "cases" / f"{name}.json"
        record = _read_json(path) if path.is_file() else None
        if record is None or not all(
            (self.root / record[key]).is_file() for key in ("image", "label") if key in record
        ):
            return None
        return dict(record)

    def store(self, case: Case, converted: Converted) -> dict[str, Any]:
        """Write a case; returns its record."""
        volumes = {"image": converted.image} | ({} if converted.label is None else {"label": converted.label})
        record: dict[str, Any] = {"name": case.name, "patient": case.patient}
        record |= {key: f"{key}s/{case.name}.nii.gz" for key in volumes}
        record |= {"shape": list(converted.image.array.shape), "spacing": list(converted.image.spacing)}
        record |= {"notes": list(converted.notes), **converted.facts}
        with self._partial() as folder:
            for key, volume in volumes.items():
                save_nifti(folder / f"{key}.nii.gz", volume)
            (folder / "record.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            for key in volumes:
                self._move(folder / f"{key}.nii.gz", record[key])
            self._move(folder / "record.json", f"cases/{case.name}.json")
        return record

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder; it appears under its name only when complete."""
        with self._partial() as folder:
            (folder / name).write_text(text, encoding="utf-8")
            self._move(folder / name, name)

    @contextmanager
    def _partial(self) -> Iterator[Path]:
        with TemporaryDirectory(dir=self.root, prefix=PARTIAL) as folder:
            yield Path(folder)

    def _move(self, source: Path, name: str) -> None:
        (self.root / name).parent.mkdir(exist_ok=True)
        os.replace(source, self.root / name)


def convert_cases(
    cases: Sequence[Case],
    folder: PreparedFolder,
    describe: Callable[[Converted], Mapping[str, Any]] | None = None,
    progress: bool = True,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Convert the cases that are not finished yet.

    Args:
        cases: to convert. One that cannot be loaded does not keep the others from being converted.
        folder: where to.
        describe: further entries for the record of a case.
        progress: whether to show a bar.

    Returns:
        The records of the finished cases in order, and for each of the others its name and what is wrong with it.
    """
    records, failures = [], {}
    for case in tqdm(cases, desc="converting", unit="case", disable=not progress):
        record = folder.finished(case.name)
        if record is None:
            try:
                converted = case.load()
            except (OSError, ValueError) as error:
                failures[case.name] = str(error)
                continue
            facts = dict(converted.facts) | dict(describe(converted) if describe else {})
            record = folder.store(case, Converted(converted.image, converted.label, converted.notes, facts))
        records.append(record)
    return records, failures


def write_datalist(
    folder: PreparedFolder, records: Sequence[Mapping[str, Any]], about: Mapping[str, Any], num_folds: int, seed: int
) -> dict[str, Any]:
    """Write the data list of a prepared folder, in the format of the Medical Segmentation Decathlon.

    Args:
        folder: which has the cases.
        records: of the finished cases; those with a label are the training part.
        about: entries in front of the lists, such as ``name`` and ``labels``.
        num_folds: folds of the training part, by patient; with fewer patients there are fewer, with one patient none.
        seed: of the folds.

    Returns:
        What was written: paths are relative to the folder.
    """
    training = [{key: record[key] for key in ("image", "label", "patient")} for record in records if "label" in record]
    num_folds = min(num_folds, len({item["patient"] for item in training}))
    if num_folds >= 2:
        folds = assign_folds(training, num_folds, seed=seed)
        training = [{**item, "fold": fold} for item, fold in zip(training, folds, strict=True)]
    test = [record["image"] for record in records if "label" not in record]
    counts = {"numTraining": len(training), "numTest": len(test), "numFolds": max(num_folds, 1)}
    datalist = {**about, **counts, "training": training, "test": test}
    folder.write_text(DATALIST, json.dumps(datalist, indent=2) + "\n")
    return datalist


def prepared_datalist(root: PathLike, section: str | None = None, *, fold: int = 0) -> list[dict[str, Any]]:
    """MONAI data list of a folder that ``python -m monai_topo prepare`` has written.

    Args:
        root: the folder.
        section: ``"training"`` or ``"validation"`` of a fold, ``"test"`` for cases without a label, None for all cases
            with a label.
        fold: which fold.

    Returns:
        ``[{"image": path, "label": path, "patient": name, "fold": number}, ...]``; JSON-serializable.

    Raises:
        FileNotFoundError: when the folder holds no data list, or a file of the list is not there.
        ValueError: for an unknown section or fold.

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
    datalist = _read_json(folder / DATALIST)
    if section == "test":
        return [{"image": str(_existing(folder / path))} for path in datalist["test"]]
    items = [
        {**item, **{key: str(_existing(folder / item[key])) for key in ("image", "label")}}
        for item in datalist["training"]
    ]
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


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is in the data list, but not there.")
    return path


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
