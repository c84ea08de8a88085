"""Lengths of the shortest paths between places of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.network import Network, Places

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BLOCK = 256


def path_lengths(network: Network, starts: Places, stops: Places) -> NDArray[np.float64]:
    r"""Length of the shortest path from each start to its stop.

    Args:
        network: network that the paths lie in.
        starts: ``k`` places.
        stops: ``k`` places, one for each start.

    Returns:
        ``(k,)``, infinite where there is no path or a place is nowhere.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> network = Network.from_graph(swc_graph("1 1 0 0 0 1 -1\n2 3 3 4 0 1 1"))
        >>> start, stop = (network.nearest(np.array([point])) for point in ([0.0, 0, 0], [3.0, 4, 0]))
        >>> path_lengths(network, start, stop)
        array([5.])
    """
    lengths = np.full(len(starts), np.inf)
    somewhere = np.flatnonzero((starts.edge >= 0) & (stops.edge >= 0))
    by_edge = somewhere[np.argsort(starts.edge[somewhere], kind="stable")]  # so that few nodes are in a block
    roads = _roads(network)
    for begin in range(0, len(by_edge), _BLOCK):
        rows = by_edge[begin : begin + _BLOCK]
        start, stop, each = starts[rows], stops[rows], np.arange(len(rows))
        to_nodes = _lengths_to_nodes(network, roads, start)
        first, second = network.ends[stop.edge].T
        rest = network.lengths[stop.edge] - stop.offset
        found = np.minimum(to_nodes[each, first] + stop.offset, to_nodes[each, second] + rest)
        direct = np.where(start.edge == stop.edge, np.abs(start.offset - stop.offset), np.inf)
        lengths[rows] = np.minimum(found, direct)
    return lengths


def path_length_blocks(network: Network, places: Places) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Lengths of the shortest paths between all places, in blocks of rows that fit into memory.

    Args:
        network: network that the paths lie in.
        places: ``k`` places.

    Yields:
        The block's rows, and ``(rows, k)`` lengths, infinite where there is no path or a place is nowhere.
    """
    roads = _roads(network)
    nowhere = places.edge < 0
    edge = np.where(nowhere, 0, places.edge)
    for begin in range(0, len(places), _BLOCK):
        rows = slice(begin, min(begin + _BLOCK, len(places)))
        lengths = np.full((rows.stop - rows.start, len(places)), np.inf)
        here = np.flatnonzero(~nowhere[rows])
        if len(here):
            start = places[rows][here]
            to_nodes = _lengths_to_nodes(network, roads, start)
            first, second = network.ends[edge].T
            rest = network.lengths[edge] - places.offset
            found = np.minimum(to_nodes[:, first] + places.offset, to_nodes[:, second] + rest)
            row, column = np.nonzero(start.edge[:, None] == places.edge)
            direct = np.abs(start.offset[row] - places.offset[column])
            found[row, column] = np.minimum(found[row, column], direct)
            lengths[here] = np.where(nowhere, np.inf, found)
        yield rows, lengths


def _lengths_to_nodes(network: Network, roads: csr_array, places: Places) -> NDArray[np.float64]:
    """``(k, n)`` from each place to each node, by way of either end of its edge."""
    from scipy.sparse.csgraph import dijkstra

    nodes, index = np.unique(network.ends[places.edge], return_inverse=True)
    first, second = dijkstra(roads, indices=nodes)[index.reshape(-1, 2).T]
    offset = places.offset[:, None]
    first += offset
    second += network.lengths[places.edge][:, None] - offset
    return np.asarray(np.minimum(first, second))


def _roads(network: Network) -> csr_array:
    """Symmetric matrix of the shortest edge between nodes; stored zeros are edges of length 0."""
    from scipy.sparse import csr_array

    row, column = np.concatenate([network.ends, network.ends[:, ::-1]]).T
    length = np.concatenate([network.lengths, network.lengths])
    order = np.lexsort([length, column, row])
    row, column, length = row[order], column[order], length[order]
    shortest = np.append(True, (np.diff(row) != 0) | (np.diff(column) != 0))[: len(row)]
    size = len(network.positions)
    begins = np.searchsorted(row[shortest], np.arange(size + 1))
    return csr_array((length[shortest], column[shortest], begins), shape=(size, size))
