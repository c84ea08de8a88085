"""Parts of a page: tables that sort, definition lists, pictures; every text in them is escaped."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True)
class Shown:
    """A cell of a table.

    Attributes:
        text: text that is shown.
        value: number that it is sorted by; None is that of the text.
        mark: CSS class; empty for none.
    """

    text: str
    value: float | None = None
    mark: str = ""


def document(title: str, parts: Sequence[str]) -> str:
    """A page that loads nothing: style, script and pictures are in it, and its policy forbids anything else.

    Args:
        title: title of the page, plain text.
        parts: parts of its body, HTML.
    """
    here = files("monai_topo.commands.evaluation.page")
    style, script = ((here / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + f"\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    """A heading and what stands below it."""
    return "\n".join([f"<section>\n<h2>{escape(title)}</h2>", *parts, "</section>"])


def paragraph(text: str, mark: str = "") -> str:
    """A paragraph of plain text.

    Example:
        >>> paragraph("a < b", "faint")
        '<p class="faint">a &lt; b</p>'
    """
    return f"<p{_class(mark)}>{escape(text)}</p>"


def table(heads: Sequence[str], rows: Sequence[Sequence[Shown]]) -> str:
    """A table that is sorted by a click on a heading."""
    head = "".join(f'<th scope="col"><button type="button">{escape(text)}</button></th>' for text in heads)
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="sorts">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n'
        "</table></div>"
    )


def number(value: float | None, mark: str = "") -> Shown:
    """A number as the tables on the terminal show it; an undefined one sorts last.

    Example:
        >>> number(0.123456).text, number(None).text
        ('0.1235', '-')
    """
    if value is None or math.isnan(value):
        return Shown("-", math.nan, mark)
    return Shown(f"{value:.4g}", float(value), mark)


def definitions(entries: Mapping[str, Any]) -> str:
    """Names and values."""
    lines = (f"<dt>{escape(name)}</dt><dd>{escape(_plain(value))}</dd>" for name, value in entries.items())
    return f"<dl>{''.join(lines)}</dl>"


def figure(caption: str, content: str) -> str:
    """A caption above some HTML."""
    return f"<figure><figcaption>{escape(caption)}</figcaption>{content}</figure>"


def picture(path: Path, caption: str) -> str:
    """A PNG file within the page."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return figure(caption, f'<img alt="{escape(caption)}" src="data:image/png;base64,{data}">')


def grid(parts: Sequence[str], wide: bool = False) -> str:
    """Figures side by side."""
    return f'<div class="grid{" wide" if wide else ""}">{"".join(parts)}</div>'


def _cell(shown: Shown) -> str:
    value = shown.text if shown.value is None else "" if math.isnan(shown.value) else repr(shown.value)
    return f'<td{_class(shown.mark)} data-value="{escape(value)}">{escape(shown.text)}</td>'


def _class(mark: str) -> str:
    return f' class="{mark}"' if mark else ""


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_plain(entry)}" for key, entry in value.items()) or "no options"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value)) or "none"
    return "none" if value is None else str(value)
