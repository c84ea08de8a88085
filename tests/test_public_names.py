"""What the package exports, and that MONAI finds it by short names."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest
from monai.bundle import ComponentLocator, ConfigParser

import monai_topo

SUBPACKAGES = [
    "topology",
    "graphs",
    "data",
    "data.phantoms",
    "transforms",
    "losses",
    "metrics",
    "visualize",
    "handlers",
    "inferers",
    "blockwise",
]


@pytest.mark.parametrize("name", ["", *SUBPACKAGES])
def test_all_is_true(name):
    module = importlib.import_module(f"monai_topo.{name}" if name else "monai_topo")
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert hasattr(module, public), public
    for public in module.__all__:
        documented = getattr(module, public)
        if not inspect.ismodule(documented):
            assert inspect.isclass(documented) or inspect.isroutine(documented), f"{public} would have no page to read"
            assert ">>>" in (inspect.getdoc(documented) or ""), f"the docstring of {public} has no example"


def test_the_package_exports_losses_metrics_transforms_and_handlers():
    for name in ("transforms", "losses", "metrics", "handlers"):
        subpackage = getattr(monai_topo, name)
        assert set(subpackage.__all__) <= set(monai_topo.__all__)


def test_no_name_of_ours_is_one_of_monais():

    locator = ComponentLocator()
    locator.get_component_module_name("TopoLoss")  # fills the table of all loaded modules
    shared = {
        name: modules
        for name, modules in locator._components_table.items()
        if any(module.startswith("monai_topo") for module in modules)
        and any(module.split(".")[0] == "monai" for module in modules)
    }
    assert locator._components_table["TopoLoss"]
    assert shared == {}


def test_short_names_in_a_bundle():
    parser = ConfigParser(
        {"imports": ["$import monai_topo"], "loss": {"_target_": "DiceCETopologyLoss", "sigmoid": True}}
    )
    assert isinstance(parser.get_parsed_content("loss"), monai_topo.losses.DiceCETopologyLoss)


def test_import_is_light():
    """What is slow to load waits for its first use."""
    code = (
        "import monai, monai.bundle, sys; before = set(sys.modules); import monai_topo;"
        "print(sorted({'gudhi', 'numba', 'skimage.measure', 'matplotlib', 'h5py', 'itk', 'networkx', 'zarr', 'dask'} "
        "& (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_import_without_the_extras():
    """ignite, matplotlib, tensorboard and fire are of the extra ``bundle``; h5py and itk may be broken."""
    code = (
        "import sys\n"
        "for name in ('ignite', 'matplotlib', 'tensorboard', 'fire', 'yaml', 'h5py', 'itk', 'zarr', 'dask'):\n"
        "    sys.modules[name] = None\n"
        "import torch, monai_topo\n"
        "print(float(monai_topo.TopoLoss()(torch.eye(4)[None, None], torch.zeros(1, 1, 4, 4))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == 0.5  # the loop that the diagonal closes with the frame goes to the diagonal
