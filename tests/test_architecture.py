"""Imports go down: the ranks are read from docs/architecture.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOP_RANK = 4


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


def test_rank_0_knows_nothing_of_monai():
    for path, module in modules():
        if ranks()[unit_of(module)] == 0:
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert "monai" not in {name.split(".")[0] for name in names}, module


def test_files_are_short_and_quiet():
    for path, module in modules():
        source = path.read_text()
        assert len(source.splitlines()) <= 400, module
        if not module.startswith("monai_topo.commands"):
            assert not re.search(r"^\s*print\(", source, re.M), module
