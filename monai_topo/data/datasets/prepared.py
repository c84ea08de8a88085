"""Folders of converted cases: images and labels as NIfTI or OME-Zarr, and what is known of each case."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from monai.config import PathLike

from monai_topo.data.datasets.cases import Case, Converted
from monai_topo.data.readers.lock import locked
from monai_topo.data.readers.places import is_volume
from monai_topo.data.readers.volume import Volume, save_nifti
from monai_topo.data.readers.written import write_text
from monai_topo.data.readers.zarr_writer import save_zarr

_SETTINGS = "settings.json"
PARTIAL = ".partial-"
"""How the names of folders begin that hold what is not complete; they are removed when the next run begins."""


class PreparedFolder:
    """A folder of converted cases, resumable; see :func:`opened_folder`.

    ``images/NAME.nii.gz``, ``labels/NAME.nii.gz`` (or ``NAME.zarr``) and ``cases/NAME.json`` are moved into place when
    all three are complete, the last one last: a case with a record is finished.

    Args:
        root: the folder; made if it is not there.
        settings: settings of the conversion, JSON-serializable. A folder that was begun with others is refused.
            ``"format"`` among them, ``"nifti"`` or ``"zarr"``, is what volumes are written as; the default is NIfTI.

    Raises:
        ValueError: when the folder was begun with other settings, or holds files of something else.
        OSError: when it cannot be written.
    """

    def __init__(self, root: PathLike, settings: Mapping[str, Any]) -> None:
        self.root = Path(root)
        self.suffix = ".zarr" if settings.get("format") == "zarr" else ".nii.gz"
        self.root.mkdir(parents=True, exist_ok=True)
        self._check_settings(json.loads(json.dumps(settings)))
        for left_over in self.root.glob(f"{PARTIAL}*"):  # of a run that was killed
            shutil.rmtree(left_over)

    def _check_settings(self, settings: Any) -> None:
        path = self.root / _SETTINGS
        if not path.exists():
            if any(not entry.name.startswith((PARTIAL, ".lock")) for entry in self.root.iterdir()):
                raise ValueError(f"{self.root} is not empty and no prepared folder: name another one.")
            self.write_text(_SETTINGS, json.dumps(settings, indent=2) + "\n")
            return
        begun = read_json(path)
        if begun != settings:
            raise ValueError(
                f"{self.root} was begun with other settings: {begun} instead of {settings}. "
                "Name another folder, or delete this one."
            )

    def names(self) -> set[str]:
        """Names of the cases that were finished at some time."""
        return {path.name.removesuffix(".json") for path in (self.root / "cases").glob("*.json")}

    def finished(self, case: Case) -> dict[str, Any] | None:
        """The record of a case that is finished and whose files are the same since; otherwise None."""
        record = self._record(case)
        if record is None or record.get("fingerprint") != case.fingerprint() or record.get("patient") != case.patient:
            return None
        there = all(is_volume(self.root / record[key]) for key in ("image", "label") if key in record)
        return record if there else None

    def discard(self, case: Case) -> bool:
        """Remove what there is of a case; returns whether it had been finished."""
        record = self._record(case)
        if record is None:
            return False
        for name in (self._record_name(case), *(record[key] for key in ("image", "label") if key in record)):
            _remove(self.root / name)
        return True

    def _record(self, case: Case) -> dict[str, Any] | None:
        with suppress(FileNotFoundError, ValueError):  # a damaged record is none
            record = read_json(self.root / self._record_name(case))
            if isinstance(record, dict) and all(
                record.get(key, name) == name for key, name in self._volume_names(case).items()
            ):
                return record
        return None

    def _volume_names(self, case: Case) -> dict[str, str]:
        return {key: f"{key}s/{case.name}{self.suffix}" for key in ("image", "label")}

    @staticmethod
    def _record_name(case: Case) -> str:
        return f"cases/{case.name}.json"

    def store(self, case: Case, converted: Converted) -> dict[str, Any]:
        """Write a case; returns its record."""
        volumes = {"image": converted.image} | ({} if converted.label is None else {"label": converted.label})
        record: dict[str, Any] = {"name": case.name, "patient": case.patient}
        record |= {key: name for key, name in self._volume_names(case).items() if key in volumes}
        record |= {"shape": list(converted.image.array.shape), "spacing": list(converted.image.spacing)}
        record |= {"unit": converted.image.unit}
        record |= {"notes": list(converted.notes), **converted.facts}
        with self._partial() as folder:
            for key, volume in volumes.items():
                self._save(folder / f"{key}{self.suffix}", volume, is_label=key == "label")
            (folder / "record.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            for key in volumes:
                self._move(folder / f"{key}{self.suffix}", record[key])
            self._move(folder / "record.json", self._record_name(case))
        return record

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder; it appears under its name only when complete."""
        write_text(self.root / name, text)

    @contextmanager
    def _partial(self) -> Iterator[Path]:
        with TemporaryDirectory(dir=self.root, prefix=PARTIAL) as folder:
            yield Path(folder)

    def _save(self, path: Path, volume: Volume, is_label: bool) -> None:
        if self.suffix == ".zarr":
            save_zarr(path, volume, is_label=is_label)
        else:
            save_nifti(path, replace(volume, array=np.asarray(volume.array)))

    def _move(self, source: Path, name: str) -> None:
        target = self.root / name
        target.parent.mkdir(exist_ok=True)
        if target.is_dir():  # of a run that was killed before it wrote the record
            shutil.rmtree(target)
        os.replace(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def opened_folder(
    root: PathLike, settings: Mapping[str, Any], command: str, *, wait: bool = False
) -> Iterator[PreparedFolder]:
    """A prepared folder that no other process writes to meanwhile; arguments and errors of it and of :func:`locked`."""
    Path(root).mkdir(parents=True, exist_ok=True)
    with locked(Path(root), command, wait=wait):
        yield PreparedFolder(root, settings)


def read_json(path: Path) -> Any:
    """Content of a JSON file; a ``ValueError`` names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
