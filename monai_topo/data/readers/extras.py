"""Packages of the extra `scale`, which are loaded when they are first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def scale_package(name: str) -> Any:
    """A module of the extra ``scale``: zarr, dask or distributed.

    Args:
        name: name of the module, such as ``"dask.array"``.

    Raises:
        ImportError: when it is not installed, saying how to install it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f'volumes in zarr and in blocks need the package {package}: pip install "monai_topo[scale]" ({error}).'
        ) from error
