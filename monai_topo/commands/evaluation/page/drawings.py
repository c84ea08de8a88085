"""Drawings of numbers as SVG: the cases of a column on a line, and curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _MARGIN = 260.0, 10.0


def strip(cases: Mapping[str, float], mean: float) -> str:
    """A point for each case on an axis, its name under the pointer, and a stroke at the mean.

    Args:
        cases: name to number; NaN is left out.
        mean: mean of the numbers.
    """
    defined = {name: value for name, value in cases.items() if not math.isnan(value)}
    if not defined:
        return "<p>undefined in every case</p>"
    low, high = min(defined.values()), max(defined.values())
    points = [
        f'<circle cx="{_place(value, low, high):.1f}" cy="{20 + 4 * (place % 5 - 2)}" r="4">'
        f"<title>{escape(name)}: {value:.4g}</title></circle>"
        for place, (name, value) in enumerate(defined.items())
    ]
    at = _place(mean, low, high)
    return _svg(
        48,
        f'<line class="axis" x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="36" y2="36"/>',
        *points,
        f'<line class="middle" x1="{at:.1f}" x2="{at:.1f}" y1="6" y2="36"><title>mean: {mean:.4g}</title></line>',
        *_ends(low, high, 47),
    )


def curves(values: Sequence[float], means: Sequence[float], cases: Sequence[Sequence[float]], given: float) -> str:
    """Lines of the cases and of their mean over a parameter; a dashed stroke at the value of the evaluation.

    Args:
        values: values of the parameter, rising.
        means: mean at each value.
        cases: numbers of each case at each value.
        given: value that is marked.
    """
    numbers = [number for line in (means, *cases) for number in line if not math.isnan(number)]
    if not numbers:
        return "<p>undefined in every case</p>"
    low, high = min(numbers), max(numbers)
    left, right = values[0], values[-1]

    def line(line_numbers: Sequence[float], kind: str) -> str:
        points = [
            f"{_place(value, left, right):.1f},{_height(number, low, high):.1f}"
            for value, number in zip(values, line_numbers, strict=True)
            if not math.isnan(number)
        ]
        return f'<polyline class="{kind}" points="{" ".join(points)}"/>'

    at = _place(given, left, right)
    return _svg(
        150,
        f'<line class="axis" x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="122" y2="122"/>',
        f'<line class="given" x1="{at:.1f}" x2="{at:.1f}" y1="14" y2="122"><title>given: {given:.4g}</title></line>',
        *(line(found, "case") for found in cases),
        line(means, "mean"),
        f'<text x="{_MARGIN}" y="10">{high:.4g}</text><text x="{_MARGIN}" y="118">{low:.4g}</text>',
        *_ends(left, right, 137),
    )


def _place(value: float, low: float, high: float) -> float:
    share = 0.5 if high == low else min(max((value - low) / (high - low), 0), 1)
    return _MARGIN + share * (_WIDTH - 2 * _MARGIN)


def _height(value: float, low: float, high: float) -> float:
    return 70.0 if high == low else 118 - (value - low) / (high - low) * 100


def _ends(low: float, high: float, y: float) -> list[str]:
    left = f'<text x="{_MARGIN}" y="{y}">{low:.4g}</text>'
    right = f'<text x="{_WIDTH - _MARGIN}" y="{y}" text-anchor="end">{high:.4g}</text>'
    return [left, right] if high > low else [left]


def _svg(height: float, *parts: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img">{"".join(parts)}</svg>'
