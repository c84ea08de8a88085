"""The ISBI challenges' EM stacks as they are downloaded: ISBI 2012 with membranes, ISBI 2013 (SNEMI3D) with cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike

from monai_topo.data.datasets.folder import contents
from monai_topo.data.readers.hdf5_files import get_dataset, open_hdf5
from monai_topo.data.readers.hdf5_reader import HDF5Reader
from monai_topo.data.readers.tiff_reader import TIFFStackReader
from monai_topo.data.readers.volume import Volume, VolumeReader


@dataclass(frozen=True)
class ISBILayout:
    """How one of the challenges is stored.

    Attributes:
        image: file name of the training stack; ``*.h5`` is any HDF5 file.
        label: file name, or path of the dataset in the file.
        test: file name of the stack without labels.
        spacing: along x, y and z, in nanometers.
        membrane_value: value of the membranes in the label; None where it must be found out.
        instances: whether the label holds the ids of cells instead.
    """

    image: str
    label: str
    test: str
    spacing: tuple[float, float, float]
    membrane_value: int | None = None
    instances: bool = False

    def readers(self) -> tuple[VolumeReader, VolumeReader]:
        """Of image and label."""
        if self.image == "*.h5":
            return HDF5Reader("raw"), HDF5Reader(self.label)
        return TIFFStackReader(self.spacing), TIFFStackReader(self.spacing)


ISBI_LAYOUTS: Mapping[str, ISBILayout] = {
    "isbi2012": ISBILayout("train-volume.tif", "train-labels.tif", "test-volume.tif", (4.0, 4.0, 50.0), 0),
    "snemi3d": ISBILayout("train-input.tif", "train-labels.tif", "test-input.tif", (6.0, 6.0, 30.0), instances=True),
    "isbi2012_hdf5": ISBILayout("*.h5", "labels/membranes", "", (4.0, 4.0, 50.0)),
}
"""Names of the layouts that :func:`isbi_datalist` recognizes, by their files."""


def isbi_datalist(
    root: PathLike, section: str = "training", *, membrane_value: int | None = None
) -> list[dict[str, Any]]:
    """MONAI data list of an ISBI 2012 or ISBI 2013 (SNEMI3D) download, checked before any training starts.

    Load TIFF files with :class:`TIFFStackReader`, ``spacing=[4, 4, 50]`` nanometers for ISBI 2012 and ``[6, 6, 30]``
    for SNEMI3D; the HDF5 copy of ISBI 2012 with :class:`HDF5Reader`, datasets ``raw`` and ``labels/membranes``.

    ISBI 2012 draws membranes black: the structure is the value 0 of the label, not 255. Give each item's
    ``"membrane_value"`` to the label's reader as ``mask_value``. The labels of SNEMI3D are ids of cells
    (:class:`monai_topo.transforms.InstanceToMembrane`).

    Args:
        root: folder with ``train-volume.tif`` (ISBI 2012) or ``train-input.tif`` (SNEMI3D) and ``train-labels.tif``, or
            with an HDF5 file that has ``raw`` and ``labels/membranes``.
        section: ``"training"``, or ``"test"`` for the stacks without labels.
        membrane_value: value of the membranes in an ISBI 2012 label, where it is not the challenge's own.

    Returns:
        ``[{"image": path, "label": path, "patient": name, "layout": name}, ...]``, for ISBI 2012 with
        ``"membrane_value"``; JSON-serializable.

    Raises:
        FileNotFoundError: when the folder does not exist or holds neither.
        ValueError: when image and label differ in shape, the label is not what it must be, or the membranes would be
            most of it.

    Example:
        >>> isbi_datalist("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: no such file or folder: nowhere
    """
    if section not in ("training", "test"):
        raise ValueError(f'section must be "training" or "test", got {section!r}.')
    training, *test = isbi_files(root, membrane_value)
    if section == "test":
        return test
    layout = ISBI_LAYOUTS[training["layout"]]
    image, label = (
        reader.read_volume(Path(training[key]))
        for key, reader in zip(("image", "label"), layout.readers(), strict=True)
    )
    value = check_stacks(training, image, label, membrane_value)
    return [training if value is None else {**training, "membrane_value": value}]


def isbi_files(root: PathLike, membrane_value: int | None = None) -> list[dict[str, Any]]:
    """The training stack of a download, and the stack without labels if there is one, by their names alone.

    Args:
        root: folder, as of :func:`isbi_datalist`.
        membrane_value: the same.

    Raises:
        FileNotFoundError: when the folder does not exist or holds neither challenge.
        ValueError: for a ``membrane_value`` of labels that are ids of cells.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"no such file or folder: {root}")
    name, image = _recognize(folder)
    layout = ISBI_LAYOUTS[name]
    if layout.instances and membrane_value is not None:
        raise ValueError(
            f"membrane_value must be None for {name}, whose labels are ids of cells; got {membrane_value}."
        )
    label = image if name.endswith("hdf5") else folder / layout.label
    items = [{"image": str(image), "label": str(label), "patient": image.stem, "layout": name}]
    test = folder / layout.test
    if test.is_file():
        items.append({"image": str(test), "patient": test.stem, "layout": name})
    return items


def _recognize(folder: Path) -> tuple[str, Path]:
    """The layout of a download, and its image."""
    for name, layout in ISBI_LAYOUTS.items():
        for image in sorted(folder.glob(layout.image)):
            in_one_file = layout.image == "*.h5"
            if _has_membranes(image, layout.label) if in_one_file else (folder / layout.label).is_file():
                return name, image
    raise FileNotFoundError(
        f"{folder} holds no ISBI stack: expected train-labels.tif beside train-volume.tif (ISBI 2012) or "
        f"train-input.tif (SNEMI3D), or an HDF5 file with raw and labels/membranes; found {contents(folder)}."
    )


def _has_membranes(path: Path, label: str) -> bool:
    try:
        with open_hdf5(path) as file:
            return all(get_dataset(file, name) is not None for name in ("raw", label))
    except ValueError:
        return False


def check_stacks(item: Mapping[str, str], image: Volume, label: Volume, membrane_value: int | None) -> int | None:
    """Value of the membranes in a label that belongs to its image; None where the label holds ids of cells.

    Args:
        item: item of :func:`isbi_files`.
        image: its image.
        label: its label.
        membrane_value: value that is asked for; None takes the challenge's own, or that of the fewer voxels.

    Raises:
        ValueError: when image and label differ in shape, the label is not what it must be, or the membranes would be
            most of it.
    """
    layout = ISBI_LAYOUTS[item["layout"]]
    if image.array.shape != label.array.shape or image.array.ndim != 3:
        raise ValueError(
            f"image and label must be stacks of one shape, got {item['image']} {image.array.shape} and {item['label']} "
            f"{label.array.shape}."
        )
    if layout.instances:
        return None
    values, counts = np.unique(label.array, return_counts=True)
    if len(values) != 2:
        raise ValueError(
            f"{item['label']} must hold two values, of membranes and of cells; it holds "
            f"{', '.join(map(str, values[:8].tolist()))}{' ...' if len(values) > 8 else ''}."
        )
    value = layout.membrane_value if membrane_value is None else membrane_value
    value = int(values[counts.argmin()]) if value is None else value
    if value not in values:
        raise ValueError(f"membrane_value must be one of {values.tolist()} in {item['label']}, got {value}.")
    share = counts[values == value][0] / label.array.size
    if share > 0.5:
        raise ValueError(
            f"membrane_value={value} is {share:.0%} of {item['label']}, but membranes are the smaller part: "
            f"is it {values[values != value][0]}?"
        )
    return value
