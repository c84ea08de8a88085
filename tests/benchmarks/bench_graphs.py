"""What centerline graphs and their metrics cost, on a neuron-like stack and a prediction of it."""

from __future__ import annotations

import networkx
import numpy as np
import torch
from scipy.ndimage import binary_dilation
from skimage.morphology import ball, skeletonize

from monai_topo.graphs import Network, contract_chains, path_length_blocks, skeleton_graph
from monai_topo.metrics import APLSMetric, TLTSMetric, graph_apls, graph_junction_f1, graph_tlts
from tests.benchmarks.timing import interleaved

TITLE = "Centerline graphs"
SECONDS = 60
SHAPE = (512, 512, 100)


def neurites(shape, count, steps, seed):
    """A mask of branches that start anywhere on what is there and turn slowly, flat as in a stack of sections."""
    rng = np.random.default_rng(seed)
    flat, size = np.array([1, 1, 0.3]), np.array(shape)
    mask, visited = np.zeros(shape, bool), [size / 2]
    for _ in range(count):
        position, heading = visited[rng.integers(len(visited))], rng.standard_normal(3) * flat
        for _ in range(steps):
            heading = heading + 0.2 * rng.standard_normal(3) * flat
            heading /= np.linalg.norm(heading)
            position = np.clip(position + heading, 3, size - 4)
            mask[tuple(position.astype(int))] = True
            visited.append(position)
    return binary_dilation(mask, ball(2))


def stacks(shape, branches=40, steps=300):
    """Truth, and a prediction with as many breaks as branches and a quarter as many false branches."""
    truth = neurites(shape, branches, steps, seed=0)
    prediction = truth | neurites(shape, branches // 4, 60, seed=1)
    voxels = np.argwhere(truth)
    for voxel in voxels[np.random.default_rng(2).integers(len(voxels), size=branches)]:
        prediction[tuple(slice(max(place - 3, 0), place + 4) for place in voxel)] = False
    return prediction, truth


def all_lengths(graph):
    network = Network.from_graph(graph)
    for _ in path_length_blocks(network, network.control_places()):
        pass


def all_lengths_by_networkx(graph):
    contracted = contract_chains(graph)
    for _ in networkx.all_pairs_dijkstra_path_length(contracted, weight="length"):
        pass


def measure_graphs(run, shape):
    """Number of nodes of the truth's graph, and median seconds of each step."""
    masks = stacks(shape, *run.pick((), (8, 40)))
    graphs = [skeleton_graph(mask) for mask in masks]
    tensors = [torch.as_tensor(mask)[None, None] for mask in masks]
    metrics = (APLSMetric(), TLTSMetric())
    calls = {
        "`APLSMetric` and `TLTSMetric` of the two masks": lambda: [metric(*tensors) for metric in metrics],
        "`skeleton_graph` of one": lambda: skeleton_graph(masks[1]),
        "scikit-image's `skeletonize` of one": lambda: skeletonize(masks[1]),
        "`graph_apls`": lambda: graph_apls(*graphs),
        "`graph_tlts`": lambda: graph_tlts(*graphs),
        "`graph_junction_f1`": lambda: graph_junction_f1(*graphs),
        "shortest paths between all control nodes": lambda: all_lengths(graphs[1]),
        "the same by networkx": lambda: all_lengths_by_networkx(graphs[1]),
    }
    return len(graphs[1]), interleaved(calls, run)


def section(run):
    """The part of the page."""
    shape = run.pick(SHAPE, (64, 64, 24))
    num_nodes, times = measure_graphs(run, shape)
    run.find(f"APLS and TLTS of two masks of {' x '.join(map(str, shape))} take {next(iter(times.values())):.1f} s.")
    lines = [
        f"A stack of {' x '.join(map(str, shape))} voxels with neurites whose graph has {num_nodes} nodes,",
        "and a prediction of it with breaks and false branches.",
        "",
        "| | s |",
        "| --- | --- |",
        *[f"| {name} | {taken:.2f} |" for name, taken in times.items()],
    ]
    return "\n".join(lines)
