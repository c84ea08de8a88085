"""Numbers of a volume from its blocks: exactly those of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.commands.segmentation.statistics import extremes, mean_and_deviation, percentiles

VALUES = {
    "normal": lambda rng: rng.normal(size=5000),
    "bytes": lambda rng: rng.integers(0, 255, 3001),
    "few": lambda rng: np.array([-0.0, 0.0, 1e-40, -1e30, 3.0]),
    "one": lambda rng: np.array([-7.25]),
    "alike": lambda rng: np.full(1000, 0.3),
}


@pytest.mark.parametrize("name", VALUES)
def test_as_numpy(name, rng):
    values = VALUES[name](rng).astype(np.float32)
    parts = np.array_split(values, min(7, len(values)))

    def blocks(function):
        return [function(part) for part in parts]

    wanted = [0, 1, 37.5, 50, 99.8, 100]
    np.testing.assert_allclose(percentiles(blocks, wanted), np.percentile(values.astype(float), wanted), rtol=1e-12)
    assert extremes(blocks) == (values.min(), values.max())
    mean, deviation = mean_and_deviation(blocks)
    np.testing.assert_allclose(mean, values.mean(dtype=float), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(deviation, values.std(dtype=float), rtol=1e-6, atol=1e-12)
