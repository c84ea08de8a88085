"""Lets nnU-Net start where torchvision is built for CUDA and torch is not.

nnU-Net imports every network that it knows, and with them torchvision, of which nothing is used here. Python runs this
file at its start because the tests put its folder on the path.
"""

import importlib.util
from pathlib import Path

import torch

_LIBRARIES = []


def _declare_missing_operators():
    package = importlib.util.find_spec("torchvision")
    if package is None:
        return
    try:
        for file in Path(package.origin).parent.glob("_C.*"):
            torch.ops.load_library(str(file))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _LIBRARIES.append(library)


_declare_missing_operators()
