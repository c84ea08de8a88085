"""``python -m monai_topo prepare``: from a download to a folder that bundles train on, with a report on its labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from monai_topo import blockwise
from monai_topo.commands.parts import split_case
from monai_topo.commands.sources import (
    Source,
    Tracing,
    cremi_source,
    ircadb_source,
    isbi_source,
    neurons_source,
)
from monai_topo.commands.volume_source import KINDS, volumes_source
from monai_topo.data import (
    MAX_UNPACKED,
    VESSELS,
    Case,
    Conversion,
    Converted,
    VesselLabel,
    convert_cases,
    opened_folder,
    printable,
    write_datalist,
)
from monai_topo.topology import crop_to_mask, small_features
from monai_topo.transforms import AuditTopology

_LARGEST = 2**25  # voxels of a label whose small loops are counted, which takes about 100 bytes each
FORMATS = ("nifti", "zarr")
_UNITS = {"mm": "millimeter", "um": "micrometer", "nm": "nanometer"}


def add_prepare_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    prepare_parser = commands.add_parser(
        "prepare", help="convert a downloaded data set to NIfTI or zarr with a data list"
    )
    datasets = prepare_parser.add_subparsers(dest="dataset", required=True)
    ircadb = _add_dataset(datasets, "ircadb", "3Dircadb liver CT: DICOM, zipped or not", _ircadb)
    ircadb.add_argument("--structures", nargs="+", default=list(VESSELS), metavar="NAME", help="masks to unite")
    ircadb.add_argument("--within-liver", action="store_true", help="cut the label off where the liver ends")
    ircadb.add_argument(
        "--liver-margin", type=float, default=0.0, metavar="MM", help="width by which the liver is grown"
    )
    ircadb.add_argument("--empty-label", action="store_true", help="give an empty one to cases without the structures")
    ircadb.add_argument(
        "--max-unpacked", type=float, default=MAX_UNPACKED, metavar="GB", help="most that one archive is unpacked to"
    )
    cremi = _add_dataset(datasets, "cremi", "EM volumes in HDF5: membranes", _cremi)
    cremi.add_argument("--image", metavar="DATASET", help="path of the raw volume in the files, if it is not found")
    cremi.add_argument("--label", metavar="DATASET", help="path of the ids of cells in the files, if it is not found")
    isbi = _add_dataset(datasets, "isbi", "ISBI 2012 or SNEMI3D stacks in TIFF: membranes", _isbi)
    isbi.add_argument("--membrane-value", type=int, help="value of membranes in an ISBI 2012 label, if not its own")
    neurons = _add_dataset(datasets, "neurons", "stacks with SWC tracings of the same names", _neurons)
    neurons.add_argument(
        "--label", dest="mode", default="centerline", choices=("centerline", "tube", "distance"), help="what is drawn"
    )
    neurons.add_argument("--spacing", type=float, nargs="+", metavar="SIZE", help="voxel size along x, y and z")
    neurons.add_argument("--unit", default="physical", choices=("physical", "voxel"), help="unit of the tracings")
    neurons.add_argument("--origin", default="center", choices=("center", "corner"), help="where coordinate 0 lies")
    about = "images/ and labels/ of any kind: NIfTI, TIFF, HDF5, zarr, folders of sections"
    volumes = _add_dataset(datasets, "volumes", about, _volumes)
    volumes.add_argument("--labels", dest="kind", default="mask", choices=KINDS, help="what labels hold")
    volumes.add_argument("--image", metavar="DATASET", help="dataset in images that hold several")
    volumes.add_argument("--label", metavar="DATASET", help="dataset in labels that hold several")
    volumes.add_argument("--spacing", type=float, nargs="+", metavar="SIZE", help="voxel size along x, y and z")


def _add_dataset(datasets: Any, name: str, about: str, source: Callable[[Any], Source]) -> Any:
    parser = datasets.add_parser(name, help=about, description=about)
    parser.add_argument("src", type=Path, help="folder of the download")
    parser.add_argument("dst", type=Path, help="folder for the volumes, the data list and the report")
    parser.add_argument("--folds", type=int, default=3, help="number of folds for cross-validation, by patient")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the folds")
    parser.add_argument("--max-size", type=int, default=8, help="largest voxel count of features reported as small")
    parser.add_argument("--format", default="nifti", choices=FORMATS, help="what volumes are written as")
    parser.add_argument("--parts", type=int, default=1, help="number of blocks along z to cut every volume into")
    parser.set_defaults(run=lambda options: _run(source(options), options))
    return parser


def _run(source: Source, options: Any) -> None:
    prepare(
        source,
        options.dst,
        num_folds=options.folds,
        seed=options.seed,
        max_size=options.max_size,
        parts=options.parts,
        file_format=options.format,
    )


def _ircadb(options: Any) -> Source:
    structures = tuple(options.structures)
    label = VesselLabel(structures, options.within_liver, options.liver_margin, options.empty_label)
    return ircadb_source(options.src, label, options.dst, options.max_unpacked)


def _cremi(options: Any) -> Source:
    return cremi_source(options.src, options.image, options.label)


def _isbi(options: Any) -> Source:
    return isbi_source(options.src, options.membrane_value)


def _neurons(options: Any) -> Source:
    spacing = None if options.spacing is None else tuple(options.spacing)
    return neurons_source(options.src, Tracing(options.mode, spacing, options.unit, options.origin))


def _volumes(options: Any) -> Source:
    spacing = None if options.spacing is None else tuple(options.spacing)
    return volumes_source(options.src, options.kind, options.image, options.label, spacing)


def prepare(
    source: Source,
    out: Path,
    *,
    num_folds: int = 3,
    seed: int = 0,
    max_size: int = 8,
    parts: int = 1,
    file_format: str = "nifti",
) -> dict[str, Any]:
    """Convert a data set, write its data list, and report what is missing or suspicious.

    Interrupted and called again it goes on: finished cases are kept, unless their files have changed. A case that
    cannot be read does not keep the others from being converted.

    Args:
        source: the data set.
        out: folder for ``images/``, ``labels/``, ``datalist.json``, ``report.json`` and ``report.txt``.
        num_folds: number of folds of the data list, by patient.
        seed: random seed of the folds.
        max_size: largest number of voxels of a feature that is reported as small, as by :class:`AuditTopology`; the
            loops of volumes of more than 33 million voxels around the label are only counted.
        parts: number of blocks along z into which every volume is cut. Those of one patient come into one fold; where
            there is one patient in all, they are what folds are made of, and the report says what that means.
        file_format: format that volumes are written in: ``"nifti"``, or ``"zarr"`` (OME-Zarr, block by block).

    Returns:
        The report.

    Raises:
        ValueError: when a case cannot be read, after all others were converted; when ``out`` was begun with other
            settings; for bad arguments.
        OSError: when ``out`` cannot be written, or another process writes there.
    """
    if num_folds < 2 or parts < 1 or max_size < 0:
        wanted = "folds must be at least 2, parts at least 1 and max-size at least 0"
        raise ValueError(f"{wanted}; got {num_folds}, {parts} and {max_size}.")
    cases = [part for case in source.cases for part in split_case(case, parts)]
    _check_names(cases)
    settings = {**source.settings, "max_size": max_size, "parts": parts}
    if file_format != "nifti":  # folders of earlier versions have no such entry
        settings["format"] = file_format
    with opened_folder(out, settings, "prepare") as folder:
        conversion = convert_cases(cases, folder, partial(_describe, source, max_size))
        leak = _leak_between_parts(conversion.records, parts)
        split_by = "image" if leak else "patient"
        about = {**source.about, **_unit_of(conversion.records)}
        datalist = write_datalist(folder, conversion.records, about, num_folds, seed, split_by=split_by)
        notes = [*leak, *_changes(conversion, folder.names() - {case.name for case in cases})]
        report = {
            "name": source.about["name"],
            "max_size": max_size,
            "notes": notes,
            "cases": conversion.records,
            "failed": conversion.failed,
        }
        folder.write_text("report.json", json.dumps(report, indent=2) + "\n")
        lines = [printable(line) for line in (*_lines(conversion), *notes)]
        folder.write_text("report.txt", "\n".join(lines) + "\n")
    print("\n".join(lines))
    count = len(conversion.records)
    print(f"\n{count} cases in {out}, {datalist['numTraining']} with a label; see {out / 'report.json'}")
    if conversion.failed:
        first, reason = next(iter(conversion.failed.items()))
        raise ValueError(
            f"{len(conversion.failed)} of {len(cases)} cases could not be read: {printable(first)}: {reason}"
        )
    return report


def _leak_between_parts(records: Sequence[Mapping[str, Any]], parts: int) -> list[str]:
    """What folds mean that split a patient: only where there is no other one."""
    patients = {record["patient"] for record in records if "label" in record}
    if parts == 1 or len(patients) != 1:
        return []
    return [
        f"All {parts} parts are of one volume, {patients.pop()}: the folds are of its parts, which touch, so that a "
        "score on one of them says less than a score on another volume."
    ]


def _unit_of(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The unit of length that the files themselves name, if all name one."""
    units = {record["unit"] for record in records}
    return {"unit": _UNITS[units.pop()]} if len(units) == 1 and units <= _UNITS.keys() else {}


def _changes(conversion: Conversion, gone: set[str]) -> list[str]:
    """What is another than at the last run."""
    notes = []
    if conversion.renewed:
        notes.append(f"Converted anew, since their files have changed: {', '.join(conversion.renewed)}.")
    if gone:
        notes.append(f"No longer in the download, and no longer in the list: {', '.join(sorted(gone))}.")
    return notes


def _lines(conversion: Conversion) -> list[str]:
    failures = (f"{name}: FAILED: {reason}" for name, reason in conversion.failed.items())
    return [*map(describe_case, conversion.records), *failures]


def _check_names(cases: Sequence[Case]) -> None:
    """Two cases of one name would be written to one file."""
    seen: set[str] = set()
    for case in cases:
        if case.name.lower() in seen:
            raise ValueError(f"two cases are named {case.name}: rename the files of one.")
        seen.add(case.name.lower())


def _describe(source: Source, max_size: int, converted: Converted) -> dict[str, Any]:
    """What the report says of the topology of a label: Betti numbers, and of each how many features are small."""
    if converted.label is None:
        return {}
    if not isinstance(converted.label.array, np.ndarray):
        return _described_by_blocks(source.structure(converted.label.array))
    mask = source.structure(converted.label.array)
    near = crop_to_mask(mask, margin=2 + round(max_size ** (1 / 3)))  # a small loop is plugged no farther away
    if near.size <= _LARGEST:
        audit = AuditTopology(max_size).audits(near[None])[0]
        return {"betti_numbers": list(audit.betti_numbers), "small": list(audit.small)}
    found = small_features(mask, max_size)
    loops = [None] if mask.ndim == 3 else []
    return {"betti_numbers": list(found.betti_numbers), "small": [found.components, *loops, found.holes]}


def _described_by_blocks(mask: Any) -> dict[str, Any]:
    """The same of a label that is kept in blocks, whose small features are not looked for."""
    numbers = blockwise.betti_numbers(mask)
    return {"betti_numbers": list(numbers), "small": [None] * len(numbers)}


def describe_case(record: Mapping[str, Any]) -> str:
    """One line of the report."""
    size = " x ".join(map(str, record["shape"]))
    spacing = " x ".join(f"{length:.4g}" for length in record["spacing"])
    line = f"{record['name']}: {size} voxels of {spacing}; {_topology(record)}."
    return " ".join([line, *record["notes"]])


def _topology(record: Mapping[str, Any]) -> str:
    if "label" not in record:
        return "no label"
    names = ("component", "loop", "cavity") if len(record["shape"]) == 3 else ("component", "loop")
    counts = zip(record["betti_numbers"], names, record["small"], strict=True)
    return ", ".join(_count(number, name, small) for number, name, small in counts)


def _count(number: int, name: str, small: int | None) -> str:
    plural = name if number == 1 else f"{name.removesuffix('y')}{'ies' if name.endswith('y') else 's'}"
    return f"{number} {plural}" if small is None else f"{number} {plural} ({small} small)"
