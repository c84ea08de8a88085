"""Where image and label lie in HDF5 files that are laid out like CREMI's, but name their datasets otherwise."""

from __future__ import annotations

from pathlib import Path

from monai_topo.data.readers.hdf5_files import get_dataset, has_dataset, list_images, open_hdf5

RAW = "volumes/raw"
NEURON_IDS = "volumes/labels/neuron_ids"

_IMAGES = ("raw", "image", "img", "volume", "em", "data")
_LABELS = ("neuron_ids", "labels", "label", "instances", "segmentation", "seg", "ids", "gt", "cells")


def find_datasets(path: Path, image: str | None = None, label: str | None = None) -> tuple[str, str | None]:
    """Names of a file's image and of its instance labels.

    Args:
        path: path of the file.
        image: name of the image; None looks for CREMI's, then for the only dataset with a name such as ``raw``.
        label: name of the labels; None looks for CREMI's, then for the only dataset with a name such as ``label``.

    Returns:
        Both names; None for labels that are not there.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is not HDF5, lacks a dataset that was named, or has none or several that could be
            meant; the message lists what is there.
    """
    with open_hdf5(path) as file:
        there = list_images(file)
        for name in (image, label):
            if name is not None:
                get_dataset(file, name)
    found = image or (RAW if has_dataset(path, RAW) else _only(path, there, "image", _IMAGES))
    if found is None:
        raise ValueError(f"{path} holds no dataset {RAW!r}; {_advice(there)}")
    if label is not None or has_dataset(path, NEURON_IDS):
        return found, label or NEURON_IDS
    return found, _only(path, there, "label", _LABELS)


def _only(path: Path, there: dict[str, str], option: str, names: tuple[str, ...]) -> str | None:
    """The dataset whose last name is the first of these that there is."""
    for wanted in names:
        found = [name for name in there if name.rpartition("/")[2].lower() == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{path}: {', '.join(found)} may be the {option}; {_advice(there)}")
    return None


def _advice(there: dict[str, str]) -> str:
    listed = ", ".join(f"{name} ({what})" for name, what in there.items()) or "none"
    return f"name it by --image and --label (find_datasets): it has {listed}."
