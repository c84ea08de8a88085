"""``evaluate --html``: one page that holds all and loads nothing, whatever the names of the cases are."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields
from html.parser import HTMLParser

import numpy as np
import pytest

from monai_topo.__main__ import main
from monai_topo.commands.evaluation import Options
from monai_topo.commands.evaluation.page import run
from monai_topo.commands.evaluation.page.drawings import curves, strip
from monai_topo.commands.evaluation.page.html import Shown, document, table
from monai_topo.data import phantoms
from tests.commands.evaluation.files import save_nifti

NAMES = ("plain", "<b onload=alert(1)>", "x & 'y' \"z\"", "Gefäß_\N{GREEK SMALL LETTER ALPHA}")


class Page(HTMLParser):
    """Tags with their attributes, and rows of cells."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.texts, self._cell = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append(("", dict(attributes).get("data-value")))
            self._cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        self.texts.append(data)
        if self._cell:
            text, value = self.rows[-1][-1]
            self.rows[-1][-1] = (text + data, value)


@pytest.fixture
def folders(tmp_path):
    """Cases whose names are hard on a page."""
    rng = np.random.default_rng(0)
    for seed, name in enumerate(NAMES):
        label = phantoms.tree((16, 18, 14), num_branches=2, seed=seed).label
        soft = np.clip(0.7 * label + rng.normal(0.1, 0.05, label.shape), 0, 1).astype(np.float32)
        for folder, array in {"label": label, "pred": soft}.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            save_nifti(tmp_path / folder / f"{name}.nii", array)
    return tmp_path


def call(folder, *arguments):
    given = ["--pred", folder / "pred", "--label", folder / "label", "--out", folder / "out" / "r.json"]
    given += ["--threshold", "0.5", "--metrics", "pixel", "betti_error", "--html"]
    return main([str(word) for word in ("evaluate", *given, *arguments)])


def test_the_page_holds_all_and_loads_nothing(folders, capsys):
    assert call(folders, "--controls", "--control-draws", "2", "--sweep", "--sweep-thresholds", "0.3") == 0
    path = folders / "out" / "r.html"
    assert f"The page is {path}" in capsys.readouterr().out
    text = path.read_text(encoding="utf-8")
    page, report = Page(text), json.loads((folders / "out" / "r.json").read_text())
    plain = re.sub(r"base64,[^\"]*", "", text)
    assert not re.search(r"https?:|[\"'(=]//|@import|url\(", plain)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
    assert ("b", {}) not in page.tags
    assert sum(tag == "img" for tag, _ in page.tags) >= 3
    assert sum(tag == "svg" for tag, _ in page.tags) == 9 + 9  # a strip and a curve for each column
    rows = {row[0][0]: row for row in page.rows if row}
    for case in report["cases"]:
        (scores,) = [row["scores"] for row in case["rows"]]
        assert [float(value) for _, value in rows[case["case"]][1:]] == list(scores.values())
    assert {name for name in rows if name in NAMES} == set(NAMES)
    texts = "".join(page.texts)
    for name in (*(field.name for field in fields(Options)), *report["versions"], "empty answer", "random trees"):
        assert name in texts
    assert str(report["versions"]["numpy"]) in texts
    assert sorted(path.name for path in (folders / "out").iterdir() if "_" not in path.name) == [
        *("r.csv", "r.html", "r.json")
    ]


def test_pictures_are_kept_where_they_are_asked_for(folders):
    assert call(folders, "--figures", folders / "figures") == 0
    drawn = list((folders / "figures" / "r").rglob("*.png"))
    text = (folders / "out" / "r.html").read_text(encoding="utf-8")
    assert text.count("<img") == len(drawn) > 0


def test_a_page_is_written_anew_and_nothing_else_is(folders, monkeypatch, capsys):
    monkeypatch.setattr(run, "draw_worst", lambda *_: [])
    path = folders / "out" / "r.html"
    assert call(folders) == 0
    before = path.read_text(encoding="utf-8")
    assert call(folders) == 0
    assert path.read_text(encoding="utf-8") == before
    path.write_text("<html>mine</html>")
    assert call(folders) == 2
    assert f"--html would write {path}, which is there already" in capsys.readouterr().err
    assert path.read_text() == "<html>mine</html>"


def test_failures_are_on_the_page(folders, monkeypatch):
    monkeypatch.setattr(run, "draw_worst", lambda *_: [])
    save_nifti(folders / "pred" / "plain.nii", np.zeros((3, 4, 5), np.float32))
    save_nifti(folders / "pred" / "alone <i>.nii", np.zeros((3, 4, 5), np.float32))
    assert call(folders) == 1
    texts = "".join(Page((folders / "out" / "r.html").read_text(encoding="utf-8")).texts)
    assert "Not scored: plain: " in texts
    assert "Not paired: alone <i>: no label" in texts


def test_no_page_of_a_comparison(folders, capsys):
    assert main(["evaluate", "--compare", "a", "b", "--label", "c", "--html"]) == 2
    assert "leave out --html" in capsys.readouterr().err


def test_undefined_numbers_sort_last_and_text_is_escaped():
    (_, head, row) = (None, *Page(table(["<a>"], [[Shown("<&>", math.nan)]])).rows)
    assert head == [("<a>", None)]
    assert row == [("<&>", "")]
    assert "<title>&lt;x&gt;</title>" in document("<x>", [])


def test_drawings_keep_inside():
    for text in (
        strip({"<a>": 1.0, "b": 3.0, "c": math.nan}, 2.0),
        curves([1, 2, 4], [5, math.nan, 7], [[5, 6, 7]], 9.0),
    ):
        numbers = [float(x) for x in re.findall(r'c?x[12]?="([\d.]+)"', text)]
        assert numbers
        assert 0 <= min(numbers) <= max(numbers) <= 260
    assert "&lt;a&gt;: 1" in strip({"<a>": 1.0}, 1.0)
    assert (
        strip({"a": math.nan}, math.nan) == curves([1], [math.nan], [[math.nan]], 1) == "<p>undefined in every case</p>"
    )
