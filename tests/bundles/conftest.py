"""Every bundle, small volumes to run it on, and one small run of each."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow

from monai_topo.data import save_phantoms

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
PHANTOMS = {
    "em_membranes": {"structure": "membranes", "shape": (14, 36, 40), "layout": "cremi", "num_cells": 6},
    "ircadb_vessels": {"structure": "tree", "shape": (40, 36, 14), "intensities": (-50, 250), "num_branches": 3},
    "neuron_stacks": {"structure": "tree", "shape": (40, 36, 14), "intensities": (10, 240), "num_branches": 3},
}
SPACING = {"em_membranes": (40, 4, 5), "ircadb_vessels": (0.75, 0.75, 2), "neuron_stacks": (0.25, 0.25, 0.5)}
TINY = {
    "patch_size": [16, 16, 16],
    "patches_per_epoch": 4,
    "max_epochs": 2,
    "val_interval": 1,
    "network_def#channels": [4, 8],
    "network_def#strides": [2],
    "schedule#ratio_iterations": 1,
}


@dataclass(frozen=True)
class Bundle:
    """A bundle and a folder of two small volumes for it, smaller than a patch along z and anisotropic."""

    name: str
    volumes: str

    @property
    def root(self) -> Path:
        return BUNDLES / self.name

    @property
    def configs(self) -> Path:
        return self.root / "configs"

    def overrides(self, folder: Path, **more: Any) -> dict[str, Any]:
        """What makes a training run take seconds and write to a folder."""
        places = {"ckpt_dir": str(folder / "models"), "output_dir": str(folder / "eval")}
        return {**TINY, "dataset_dir": self.volumes, **places, **more}

    def workflow(self, names, kind="train", **overrides):
        return ConfigWorkflow(
            config_file=[str(self.configs / name) for name in names],
            meta_file=str(self.configs / "metadata.json"),
            logging_file=False,
            workflow_type=kind,
            **{"bundle_root": str(self.root), **overrides},
        )

    def run(self, *arguments, **overrides):
        flow = self.workflow(*arguments, **overrides)
        flow.initialize()
        flow.run()
        flow.finalize()
        return flow

    def command(self, names, *launcher, cwd=None, **overrides):
        """``python -m monai.bundle run`` in a process of its own, as a user starts it."""
        config = str([str(self.configs / name) for name in names])
        words = [word for key, value in overrides.items() for word in (f"--{key}", str(value))]
        return subprocess.run(
            [sys.executable, *launcher, "-m", "monai.bundle", "run", "--config_file", config, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


@pytest.fixture(scope="session", params=sorted(PHANTOMS))
def bundle(request, tmp_path_factory):
    """Each bundle in turn."""
    folder = tmp_path_factory.mktemp(request.param)
    save_phantoms(folder, count=2, spacing=SPACING[request.param], **PHANTOMS[request.param])
    return Bundle(request.param, str(folder))


@pytest.fixture(scope="session")
def trained(bundle, tmp_path_factory):
    """A run of the bundle's train.yaml; its folder holds models/model.pt."""
    folder = tmp_path_factory.mktemp(f"trained_{bundle.name}")
    return folder, bundle.run(["train.yaml"], **bundle.overrides(folder))


@pytest.fixture
def tiny(bundle, tmp_path):
    """Overrides that make a training run take seconds."""
    return bundle.overrides(tmp_path)
