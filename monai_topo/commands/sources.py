"""What `prepare` can convert: each data set as cases with an image and a mask."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    check_stacks,
    cremi_files,
    diagonal_affine,
    find_datasets,
    ircadb_cases,
    isbi_files,
    neuron_datalist,
    sample_name,
)
from monai_topo.transforms import InstanceToMembrane, in_plane_axes


@dataclass(frozen=True)
class Source:
    """A data set that can be prepared.

    Attributes:
        cases: cases that it holds.
        settings: settings of the conversion.
        about: entries of the data list: ``name``, ``modality``, ``labels``, ``unit``.
        structure: function from a label to the mask whose topology is reported.
    """

    cases: Sequence[Case]
    settings: Mapping[str, Any]
    about: Mapping[str, Any]
    structure: Callable[[NDArray[Any]], NDArray[np.bool_]] = lambda label: label > 0


def about_data(name: str, modality: str, structure: str, unit: str) -> dict[str, Any]:
    """Entries of a data list."""
    return {
        "name": name,
        "modality": {"0": modality},
        "labels": {"0": "background", "1": structure},
        "unit": unit,
    }


def ircadb_source(root: Path, label: VesselLabel, out: Path, max_unpacked: float = MAX_UNPACKED) -> Source:
    """3Dircadb: liver CT and vessels; archives are unpacked in ``out`` for the time being."""
    about = about_data("3Dircadb", "CT", " + ".join(label.structures), "millimeter")
    return Source(ircadb_cases(root, label, out, max_unpacked), label.settings(), about)


def cremi_source(root: Path, image: str | None = None, label: str | None = None) -> Source:
    """EM volumes in the CREMI layout, and the membranes between their cells; other names as :func:`find_datasets`."""
    load = partial(_read_cremi, image=image, label=label)
    cases = [Case(path.stem, sample_name(path), partial(load, path), (path,)) for path in cremi_files(root)]
    settings = {"dataset": "cremi"} | {key: name for key, name in (("image", image), ("label", label)) if name}
    return Source(cases, settings, about_data("CREMI", "EM", "membrane", "nanometer"))


def _read_cremi(path: Path, image: str | None, label: str | None) -> Converted:
    raw, ids = find_datasets(path, image, label)
    if ids is None:
        volume = HDF5Reader(raw).read_volume(path)
        missing = f"There is no {NEURON_IDS}." if raw == RAW else f"There are no labels beside {raw}."
        return Converted(volume, None, (missing, *_notes_on_sections(volume)))
    return with_membranes(
        HDF5Reader(raw, within=ids).read_volume(path), HDF5Reader(ids, relabel=True).read_volume(path)
    )


def isbi_source(root: Path, membrane_value: int | None) -> Source:
    """The stacks of ISBI 2012 or SNEMI3D, and membranes."""
    items = isbi_files(root, membrane_value)
    layout = items[0]["layout"]
    load = partial(_read_isbi, membrane_value=membrane_value)
    cases = [Case(item["patient"], item["patient"], partial(load, item), _files_of(item)) for item in items]
    settings = {"dataset": layout, "membrane_value": membrane_value}
    return Source(cases, settings, about_data(layout, "EM", "membrane", "nanometer"))


def _read_isbi(item: Mapping[str, Any], membrane_value: int | None) -> Converted:
    layout = ISBI_LAYOUTS[item["layout"]]
    image_reader, label_reader = layout.readers()
    image = _with_spacing(image_reader.read_volume(Path(item["image"])), layout.spacing)
    if "label" not in item:
        return Converted(image, None, _notes_on_sections(image))
    label = _with_spacing(label_reader.read_volume(Path(item["label"])), layout.spacing)
    value = check_stacks(item, image, label, membrane_value)
    if value is None:
        return with_membranes(image, label)
    return Converted(image, replace(image, array=(label.array == value).astype(np.uint8)), _notes_on_sections(image))


def _files_of(item: Mapping[str, Any]) -> tuple[Path, ...]:
    return tuple(Path(item[key]) for key in ("image", "label") if key in item)


def _with_spacing(volume: Volume, spacing: Sequence[float]) -> Volume:
    """The challenge's voxel size, where the file has none."""
    if volume.known_spacing is not None:
        return volume
    return replace(volume, affine=diagonal_affine(spacing), knows="spacing", unit="nm")


def with_membranes(image: Volume, cells: Volume) -> Converted:
    """The case with the membranes between cells as its label."""
    membranes = np.asarray(InstanceToMembrane(axes="auto", spacing=image.spacing)(cells.array[None]))[0]
    how = "in each section" if in_plane_axes(image.spacing) else "in 3D"
    num_cells = len(np.unique(cells.array[cells.array > 0]))
    notes = (f"Membranes of {num_cells} cells, drawn {how}.", *_notes_on_sections(image))
    return Converted(image, replace(image, array=membranes), notes)


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
    about = about_data("neurons", "microscopy", tracing.mode, "the tracings' unit")
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
    if not on.any():
        return tuple(notes)
    bright, usual = float(image.array[on].mean()), float(image.array.mean())
    if bright <= usual:
        notes.append(
            f"The image is no brighter on the tracing ({bright:.3g}) than elsewhere ({usual:.3g}): "
            "are spacing, unit and origin right?"
        )
    return tuple(notes)
