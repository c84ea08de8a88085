"""What quick.yaml of each bundle makes: quick.png and quick_3d.png in bundles/NAME/docs.

``python -m tests.benchmarks.figure_bundles``

The volume that validates, which the network has not seen: image and label beside the segmentation with its errors.
Trees are shown as projections along the last axis, membranes as the middle slice. In 3D trees are surfaces with their
errors, and of membranes it is the cells, as a volume with a corner cut away. About a minute on two CPU cores.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from monai.transforms import LoadImage

from monai_topo.commands.bundles import find_bundle, run_bundle
from monai_topo.data import HDF5Reader, cremi_datalist, volume_datalist
from monai_topo.topology import betti_numbers
from monai_topo.transforms import InstanceToMembrane
from monai_topo.visualize import error_map, find_topology_errors, plot_cells, plot_surfaces
from monai_topo.visualize.figure import new_figure, save_png

BUNDLES = ("em_membranes", "ircadb_vessels", "neuron_stacks")
RUNS = {"train": "train.yaml", "infer": "inference.yaml"}


def run(name, folder):
    """Train and segment."""
    for what, config in RUNS.items():
        log = folder / f"{what}.log"
        run_bundle(find_bundle(name), [config, "quick.yaml"], log, quick_dir=folder)


def volumes(name, folder):
    """Image, label, segmentation, and the finished result, of the validation volume; the ids of its cells."""
    cells = None
    if name == "em_membranes":
        path = cremi_datalist(folder / "data", "validation")[0]["image"]
        image = HDF5Reader().read_volume(Path(path)).array
        cells = HDF5Reader("volumes/labels/neuron_ids").read_volume(Path(path)).array
        label = np.asarray(InstanceToMembrane()(cells[None]))[0]
    else:
        item = volume_datalist(folder / "data", "validation")[0]
        path = item["image"]
        image, label = (np.asarray(LoadImage()(item[key])) for key in ("image", "label"))
    stem = Path(path).name.split(".")[0]
    finish = "bridged" if cells is None else "cells"
    segmentation, finished = (np.asarray(LoadImage()(folder / "eval" / f"{stem}_{e}.nii.gz")) for e in ("seg", finish))
    return image, label > 0, segmentation > 0, finished, cells


def flat(name, volume):
    """A slice or a projection."""
    return volume[..., volume.shape[-1] // 2] if name == "em_membranes" else volume.max(axis=-1)


def draw(name):
    """A row of three pictures, and one in 3D."""
    with TemporaryDirectory() as place:
        run(name, Path(place))
        image, label, segmentation, finished, cells = volumes(name, Path(place))
    figure, axes = new_figure(1, 3, size=2.6)
    errors = error_map(flat(name, segmentation), flat(name, label))
    titles = ["image", f"label: Betti {betti_numbers(label)}", f"segmentation: {betti_numbers(segmentation)}"]
    for cell, picture, title in zip(axes[0], [flat(name, image), flat(name, label), errors], titles, strict=True):
        colors = "gray_r" if title.startswith("label") else "gray"
        cell.imshow(np.swapaxes(picture, 0, 1), cmap=colors, interpolation="nearest")
        cell.set(xticks=[], yticks=[])
        cell.set_title(title, fontsize="small")
    save_png(figure, find_bundle(name) / "docs" / "quick.png")
    path = find_bundle(name) / "docs" / "quick_3d.png"
    if cells is None:
        errors = find_topology_errors(segmentation, label)
        plot_surfaces(path, segmentation, label, errors, title="threshold 0.5", renderer="pyvista")
    else:
        plot_cells(path, finished.astype(int), image, cells.astype(int), title="SegmentCells")


if __name__ == "__main__":
    for bundle in BUNDLES:
        draw(bundle)
