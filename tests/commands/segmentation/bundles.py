"""Bundles with weights that nobody has trained, and volumes for them."""

from __future__ import annotations

import numpy as np
import torch

from monai_topo.commands.bundles import find_bundle
from monai_topo.commands.segmentation.network import Bundle
from monai_topo.data import Volume, save_zarr

SMALL = (("network_def#channels", "[4, 8]"), ("network_def#strides", "[2]"), ("patch_size", "[12, 16, 8]"))


def small_bundle(tmp_path, name="em_membranes", **more):
    """The bundle with a small network."""
    overrides = {**dict(SMALL), "checkpoint": str(tmp_path / "model.pt"), **more}
    bundle = Bundle(find_bundle(name), ("inference.yaml",), tuple(overrides.items()))
    torch.manual_seed(3)
    network = bundle.entry("network")
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return bundle


def options(bundle):
    return [word for name, value in bundle.overrides for word in ("--set", name, value)]


def volume(rng, shape=(30, 25, 19), dtype=np.uint8):
    return Volume((rng.random(shape) * 250).astype(dtype), np.diag([4.0, 4, 8, 1]), unit="nm")


def zarr_volume(tmp_path, rng, shape=(30, 25, 19), dtype=np.uint8, name="in.zarr"):
    save_zarr(tmp_path / name, volume(rng, shape, dtype))
    return tmp_path / name
