"""Folders of image files as MONAI data lists."""

from __future__ import annotations

from pathlib import Path

from monai.config import PathLike

from monai_topo.data.readers.places import is_volume
from monai_topo.data.readers.zarr_files import is_zarr


def image_datalist(root: PathLike, pattern: str = "*.nii*") -> list[dict[str, str]]:
    """Data list of the images in a folder, to be segmented.

    Args:
        root: folder of images; or one image, whatever its name: a file or a zarr.
        pattern: pattern of the names: which files, zarrs and folders of sections in the folder are images; ``**/`` in
            front searches subfolders.

    Returns:
        ``[{"image": path}, ...]``, sorted by name; JSON-serializable.

    Raises:
        FileNotFoundError: when the folder does not exist or nothing in it matches.

    Example:
        >>> image_datalist("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: no such file or folder: nowhere
    """
    folder = Path(root)
    if folder.is_file() or is_zarr(folder):
        return [{"image": str(folder)}]
    if not folder.is_dir():
        raise FileNotFoundError(f"no such file or folder: {root}")
    paths = sorted(path for path in folder.glob(pattern) if is_volume(path))
    if not paths:
        raise FileNotFoundError(f"{root} holds no image that matches {pattern!r}.")
    return [{"image": str(path)} for path in paths]


def contents(folder: Path) -> str:
    """The first names in a folder, for a message that says what was found."""
    names = sorted(entry.name for entry in folder.iterdir())
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "") if names else "nothing"
