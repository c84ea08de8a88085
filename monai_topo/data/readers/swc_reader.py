"""Reader of SWC tracings as volumes on the grid of their image."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.data import ImageReader, MetaTensor
from monai.transforms import LoadImage
from numpy.typing import NDArray

from monai_topo.data.readers.door import read_volume
from monai_topo.data.readers.hdf5_files import has_dataset
from monai_topo.data.readers.suffixes import VOLUME_SUFFIXES, kind_of
from monai_topo.data.readers.volume import Volume, VolumeReader, diagonal_affine
from monai_topo.graphs import count_clipped, distance_to_centerline, draw_centerline, draw_tube, read_swc

_RAW = "volumes/raw"
_WITHOUT_SPACING = ("TIFF", "PNG", "NumPy")

_MODES: dict[str, Callable[..., NDArray[Any]]] = {
    "centerline": draw_centerline,
    "tube": draw_tube,
    "distance": distance_to_centerline,
}


class SWCReader(VolumeReader):
    r"""Reads an SWC tracing as a label on its image's grid: centerline, tube or distance map.

    Use it as ``LoadImaged(keys="label", reader="monai_topo.data.SWCReader", spacing=[0.06, 0.06, 0.21])``. A tracing
    knows neither its grid nor its unit. The grid is that of the image beside it, which has the same name and a suffix
    of an image, or is given by ``shape``; array and affine come as those of the image, (x, y, z). The file may have
    several roots, parents after children, ids with gaps and columns after the seventh.

    Edges are drawn, not nodes: a tree is one component in full connectivity. Branches that touch can close loops that
    the tracing does not have; count them by :func:`monai_topo.data.small_features`. Nodes outside the volume are left
    out with a warning. The metadata hold ``num_nodes``, ``num_clipped_nodes`` and ``num_trees``.

    Args:
        mode: ``"centerline"``: mask, one voxel wide. ``"tube"``: mask in the radii of the nodes, at least the
            centerline. ``"distance"``: float32 distance to the nearest voxel of the centerline, in the unit of
            ``spacing``.
        shape: shape of the grid along x, y and z, or along x and y for 2D images; None takes the grid of the image
            beside.
        spacing: size of a voxel along x, y and z in the unit of the SWC's coordinates; None takes the image's. TIFF
            files do not know it.
        unit: unit of the coordinates and radii: ``"physical"``, that of ``spacing``, or ``"voxel"``: pixels and section
            numbers.
        origin: place of coordinate 0: at the ``"center"`` of the first voxel or at its ``"corner"``, as in files
            whose nodes end in .5.
        image_reader: reader of the image beside, as in ``LoadImage``; by default :func:`read_volume`.

    Raises:
        FileNotFoundError: when there is no such file, or no ``shape`` and no image beside it.
        ValueError: when the SWC is malformed or has a loop, no node lies in the volume, or the spacing is not known;
            for bad arguments.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "neuron.swc"
        >>> _ = path.write_text("1 2 0.0 0.5 2.0 0.3 -1\n2 2 1.5 0.5 2.0 0.3 1")
        >>> reader = SWCReader(shape=(4, 3, 2), spacing=(0.5, 0.5, 2.0))
        >>> array, meta = reader.get_data(reader.read(path))
        >>> array[:, 1, 1], meta["num_trees"]
        (array([1, 1, 1, 1], dtype=uint8), 1)
    """

    suffixes = ("swc", "eswc")

    def __init__(
        self,
        mode: str = "centerline",
        shape: Sequence[int] | None = None,
        spacing: Sequence[float] | None = None,
        unit: str = "physical",
        origin: str = "center",
        image_reader: ImageReader | str | None = None,
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f"mode must be one of {tuple(_MODES)}, got {mode!r}.")
        if shape is not None and (len(shape) not in (2, 3) or min(shape) < 1):
            raise ValueError(f"shape must be 2 or 3 positive sizes, along x, y and z, got {shape!r}.")
        if shape is not None and spacing is None and unit == "physical":
            raise ValueError('spacing must be given with shape, or unit="voxel" for coordinates in voxels.')
        self.mode = mode
        self.shape = shape
        self.spacing = None if spacing is None else tuple(map(float, spacing))
        self.unit = unit
        self.origin = origin
        self.image_reader = image_reader

    def read_volume(self, path: Path) -> Volume:
        """Read and draw one tracing."""
        if not path.is_file():
            raise FileNotFoundError(f"no such file: {path}")
        shape, spacing, affine = self._grid(path)
        ndim = len(shape)
        graph = read_swc(path, spacing=spacing[:ndim], unit=self.unit, origin=self.origin, axes="xyz"[:ndim])
        clipped = count_clipped(graph, shape)
        advice = f"outside the volume of shape {tuple(shape)}: are spacing {tuple(spacing)}, unit and origin right?"
        if clipped == len(graph):
            raise ValueError(f"{path}: all {clipped} nodes lie {advice}")
        if clipped:
            warnings.warn(f"{path}: {clipped} of {len(graph)} nodes lie {advice}", stacklevel=2)
        array = _MODES[self.mode](graph, shape)
        facts = {"num_nodes": len(graph), "num_clipped_nodes": clipped, "num_trees": _count_trees(graph)}
        return Volume(array.astype(np.uint8) if array.dtype == bool else array, affine, facts)

    def _grid(self, path: Path) -> tuple[Sequence[int], Sequence[float], NDArray[np.float64]]:
        """Shape, spacing and affine."""
        if self.shape is not None:
            spacing = self.spacing or (1.0,) * len(self.shape)
            return self.shape, spacing, diagonal_affine(spacing[: len(self.shape)])
        image_path = image_beside(path)
        image = self.load_image(image_path)
        shape = image.array.shape
        if self.spacing is not None:
            return shape, self.spacing, image.affine
        if self.unit == "physical" and image.known_spacing is None:
            raise ValueError(f"spacing must be given for {path}: {image_path.name} does not know it.")
        return shape, image.spacing, image.affine

    def load_image(self, path: Path) -> Volume:
        """Read the image that was traced.

        Raises:
            ValueError: when it cannot be read or has several channels.
        """
        if self.image_reader is None:
            dataset = _RAW if kind_of(path) == "HDF5" and has_dataset(path, _RAW) else None
            spacing = self.spacing if kind_of(path) in _WITHOUT_SPACING else None
            return read_volume(path, dataset=dataset, spacing=spacing)
        if isinstance(self.image_reader, VolumeReader):
            return self.image_reader.read_volume(path)
        try:
            image: MetaTensor = LoadImage(reader=self.image_reader, dtype=None)(path)
        except Exception as error:  # every format has its own
            cause = str(error).strip().rsplit("\n", 1)[-1]
            raise ValueError(f"{path} cannot be read: {cause}. Is the download complete?") from None
        if image.ndim != len(image.meta["spatial_shape"]):
            raise ValueError(f"{path} has several channels, its shape is {tuple(image.shape)}: name the traced one.")
        knows: Literal["place", "nothing"] = "nothing" if kind_of(path) in _WITHOUT_SPACING else "place"
        return Volume(image.numpy(), np.asarray(image.affine, dtype=np.float64), path=path, knows=knows)


def _count_trees(graph: Any) -> int:
    import networkx

    return int(networkx.number_connected_components(graph))


def image_beside(path: Path) -> Path:
    """The image with the name of a tracing, whatever the case of its letters.

    Raises:
        FileNotFoundError: when there is none.
    """
    files = {entry.name.lower(): entry for entry in path.parent.iterdir()}
    for suffix in VOLUME_SUFFIXES:
        if path.stem.lower() + suffix in files:
            return files[path.stem.lower() + suffix]
    raise FileNotFoundError(
        f"no image lies beside {path}: expected {path.stem} with one of {', '.join(VOLUME_SUFFIXES)}. "
        "Put it there, or give shape and spacing."
    )
