"""Stacks of light microscopy with SWC tracings of the same names."""

from __future__ import annotations

import warnings
from pathlib import Path

from monai.config import PathLike

from monai_topo.data.datasets.folder import contents
from monai_topo.data.readers.places import is_volume
from monai_topo.data.readers.suffixes import VOLUME_SUFFIXES
from monai_topo.data.readers.zarr_files import is_zarr


def neuron_datalist(root: PathLike) -> list[dict[str, str]]:
    """MONAI data list of the stacks in a folder and their tracings, ``NAME.tif`` and ``NAME.swc``.

    Load the tracings with :class:`SWCReader`, which draws them on the grid of the stack beside them, and TIFF stacks
    with :class:`TIFFStackReader`, both with the same ``spacing``.

    Args:
        root: folder with stacks (TIFF, NIfTI, NRRD, MetaImage, HDF5) and ``.swc`` or ``.eswc`` files, or with a folder
            of them for each neuron; not searched deeper. Names are compared whatever the case of their letters.

    Returns:
        ``[{"image": path, "label": path, "patient": name, "missing": text}, ...]``, sorted by name; JSON-serializable.
        A stack without a tracing has no ``"label"``, and ``missing`` says so. A tracing without a stack is warned of.

    Raises:
        FileNotFoundError: when the folder does not exist or holds no stack with a tracing.
        ValueError: when a tracing has two stacks, or a stack two tracings.

    Example:
        >>> neuron_datalist("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: no such file or folder: nowhere
    """
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"no such file or folder: {root}")
    files = [file for place in (folder, *_folders(folder)) for file in sorted(place.iterdir()) if is_volume(file)]
    images = _by_name(files, VOLUME_SUFFIXES)
    tracings = _by_name(files, (".swc", ".eswc"))
    if not images.keys() & tracings.keys():
        raise FileNotFoundError(
            f"{root} holds no stack with a tracing: expected a.tif and a.swc, found {contents(folder)}."
        )
    for alone in sorted(tracings.keys() - images.keys()):
        warnings.warn(f"{tracings[alone]} has no stack beside it and is left out.", stacklevel=2)
    return [_item(folder, name, images[name], tracings.get(name)) for name in sorted(images)]


def _folders(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "." and not is_zarr(entry))


def _by_name(files: list[Path], suffixes: tuple[str, ...]) -> dict[tuple[Path, str], Path]:
    """Files by their folder and their name without the suffix, in lower case."""
    found: dict[tuple[Path, str], Path] = {}
    for file in files:
        suffix = next((suffix for suffix in suffixes if file.name.lower().endswith(suffix)), None)
        if suffix is not None and not file.name.startswith("."):
            name = (file.parent, file.name[: -len(suffix)].lower())
            if name in found:
                raise ValueError(f"{found[name]} and {file} have the same name: which is it?")
            found[name] = file
    return found


def _item(root: Path, key: tuple[Path, str], image: Path, tracing: Path | None) -> dict[str, str]:
    stem = image.name[: len(key[1])]
    item = {"image": str(image), "patient": (key[0] / stem).relative_to(root).as_posix()}
    if tracing is None:
        return {**item, "missing": f"There is no tracing {stem}.swc."}
    return {**item, "label": str(tracing), "missing": ""}
