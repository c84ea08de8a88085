"""Blocks in one thread: thousands of tiny ones, where threads cost more than they do."""

from __future__ import annotations

import dask
import pytest


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield
