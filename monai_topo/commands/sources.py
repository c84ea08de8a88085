"""What `prepare` can convert: each data set as cases with an image and a mask."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.data import (
    ISBI_LAYOUTS,
    MAX_UNPACKED,
    NEURON_IDS,
    RAW,
    Case,
    Converted,
    HDF5Reader,
    SWCReader,
    VesselLabel,
    Volume,
    cremi_files,
    diagonal_affine,
    has_dataset,
    ircadb_cases,
    isbi_datalist,
    neuron_datalist,
    sample_name,
)
from monai_topo.transforms import InstanceToMembrane, in_plane_axes


@dataclass(frozen=True)
class Source:
    """A data set that can be prepared.

    Attributes:
        cases: what it holds.
        settings: of the conversion.
        about: entries of the data list: ``name``, ``modality``, ``labels``, ``unit``.
        structure: from a label to the mask whose topology is reported.
    """

    cases: Sequence[Case]
    settings: Mapping[str, Any]
    about: Mapping[str, Any]
    structure: Callable[[NDArray[Any]], NDArray[np.bool_]] = lambda label: label > 0


def _about(name: str, modality: str, structure: str, unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "modality": {"0": modality},
        "labels": {"0": "background", "1": structure},
        "unit": unit,
    }


def ircadb_source(root: Path, label: VesselLabel, out: Path, max_unpacked: float = MAX_UNPACKED) -> Source:
    """3Dircadb: liver CT and vessels; archives are unpacked in ``out`` for the time being."""
    about = _about("3Dircadb", "CT", " + ".join(label.structures), "millimeter")
    return Source(ircadb_cases(root, label, out, max_unpacked), label.settings(), about)


def cremi_source(root: Path) -> Source:
    """EM volumes in the CREMI layout, and the membranes between their cells."""
    cases = [Case(path.stem, sample_name(path), partial(_read_cremi, path), (path,)) for path in cremi_files(root)]
    return Source(cases, {"dataset": "cremi"}, _about("CREMI", "EM", "membrane", "nanometer"))


def _read_cremi(path: Path) -> Converted:
    if not has_dataset(path, NEURON_IDS):
        image = HDF5Reader(RAW).read_volume(path)
        return Converted(image, None, (f"There is no {NEURON_IDS}.", *_notes_on_sections(image)))
    image = HDF5Reader(RAW, within=NEURON_IDS).read_volume(path)
    return _with_membranes(image, HDF5Reader(NEURON_IDS).read_volume(path))


def isbi_source(root: Path, membrane_value: int | None) -> Source:
    """The stacks of ISBI 2012 or SNEMI3D, and membranes."""
    training = isbi_datalist(root, membrane_value=membrane_value)
    items = training + isbi_datalist(root, "test")
    layout = training[0]["layout"]
    cases = [Case(item["patient"], item["patient"], partial(_read_isbi, item), _files_of(item)) for item in items]
    settings = {"dataset": layout, "membrane_value": training[0].get("membrane_value")}
    return Source(cases, settings, _about(layout, "EM", "membrane", "nanometer"))


def _read_isbi(item: Mapping[str, Any]) -> Converted:
    layout = ISBI_LAYOUTS[item["layout"]]
    image_reader, label_reader = layout.readers()
    image = _with_spacing(image_reader.read_volume(Path(item["image"])), layout.spacing)
    if "label" not in item:
        return Converted(image, None, _notes_on_sections(image))
    label = _with_spacing(label_reader.read_volume(Path(item["label"])), layout.spacing)
    if layout.instances:
        return _with_membranes(image, label)
    membranes = (label.array == item["membrane_value"]).astype(np.uint8)
    return Converted(image, Volume(membranes, image.affine), _notes_on_sections(image))


def _files_of(item: Mapping[str, Any]) -> tuple[Path, ...]:
    return tuple(Path(item[key]) for key in ("image", "label") if key in item)


def _with_spacing(volume: Volume, spacing: Sequence[float]) -> Volume:
    """The challenge's voxel size, where the file has none."""
    known = any(size != 1 for size in volume.spacing)
    return volume if known else Volume(volume.array, diagonal_affine(spacing))


def _with_membranes(image: Volume, cells: Volume) -> Converted:
    membranes = np.asarray(InstanceToMembrane(axes="auto", spacing=image.spacing)(cells.array[None]))[0]
    how = "in each section" if in_plane_axes(image.spacing) else "in 3D"
    num_cells = len(np.unique(cells.array[cells.array > 0]))
    notes = (f"Membranes of {num_cells} cells, drawn {how}.", *_notes_on_sections(image))
    return Converted(image, Volume(membranes, image.affine), notes)


def _notes_on_sections(image: Volume) -> tuple[str, ...]:
    """Sections that were lost are stored black."""
    first = image.array[:1, :1]
    empty = np.flatnonzero((image.array == first).all(axis=(0, 1)))
    return (f"Empty sections: {', '.join(map(str, empty.tolist()))}.",) if len(empty) else ()


@dataclass(frozen=True)
class Tracing:
    """How SWC tracings are drawn; the arguments of :class:`SWCReader`."""

    mode: str = "centerline"
    spacing: tuple[float, ...] | None = None
    unit: str = "physical"
    origin: str = "center"


def neurons_source(root: Path, tracing: Tracing) -> Source:
    """Stacks with SWC tracings of the same names."""
    cases = [
        Case(item["patient"].replace("/", "_"), item["patient"], partial(_read_neuron, item, tracing), _files_of(item))
        for item in neuron_datalist(root)
    ]
    structure = _on_centerline if tracing.mode == "distance" else Source.structure
    about = _about("neurons", "microscopy", tracing.mode, "the tracings' unit")
    return Source(cases, {"dataset": "neurons", **vars(tracing)}, about, structure)


def _on_centerline(distance: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(distance == 0)


def _read_neuron(item: Mapping[str, str], tracing: Tracing) -> Converted:
    reader = SWCReader(**vars(tracing))
    image = reader.load_image(Path(item["image"]))
    if "label" not in item:
        return Converted(image, None, (item["missing"],))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what is clipped goes into the report
        label = reader.read_volume(Path(item["label"]))
    return Converted(image, label, _notes_on_tracing(image, label, tracing), label.facts)


def _notes_on_tracing(image: Volume, label: Volume, tracing: Tracing) -> tuple[str, ...]:
    notes = []
    if label.facts["num_clipped_nodes"]:
        notes.append(f"{label.facts['num_clipped_nodes']} of {label.facts['num_nodes']} nodes lie outside the volume.")
    on = _on_centerline(label.array) if tracing.mode == "distance" else label.array > 0
    bright, usual = float(image.array[on].mean()), float(image.array.mean())
    if bright <= usual:
        notes.append(
            f"The image is no brighter on the tracing ({bright:.3g}) than elsewhere ({usual:.3g}): "
            "are spacing, unit and origin right?"
        )
    return tuple(notes)
