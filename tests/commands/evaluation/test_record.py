"""A report is continued, and nothing that is not its own is written over."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from monai_topo.__main__ import main
from monai_topo.commands.evaluation.record import report_files
from monai_topo.data import locked
from tests.commands.evaluation.files import save_nifti


@pytest.fixture
def folders(tmp_path):
    """Two networks and their labels."""
    label = np.zeros((5, 6, 7), np.uint8)
    label[2, 1:5, 3] = 1
    for folder, array in (("label", label), ("net1", label), ("net2", 0 * label)):
        (tmp_path / folder).mkdir()
        save_nifti(tmp_path / folder / "a.nii", array)
    return tmp_path


def call(folder, out, *arguments, network="net1"):
    given = ["--pred", folder / network, "--label", folder / "label", "--out", folder / out]
    return main([str(word) for word in ("evaluate", *given, "--metrics", "euler_error", *arguments)])


def error_of(folder, name="report.json"):
    (case,) = json.loads((folder / name).read_text())["cases"]
    return case["rows"][0]["scores"]["euler_error"]


@pytest.mark.parametrize(
    ("out", "names"),
    [
        ("scores.csv", ("scores.json", "scores.csv")),
        ("scores.JSON", ("scores.JSON", "scores.csv")),
        ("run1.5", ("run1.5.json", "run1.5.csv")),
        ("run", ("run.json", "run.csv")),
    ],
)
def test_json_and_csv_have_names_of_their_own(folders, out, names):
    assert call(folders, out) == 0
    assert [path.name for path in report_files(folders / out)] == list(names)
    assert error_of(folders, names[0]) == 0
    with (folders / names[1]).open() as file:
        assert [row["euler_error"] for row in csv.DictReader(file)] == ["0.0"]
    assert call(folders, out) == 0  # and it goes on from both


def test_a_folder_is_no_report(folders, capsys):
    assert call(folders, "net1") == 2
    assert f"say --out {folders / 'net1' / 'report.json'}" in capsys.readouterr().err


@pytest.mark.parametrize("with_report", [False, True])
@pytest.mark.parametrize("text", ["my,own\n1,2\n", "case,label,mine\n", ""], ids=["other", "similar", "empty"])
def test_a_table_of_somebody_else_stays(folders, capsys, with_report, text):
    if with_report:
        assert call(folders, "x.json") == 0
    elif text.startswith("case"):
        text = "case,label,euler_error\na,,7.0\n"  # a table whose report is gone
    (folders / "x.csv").write_text(text)
    assert call(folders, "x.json") == 2
    assert f"--out would write {folders / 'x.csv'}" in capsys.readouterr().err
    assert (folders / "x.csv").read_text() == text


def test_the_report_of_another_network_stays(folders, capsys):
    assert call(folders, "report.json") == 0
    before = (folders / "report.json").read_bytes()
    assert call(folders, "report.json", network="net2") == 2
    assert f"the report of another prediction, {folders / 'net1'}: name another file" in capsys.readouterr().err
    assert (folders / "report.json").read_bytes() == before
    assert call(folders, "other.json", network="net2") == 0
    assert (error_of(folders), error_of(folders, "other.json")) == (0, 1)


def test_the_report_of_other_options_gets_another_name(folders, capsys):
    assert call(folders, "report.json") == 0
    before = [(folders / f"report.{suffix}").read_bytes() for suffix in ("json", "csv")]
    assert call(folders, "report.json", "--connectivity", "face") == 0
    assert f"kept: the report with other options that was report.json is {folders / 'report-1.json'} now" in (
        capsys.readouterr().err
    )
    assert [(folders / f"report-1.{suffix}").read_bytes() for suffix in ("json", "csv")] == before
    assert call(folders, "report.json") == 0
    assert (folders / "report-2.json").exists()
    assert call(folders, "report.json") == 0  # the same again
    assert not (folders / "report-3.json").exists()


def test_two_at_once_are_refused(folders, capsys):
    with locked(folders / "report.json", "evaluate"):
        assert call(folders, "report.csv") == 2
    error = capsys.readouterr().err
    assert "report.json is being written by another evaluate (process" in error
    assert len(error.strip().splitlines()) == 1
    assert call(folders, "report.json") == 0
    assert not [path for path in folders.iterdir() if path.name.startswith(".")]


def test_damaged_and_foreign_reports_are_refused(folders, capsys):
    for text in ("", "[]", '{"kind": "other"}', '{"kind": "monai_topo evaluate"}', "\x00"):
        (folders / "report.json").write_text(text)
        assert call(folders, "report.json") == 2
        assert "is no report of this command" in capsys.readouterr().err
        assert (folders / "report.json").read_text() == text


def test_a_report_that_was_changed_by_hand_stays(folders, capsys):
    assert call(folders, "report.json") == 0
    content = json.loads((folders / "report.json").read_text())
    del content["cases"][0]["fingerprint"]
    (folders / "report.json").write_text(json.dumps(content))
    capsys.readouterr()
    assert call(folders, "report.json") == 2
    assert "is no report of this command" in capsys.readouterr().err
    assert json.loads((folders / "report.json").read_text()) == content
