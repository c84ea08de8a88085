"""Stable manifolds by their definition: every edge of the graph, every cell of the complex, paths by networkx.

Slow, and sharing no code with the package: the oracle of ``stable_manifolds`` on tiny images. All is written for a
field that enters from high to low values; of two equal ones the voxel with the smaller index enters first.
"""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np


def curves(field, full, threshold, together=True):
    """S1: paths from both ends of every edge of more persistence than the threshold up to the peaks of their trees.

    ``together`` gives all loops born at one voxel the persistence of the longest.
    """
    edges = _sorted_edges(field, full)
    merged, forest = _kruskal(field, edges, threshold)
    persistence = _loop_persistence(field, edges, full)
    if together:
        longest = {voxel: max(p for edge, p in persistence.items() if edge[1] == voxel) for _, voxel in persistence}
        persistence = {edge: longest[edge[1]] for edge in persistence}
    persistence |= {edge: field[peak] - field[edge[1]] for edge, peak in merged.items()}
    lasting = {voxel for edge, value in persistence.items() if value > threshold for voxel in edge}
    mask = np.zeros(field.shape, bool)
    for tree in nx.connected_components(forest):
        paths = nx.single_source_shortest_path(forest.subgraph(tree), min(tree, key=_entrance(field)))
        for voxel in {step for end in lasting & tree for step in paths[end]}:
            mask[voxel] = True
    return mask


def sheets(field, full, threshold):
    """S2 of the valleys of ``field``: both ends of every edge between two trees."""
    turned = -field
    edges = _sorted_edges(turned, full)
    forest = _kruskal(turned, edges, threshold)[1]
    tree = {voxel: n for n, component in enumerate(nx.connected_components(forest)) for voxel in component}
    mask = np.zeros(field.shape, bool)
    for a, b in edges:
        if tree[a] != tree[b]:
            mask[a] = mask[b] = True
    return mask


def _entrance(field):
    """Sorting key of voxels: the order in which they enter."""
    return lambda voxel: (-field[voxel], np.ravel_multi_index(voxel, field.shape))


def _are_neighbors(a, b, full):
    difference = np.abs(np.subtract(a, b))
    return difference.max() == 1 and (full or difference.sum() == 1)


def _sorted_edges(field, full):
    """Pairs (earlier voxel, later voxel), by the entrance of the later and then of the earlier one."""
    key = _entrance(field)
    pairs = itertools.combinations(np.ndindex(*field.shape), 2)
    edges = [tuple(sorted(pair, key=key)) for pair in pairs if _are_neighbors(*pair, full)]
    return sorted(edges, key=lambda edge: (key(edge[1]), key(edge[0])))


def _kruskal(field, edges, threshold):
    """The peak that each negative edge merges away, and the forest of those of at most the threshold's persistence."""
    key = _entrance(field)
    component = {voxel: voxel for voxel in np.ndindex(*field.shape)}
    merged, forest = {}, nx.Graph()
    forest.add_nodes_from(component)
    for a, b in edges:
        elder, younger = sorted((component[a], component[b]), key=key)
        if elder == younger:
            continue
        merged[a, b] = younger
        component = {voxel: elder if peak == younger else peak for voxel, peak in component.items()}
        if field[younger] - field[b] <= threshold:
            forest.add_edge(a, b)
    return merged, forest


def _faces(field, full):
    """Two-dimensional cells as lists of their edges: triangles of mutual neighbors, or unit squares."""
    voxels = list(np.ndindex(*field.shape))
    if full:
        graph = nx.Graph(pair for pair in itertools.combinations(voxels, 2) if _are_neighbors(*pair, True))
        return [list(itertools.combinations(c, 2)) for c in nx.enumerate_all_cliques(graph) if len(c) == 3]
    cells = []
    for voxel, axes in itertools.product(voxels, itertools.combinations(range(field.ndim), 2)):
        steps = np.eye(field.ndim, dtype=int)[list(axes)]
        corners = [tuple(np.add(voxel, s)) for s in (0 * steps[0], steps[0], steps[0] + steps[1], steps[1])]
        if all(np.less(corner, field.shape).all() for corner in corners):
            cells.append(list(itertools.pairwise([*corners, corners[0]])))
    return cells


def _loop_persistence(field, edges, full):
    """Persistence of the positive edges, by reduction modulo 2; without those that a cell of the same voxel fills."""
    key = _entrance(field)
    position = {frozenset(edge): n for n, edge in enumerate(edges)}
    columns = [sorted((position[frozenset(edge)] for edge in cell), reverse=True) for cell in _faces(field, full)]
    reduced, persistence = {}, {}
    for column in sorted(columns):
        rest, last = set(column), edges[column[0]][1]
        while rest and max(rest) in reduced:
            rest ^= reduced[max(rest)]
        if rest:
            reduced[max(rest)] = rest
            born = edges[max(rest)][1]
            if key(born) < key(last):
                persistence[edges[max(rest)]] = field[born] - field[last]
    return persistence
