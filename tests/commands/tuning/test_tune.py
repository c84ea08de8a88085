"""``python -m monai_topo tune``: what is tried, what is chosen, what is written."""

from __future__ import annotations

import json
import re

import nibabel
import numpy as np
import pytest
from skimage.metrics import variation_of_information
from skimage.segmentation import find_boundaries

from monai_topo.__main__ import main
from monai_topo.commands.tuning import Point, Settings, choose, search
from monai_topo.data import locked, phantoms
from monai_topo.topology import label_components
from monai_topo.transforms import BridgeGaps, CloseWalls, SegmentCells, tuned_arguments
from monai_topo.visualize import plot_trade_off


def likelihood(hole):
    """Two cells between walls two voxels thick, of which the middle one leaks."""
    field = np.full((14, 16), 0.05)
    field[:, 7:9] = 0.9
    field[6:8, 7:9] = hole
    return field


LABEL = (likelihood(0.9) > 0.5).astype(np.uint8)


@pytest.fixture
def folders(tmp_path):
    """Likelihoods of two cases, whose holes are 0.1 and 0.3 deep, and their labels."""
    for name in ("pred", "label", "ids"):
        (tmp_path / name).mkdir()
    for case, hole in (("a", 0.15), ("b", 0.35)):
        np.save(tmp_path / "pred" / f"{case}.npy", likelihood(hole))
        np.save(tmp_path / "label" / f"{case}.npy", LABEL)
        np.save(tmp_path / "ids" / f"{case}.npy", 5 + 3 * (np.arange(16) > 7) * np.ones((14, 1), int))
    return tmp_path


def call(folders, *arguments, labels="label"):
    return main(["tune", str(folders / "pred"), str(folders / labels), "--out", str(folders / "t.json"), *arguments])


GRID = ["--grid", "persistence_threshold=0.05,0.2,0.5", "sigma=0", "min_size=0"]


def test_the_best_within_the_floor_is_written(folders, capsys):
    assert call(folders, "--transform", "close_walls", "--floor", "dice=-0.02", *GRID) == 0
    arguments = tuned_arguments(folders / "t.json", "close_walls")
    assert arguments == {"persistence_threshold": 0.05, "sigma": 0, "min_size": 0}
    content = json.loads((folders / "t.json").read_text())
    assert content["metric"] == "variation_of_information.sum"
    assert [place["arguments"]["persistence_threshold"] for place in content["grid"]] == [0.05, 0.2, 0.5]
    assert set(content["plain"]) == {"a", "b"}
    assert (folders / "t.png").exists()
    assert "persistence_threshold=0.05 sigma=0 min_size=0 *" in capsys.readouterr().out


def test_the_scores_are_scikit_images(folders):
    settings = Settings("close_walls", grid={"persistence_threshold": (0.05, 0.2), "sigma": (0,), "min_size": (0,)})
    plain, found = search(folders / "pred", folders / "label", settings)
    true = label_components(LABEL == 0, full=False)
    for case, hole in (("a", 0.15), ("b", 0.35)):
        masks = [likelihood(hole) >= 0.5]
        masks += [CloseWalls(0.5, 0, t, 0)(likelihood(hole)[None])[0] > 0 for t in (0.05, 0.2)]
        for point, mask in zip((plain, *found), masks, strict=True):
            ids = label_components(~mask, full=False)
            expected = sum(variation_of_information(true, ids, ignore_labels=(0,)))
            assert point.cases[case]["variation_of_information.sum"] == pytest.approx(expected)
    assert plain.mean("variation_of_information.sum") > found[0].mean("variation_of_information.sum") == 0


def test_cells_against_ids(folders):
    grid = ["--grid", "persistence_threshold=0.01", "level=0.2,0.6", "sigma=0"]
    assert call(folders, "--transform", "segment_cells", "--metric", "voi", *grid, labels="ids") == 0
    assert tuned_arguments(folders / "t.json", "segment_cells")["level"] == 0.2
    arguments = tuned_arguments(folders / "t.json", "segment_cells")
    cells = SegmentCells(**arguments)(likelihood(0.15)[None])[0]
    assert cells.max() == 2


def test_nothing_within_the_floor(folders, capsys):
    """A persistence of 0 walls off every voxel of the noise."""
    noise = np.random.default_rng(0).random((14, 16)) * 0.4
    np.save(folders / "pred" / "a.npy", np.maximum(likelihood(0.15), noise))
    arguments = ["--transform", "close_walls", "--floor", "dice=-0.001", "--grid", "persistence_threshold=0", "sigma=0"]
    assert call(folders, *arguments) == 1
    assert "nothing is within the floor" in capsys.readouterr().err
    assert not (folders / "t.json").exists()


def points(*scores):
    columns = ("variation_of_information.sum", "pixel.dice")
    return [Point({"sigma": n}, {"a": dict(zip(columns, pair, strict=True))}) for n, pair in enumerate(scores)]


def test_the_choice():
    plain, worse, good, dear = points((4, 0.8), (2, 0.8), (1, 0.79), (0.5, 0.7))
    undefined = points((np.nan, 0.8))[0]
    settings = Settings("close_walls", floor={"pixel.dice": -0.02})
    assert choose(plain, [undefined, worse, good, dear], settings) is good
    assert choose(plain, [undefined, dear], settings) is None
    assert choose(plain, [worse, good, dear], Settings("close_walls")) is dear
    higher = Settings("close_walls", metric="dice", floor={"variation_of_information.sum": 0})
    assert choose(plain, [worse, good, dear], higher) is worse


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--grid", "radius=3"], "close_walls has no argument radius"),
        (["--grid", "sigma=-1"], "sigma must be 0 or more"),
        (["--metric", "beauty"], "beauty is no column of evaluate"),
        (["--metric", "pixel"], "of pixel say one of pixel.dice"),
        (["--floor", "dice=0.02"], "how much worse pixel.dice may be: 0 or less, got 0.02"),
        (["--floor", "voi=-1"], "how much worse variation_of_information.sum may be: 0 or more"),
        (["--threshold", "2"], "--threshold must be a likelihood"),
    ],
)
def test_bad_arguments_are_one_line(folders, arguments, message, capsys):
    assert call(folders, "--transform", "close_walls", *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["close_walls", "segment_cells", "bridge_gaps"])
def test_every_transform_takes_its_own_grid(name):
    settings = Settings(name)
    assert len(settings.candidates()) > 5
    assert callable(settings.build(settings.candidates()[-1]))


def test_masks_are_no_likelihoods(folders, capsys):
    np.save(folders / "pred" / "a.npy", LABEL)
    assert call(folders, "--transform", "close_walls") == 2
    assert "must hold likelihoods" in capsys.readouterr().err


def test_the_file_of_another_transform_is_refused(folders):
    (folders / "t.json").write_text('{"transform": "segment_cells", "arguments": {}}')
    with pytest.raises(ValueError, match="arguments of segment_cells, not of close_walls"):
        tuned_arguments(folders / "t.json", "close_walls")
    (folders / "t.json").write_text("[1]")
    with pytest.raises(ValueError, match="is no file of"):
        tuned_arguments(folders / "t.json", "close_walls")
    with pytest.raises(FileNotFoundError):
        tuned_arguments(folders / "none.json", "close_walls")


def test_the_picture_shows_floor_and_choice(tmp_path):
    drawn = plot_trade_off(
        tmp_path / "a.png", [(0.8, 1), (0.7, 2)], plain=(0.8, 4), chosen=None, floor=0.7, names=("Dice", "VOI")
    )
    assert drawn.stat().st_size > 5000


@pytest.mark.parametrize(("thickness", "within"), [(40.0, True), (4.0, False)])
def test_membranes_of_thick_sections_lie_within_them(tmp_path, thickness, within):
    """Where sections are thick, the bundle's label has no membrane between one section and the next."""
    ids = np.ones((24, 25, 12), np.uint16)
    ids[11:] = 2
    ids[..., 6:] += 2
    boundaries = [find_boundaries(ids[..., z], mode="thick") for z in range(12)]
    true = np.stack(boundaries, axis=2) if within else find_boundaries(ids, mode="thick")
    affine = np.diag([4.0, 4.0, thickness, 1])
    nibabel.save(nibabel.Nifti1Image(true.astype(np.float32), affine), tmp_path / "a_prob.nii.gz")
    nibabel.save(nibabel.Nifti1Image(ids, affine), tmp_path / "a.nii.gz")
    settings = Settings("segment_cells", "dice", grid={"sigma": (0,)})
    plain, _ = search(tmp_path / "a_prob.nii.gz", tmp_path / "a.nii.gz", settings)
    assert plain.mean("pixel.dice") > 0.97


def test_lengths_are_in_the_unit_of_the_voxel_size(tmp_path):
    """As in inference: a gap of two steps of 5 is longer than 4."""
    vessel = np.full((9, 5, 4), 0.05, np.float32)
    vessel[:, 2, 2] = 0.9
    vessel[4, 2, 2] = 0.3
    for name, array in (("a_prob", vessel), ("a", (vessel > 0.2).astype(np.uint8))):
        nibabel.save(nibabel.Nifti1Image(array, np.diag([5.0, 1, 1, 1])), tmp_path / f"{name}.nii.gz")
    settings = Settings("bridge_gaps", "dice", grid={"max_length": (4, 10), "sigma": (0,)})
    plain, found = search(tmp_path / "a_prob.nii.gz", tmp_path / "a.nii.gz", settings)
    assert [point.mean("pixel.dice") for point in (plain, *found)] == pytest.approx([16 / 17, 16 / 17, 1])


OTHERS = {
    "t.txt": (None, "--out must be a .json file, beside which a .png is written"),
    "t.png": (None, "--out must be a .json file"),
    "t.json": ('{"transform": "segment_cells", "arguments": {}}', "holds arguments of segment_cells"),
    "u.json": ("{}", "is no file of .* Or name another --out"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_written_over(name, folders, capsys):
    content, message = OTHERS[name]
    if content is not None:
        (folders / name).write_text(content)
    assert call(folders, "--transform", "close_walls", "--out", str(folders / name), *GRID) == 2
    assert re.search(message, capsys.readouterr().err)
    assert (folders / name).exists() == (content is not None)
    assert content is None or (folders / name).read_text() == content


def test_a_picture_that_is_there_stays(folders, capsys):
    (folders / "t.png").write_text("mine")
    assert call(folders, "--transform", "close_walls", *GRID) == 2
    assert "t.png, which is there already: name another file" in capsys.readouterr().err
    assert (folders / "t.png").read_text() == "mine"


def test_two_do_not_write_one_file(folders, capsys):
    with locked(folders / "t.json", "tune"):
        assert call(folders, "--transform", "close_walls", *GRID) == 2
    assert "t.json is being written by another tune" in capsys.readouterr().err


def test_bridges_of_generated_trees(tmp_path, capsys):
    """From phantoms with faint places to arguments whose bridges join the pieces of an unseen one."""

    def drawn(seed):
        made = phantoms.tree((36, 33, 30), num_branches=3, num_gaps=4, noise=0.02, seed=seed)
        return np.clip((np.asarray(made.image) - 0.25) / 0.3, 0, 1).astype(np.float32), made.label

    for name, seed in (("a", 1), ("b", 4)):
        for folder, array in zip(("pred", "label"), drawn(seed), strict=True):
            (tmp_path / folder).mkdir(exist_ok=True)
            np.save(tmp_path / folder / f"{name}.npy", array)
    grid = ["--grid", "floor=0.05,0.4", "persistence_threshold=0.02", "sigma=0", "max_angle=90", "min_ends=0"]
    assert call(tmp_path, "--transform", "bridge_gaps", "--no-frame", "--floor", "dice=-0.05", *grid) == 0
    content = json.loads((tmp_path / "t.json").read_text())
    assert content["metric"] == "betti_matching_f1.f1"
    assert len(content["grid"]) == 2
    arguments = tuned_arguments(tmp_path / "t.json", "bridge_gaps")
    assert arguments["floor"] == 0.05
    assert "floor=0.05 persistence_threshold=0.02 sigma=0 max_angle=90 min_ends=0 *" in capsys.readouterr().out
    unseen, _ = drawn(3)
    bridged = BridgeGaps(**arguments)(unseen[None])[0]
    assert label_components(unseen >= 0.5, full=True).max() == 3
    assert label_components(bridged > 0, full=True).max() == 1
