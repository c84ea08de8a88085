"""SWC tracings: what is seen in the wild, units and axes worked out by hand, and what is refused."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import tifffile

from monai_topo.graphs import read_swc, swc_graph

FORK = """# a fork
1 1 1 2 3 0.5 -1
2 3 4 6 3 0.25 1
3 3 4 6 15 0 2
"""


def plain(graph):
    """Everything a graph holds, in a form that can be compared."""
    nodes = {node: (data["pos"].tolist(), data["radius"], data["type"]) for node, data in graph.nodes(data=True)}
    edges = {frozenset((u, v)): data["length"] for u, v, data in graph.edges(data=True)}
    return nodes, edges


def test_by_hand():
    graph = swc_graph(FORK)
    assert isinstance(graph, networkx.MultiGraph)
    assert plain(graph) == (
        {1: ([1, 2, 3], 0.5, 1), 2: ([4, 6, 3], 0.25, 3), 3: ([4, 6, 15], 0, 3)},
        {frozenset((1, 2)): 5, frozenset((2, 3)): 12},
    )
    assert graph.edges[2, 3, 0]["path"].tolist() == [[4, 6, 15], [4, 6, 3]]
    assert graph.graph == {"spacing": (1, 1, 1), "axes": "xyz"}


@pytest.mark.parametrize(
    "text",
    [
        "3 3 4 6 15 0 2\n2 3 4 6 3 0.25 1\n1 1 1 2 3 0.5 -1\n",
        FORK.replace("\n", "\r\n"),
        FORK.replace("\n", "\n\n  \n"),
        FORK.replace("1 1 1", "1.0 1.0 1.0").replace("0 2\n", "0 2.000\n"),
        FORK.replace(" 1\n", "\t1 7 0.5 n/a\n"),
        FORK.replace(" 1\n", " 1 # here it turns\n"),
        "   " + FORK.replace("\n", "\n\t").rstrip(),
        FORK.replace("-1\n", "-1.0\n"),
    ],
    ids=["parents-after", "crlf", "blank", "decimal", "extra", "comment", "indented", "decimal-root"],
)
def test_the_same_tracing_written_otherwise(text):
    assert plain(swc_graph(text)) == plain(swc_graph(FORK))


@pytest.mark.parametrize("form", ["{}", "{}.0", "+{}"])
def test_ids_do_not_pass_through_a_float(form):
    """2^53 and 2^53 + 1 are one number in float64."""
    first, second = (form.format(number) for number in (2**53, 2**53 + 1))
    graph = swc_graph(f"{first} 1 0 0 0 1 -1\n{second} 1 1 0 0 1 {first}")
    assert sorted(graph) == [2**53, 2**53 + 1]


def test_several_roots_and_ids_with_gaps():
    graph = swc_graph("10 1 0 0 0 1 -1\n3 3 1 0 0 1 10\n70 1 9 0 0 1 -1\n5000000000 3 9 2 0 1 70\n4 1 5 5 5 1 -1")
    assert sorted(map(sorted, networkx.connected_components(graph))) == [[3, 10], [4], [70, 5000000000]]


@pytest.mark.parametrize(
    ("options", "position", "radius", "length"),
    [
        ({}, [4, 6, 3], 0.25, 5),
        ({"axes": "zyx"}, [3, 6, 4], 0.25, 5),
        ({"axes": "yx"}, [6, 4], 0.25, 5),
        ({"spacing": (3, 4, 7), "unit": "voxel"}, [12, 24, 21], 0.75, np.hypot(9, 16)),
        ({"spacing": (7, 4, 3), "unit": "voxel", "axes": "zyx"}, [21, 24, 12], 0.75, np.hypot(9, 16)),
        ({"spacing": (0.5, 2, 4)}, [4, 6, 3], 0.25, 5),
        ({"spacing": (0.5, 2, 4), "origin": "corner"}, [3.75, 5, 1], 0.25, 5),
        ({"spacing": 2, "unit": "voxel", "origin": "corner"}, [7, 11, 5], 0.5, 10),
    ],
    ids=str,
)
def test_units_origin_and_axes(options, position, radius, length):
    graph = swc_graph(FORK, **options)
    assert graph.nodes[2]["pos"].tolist() == pytest.approx(position)
    assert graph.nodes[2]["radius"] == pytest.approx(radius)
    assert graph.edges[2, 1, 0]["length"] == pytest.approx(length)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no node"),
        ("# only a comment\n", "no node"),
        ("1 1 0 0 0 1 -1\n2 3 0 0 1 1\n", r"line 2: expected .* got '2 3 0 0 1 1'"),
        ("1 1 0 0 zero 1 -1", "line 1: expected"),
        ("1 1 0 0 nan 1 -1", "line 1: expected"),
        ("1 1 0 0 inf 1 -1", "line 1: expected"),
        ("1 1 0 0 0 -2 -1", "line 1: .*radius"),
        ("1.5 1 0 0 0 1 -1", "line 1: .*whole ids"),
        ("-3 1 0 0 0 1 -1", "line 1: expected"),
        ("1 1 0 0 0 1 0.5", "line 1: .*whole ids"),
        ("1 1 0 0 0 1 inf", "line 1: expected"),
        ("1 1 0 0 0 1 -1\n\n1 1 2 2 2 1 -1", "line 3: id 1 was given before, in line 1"),
        ("#\n1 1 0 0 0 1 -1\n2 3 1 1 1 1 7", "line 3: parent 7 of node 2 is not in the file"),
        ("1 1 0 0 0 1 1", "line 1: node 1 is its own ancestor, 1 -> 1"),
        ("1 1 0 0 0 1 -1\n2 3 1 0 0 1 4\n3 3 2 0 0 1 2\n4 3 3 0 0 1 3", r"line 2: node 2 .*, 2 -> 4 -> 3 -> 2\."),
        ("\n".join(f"{n} 3 {n} 0 0 1 {n % 30 + 1}" for n in range(1, 31)), r"line 1: .* -> 10 -> \.\.\."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, message):
    with pytest.raises(ValueError, match=message):
        swc_graph(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "um"}, "unit must be one of"),
        ({"origin": "top"}, "origin must be one of"),
        ({"axes": "xz"}, "axes must be"),
        ({"axes": "xxyz"}, "axes must be"),
        ({"spacing": (1, 1)}, "spacing must be one positive number"),
        ({"spacing": 0}, "spacing must be one positive number"),
        ({"spacing": float("nan")}, "spacing must be one positive number"),
        ({"spacing": (1, 1), "axes": "yx", "unit": "micron"}, "unit must be"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        swc_graph(FORK, **options)


def test_a_long_chain_with_every_parent_after_its_child():
    count = 20000
    graph = swc_graph("\n".join(f"{n} 3 {n} 0 0 1 {n + 1 if n < count else -1}" for n in range(1, count + 1)))
    assert networkx.is_tree(graph)
    assert graph.size("length") == pytest.approx(count - 1)


def test_a_file(tmp_path):
    path = tmp_path / "fork.swc"
    path.write_bytes(b"\xef\xbb\xbf# traced by J\xf6rg\r\n" + FORK.encode())
    assert plain(read_swc(path)) == plain(swc_graph(FORK))
    path.write_text("1 1 0 0")
    with pytest.raises(ValueError, match=r"fork\.swc: line 1: expected"):
        read_swc(path)
    with pytest.raises(FileNotFoundError):
        read_swc(tmp_path / "none.swc")


def test_a_real_tracing_lies_on_bright_voxels(real_data):
    folder = real_data / "neuron_spotspine"
    stack = tifffile.imread(folder / "SpotSpine_ImageStack_Test.tif")  # (z, y, x)
    spacing = (0.21, 0.06, 0.06)
    graph = read_swc(folder / "SpotSpine_ImageStack_Test.swc", spacing=spacing, axes="zyx")
    assert networkx.is_tree(graph)
    indices = np.rint([data["pos"] / spacing for _, data in graph.nodes(data=True)]).astype(int)
    on_tracing = stack[tuple(indices.T)].mean()
    assert on_tracing > 4 * stack.mean()
    mirrored = (np.array(stack.shape) - 1 - indices).clip(0)
    assert stack[tuple(mirrored.T)].mean() < on_tracing / 2  # so a wrong order of axes would be seen
