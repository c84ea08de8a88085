"""EM volumes with instance labels in the file layout of the CREMI challenge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.config import PathLike
from monai.data import partition_dataset
from numpy.typing import NDArray

from monai_topo.data.datasets.cremi_names import NEURON_IDS, RAW
from monai_topo.data.datasets.folder import contents
from monai_topo.data.readers.hdf5_files import get_dataset, h5py, open_hdf5
from monai_topo.data.readers.written import written_whole

SECTIONS = ("training", "validation")

_SUFFIXES = (".hdf", ".h5", ".hdf5")
_WORDS = {
    "training": {"train", "training"},
    "validation": {"val", "valid", "validation"},
    "test": {"test", "testing"},
}


def cremi_datalist(
    root: PathLike,
    section: str | None = None,
    *,
    image: str = RAW,
    label: str | None = NEURON_IDS,
    val_frac: float = 0.25,
    seed: int = 0,
) -> list[dict[str, str]]:
    """MONAI data list of the HDF5 volumes in a folder, checked before any training starts.

    Image and label lie in one file, so both keys hold its path; load each with a ``HDF5Reader`` of its own dataset.

    Args:
        root: folder with ``.hdf``, ``.h5`` or ``.hdf5`` files, not searched deeper; or one such file.
        section: ``"training"``, ``"validation"`` or None for all. If the words "train" and "val" stand in file
            names, as in ``fib25_train.hdf``, the names decide; otherwise whole samples are drawn for validation, and
            files with the word "test" are left out.
        image: dataset of the raw volume.
        label: dataset of the instance ids; None for files without labels, whose items have no ``"label"``.
        val_frac: share of the samples that is drawn for validation, at least one.
        seed: random seed of that draw.

    Returns:
        ``[{"image": path, "label": path, "patient": name}, ...]``, sorted by name; JSON-serializable. For folds see
        :func:`monai_topo.data.split_folds`.

    Raises:
        FileNotFoundError: when the folder does not exist or holds no HDF5 file.
        ValueError: when a file is not HDF5, lacks a dataset, its label has another shape than its image, or the
            section would be empty.

    Example:
        >>> cremi_datalist("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: no such file or folder: nowhere
    """
    if section is not None and section not in SECTIONS:
        raise ValueError(f"section must be None or one of {SECTIONS}, got {section!r}.")
    paths = cremi_files(Path(root))
    chosen = paths if section is None else _split(paths, section, val_frac, seed)
    for path in chosen:
        _check_volume(path, image, label)
    keys = ("image",) if label is None else ("image", "label")
    return [{**dict.fromkeys(keys, str(path)), "patient": sample_name(path)} for path in chosen]


def sample_name(path: Path) -> str:
    """Name of the sample that a file is of: the cropped and the padded volume of one belong together.

    Example:
        >>> sample_name(Path("sample_A_padded_20160501.hdf"))
        'sample_A_20160501'
    """
    return re.sub(r"_padded(?=_|$)", "", path.stem)


def holds_cremi(root: PathLike) -> bool:
    """Whether a folder holds HDF5 files, not deeper, or is one.

    Example:
        >>> holds_cremi("nowhere")
        False
    """
    folder = Path(root)
    if not folder.is_dir():
        return folder.suffix.lower() in _SUFFIXES and folder.is_file()
    return any(path.suffix.lower() in _SUFFIXES for path in folder.iterdir())


def cremi_files(root: Path) -> list[Path]:
    """HDF5 files of a folder, or the one file.

    Raises:
        FileNotFoundError: when there is none.
    """
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise FileNotFoundError(f"no such file or folder: {root}")
    paths = sorted(path for path in root.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise FileNotFoundError(
            f"{root} holds no HDF5 volume ({', '.join(_SUFFIXES)}); found {contents(root)}. Read a folder of images/ "
            "and labels/ by volume_datalist."
        )
    return paths


def _split(paths: list[Path], section: str, val_frac: float, seed: int) -> list[Path]:
    named: dict[str | None, list[Path]] = {}
    for path in paths:
        named.setdefault(_section_by_name(path), []).append(path)
    if "training" in named and "validation" in named:
        if None in named:
            raise ValueError(
                f"{paths[0].parent} has volumes for training and for validation by their names, but "
                f"{', '.join(path.name for path in named[None])} says neither: rename it, or put it elsewhere."
            )
        return named[section]
    drawn = [path for path in paths if path not in named.get("test", ())]
    samples = sorted({sample_name(path) for path in drawn})
    held_out = max(1, round(val_frac * len(samples)))
    if held_out >= len(samples):
        raise ValueError(
            f"{paths[0].parent} must hold at least two volumes to have one for training and one for validation, "
            f"it holds {len(samples)}."
        )
    parts = partition_dataset(samples, ratios=[len(samples) - held_out, held_out], shuffle=True, seed=seed)
    return [path for path in drawn if sample_name(path) in parts[SECTIONS.index(section)]]


def _section_by_name(path: Path) -> str | None:
    """What a file is for, if a word of its name says so: ``strain`` and ``valley`` do not."""
    words = {word.rstrip("0123456789") for word in re.split(r"[\W_]+", path.stem.lower())}
    return next((section for section, names in _WORDS.items() if words & names), None)


def _check_volume(path: Path, image: str, label: str | None) -> None:
    with open_hdf5(path) as file:
        shapes = {name: get_dataset(file, name).shape for name in (image, label) if name is not None}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            f"{path}: image and label must have one shape, got "
            + " and ".join(f"{name} {shape}" for name, shape in shapes.items())
            + "; `python -m monai_topo prepare cremi` crops padded volumes to their labels."
        )


def save_cremi(
    path: PathLike, raw: NDArray[np.uint8], neuron_ids: NDArray[np.integer], resolution: Sequence[float]
) -> None:
    """Write a volume in the CREMI layout; the file appears under its name only when complete.

    Args:
        path: file to write.
        raw: ``(z, y, x)`` intensities.
        neuron_ids: ``(z, y, x)`` instance ids.
        resolution: voxel size in nanometers, in order z, y, x.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> import tempfile
        >>> from monai_topo.data import HDF5Reader, holds_cremi
        >>> raw, ids = np.zeros((4, 5, 6), np.uint8), np.ones((4, 5, 6), np.uint64)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_cremi(f"{folder}/sample.hdf", raw, ids, resolution=(40, 4, 4))
        ...     HDF5Reader().read_volume(f"{folder}/sample.hdf").array.shape
        (6, 5, 4)
    """
    if raw.shape != neuron_ids.shape:
        raise ValueError(f"raw and neuron_ids must have one shape, got {raw.shape} and {neuron_ids.shape}.")
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        for name, array in ((RAW, raw), (NEURON_IDS, neuron_ids.astype(np.uint64))):
            file.create_dataset(name, data=array, compression="gzip")
            file[name].attrs["resolution"] = tuple(map(float, resolution))
