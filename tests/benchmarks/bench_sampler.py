"""The sampler beside MONAI's: ``python -m tests.benchmarks.bench_sampler``; its tables are in docs/transforms.md.

How long a draw takes once the map is cached, as the median over rounds in which both take their turn, by the processor
time of the thread; and how many of 2000 patches hold a branch point, an end point or a cavity.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from monai.data import MetaTensor
from monai.transforms import FgBgToIndicesd, RandCropByPosNegLabeld
from scipy import ndimage

from monai_topo.data import phantoms
from monai_topo.transforms import RandCropByTopology, RandCropByTopologyd, TopologyWeightMap, TopologyWeightMapd

SIZE = 24
DRAWS = 2000
KEYS = ["image", "label"]


def scene():
    """A tree on one side of the volume, on the other a block with three pores of 27 voxels."""
    tree = phantoms.tree((128, 96, 96), num_branches=4, seed=3).label
    block = np.pad(np.ones((96, 64, 64), np.uint8), 16)
    for corner in ((30, 40, 50), (70, 30, 30), (90, 60, 60)):
        block[tuple(slice(start, start + 3) for start in corner)] = 0
    return np.concatenate([tree, block], 1)[None]


def samplers(num_samples):
    """For each sampler the item as a cache holds it, and the transform that draws."""
    label = scene()
    item = {"image": MetaTensor(label.astype(np.float32)), "label": MetaTensor(label)}
    peer = RandCropByPosNegLabeld(
        KEYS,
        "label",
        SIZE,
        num_samples=num_samples,
        fg_indices_key="label_fg_indices",
        bg_indices_key="label_bg_indices",
    )
    ours = RandCropByTopologyd(KEYS, "label_topology", SIZE, num_samples=num_samples)
    return {
        "RandCropByPosNegLabeld": (FgBgToIndicesd("label")(item), peer.set_random_state(0)),
        "RandCropByTopologyd": (TopologyWeightMapd("label")(item), ours.set_random_state(0)),
    }


def measure_times(rounds, num_samples=4):
    """Median microseconds of a patch."""
    contestants = samplers(num_samples)
    times = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (item, crop) in contestants.items():
            start = time.thread_time()
            for _ in range(10):
                crop(item)
            times[name].append((time.thread_time() - start) / 10 / num_samples)
    return {name: 1e6 * float(np.median(taken)) for name, taken in times.items()}


def measure_shares():
    """Share of patches that hold a place of each kind."""
    label = scene()
    centers = {}
    for name, (item, crop) in samplers(DRAWS).items():
        if "label_topology" in item:
            crop.randomize(item["label_topology"])
        else:
            crop.randomize(item["label"], item["label_fg_indices"], item["label_bg_indices"])
        centers[name] = crop.cropper.centers
    for kinds in ({"branch_points": 1}, {"end_points": 1}, {"holes": 1}):
        crop = RandCropByTopology(SIZE, DRAWS, weights=TopologyWeightMap(kinds)(label)).set_random_state(0)
        crop.randomize()
        centers[f"weights={kinds}"] = crop.centers
    shares = {}
    for kind in ("branch_points", "end_points", "holes"):
        places = TopologyWeightMap({kind: 1})(label)[0] > 0
        window = ndimage.maximum_filter(places.astype(np.uint8), SIZE, mode="constant")
        shares[kind] = {name: float(np.mean([window[center] for center in drawn])) for name, drawn in centers.items()}
    return shares


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    times = measure_times(parser.parse_args(arguments).rounds)
    peer = times["RandCropByPosNegLabeld"]
    lines = ["| sampler | µs a patch | ratio |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {taken:.0f} | {taken / peer:.2f} |" for name, taken in times.items()]
    shares = measure_shares()
    names = list(next(iter(shares.values())))
    lines += ["", f"| sampler | {' | '.join(shares)} |", "| --- |" + " --- |" * len(shares)]
    lines += [f"| `{name}` | {' | '.join(f'{shares[kind][name]:.2f}' for kind in shares)} |" for name in names]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
