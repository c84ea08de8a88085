"""The command: two folders or two reports to one comparison."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from monai_topo.__main__ import main
from monai_topo.commands.evaluation import workers
from tests.commands.evaluation.files import save_nifti

ERRORS = {"one": {"a": 3, "b": 2, "c": 1, "d": 4}, "two": {"a": 1, "b": 2, "c": 0, "d": 1}}
"""Specks in the prediction of each case: what its Euler error is."""


@pytest.fixture
def folders(tmp_path):
    """A line as label, and predictions with specks beside it."""
    for case in "abcd":
        label = np.zeros((5, 12, 7), np.uint8)
        label[2, 1:11, 3] = 1
        arrays = {"label": label}
        for network, specks in ERRORS.items():
            arrays[network] = label.copy()
            arrays[network][0, : 2 * specks[case] : 2, 0] = 1
        for folder, array in arrays.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            save_nifti(tmp_path / folder / f"{case}.nii", array)
    return tmp_path


def call(folder, *arguments, first="one", second="two", metrics=("euler_error",), label="label"):
    given = ["--compare", folder / first, folder / second, "--out", folder / "out" / "c.json"]
    given += ["--label", folder / label] if label else []
    given += ["--metrics", *metrics] if metrics else []
    return main([str(word) for word in ("evaluate", *given, *arguments)])


def content(folder):
    return json.loads((folder / "out" / "c.json").read_text())


def test_two_folders(folders, capsys):
    assert call(folders, metrics=("euler_error", "pixel")) == 0
    found = {one["column"]: one for one in content(folders)["differences"]}
    error = found["euler_error"]
    assert error["in_cases"] == {case: [ERRORS["one"][case], ERRORS["two"][case]] for case in "abcd"}
    assert (error["mean_a"], error["mean_b"], error["difference"]) == (2.5, 1.0, -1.5)
    assert (error["p"], error["b_better"], error["b_worse"], error["equal"]) == (0.25, 3, 0, 1)
    assert -3 <= error["low"] < -1.5 < error["high"] <= 0
    assert found["pixel.dice"]["b_better"] == 3  # there a high number is good
    with (folders / "out" / "c.csv").open() as file:
        rows = {row["column"]: row for row in csv.DictReader(file)}
    assert float(rows["euler_error"]["difference"]) == -1.5
    assert sorted(path.name for path in (folders / "out").iterdir()) == [
        *("c.csv", "c.json", "c.png", "c_a.csv", "c_a.json", "c_b.csv", "c_b.json")
    ]
    shown = capsys.readouterr().out
    assert f"Everything is in {folders / 'out' / 'c.json'}, {folders / 'out' / 'c.csv'} and" in shown


def test_two_reports_give_the_same(folders):
    assert call(folders) == 0
    before = content(folders)["differences"]
    reports = {"first": "out/c_a.json", "second": "out/c_b.json"}
    for name in ("c.json", "c.csv", "c.png"):
        (folders / "out" / name).unlink()
    assert call(folders, **reports, metrics=(), label=None) == 0
    assert content(folders)["differences"] == before


def test_a_later_call_scores_nothing_again(folders, monkeypatch):
    assert call(folders) == 0
    before = content(folders)
    monkeypatch.setattr(workers, "score_case", None)
    assert call(folders) == 0
    assert content(folders) == before


def test_cases_of_one_side_are_named(folders, capsys):
    (folders / "two" / "b.nii").unlink()
    assert call(folders) == 1
    assert "only in A: b" in capsys.readouterr().err
    assert content(folders)["not_compared"] == ["only in A: b"]
    assert list(content(folders)["differences"][0]["in_cases"]) == ["a", "c", "d"]


def test_classes_are_compared_each_on_its_own(folders):
    for network in ("one", "two", "label"):
        array = np.zeros((6, 7, 8), np.uint8)
        array[1, 1:5, 1], array[4, 1:5, 4] = 1, 2
        if network == "two":
            array[4, 2, 4] = 0
        for case in "abcd":
            save_nifti(folders / network / f"{case}.nii", array)
    assert call(folders, "--labels", "1,2") == 0
    found = {one["label"]: one["difference"] for one in content(folders)["differences"]}
    assert found == {1: 0, 2: 1}


def test_p_values_are_corrected_for_the_columns_of_all_classes(folders):
    """Whoever looks at two classes looks at twice as many numbers."""
    for folder in (folders / "one", folders / "two", folders / "label"):
        for case in "abcd":
            import nibabel

            mask = np.asarray(nibabel.load(folder / f"{case}.nii").dataobj)
            save_nifti(folder / f"{case}.nii", np.concatenate([mask, 2 * mask], axis=2))
    assert call(folders, "--labels", "1,2") == 0
    found = {one["label"]: one for one in content(folders)["differences"]}
    assert {label: (one["p"], one["p_holm"]) for label, one in found.items()} == {1: (0.25, 0.5), 2: (0.25, 0.5)}


def test_other_options_or_labels_are_refused(folders, capsys):
    assert call(folders) == 0
    for name, options in {"x": ["--connectivity", "face"], "y": ["--label", folders / "one"], "z": []}.items():
        given = ["--pred", folders / "two", "--label", folders / "label", "--metrics", "euler_error", *options]
        assert main([str(word) for word in ("evaluate", *given, "--out", folders / f"{name}.json")]) == 0
    messages = {
        "x.json": "have other options, connectivity full and face: score both with the same",
        "y.json": "have other labels",
    }
    for report, message in messages.items():
        capsys.readouterr()
        assert call(folders, "--out", folders / "new.json", first="z.json", second=report, metrics=(), label=None) == 2
        assert message in capsys.readouterr().err
    assert not (folders / "new.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"second": "one"}, "two different folders or reports"),
        ({"second": "out/c_b.json"}, "takes two folders or two reports"),
        ({"label": None}, "needs --label"),
        ({"second": "nowhere"}, "no such file or folder"),
        ({"label": "nowhere"}, "no such file or folder"),
        ({"first": "x.json", "second": "y.json"}, "leave out --label and all options"),
        ({"first": "x.json", "second": "y.json", "label": None, "metrics": ()}, "no such report"),
        ({"first": "c.json", "second": "label.json", "label": None, "metrics": ()}, "takes reports of evaluate (JSON)"),
    ],
    ids=str,
)
def test_what_cannot_be_compared(folders, arguments, message, capsys):
    for name in ("c.json", "label.json"):
        (folders / name).write_text("{}")
    assert call(folders, **arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert message in error[0]
    assert not (folders / "out").exists()


@pytest.mark.parametrize("arguments", [["--pred", "x"], ["--figures", "y"]], ids=lambda given: given[0])
def test_what_does_not_go_with_a_comparison(folders, arguments, capsys):
    assert call(folders, *arguments) == 2
    assert f"--compare names what is compared: leave out {arguments[0]}" in capsys.readouterr().err


def test_a_side_without_scores_is_named(folders, capsys):
    for case in "abcd":
        save_nifti(folders / "two" / f"{case}.nii", np.zeros((4, 4, 4), np.uint8))
    assert call(folders) == 2
    assert f"no case of {folders / 'two'} is scored" in capsys.readouterr().err.splitlines()[-1]


def test_nothing_is_written_over(folders, capsys):
    assert call(folders) == 0
    for file, message in (("c.json", "is no result of monai_topo evaluate --compare"), ("c.csv", "is there already")):
        out = folders / "other"
        out.mkdir(exist_ok=True)
        (out / file).write_text("{}")
        assert call(folders, "--out", out / "c.json") == 2
        assert message in capsys.readouterr().err
        assert (out / file).read_text() == "{}"
        (out / file).unlink()
    assert call(folders, first="two", second="one") == 2
    assert "with another a, " in capsys.readouterr().err


def test_what_is_scored_must_be_named(folders, capsys):
    assert main(["evaluate", "--label", str(folders / "label")]) == 2
    assert "--pred must be given" in capsys.readouterr().err
