"""The picture of vessels in README: gaps and bridges of a phantom tree.

``python -m tests.benchmarks.figure_vessels``
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from monai.transforms import RemoveSmallObjects
from PIL import Image
from scipy.ndimage import gaussian_filter

from monai_topo.data import phantoms
from monai_topo.topology import betti_numbers
from monai_topo.transforms import BridgeGaps
from monai_topo.visualize import find_topology_errors, plot_surfaces

PICTURE = Path("docs/images/vessels.png")


def main():
    """Draw the tree at a threshold, and bridged, below each other."""
    phantom = phantoms.tree((160, 96, 80), num_branches=14, radius=2, num_gaps=16, noise=0.1, seed=2)
    likelihood = np.clip(gaussian_filter(phantom.image, 1.0) / 0.8, 0, 1)
    label = phantom.label > 0
    masks = {
        "likelihood above 0.5": RemoveSmallObjects(min_size=30, connectivity=3)(likelihood[None] > 0.5)[0] > 0,
        "with BridgeGaps": BridgeGaps(sigma=0, floor=0.3, min_size=30)(likelihood[None])[0] > 0,
    }
    pictures = []
    for number, (name, mask) in enumerate(masks.items()):
        errors = find_topology_errors(mask, label)
        components = betti_numbers(mask)[0]
        title = f"{name}: {components} component{'s' * (components > 1)}"
        path = PICTURE.with_name(f"{PICTURE.stem}_{number}.png")
        pictures.append(plot_surfaces(path, mask, label, errors, title=title, renderer="pyvista"))
    parts = [Image.open(path).convert("RGB") for path in pictures]
    whole = Image.new("RGB", (sum(part.width for part in parts), max(part.height for part in parts)), "white")
    for number, part in enumerate(parts):
        whole.paste(part, (sum(before.width for before in parts[:number]), 0))
    whole.save(PICTURE)
    for path in pictures:
        path.unlink()


if __name__ == "__main__":
    main()
