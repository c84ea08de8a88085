"""Names as a terminal and a table may show them."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""A text that does nothing to a terminal: names in archives may hold anything.

    Example:
        >>> printable("a\x1b[31mb")
        'a\\x1b[31mb'
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
