"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from monai_topo.topology import available_engines


@pytest.fixture(params=available_engines())
def engine(request):
    """Every engine that is registered."""
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(20231)


@pytest.fixture(scope="session")
def real_data():
    """Folder of real volumes; not part of the project."""
    folder = Path(os.environ.get("MONAI_TOPO_TEST_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no real volumes at {folder}: set MONAI_TOPO_TEST_DATA")
    return folder
