"""Parts of a page that a command writes: what stands between ``<!-- name -->`` and ``<!-- /name -->``."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def _between(name):
    return re.compile(rf"(<!-- {re.escape(name)} -->\n)(.*?)(<!-- /{re.escape(name)} -->)", re.DOTALL)


def read_section(page, name):
    """What the part ``name`` of a page under ``docs`` holds."""
    found = _between(name).search((DOCS / page).read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"{DOCS / page} must hold the part {name!r}.")
    return found[2].strip()


def write_section(page, name, text):
    """Replace the part ``name`` of a page under ``docs``; the page must have it."""
    path = DOCS / page
    before = path.read_text(encoding="utf-8")
    written, count = _between(name).subn(lambda match: f"{match[1]}{text.strip()}\n{match[3]}", before)
    if count != 1:
        raise ValueError(f"{path} must hold the part {name!r} once, found it {count} times.")
    temporary = path.with_suffix(".part")
    temporary.write_text(written, encoding="utf-8")
    temporary.replace(path)
