"""Parts of a page that a command writes: what stands between ``<!-- name -->`` and ``<!-- /name -->``."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def write_section(page, name, text):
    """Replace the part ``name`` of a page under ``docs``; the page must have it."""
    path = DOCS / page
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    written, count = pattern.subn(lambda match: f"{begin}\n{text.strip()}\n{end}", path.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{path} must hold the part {name!r} once, found it {count} times.")
    temporary = path.with_suffix(".part")
    temporary.write_text(written, encoding="utf-8")
    temporary.replace(path)
