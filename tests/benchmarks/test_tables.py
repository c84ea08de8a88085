"""Tables of the pages that a command makes: they are what the command makes now."""

from __future__ import annotations

import pytest

from tests.benchmarks.figure_mending import mend_all, table
from tests.benchmarks.sections import DOCS, write_section


@pytest.mark.slow
def test_which_loss_mends_which_error():
    assert table(mend_all()) in (DOCS / "losses.md").read_text(encoding="utf-8")


def test_a_section_is_replaced_and_the_rest_stays(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- part -->\nold\n<!-- /part -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr("tests.benchmarks.sections.DOCS", tmp_path)
    write_section("page.md", "part", r"new \1")
    assert page.read_text(encoding="utf-8") == "before\n<!-- part -->\nnew \\1\n<!-- /part -->\nafter\n"
    with pytest.raises(ValueError, match="'other' once, found it 0 times"):
        write_section("page.md", "other", "new")
