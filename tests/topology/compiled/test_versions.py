"""The kernels say which versions of numba and llvmlite they are known to do with."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from monai_topo.topology.compiled import versions

ROOT = Path(__file__).resolve().parents[3]


def test_bounds_are_those_of_the_project():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for name, (low, high) in versions.BOUNDS.items():
        assert f"{name}>={low},<{high}" in wanted


@pytest.mark.parametrize(
    ("found", "unknown"),
    [
        ("0.65.0", []),
        ("0.68.1", []),
        ("0.68.0rc1", []),
        ("0.64.9", ["numba 0.64.9"]),
        ("0.69.0", ["numba 0.69.0"]),
        ("0.100.0", ["numba 0.100.0"]),
        ("1.0", ["numba 1.0"]),
    ],
)
def test_a_version_outside_is_named(monkeypatch, caplog, found, unknown):
    monkeypatch.setattr(versions, "_installed", lambda: {"numba": found, "llvmlite": "0.50.0"})
    assert versions.unknown_versions() == unknown
    versions.warn_of_unknown_versions()
    assert len(caplog.records) == len(unknown)
    if unknown:
        assert unknown[0] in caplog.text
        assert "pip install 'numba>=0.65,<0.69'" in caplog.text
