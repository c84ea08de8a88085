"""Surfaces and cells: what is wrong is in its color, at its place, and the scale bar has its length."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from monai_topo.visualize import TopologyError, id_colors, plot_cells, plot_surfaces, surfaces
from monai_topo.visualize.marks import COLORS
from monai_topo.visualize.scale_bar import round_length

RENDERERS = ["projection", pytest.param("pyvista", marks=pytest.mark.skipif(not surfaces.has_pyvista, reason="extra"))]


def rods():
    """A rod along the first axis whose second half is missing, and an extra one beside it."""
    label = np.zeros((40, 24, 12), bool)
    label[4:36, 6:9, 5:8] = True
    prediction = label.copy()
    prediction[20:] = False
    prediction[4:36, 16:19, 5:8] = True
    return prediction, label


def share(path, color):
    """Share of pixels whose hue is that of a color: its channels in the same order, far from gray."""
    pixels = np.asarray(Image.open(path).convert("RGB"), float)
    order = np.argsort(color)
    spread = pixels.max(axis=2) - pixels.min(axis=2) > 60
    return float((spread & (pixels.argmax(axis=2) == order[-1])).mean())


@pytest.mark.parametrize("renderer", RENDERERS)
def test_wrong_voxels_have_their_color(renderer, tmp_path):
    prediction, label = rods()
    wrong = plot_surfaces(tmp_path / "wrong.png", prediction, label, renderer=renderer)
    right = plot_surfaces(tmp_path / "right.png", label, label, renderer=renderer)
    less = plot_surfaces(tmp_path / "less.png", prediction & label, label, renderer=renderer)
    assert min(share(wrong, COLORS["missing"]), share(wrong, COLORS["extra"])) > 0.005
    assert share(right, COLORS["missing"]) == share(right, COLORS["extra"]) == 0
    assert share(less, COLORS["missing"]) > 0.005
    assert share(less, COLORS["extra"]) == 0


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 1.0, 2.0)], ids=str)
def test_places_lie_where_the_voxels_are_drawn(renderer, spacing):
    """The middle of a lone red voxel block is where its color is."""
    status = np.zeros((40, 30, 20), np.uint8)
    status[2:38, 4:8, 8:12] = 1
    status[10:14, 20:24, 8:12] = 2
    view_of = surfaces._rendered if renderer == "pyvista" else surfaces._projected
    view = view_of(status, np.array(spacing), np.array([[11.5, 21.5, 9.5]]))
    pixels = np.asarray(view.pixels, float) / (255 if view.pixels.dtype == np.uint8 else 1)
    red = np.argwhere(pixels[..., 0] - pixels[..., 1:].max(axis=2) > 0.2)[:, ::-1]
    np.testing.assert_allclose(red.mean(axis=0), view.places[0], atol=max(3, 0.3 * view.unit * max(spacing)))


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_unit_has_its_length(renderer):
    """A rod of 36 voxels of size 0.5 is 18 units long, whatever the other axes' size."""
    status = np.zeros((40, 12, 12), np.uint8)
    status[2:38, 4:8, 4:8] = 1
    view_of = surfaces._rendered if renderer == "pyvista" else surfaces._projected
    view = view_of(status, np.array([0.5, 0.25, 0.25]), np.zeros((0, 3)))
    brightest = np.asarray(view.pixels, float).max()
    columns = np.flatnonzero((np.asarray(view.pixels, float) < 0.95 * brightest).any(axis=(0, 2)))
    assert (np.ptp(columns) + 1) / view.unit == pytest.approx(18, rel=0.04)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_marks_and_empty_volumes(renderer, tmp_path):
    label = rods()[1]
    error = TopologyError(0, "missing", 1, (28, 7, 6), 9)
    plain = plot_surfaces(tmp_path / "a.png", label, renderer=renderer)
    marked = plot_surfaces(tmp_path / "b.png", label, errors=[error], renderer=renderer)
    assert share(plain, COLORS["missing"]) == 0 < share(marked, COLORS["missing"])
    assert plot_surfaces(tmp_path / "c.png", np.zeros((3, 4, 5)), renderer=renderer).exists()


def test_a_surface_one_voxel_off_is_right_within_the_tolerance(tmp_path):
    label = rods()[1]
    thick = ndimage.binary_dilation(label)
    shares = [
        share(plot_surfaces(tmp_path / "a.png", thick, label, tolerance=t, renderer="projection"), COLORS["extra"])
        for t in (0, 1)
    ]
    assert shares[0] > 0.01
    assert shares[1] == 0
    with pytest.raises(ValueError, match="tolerance must be"):
        plot_surfaces(tmp_path / "a.png", thick, label, tolerance=-1)


def test_bad_arguments(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"one shape \(H, W, D\), got \(3, 4\) and \(3, 4\)"):
        plot_surfaces(tmp_path / "a.png", np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"one shape \(H, W, D\)"):
        plot_surfaces(tmp_path / "a.png", np.zeros((3, 4, 5)), np.zeros((3, 4, 6)))
    with pytest.raises(ValueError, match="renderer must be"):
        plot_surfaces(tmp_path / "a.png", np.zeros((3, 4, 5)), renderer="vtk")
    monkeypatch.setattr(surfaces, "has_pyvista", False)
    with pytest.raises(ImportError, match="needs PyVista"):
        plot_surfaces(tmp_path / "a.png", np.zeros((3, 4, 5)), renderer="pyvista")


def test_lengths_are_round_and_not_above():
    lengths = np.geomspace(1e-3, 1e4, 200)
    found = np.array([round_length(length) for length in lengths])
    assert (found <= lengths * (1 + 1e-8)).all()
    assert (found * 2.5 >= lengths * (1 - 1e-8)).all()
    assert {f"{length:e}"[0] for length in found} == {"1", "2", "5"}


def test_ids_have_one_color_each():
    ids = np.array([[0, 1, 2], [2**63, 2**64 - 1, 1]], np.uint64)
    shown = id_colors(ids)
    assert (shown[0, 0] == 0).all()
    assert (shown[0, 1] == shown[1, 2]).all()
    assert len(np.unique(id_colors(np.arange(200)).round(3), axis=0)) == 200


def test_cells_show_the_colors_of_their_sides(tmp_path):
    """The three outer sides and those of the cut show the ids that lie there, and no other."""
    cells = np.ones((8, 10, 12), np.uint8)
    cells[-1], cells[:, -1], cells[:, :, -1] = 2, 3, 4  # the sides that are seen
    cells[4:, 5:, 6:] = 5  # the corner that is cut away
    pixels = np.asarray(Image.open(plot_cells(tmp_path / "a.png", cells)).convert("RGB"), float) / 255
    pixels = pixels[:, pixels.shape[1] // 2 :]
    pixels /= np.maximum(pixels.max(axis=2, keepdims=True), 1e-9)  # without the shade of a side
    hues = {number: id_colors(np.array([number]))[0] for number in range(1, 6)}
    seen = {n: float((np.abs(pixels - hue / hue.max()) < 0.03).all(axis=2).mean()) for n, hue in hues.items()}
    assert min(seen[number] for number in (1, 2, 3, 4)) > 0.01
    assert seen[5] < 0.001


def test_cells_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"cells must be"):
        plot_cells(tmp_path / "a.png", np.zeros(4))
    with pytest.raises(ValueError, match=r"image must have the shape of cells"):
        plot_cells(tmp_path / "a.png", np.zeros((4, 5)), np.zeros((5, 4)))
    assert plot_cells(tmp_path / "a.png", np.eye(4, 5, dtype=int), np.eye(4, 5), np.eye(4, 5, dtype=int)).exists()
