"""The native engine against gudhi on the fields that the benchmark of hard patterns measures, small ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from monai_topo.topology import persistence_pairs
from monai_topo.topology.engines.native import compute
from tests.benchmarks.patterns import patterns
from tests.topology.engines.test_native import EFFORTS, as_set

FIELDS = patterns((9, 5, 8))


@pytest.mark.parametrize("name", FIELDS)
def test_pairs_are_gudhis_whatever_the_way(name, monkeypatch):
    options = product((None, 1), ("superlevel", "sublevel"))
    for n, (connectivity, direction) in enumerate(options):
        settings = {"connectivity": connectivity, "direction": direction, "frame": n % 2 == 1}
        expected = as_set(persistence_pairs(FIELDS[name], engine="gudhi", **settings))
        for effort, values in EFFORTS.items():
            monkeypatch.setattr(compute, "EFFORT", values)
            assert as_set(persistence_pairs(FIELDS[name], engine="native", **settings)) == expected, (effort, settings)


def test_patterns_are_finite_and_of_their_shape_and_differ():
    assert all(field.shape == (9, 5, 8) and np.isfinite(field).all() for field in FIELDS.values())
    assert len({field.tobytes() for field in FIELDS.values()}) == len(FIELDS)
