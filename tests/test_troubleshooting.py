"""The messages on the page are the code's."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def texts():
    """Every string of the package, with … where a value goes in; pieces that are added up are one."""
    for path in sorted((ROOT / "monai_topo").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
                yield text_of(node)


def text_of(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.replace("%d", "…").replace("%s", "…")
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return "…"


def messages(page):
    """First column of each table."""
    for row in re.findall(r"^\| (`.*?) \| ", page, re.M):
        yield from re.findall(r"`((?:[^`]|`(?=[a-z…])[^`]*`)+)`(?:, |$)", row)


def is_in(message, sources):
    pieces = [re.escape(piece.strip()) for piece in message.split("…") if piece.strip(" .:,;()")]
    pattern = re.compile(r".*?".join(pieces), re.S)
    return bool(pieces) and any(pattern.search(source) for source in sources)


def test_every_message_is_the_codes():
    listed = list(messages((ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")))
    sources = list(texts())
    assert len(listed) > 80
    assert [message for message in listed if not is_in(message, sources)] == []


def test_a_message_that_nobody_writes_is_seen():
    sources = list(texts())
    assert is_in("no prediction in … has the name of a label in …: … for instance.", sources)
    assert not is_in("no prediction in … has the name of a mask in …", sources)
    assert not is_in("…", sources)


def raised(*rooms):
    """What is raised in some rooms, with … where a value goes in."""
    for room in rooms:
        for path in sorted((ROOT / "monai_topo" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                    yield text_of(node.exc.args[0])


def test_what_evaluate_raises_is_listed():
    """But for arguments out of range, which name themselves."""
    listed = list(messages((ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")))
    missing = [
        text
        for text in raised("commands/evaluation")
        if text.strip("… :") and "must be" not in text and not any(is_in(message, [text]) for message in listed)
    ]
    assert missing == []


def test_what_segment_and_the_readers_of_zarr_raise_is_listed():
    """But for arguments out of range, which name themselves."""
    listed = list(messages((ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")))
    readers = [text for text in raised("data/readers") if "zarr" in text.lower() or "level" in text]
    assert len(readers) > 8
    missing = [
        text
        for text in (*raised("commands/segmentation"), *readers)
        if text.strip("… :") and "must be" not in text and not any(is_in(message, [text]) for message in listed)
    ]
    assert missing == []
