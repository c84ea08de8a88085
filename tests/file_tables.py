"""The tables of files in docs/architecture.md, made from the first lines of the modules' docstrings.

``python -m tests.file_tables`` writes them anew.
"""

from __future__ import annotations

import ast
import re
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
_BETWEEN = re.compile(r"(?<=<!-- files -->\n).*?(?=<!-- /files -->)", re.S)


def file_tables() -> str:
    """A table for each folder of the package: its files and what they hold."""
    files = sorted((ROOT / "monai_topo").rglob("*.py"), key=lambda path: (path.parent, path.name))
    return "\n".join(_table(folder, list(paths)) for folder, paths in groupby(files, key=lambda path: path.parent))


def _table(folder: Path, files: list[Path]) -> str:
    about = next((first_line(path) for path in files if path.name == "__init__.py"), "")
    rows = [f"| `{path.name}` | {first_line(path)} |" for path in files if path.name != "__init__.py"]
    title = f"### `{folder.relative_to(ROOT)}`\n\n{about}\n"
    return "\n".join([title, "| file | what it holds |", "| --- | --- |", *rows, ""]) if rows else f"{title}"


def first_line(path: Path) -> str:
    """What a module says it holds."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n")[0].replace("``", "`").replace("|", "\\|")


def written_tables() -> str:
    """The tables as they stand on the page."""
    found = _BETWEEN.search(PAGE.read_text(encoding="utf-8"))
    return found.group() if found else ""


def write() -> None:
    """Put the tables of today between the page's marks."""
    PAGE.write_text(_BETWEEN.sub(lambda _: file_tables(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
