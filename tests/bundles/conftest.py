"""Small volumes to run bundles on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_topo.data import phantoms, save_cremi

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"


@pytest.fixture(scope="session")
def em_volumes(tmp_path_factory):
    """A training and a validation volume in the CREMI layout, anisotropic, smaller than a patch along z."""
    folder = tmp_path_factory.mktemp("em_volumes")
    for seed, name in enumerate(("a_train.hdf", "b_val.hdf")):
        cells = phantoms.membranes((14, 36, 40), num_cells=6, seed=seed)
        raw = np.round(255 * cells.image).astype(np.uint8)
        save_cremi(folder / name, raw, cells.instances, resolution=(40, 4, 5))
    return folder


@pytest.fixture
def tiny(em_volumes, tmp_path):
    """Overrides that make a training run take seconds."""
    return {
        "dataset_dir": str(em_volumes),
        "ckpt_dir": str(tmp_path / "models"),
        "output_dir": str(tmp_path / "eval"),
        "patch_size": [16, 16, 16],
        "patches_per_epoch": 4,
        "max_epochs": 2,
        "val_interval": 1,
    }
