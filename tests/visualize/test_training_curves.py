"""Curves of a training."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from monai_topo.visualize import plot_training_curves, training_curves


@pytest.fixture
def drawn(monkeypatch):
    """The figure instead of its file."""
    figures: list[Figure] = []
    monkeypatch.setattr(training_curves, "save_png", lambda figure, path: figures.append(figure))
    return figures


def test_a_line_for_each_class(drawn):
    errors = [[9.0, 4.0], [float("nan"), 3.0], [2.0, 1.0]]
    plot_training_curves("x.png", {"Betti error": errors, "weight": [0.0, 0.0, 0.5]}, ["vessel", "wall"])
    first, second = drawn[0].axes
    assert [line.get_label() for line in first.lines] == ["vessel", "wall"]
    np.testing.assert_array_equal([line.get_ydata() for line in first.lines], np.transpose(errors))
    assert list(second.lines[0].get_ydata()) == [0.0, 0.0, 0.5]
    assert (first.get_ylabel(), second.get_ylabel(), second.get_xlabel()) == ("Betti error", "weight", "epoch")
    assert second.get_legend() is None


def test_one_class_has_a_name_too(drawn):
    plot_training_curves("x.png", {"Betti error": [[9.0]], "weight": [0.0]}, ["vessel"])
    assert [line.get_label() for line in drawn[0].axes[0].lines] == ["vessel"]


def test_other_styles_stay_as_they_are(tmp_path):
    with mpl.rc_context({"font.size": 31.0}):
        assert plot_training_curves(tmp_path / "x.png", {"weight": [0.0, 1.0]}, []).exists()
        assert mpl.rcParams["font.size"] == 31.0
