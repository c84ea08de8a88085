"""``evaluate --sweep``: every place is what a run of its own gives; files, later calls, refusals."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from scipy import ndimage

from monai_topo.__main__ import main
from monai_topo.commands.evaluation import Options, workers
from monai_topo.commands.evaluation.sweep import SweepOptions
from monai_topo.commands.evaluation.sweep.settings import settings_of
from monai_topo.commands.evaluation.sweep.table import curves_of, to_table
from monai_topo.data import phantoms
from tests.commands.evaluation.files import save_nifti

METRICS = ("pixel", "betti_error", "ccq", "junction_f1")


@pytest.fixture
def folders(tmp_path):
    """Trees of two shapes, and likelihoods of them with noise."""
    rng = np.random.default_rng(0)
    for seed, (case, shape) in enumerate({"a": (20, 24, 16), "b": (18, 16, 22)}.items()):
        label = phantoms.tree(shape, num_branches=3, seed=seed).label
        soft = np.clip(ndimage.gaussian_filter(label.astype(float), 0.8) + rng.normal(0, 0.08, shape), 0, 1)
        for folder, array in {"label": label, "pred": soft.astype(np.float32)}.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            save_nifti(tmp_path / folder / f"{case}.nii", array)
    return tmp_path


def call(folder, *arguments, metrics=METRICS, out="r.json", threshold=0.5):
    given = ["--pred", folder / "pred", "--label", folder / "label", "--out", folder / "out" / out]
    given += ["--threshold", threshold] if threshold else []
    return main([str(word) for word in ("evaluate", *given, "--metrics", *metrics, *arguments)])


def rows(folder, name="r_sweep.json"):
    content = json.loads((folder / "out" / name).read_text())
    return {
        (case["case"], row["parameter"], row["value"]): row["scores"]
        for case in content["cases"]
        for row in case["result"]
    }


def alone(folder, *arguments, metrics, threshold=0.5):
    """Scores of a run without a sweep."""
    assert call(folder, *arguments, metrics=metrics, out="alone.json", threshold=threshold) == 0
    cases = json.loads((folder / "out" / "alone.json").read_text())["cases"]
    return {case["case"]: case["rows"][0]["scores"] for case in cases}


def test_each_place_is_a_run_of_its_own(folders):
    assert call(folders, "--sweep", "--sweep-thresholds", "0.3,0.8", "--sweep-factors", "0.4,1") == 0
    found = rows(folders)
    places = {(parameter, value) for _, parameter, value in found}
    assert places == {
        *(("threshold", value) for value in (0.3, 0.5, 0.8)),
        *(("slack", value) for value in (2.0, 5.0)),
        *(("match_radius", value) for value in (2.0, 5.0)),
        *(("merge_radius", value) for value in (1.2000000000000002, 3.0)),
    }
    for value in (0.3, 0.5, 0.8):
        expected = alone(folders, metrics=METRICS, threshold=value)
        assert {case: found[case, "threshold", value] for case in "ab"} == expected
    for option, value, metric in (("slack", 2.0, "ccq"), ("match_radius", 2.0, "junction_f1")):
        expected = alone(folders, f"--{option.replace('_', '-')}", value, metrics=(metric,))
        assert {case: found[case, option, value] for case in "ab"} == expected
    assert found["a", "threshold", 0.3] != found["a", "threshold", 0.8]
    assert found["a", "slack", 2.0] != found["a", "slack", 5.0]


def test_the_overlap_of_matches_is_a_tolerance(folders):
    cells = ["--instances", "foreground"]
    metrics = ("instance_f1",)
    assert (
        call(folders, *cells, "--iou-threshold", "0.55", "--sweep", "--sweep-thresholds", "0.5", metrics=metrics) == 0
    )
    found = rows(folders)
    overlaps = sorted({value for _, parameter, value in found if parameter == "iou_threshold"})
    assert overlaps == [0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9]
    for value in (0.1, 0.9):
        expected = alone(folders, *cells, "--iou-threshold", value, metrics=metrics)
        assert {case: found[case, "iou_threshold", value] for case in "ab"} == expected
    assert any(found[case, "iou_threshold", 0.1] != found[case, "iou_threshold", 0.9] for case in "ab")


def test_a_mean_over_overlaps_stays(folders):
    several = Options(metrics=("instance_f1",), threshold=0.5, iou_threshold=(0.5, 0.75))
    assert {setting.parameter for setting in settings_of(several, SweepOptions())} == {"threshold"}


def test_other_options_stay_as_they_are(folders):
    options = ["--frame", "--patch-size", "8", "--connectivity", "face", "--slack", "1"]
    assert call(folders, *options, "--sweep", "--sweep-thresholds", "0.4", metrics=("ccq", "betti_error")) == 0
    expected = alone(folders, *options, metrics=("ccq", "betti_error"), threshold=0.4)
    assert {case: rows(folders)[case, "threshold", 0.4] for case in "ab"} == expected
    assert rows(folders)["a", "slack", 1.0].keys() == {"ccq.quality", "ccq.correctness", "ccq.completeness"}


def test_files_and_table(folders, capsys):
    assert call(folders, "--sweep", "--sweep-thresholds", "0.3", "--sweep-factors", "1", metrics=("pixel", "ccq")) == 0
    out = folders / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        *("r.csv", "r.json", "r_sweep.csv", "r_sweep.json", "r_sweep.png")
    ]
    with (out / "r_sweep.csv").open() as file:
        table = {(row["case"], row["parameter"], float(row["value"])): row for row in csv.DictReader(file)}
    for place, scores in rows(folders).items():
        assert {column: float(table[place][column]) for column in scores} == scores
        assert all(table[place][column] == "" for column in ("pixel.dice",) if column not in scores)
    dice = {
        value: np.mean([rows(folders)[case, "threshold", value]["pixel.dice"] for case in "ab"]) for value in (0.3, 0.5)
    }
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if line.startswith("pixel.dice"))
    best = max(dice, key=dice.get)
    numbers = (0.5, dice[0.5], min(dice.values()), max(dice.values()), dice[best], best)
    assert line.split() == ["pixel.dice", "threshold", *(f"{number:.4g}" for number in numbers)]
    assert f"The sweep is in {out / 'r_sweep.json'}, {out / 'r_sweep.csv'} and {out / 'r_sweep.png'}" in shown


def test_masks_have_only_tolerances(folders):
    for case in "ab":
        import nibabel

        mask = np.asarray(nibabel.load(folders / "label" / f"{case}.nii").dataobj)
        save_nifti(folders / "pred" / f"{case}.nii", mask)
    assert call(folders, "--sweep", metrics=("pixel", "ccq"), threshold=None) == 0
    assert {parameter for _, parameter, _ in rows(folders)} == {"slack"}


def test_a_later_call_computes_nothing_again(folders, monkeypatch, capsys):
    arguments = ["--sweep", "--sweep-thresholds", "0.4"]
    assert call(folders, *arguments, metrics=("pixel",)) == 0
    before = rows(folders)
    monkeypatch.setattr(workers, "score_case", None)
    monkeypatch.setattr("monai_topo.commands.evaluation.sweep.case.score_masks", None)
    assert call(folders, *arguments, metrics=("pixel",)) == 0
    assert rows(folders) == before
    monkeypatch.undo()
    assert call(folders, "--sweep", "--sweep-thresholds", "0.3", metrics=("pixel",)) == 0
    aside = folders / "out" / "r_sweep-1.json"
    assert f"is {aside} now" in capsys.readouterr().err
    assert rows(folders, aside.name) == before


def test_an_interrupted_call_is_gone_on_with(folders, monkeypatch):
    from monai_topo.commands.evaluation.sweep import case

    score_masks, seen = case.score_masks, []

    def stop(*arguments, **options):
        seen.append(arguments)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return score_masks(*arguments, **options)

    monkeypatch.setattr(case, "score_masks", stop)
    arguments = ["--sweep", "--sweep-thresholds", "0.4,0.6"]
    assert call(folders, *arguments, metrics=("pixel",)) == 130
    assert {name for name, *_ in rows(folders)} == {"a"}
    assert call(folders, *arguments, metrics=("pixel",)) == 0
    assert len(seen) == 4 + 3


def made(values, column="euler_error", parameter="threshold"):
    return [
        {"label": None, "parameter": parameter, "value": value, "scores": {column: number}}
        for value, number in values.items()
    ]


def test_means_leave_out_what_is_undefined_and_the_best_end_is_the_metrics():
    results = {"a": made({0.1: 5.0, 0.2: None, 0.3: None}), "b": made({0.1: 1.0, 0.2: 2.0, 0.3: None})}
    (curve,) = curves_of(results)
    assert curve.values == [0.1, 0.2, 0.3]
    assert curve.means[:2] == [3, 2]
    assert math.isnan(curve.means[2])
    assert curve.best == (0.2, 2)
    assert curves_of({"a": made({0.1: 0.3, 0.2: 0.4}, "pixel.dice")})[0].best == (0.2, 0.4)
    nothing = curves_of({"a": made({0.1: None})})
    assert to_table(nothing, {("threshold", "euler_error"): 0.1}).splitlines()[1].split()[3:] == ["-"] * 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sweep-thresholds", "0.5"], "--sweep-thresholds is of --sweep"),
        (["--sweep", "--sweep-factors", "0,1"], "--sweep-factors must be positive"),
        (["--sweep", "--sweep-factors", "1,1"], "must be different numbers"),
        (["--sweep", "--sweep-thresholds", "nan"], "--sweep-thresholds must be finite"),
        (["--sweep", "--threshold", "128"], "--sweep-thresholds must be given: --threshold 128"),
        (["--sweep", "--compare", "x", "y"], "leave out --pred and --sweep"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(folders, arguments, message, capsys):
    assert call(folders, *arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert message in error[0]
    assert not (folders / "out").exists()


def test_nothing_to_vary():
    with pytest.raises(ValueError, match="nothing to vary: say by --threshold"):
        settings_of(Options(metrics=("pixel",)), SweepOptions())
    with pytest.raises(ValueError, match="--sweep-thresholds needs --threshold"):
        settings_of(Options(metrics=("ccq",)), SweepOptions((0.5,)))


def test_distances_in_a_unit_are_varied_in_that_unit():
    options = Options(metrics=("apls",), spacing=(1.0, 1.0, 2.0), max_snap=8.0, min_path_length=20.0)
    found = settings_of(options, SweepOptions(factors=(0.5, 1.0)))
    assert [(one.parameter, one.value) for one in found] == [
        *(("max_snap", 4.0), ("max_snap", 8.0), ("min_path_length", 10.0), ("min_path_length", 20.0))
    ]
    assert {one.options.spacing for one in found} == {(1.0, 1.0, 2.0)}


def test_the_given_distance_is_always_tried(folders, capsys):
    """Otherwise the table has no score there."""
    assert call(folders, "--sweep", "--sweep-factors", "0.5,2", metrics=("ccq",)) == 0
    assert {value for _, parameter, value in rows(folders) if parameter == "slack"} == {2.5, 5.0, 10.0}
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if " slack " in line]
    assert lines
    assert all(line[3] != "-" for line in lines)


def test_points_of_a_merge_are_varied(folders):
    arguments = ("--sweep", "--sweep-thresholds", "0.5", "--merge-tolerance", "3")
    assert call(folders, *arguments, metrics=("pixel", "expected_run_length")) == 0
    found = rows(folders)
    assert [value for case, name, value in found if (case, name) == ("a", "merge_tolerance")] == [
        *(0, 1, 2, 3, 5, 10, 20, 50)
    ]
    expected = alone(folders, "--merge-tolerance", 5, metrics=("expected_run_length",))
    assert {case: found[case, "merge_tolerance", 5] for case in "ab"} == expected


def test_a_class_that_no_file_holds_has_no_curve(tmp_path):
    label = np.zeros((10, 12, 9), np.uint8)
    label[2:8, 5:7, 4] = 1
    for kind in ("pred", "label"):
        (tmp_path / kind).mkdir()
        save_nifti(tmp_path / kind / "a.nii", label)
    assert call(tmp_path, "--labels", "1,3", "--sweep", metrics=("ccq",), threshold=None) == 1
    content = json.loads((tmp_path / "out" / "r_sweep.json").read_text())
    results = {case["case"]: case["result"] for case in content["cases"]}
    means = {curve.label: curve.means for curve in curves_of(results) if curve.column == "ccq.quality"}
    assert means[1] == [1.0] * 5
    assert all(map(math.isnan, means[3]))


def test_another_file_is_refused_before_anything_is_scored(folders, capsys):
    (folders / "out").mkdir()
    (folders / "out" / "r_sweep.csv").write_text("mine")
    assert call(folders, "--sweep", metrics=("ccq",)) == 2
    assert "r_sweep.csv, which is there already" in capsys.readouterr().err
    assert [path.name for path in (folders / "out").iterdir()] == ["r_sweep.csv"]


def test_what_cannot_be_parsed(folders, capsys):
    with pytest.raises(SystemExit):
        call(folders, "--sweep", "--sweep-thresholds", "a;b")
    assert "must be numbers with commas between them" in capsys.readouterr().err
