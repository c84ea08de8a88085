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
    """Length of the shortest path from each start to its stop.

    Args:
        network: where.
        starts: ``k`` places.
        stops: as many.

    Returns:
        ``(k,)``, infinite where there is no path or a place is nowhere.
    """
    places = Places(np.concatenate([starts.edge, stops.edge]), np.concatenate([starts.offset, stops.offset]))
    lengths = np.empty(len(starts))
    for rows, block in path_length_blocks(network, places, len(starts)):
        lengths[rows] = block[np.arange(len(block)), np.arange(rows.start, rows.stop) + len(starts)]
    return lengths


def path_length_blocks(
    network: Network, places: Places, num_starts: int | None = None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Lengths of the shortest paths from the first places to all, in blocks of rows that fit into memory.

    Args:
        network: where.
        places: ``k`` places.
        num_starts: how many of them paths start at, None for all.

    Yields:
        The block's rows, and ``(rows, k)`` lengths, infinite where there is no path or a place is nowhere.
    """
    from scipy.sparse.csgraph import dijkstra

    roads, first = _with_places(network, places), len(network.positions)
    count = len(places) if num_starts is None else num_starts
    for begin in range(0, count, _BLOCK):
        rows = slice(begin, min(begin + _BLOCK, count))
        lengths = dijkstra(roads, indices=np.arange(rows.start, rows.stop) + first)[:, first:]
        lengths[places.edge[rows] < 0] = np.inf
        yield rows, lengths


def _with_places(network: Network, places: Places) -> csr_array:
    """Nodes and places with the lengths between them: each edge is cut at its places."""
    count = len(network.positions)
    order = np.lexsort([places.offset, places.edge])
    order = order[places.edge[order] >= 0]
    edge, offset, node = places.edge[order], places.offset[order], order + count
    starts, stops = network.ends.T
    begins = np.append(True, edge[1:] != edge[:-1])[: len(edge)]
    before = np.where(begins, starts[edge], np.roll(node, 1))
    gap = offset - np.where(begins, 0, np.roll(offset, 1))
    lasts = np.append(begins[1:], True)[: len(edge)]
    whole = np.setdiff1d(np.arange(len(starts)), edge)
    return _shortest(
        np.concatenate([starts[whole], before, node[lasts]]),
        np.concatenate([stops[whole], node, stops[edge[lasts]]]),
        np.concatenate([network.lengths[whole], gap, (network.lengths[edge] - offset)[lasts]]),
        count + len(places),
    )


def _shortest(
    starts: NDArray[np.int64], stops: NDArray[np.int64], lengths: NDArray[np.float64], size: int
) -> csr_array:
    """Symmetric matrix of the shortest of parallel connections; stored zeros are connections of length 0."""
    from scipy.sparse import csr_array

    row, column = np.concatenate([starts, stops]), np.concatenate([stops, starts])
    length = np.concatenate([lengths, lengths])
    order = np.lexsort([length, column, row])
    row, column, length = row[order], column[order], length[order]
    first = np.append(True, (np.diff(row) != 0) | (np.diff(column) != 0))[: len(row)]
    begins = np.searchsorted(row[first], np.arange(size + 1))
    return csr_array((length[first], column[first], begins), shape=(size, size))
