"""How docstrings begin what they say of an argument: with what it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "monai_topo"
SECTION = re.compile(r"^(?:Args|Attributes):\n((?:    .*(?:\n|$)|\n)+)", re.MULTILINE)
ARGUMENT = re.compile(r"^    (\*{0,2}\w[\w, *]*)(?: \([^)]*\))?: (.*)$", re.MULTILINE)
NO_NOUN = re.compile(
    r"(?:apply|as|by|for|from|how|if|in|instead|of|on|so|takes|that|to|under|what|when|where|which|whose|with)\b", re.I
)
"""First words that leave the reader to guess what the argument is. \"whether\" says that it is yes or no."""


def vague(docstring):
    """The arguments whose description does not begin with what they are."""
    described = [found for section in SECTION.findall(docstring) for found in ARGUMENT.findall(section)]
    return [f"{name}: {text}" for name, text in described if NO_NOUN.match(text)]


def test_arguments_begin_with_what_they_are():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                assert vague(ast.get_docstring(node)) == [], f"{path.relative_to(PACKAGE)}, {node.name}"


def undescribed(node):
    """The arguments of a public class or function that its docstring's list of arguments leaves out."""
    functions = [item for item in [node, *getattr(node, "body", [])] if isinstance(item, ast.FunctionDef)]
    function = next((item for item in functions if item is node or item.name == "__init__"), None)
    docstring = ast.get_docstring(node) or ""
    if function is None or node.name.startswith("_") or "\nArgs:\n" not in docstring:
        return []
    described = [
        name
        for section in SECTION.findall(docstring)
        for names, _ in ARGUMENT.findall(section)
        for name in names.split(", ")
    ]
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [item.arg for item in given if item.arg not in ("self", "cls", *described)]


def test_every_argument_is_described():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                assert undescribed(node) == [], f"{path.relative_to(PACKAGE)}, {node.name}"


def test_one_that_is_left_out_is_seen():
    code = 'def draw(seed, size):\n    """Draw.\n\n    Args:\n        seed: number.\n    """\n'
    assert undescribed(ast.parse(code).body[0]) == ["size"]


def test_a_vague_one_is_seen():
    docstring = "Draw.\n\nArgs:\n    seed: of random patches.\n    size: voxels\n        for each axis.\n"
    assert vague(docstring) == ["seed: of random patches."]
