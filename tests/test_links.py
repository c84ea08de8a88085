"""Links between the project's pages lead to files, and to headings that are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", ".github/*.md", "docs/**/*.md", "docs/tutorials/*.ipynb", "bundles/*/docs/*.md")
    for path in ROOT.glob(pattern)
    if not path.relative_to(ROOT).as_posix().startswith(("docs/reference/", "docs/_build/"))
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")


def text_of(page):
    """Without code, in which brackets are no links."""
    if page.suffix == ".ipynb":
        cells = json.loads(page.read_text())["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = page.read_text()
    return re.sub(r"^ *```.*?^ *```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """Of each heading, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page):
    """Links of a page that lead nowhere. The reference is there once the site is built."""
    found = []
    for place, anchor in LINK.findall(text_of(page)):
        target = page.parent / place if place else page
        if (ROOT / "docs" / "reference") in target.parents:
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(f"{place}#{anchor}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path):
    page = tmp_path / "page.md"
    links = "[a](page.md#a-heading-of-two) [b](page.md#b) [c](gone.md)"
    page.write_text(f"# A heading: of `two`\n{links}\n```\n[d](no)\n```\n")
    assert broken(page) == ["page.md#b", "gone.md#"]
