"""Curves: one panel for each, gaps where nothing is defined."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import image

from monai_topo.visualize import CurvePanel, plot_curves

BLUE = (0x1F / 255, 0x77 / 255, 0xB4 / 255)


def blue(path):
    return (np.abs(image.imread(path)[..., :3] - BLUE) < 0.02).all(axis=-1)


def test_the_mean_is_drawn_where_it_is_defined(tmp_path):
    values = [0.1, 0.2, 0.3, 0.4]
    whole = plot_curves(tmp_path / "a.png", [CurvePanel("x", "threshold", values, [1.0, 2.0, 1.0, 2.0])])
    half = plot_curves(tmp_path / "b.png", [CurvePanel("x", "threshold", values, [1.0, 2.0, math.nan, math.nan])])
    columns = [np.flatnonzero(blue(path).any(axis=0)) for path in (whole, half)]
    assert np.ptp(columns[0]) > np.ptp(columns[1]) > 10


def test_nothing_and_many(tmp_path):
    empty = CurvePanel("$x_{", "slack", [1.0], [math.nan], [[math.nan]])
    many = CurvePanel("count", "slack", [1.0, 2.0], [0.0, 5000.0], [[0.0, 5000.0]], given=1.0, higher_is_better=False)
    assert plot_curves(tmp_path / "a.png", [empty, many] * 4).exists()
    assert plot_curves(tmp_path / "b.png", []).exists()
