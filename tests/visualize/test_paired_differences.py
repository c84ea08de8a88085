"""The picture of paired differences: colors say who gained, whichever end of a metric is good."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib import image

from monai_topo.visualize import Differences, plot_differences
from monai_topo.visualize.marks import COLORS


def pixels_of(path, status):
    picture = image.imread(path)[..., :3]
    return int((np.abs(picture - (0.8 * np.array(COLORS[status]) + 0.2)) < 0.02).all(axis=-1).sum())


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
def test_gains_are_green_and_losses_red(tmp_path, higher_is_better, sign):
    values = [sign * value for value in (0.5, 1.0, 2.0)]
    panel = Differences("x", values, sign * 1.2, sign * 1.0, sign * 1.5, higher_is_better)
    path = plot_differences(tmp_path / "a.png", [panel, panel])
    gains = higher_is_better == (sign > 0)
    assert (pixels_of(path, "matched") > 50) == gains
    assert (pixels_of(path, "missing") > 50) != gains


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0]], ids=len)
def test_nothing_to_show_is_a_picture_all_the_same(tmp_path, values):
    panel = Differences("$x_{", values, 0.0 if values else math.nan, math.nan, math.nan, True)
    assert plot_differences(tmp_path / "a.png", [panel] * 4, title="$A_{").stat().st_size > 1000
    assert plot_differences(tmp_path / "b.png", []).exists()
