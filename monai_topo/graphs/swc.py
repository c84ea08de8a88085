"""SWC tracings as graphs: several roots, any order of lines, any ids, in the axes of the array that was traced.

A line of an SWC file is ``id type x y z radius parent``; parent -1 marks a root. Two passes: all nodes by their ids
first, then every node's edge to its parent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.spacing import check_spacing

if TYPE_CHECKING:
    import networkx

UNITS = ("physical", "voxel")
ORIGINS = ("center", "corner")


@dataclass(frozen=True)
class _Line:
    """One node as the file has it; a ``parent`` of None is a root."""

    number: int
    id: int
    type: int
    xyz: tuple[float, float, float]
    radius: float
    parent: int | None


def read_swc(
    path: str | PathLike[str],
    *,
    spacing: Sequence[float] | float = 1.0,
    unit: str = "physical",
    origin: str = "center",
    axes: str = "xyz",
) -> networkx.MultiGraph:
    r"""Graph of an SWC file; see :func:`swc_graph` for the arguments and the graph.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: as :func:`swc_graph`, with the path in front.

    Example:
        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "neurite.swc"
        ...     _ = path.write_text("1 2 0 0 0 1 -1\n2 2 3 4 0 1 1\n")
        ...     graph = read_swc(path)
        >>> graph.number_of_nodes(), [length for _, _, length in graph.edges(data="length")]
        (2, [5.0])
    """
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace")  # only comments hold more than ASCII
    try:
        return swc_graph(text, spacing=spacing, unit=unit, origin=origin, axes=axes)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def swc_graph(
    text: str,
    *,
    spacing: Sequence[float] | float = 1.0,
    unit: str = "physical",
    origin: str = "center",
    axes: str = "xyz",
) -> networkx.MultiGraph:
    r"""Graph of the text of an SWC file: a tree for each root, every traced point a node.

    A file does not say its unit, its origin or the axes of the array it was traced in: the arguments do. With them
    each coordinate of a node's ``pos`` is

    .. math:: pos = s \cdot x - o \cdot spacing, \qquad s = 1 \text{ or } spacing, \quad o = 0 \text{ or } 1/2

    so that ``pos / spacing`` is an index into the array. Comments, blank lines, columns after the seventh, ids with a
    decimal point, ids with gaps and parents that come after their children are fine.

    Args:
        text: the file's content.
        spacing: size of a voxel along each of ``axes``, or one size for all.
        unit: unit of the file's coordinates and radii: ``"physical"``, that of ``spacing``, or ``"voxel"``: pixels and
            section numbers. A radius in pixels is taken to be one of pixels along x.
        origin: place of the file's coordinate 0: at the ``"center"`` of the first voxel, or at its ``"corner"``, half
            a voxel before, as in files whose nodes end in .5.
        axes: coordinate that runs along each axis of the array: ``"xyz"`` for volumes as this package loads them,
            ``"zyx"`` for stacks with the section first, ``"xy"`` or ``"yx"`` for 2D images (z is ignored).

    Returns:
        Graph whose nodes are the file's ids, with ``pos`` (the order of ``axes``), ``radius`` (0 where unknown) and
        ``type`` (0 undefined, 1 soma, 2 axon, 3 basal, 4 apical dendrite, 5 fork, 6 end). Each edge joins a child to
        its parent and has ``length`` and ``path``, the two ends. The graph has ``spacing`` and ``axes``.

    Raises:
        ValueError: naming the line, when one is malformed, an id comes twice, a parent is missing or a node is its own
            ancestor; when there is no node at all; and for bad arguments.

    Example:
        >>> graph = swc_graph("1 1 0 0 0 2.0 -1\n2 3 3 4 0 1.0 1", axes="zyx")
        >>> graph.nodes[2]["pos"].tolist(), graph.edges[2, 1, 0]["length"]
        ([0.0, 4.0, 3.0], 5.0)
    """
    import networkx

    voxel = _check_arguments(spacing, unit, origin, axes)
    scale = voxel if unit == "voxel" else np.ones(len(axes))
    offset = voxel / 2 if origin == "corner" else np.zeros(len(axes))
    lines = _lines_by_id(text)
    _check_ancestors(lines)
    columns = ["xyz".index(axis) for axis in axes]
    graph = networkx.MultiGraph(spacing=tuple(voxel.tolist()), axes=axes)
    for line in lines.values():
        position = np.array(line.xyz)[columns] * scale - offset
        graph.add_node(line.id, pos=position, radius=line.radius * float(scale[axes.index("x")]), type=line.type)
    for line in lines.values():
        if line.parent is not None:
            ends = np.stack([graph.nodes[line.id]["pos"], graph.nodes[line.parent]["pos"]])
            graph.add_edge(line.id, line.parent, length=float(np.linalg.norm(ends[1] - ends[0])), path=ends)
    return graph


def _check_arguments(spacing: Sequence[float] | float, unit: str, origin: str, axes: str) -> NDArray[np.float64]:
    if sorted(axes) not in (["x", "y", "z"], ["x", "y"]):
        raise ValueError(f'axes must be "xyz" in the order of the array, or "xy" or "yx" for images, got {axes!r}.')
    if unit not in UNITS:
        raise ValueError(f"unit must be one of {UNITS}, got {unit!r}.")
    if origin not in ORIGINS:
        raise ValueError(f"origin must be one of {ORIGINS}, got {origin!r}.")
    return check_spacing(spacing, len(axes))


def _lines_by_id(text: str) -> dict[int, _Line]:
    lines: dict[int, _Line] = {}
    for line in _parse(text):
        if line.id in lines:
            raise ValueError(f"line {line.number}: id {line.id} was given before, in line {lines[line.id].number}.")
        lines[line.id] = line
    if not lines:
        raise ValueError("the SWC holds no node: a line must read `id type x y z radius parent`.")
    for line in lines.values():
        if line.parent is not None and line.parent not in lines:
            raise ValueError(
                f"line {line.number}: parent {line.parent} of node {line.id} is not in the file; a root has parent -1."
            )
    return lines


def _parse(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.partition("#")[0].split()
        if fields:
            yield _parse_line(number, fields)


def _parse_line(number: int, fields: Sequence[str]) -> _Line:
    try:
        node, kind, parent = (_whole(fields[column]) for column in (0, 1, 6))
        x, y, z, radius = map(float, fields[2:6])
    except (ValueError, IndexError):
        x = y = z = radius = math.nan
    if not all(map(math.isfinite, (x, y, z, radius))) or radius < 0 or node < 0:
        raise ValueError(
            f"line {number}: expected `id type x y z radius parent` with whole ids and types, finite coordinates "
            f"and a radius of at least 0, got {' '.join(fields)!r}."
        )
    return _Line(number, node, kind, (x, y, z), radius, None if parent < 0 else parent)


def _whole(text: str) -> int:
    """A whole number as some programs write them, 7 or 7.0; its digits do not pass through a float."""
    digits = re.fullmatch(r"([+-]?\d+)(\.0*)?", text)
    if digits:
        return int(digits[1])
    if not float(text).is_integer():
        raise ValueError(text)
    return int(float(text))


def _check_ancestors(lines: Mapping[int, _Line]) -> None:
    """Climb from every node until a root or a node that is known to lead to one."""
    known: set[int] = set()
    for start in lines:
        climbed: dict[int, None] = {}  # keeps the order of the climb
        node: int | None = start
        while node is not None and node not in known:
            if node in climbed:
                raise ValueError(f"line {lines[node].number}: node {node} is its own ancestor, {_cycle(lines, node)}.")
            climbed[node] = None
            node = lines[node].parent
        known.update(climbed)


def _cycle(lines: Mapping[int, _Line], start: int) -> str:
    """The loop of parents through a node, as text; of a long one the first ten."""
    loop, node = [start], lines[start].parent
    while node is not None and node != start and len(loop) < 10:
        loop.append(node)
        node = lines[node].parent
    return " -> ".join(map(str, [*loop, node if node == start else "..."]))
