"""``evaluate --controls``: what is scored, the table, what chance reaches, and later calls."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
import torch
from monai.metrics import compute_dice

from monai_topo.__main__ import main
from monai_topo.commands.evaluation.controls import case as controls_case
from monai_topo.commands.evaluation.controls.masks import (
    BEFORE,
    EMPTY,
    MOVED,
    PARTITION,
    PREDICTION,
    REPAIR,
    TREES,
    structure_of,
)
from monai_topo.commands.evaluation.controls.table import cells_of, to_table
from monai_topo.data import controls, phantoms
from monai_topo.metrics import compute_betti_error
from tests.commands.evaluation.files import save_nifti

WALLS, TUBES = "abc", "de"


@pytest.fixture
def folders(tmp_path):
    """Membranes and trees; predictions with holes in them, and what they were before a repair."""
    rng = np.random.default_rng(0)
    for number, case in enumerate(WALLS + TUBES):
        shape = (14, 20, 18)
        maker = phantoms.membranes if case in WALLS else phantoms.tree
        options = {"num_cells": 6} if case in WALLS else {"num_branches": 2}
        label = maker(shape, seed=number, **options).label
        raw = label & (rng.random(shape) < 0.8)
        repaired = raw | (label & (rng.random(shape) < 0.5))
        for folder, array in {"label": label, "raw": raw, "pred": repaired}.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            save_nifti(tmp_path / folder / f"{case}.nii", array.astype(np.uint8), (1, 1, 1))
    return tmp_path


def call(folder, *arguments, metrics=("pixel", "betti_error"), flag=("--controls",)):
    given = ["--pred", folder / "pred", "--label", folder / "label", "--out", folder / "out" / "r.json"]
    return main([str(word) for word in ("evaluate", *given, "--metrics", *metrics, *flag, *arguments)])


def content(folder):
    return json.loads((folder / "out" / "r_controls.json").read_text())


def rows(folder):
    return {
        case["case"]: {(row["control"], row["draw"]): row["scores"] for row in case["result"]["rows"]}
        for case in content(folder)["cases"]
    }


def read(folder, kind, case):
    import nibabel

    return np.asarray(nibabel.load(folder / kind / f"{case}.nii").dataobj)


def scores(prediction, label):
    pair = [torch.as_tensor(np.asarray(mask, np.uint8))[None, None] for mask in (prediction, label)]
    return compute_dice(*pair).item(), compute_betti_error(*pair).item()


def test_the_scores_are_those_of_the_controls(folders):
    assert call(folders, "--before", folders / "raw", "--control-draws", "2") == 0
    found = rows(folders)
    for case in WALLS + TUBES:
        label, pred, raw = (read(folders, kind, case) > 0 for kind in ("label", "pred", "raw"))
        expected = {(PREDICTION, 0): pred, (EMPTY, 0): np.zeros_like(label), (BEFORE, 0): raw}
        expected |= {(MOVED, axis): controls.moved(label, axis) for axis in range(3)}
        for key, mask in expected.items():
            dice, error = scores(mask, label)
            assert found[case][key]["pixel.dice"] == pytest.approx(dice)
            assert found[case][key]["betti_error.sum"] == error
        random = PARTITION if case in WALLS else TREES
        assert {name for name, _ in found[case]} == {PREDICTION, EMPTY, BEFORE, MOVED, random, REPAIR}
        share = label.mean()
        for draw in range(2):
            chance = found[case][random, draw]
            assert chance["pixel.correctness"] == pytest.approx(chance["pixel.completeness"])  # as many voxels
            assert chance["pixel.dice"] < 2 * share + 0.1
            repair = found[case][REPAIR, draw]
            assert repair["pixel.dice"] < found[case][PREDICTION, 0]["pixel.dice"]
    assert {case["case"]: case["result"]["structures"]["None"] for case in content(folders)["cases"]} == {
        **dict.fromkeys(WALLS, "membranes"),
        **dict.fromkeys(TUBES, "tubes"),
    }


def test_the_table_is_the_mean_of_the_rows(folders, capsys):
    assert call(folders, "--controls", "membranes", flag=()) == 0
    shown = capsys.readouterr().out
    found = rows(folders)
    means = [np.mean([found[case][PARTITION, draw]["pixel.dice"] for case in found]) for draw in range(3)]
    text = f"{np.mean(means):.4g} ({min(means):.4g} to {max(means):.4g})"
    assert text in next(line for line in shown.splitlines() if line.startswith("pixel.dice") and "to" in line)
    with (folders / "out" / "r_controls.csv").open() as file:
        table = {(row["case"], row["control"], row["draw"]): row for row in csv.DictReader(file)}
    for case, entries in found.items():
        for (control, draw), numbers in entries.items():
            assert float(table[case, control, str(draw)]["betti_error.sum"]) == numbers["betti_error.sum"]
    assert f"Controls are in {folders / 'out' / 'r_controls.json'} and" in shown


def made(**columns):
    """A result of one case, of the numbers of each control and draw."""
    numbers = [(control, draw, value) for control, draws in columns.items() for draw, value in enumerate(draws)]
    names = {"prediction": PREDICTION, "empty": EMPTY, "moved": MOVED, "random": PARTITION}
    return {
        "rows": [{"label": None, "control": names[c], "draw": d, "scores": {"euler_error": v}} for c, d, v in numbers]
    }


def test_what_chance_reaches_is_marked_and_a_moved_label_is_no_chance():
    results = {
        "a": made(prediction=[4.0], empty=[9.0], moved=[1.0], random=[2.0, 3.0]),
        "b": made(prediction=[6.0], empty=[1.0], moved=[0.0], random=[8.0, 3.0]),
    }
    cells = {cell.control: cell for cell in cells_of(results)}
    assert {name: cell.mean for name, cell in cells.items()} == {PREDICTION: 5, EMPTY: 5, MOVED: 0.5, PARTITION: 4}
    assert (cells[PARTITION].low, cells[PARTITION].high, cells[PARTITION].draws) == (3, 5, 2)
    assert [name for name, cell in cells.items() if cell.reached] == [EMPTY, PARTITION]
    line = to_table(list(cells.values())).splitlines()[1]
    assert line.split() == ["euler_error", "5", "5*", "0.5", "4", "(3", "to", "5)*"]


def test_means_that_differ_by_rounding_are_equal():
    """The mean of three draws of 0.2 is 0.20000000000000004: no worse than 0.2."""
    errors = zip("abcde", (1.0, 0.0, 0.0, 0.0, 0.0), strict=True)
    results = {case: made(prediction=[error], random=[error] * 3) for case, error in errors}
    cells = {cell.control: cell for cell in cells_of(results)}
    assert cells[PARTITION].mean > cells[PREDICTION].mean
    assert cells[PARTITION].reached


def test_an_undefined_number_is_left_out_and_reaches_nothing():
    results = {"a": made(prediction=[1.0], empty=[None]), "b": made(prediction=[3.0], empty=[None])}
    cells = {cell.control: cell for cell in cells_of(results)}
    assert math.isnan(cells[EMPTY].mean)
    assert not cells[EMPTY].reached
    results["b"] = made(prediction=[3.0], empty=[2.5])
    assert {cell.control: cell.mean for cell in cells_of(results)} == {PREDICTION: 2, EMPTY: 2.5}


def test_a_later_call_scores_only_what_changed(folders, monkeypatch, capsys):
    assert call(folders) == 0
    before = content(folders)
    scored, score_masks = [], controls_case.score_masks

    def record(*arguments, **options):
        scored.append(arguments)
        return score_masks(*arguments, **options)

    monkeypatch.setattr(controls_case, "score_masks", record)
    assert call(folders) == 0
    assert (content(folders), scored) == (before, [])
    save_nifti(folders / "pred" / "c.nii", read(folders, "label", "c"), (1, 1, 1))
    assert call(folders) == 0
    assert len(scored) == 1 + 1 + 3 + 3
    assert rows(folders)["c"][PREDICTION, 0]["pixel.dice"] == 1
    assert call(folders, "--control-draws", "4") == 0
    aside = folders / "out" / "r_controls-1.json"
    assert f"kept: r_controls.json with other options is {aside} now" in capsys.readouterr().err
    assert json.loads(aside.read_text())["settings"]["controls"]["draws"] == 3


def test_an_interrupted_call_is_gone_on_with(folders, monkeypatch):
    score_masks, seen = controls_case.score_masks, []

    def stop(*arguments, **options):
        seen.append(arguments)
        if len(seen) == 12:
            raise KeyboardInterrupt
        return score_masks(*arguments, **options)

    monkeypatch.setattr(controls_case, "score_masks", stop)
    assert call(folders) == 130
    assert (list(rows(folders)), content(folders)["pending"]) == (["a"], list("bcde"))
    assert call(folders) == 0
    assert len(seen) == 12 + 4 * 8
    assert list(rows(folders)) == list("abcde")


def test_instances(folders):
    for case in WALLS:
        ids = phantoms.membranes((14, 20, 18), num_cells=6, seed=WALLS.index(case)).instances
        for kind in ("pred", "label"):
            save_nifti(folders / kind / f"{case}.nii", ids.astype(np.int32))
    for case in TUBES:
        for kind in ("pred", "label"):
            (folders / kind / f"{case}.nii").unlink()
    assert call(folders, "--instances", "labels", metrics=("variation_of_information",)) == 0
    for found in rows(folders).values():
        sums = {key: numbers["variation_of_information.sum"] for key, numbers in found.items()}
        assert sums[PREDICTION, 0] == 0 < sums[MOVED, 0] < sums[PARTITION, 0]
        assert found[EMPTY, 0]["variation_of_information.split"] == 0 < sums[EMPTY, 0]  # all is one cell


def test_tracings_are_compared_as_graphs_by_controls_and_sweeps_too(tmp_path):
    for kind in ("pred", "label"):
        (tmp_path / kind).mkdir()
    (tmp_path / "label" / "a.swc").write_text("1 1 1 1 2 0.5 -1\n2 3 4 4.5 10 0.5 1\n3 3 2 3 12 0.5 1")
    mask = np.zeros((9, 8, 14), np.uint8)
    mask[:7, :7, :11] = 1
    save_nifti(tmp_path / "pred" / "a.nii", mask, (1, 1, 1))
    assert call(tmp_path, "--sweep", metrics=("expected_run_length", "ccq")) == 0
    alone = json.loads((tmp_path / "out" / "r.json").read_text())["cases"][0]["rows"][0]["scores"]
    assert rows(tmp_path)["a"][PREDICTION, 0] == alone
    assert alone["expected_run_length.erl"] > 0
    (case,) = json.loads((tmp_path / "out" / "r_sweep.json").read_text())["cases"]
    (same,) = [row["scores"] for row in case["result"] if (row["parameter"], row["value"]) == ("slack", 5)]
    assert same == {column: value for column, value in alone.items() if column.startswith("ccq")}


def test_classes_have_controls_of_their_own(tmp_path):
    label = np.zeros((12, 14, 16), np.uint8)
    label[6], label[2, 3:12, 4:6] = 1, 2
    for kind in ("pred", "label"):
        (tmp_path / kind).mkdir()
        save_nifti(tmp_path / kind / "a.nii", label)
    assert call(tmp_path, "--labels", "1,2") == 0
    (case,) = content(tmp_path)["cases"]
    assert case["result"]["structures"] == {"1": "membranes", "2": "tubes"}
    assert {(row["label"], row["control"]) for row in case["result"]["rows"]} >= {(1, PARTITION), (2, TREES)}


def test_a_class_that_no_file_holds_has_no_numbers(tmp_path, capsys):
    """Nor do its controls: an error of 0 of nothing would be marked as what chance reaches."""
    label = np.zeros((12, 14, 16), np.uint8)
    label[2, 3:12, 4:6] = 1
    for kind in ("pred", "label"):
        (tmp_path / kind).mkdir()
        save_nifti(tmp_path / kind / "a.nii", label)
    assert call(tmp_path, "--labels", "1,3") == 1
    shown = capsys.readouterr().out
    assert "* betti_error.1, label 1" in shown
    assert "*" not in "".join(line for line in shown.splitlines() if "label 3" in line)
    with (tmp_path / "out" / "r_controls.csv").open() as file:
        absent = [row for row in csv.DictReader(file) if row["label"] == "3"]
    assert absent
    assert {row["betti_error.sum"] for row in absent} == {""}


def test_likelihoods_before_a_repair_have_a_threshold_of_their_own(folders):
    for case in WALLS + TUBES:
        raw = read(folders, "raw", case)
        save_nifti(folders / "raw" / f"{case}.nii", np.where(raw, 0.8, 0.3).astype(np.float32), (1, 1, 1))
    assert call(folders, "--before", folders / "raw") == 1
    assert all("say --before-threshold 0.5" in reason for reason in content(folders)["failed"].values())
    assert call(folders, "--before", folders / "raw", "--before-threshold", "0.5") == 0
    dice, _ = scores(read(folders, "raw", "a") > 0.5, read(folders, "label", "a"))
    assert rows(folders)["a"][BEFORE, 0]["pixel.dice"] == pytest.approx(dice)


def test_a_case_without_its_raw_prediction_is_named(folders, capsys):
    (folders / "raw" / "b.nii").unlink()
    assert call(folders, "--before", folders / "raw") == 1
    assert f"not scored: b: --before {folders / 'raw'} holds no prediction of this case" in capsys.readouterr().err
    assert list(rows(folders)) == list("acde")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--before", "label"], "--before is of --controls"),
        (["--control-draws", "2"], "--control-draws is of --controls"),
        (["--controls", "--control-draws", "0"], "--control-draws must be at least 1"),
        (["--controls", "--before", "nowhere"], "no such file or folder"),
        (["--controls", "--before-threshold", "0.5"], "--before-threshold is of --before"),
        (["--controls", "tubes", "--instances", "labels", "--metrics", "adapted_rand_error"], "no tubes"),
        (["--controls", "--compare", "x", "y"], "leave out --pred and --controls"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(folders, arguments, message, capsys):
    assert call(folders, *arguments, flag=()) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert message in error[0]
    assert not (folders / "out").exists()


def test_another_file_is_not_written_over(folders, capsys):
    (folders / "out").mkdir()
    (folders / "out" / "r_controls.csv").write_text("mine")
    assert call(folders) == 2
    assert "r_controls.csv, which is there already" in capsys.readouterr().err
    assert [path.name for path in (folders / "out").iterdir()] == ["r_controls.csv"]  # before anything is scored
    assert (folders / "out" / "r_controls.csv").read_text() == "mine"


def test_what_was_before_a_repair_is_paired_before_anything_is_scored(folders, capsys):
    (folders / "nothing").mkdir()
    assert call(folders, "--before", folders / "nothing") == 2
    assert "nothing holds no volume" in capsys.readouterr().err
    assert not (folders / "out").exists()


@pytest.mark.parametrize("shape", [(12, 15), (9, 12, 8)], ids=str)
def test_structures(shape):
    assert structure_of(np.zeros(shape, bool)) == structure_of(np.ones(shape, bool)) == "tubes"
    assert structure_of(phantoms.tree((16, 18), num_branches=2).label > 0) == "tubes"
    assert structure_of(phantoms.membranes((20, 24), num_cells=4).label > 0) == "membranes"
