"""Fixtures of the losses' tests."""

from __future__ import annotations

import pytest

from monai_topo.losses import transfer
from tests.losses.simulated import SimulatedDevice


@pytest.fixture
def device(monkeypatch):
    """Tensors of the CPU lie on a simulated device."""
    simulated = SimulatedDevice()
    monkeypatch.setitem(transfer.DEVICES, "cpu", lambda index: simulated)
    return simulated
