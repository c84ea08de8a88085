"""Imports go down: the ranks are read from docs/architecture.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.file_tables import file_tables, first_line, written_tables

ROOT = Path(__file__).resolve().parent.parent
TOP_RANK = 5
MOST_LINES = 300


def ranks():
    table = re.findall(r"^rank (\d)  monai_topo/(\w+)(?:/|\.py)", (ROOT / "docs/architecture.md").read_text(), re.M)
    return {unit: int(rank) for rank, unit in table}


def unit_of(module):
    """First-level unit of a dotted module of ours; the package itself is ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(source, module):
    """Dotted names of ours that a module imports, at any depth of its code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "monai_topo")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports hide where they go"
            if node.module == "monai_topo":
                yield from (f"monai_topo.{alias.name}" for alias in node.names)
            elif (node.module or "").startswith("monai_topo."):
                yield node.module


def violations(source, module):
    rank = ranks()
    here = unit_of(module)
    for imported in imports(source, module):
        there = unit_of(imported)
        if here == there or rank[there] < rank[here] or rank[there] == rank[here] == TOP_RANK:
            continue
        yield f"{module} (rank {rank[here]}) imports {imported} (rank {rank[there]})"


def behind_a_face(source, module):
    """Imports from a file of another first-level subpackage, and not from the subpackage itself."""
    here = unit_of(module)
    for imported in imports(source, module):
        if unit_of(imported) != here and imported.count(".") > 1 and ranks()[here] < TOP_RANK:
            yield f"{module} imports {imported}"


def modules():
    for path in sorted((ROOT / "monai_topo").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_unit_has_a_rank():
    units = {unit_of(module) for _, module in modules()}
    assert units == set(ranks())


def test_imports_go_down():
    assert [found for path, module in modules() for found in violations(path.read_text(), module)] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("monai_topo.topology.field", "from monai_topo.data import phantoms"),
        ("monai_topo.losses.base", "import monai_topo.metrics"),
        ("monai_topo.metrics.x", "def f():\n    from monai_topo.handlers import BettiError"),
        ("monai_topo.data.x", "from monai_topo import losses"),
    ],
)
def test_an_import_that_goes_up_is_seen(module, line):
    assert list(violations(line, module))


def test_nothing_is_imported_from_behind_a_face():
    assert [found for path, module in modules() for found in behind_a_face(path.read_text(), module)] == []


@pytest.mark.parametrize(
    ("module", "line", "seen"),
    [
        ("monai_topo.losses.x", "from monai_topo.topology.field import to_array", True),
        ("monai_topo.graphs.x", "def f():\n    import monai_topo.topology.compiled.kernel", True),
        ("monai_topo.losses.x", "from monai_topo.topology import to_array", False),
        ("monai_topo.losses.x", "from monai_topo.losses.base import TopologyLoss", False),
        ("monai_topo.commands.x", "from monai_topo.data.readers.volume import read_volume", False),
    ],
)
def test_an_import_from_behind_a_face_is_seen(module, line, seen):
    assert bool(list(behind_a_face(line, module))) is seen


def test_the_mathematics_know_nothing_of_monai():
    table = re.findall(r"^rank \d  monai_topo/(\w+)/ .*never monai$", (ROOT / "docs/architecture.md").read_text(), re.M)
    assert {"topology", "graphs"} <= {*table}
    for path, module in modules():
        if unit_of(module) in table:
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert "monai" not in {name.split(".")[0] for name in names}, module


def test_files_are_short_and_quiet():
    for path, module in modules():
        source = path.read_text()
        assert len(source.splitlines()) <= MOST_LINES, module
        if not module.startswith("monai_topo.commands"):
            assert not re.search(r"^\s*print\(", source, re.M), module


def test_the_tables_of_files_are_those_of_today():
    assert written_tables() == file_tables(), "python -m tests.file_tables writes them anew"
    for path, _ in modules():
        if path.name != "__init__.py":
            assert f"| `{path.name}` | " in written_tables(), path


def test_a_file_without_a_docstring_is_seen(tmp_path):
    (tmp_path / "x.py").write_text("y = 1")
    assert first_line(tmp_path / "x.py") == ""
    for path, module in modules():
        assert first_line(path), f"{module} has no docstring"
