"""Large volumes made block by block, and what is done with them in a process of its own.

``python -m tests.benchmarks.blocks FOLDER PEERS CALLS`` makes some calls and prints what they took as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from functools import cache, partial
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from distributed import Client
from scipy.ndimage import gaussian_filter, generate_binary_structure

from monai_topo import blockwise

BLOCK = 128
PERIODS = (128, 96)
THRESHOLD = 1.2


@cache
def waves():
    """Two periodic smooth fields; repeated side by side they meet again only after 384 voxels."""
    rng = np.random.default_rng(0)
    fields = [gaussian_filter(rng.standard_normal((p,) * 3).astype(np.float32), 3, mode="wrap") for p in PERIODS]
    return [field / field.std() for field in fields]


def cut(places):
    """The sum of both fields in a box, given the places along each axis."""
    return sum(wave[np.ix_(*(place % len(wave) for place in places))] for wave in waves())


def places_of(block_info, shift=0):
    return [np.arange(low, high) + shift for low, high in block_info[None]["array-location"]]


def mask_block(block_info=None):
    return cut(places_of(block_info)) > THRESHOLD


def cells_block(size, block_info=None):
    """Ids of cells of about a size, with bent walls; ids go beyond 2^63."""
    bent = (6 * cut(places_of(block_info))).astype(np.int64)
    grids = np.meshgrid(*places_of(block_info, 1000), indexing="ij", sparse=True)
    ids = np.zeros(bent.shape, np.uint64)
    for grid in grids:
        ids = ids * np.uint64(4096) + ((grid + bent) // size).astype(np.uint64)
    return ids * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)


def write_volumes(folder, side):
    """A mask and two label volumes as zarr, in blocks that are written one by one."""
    makers = {
        "mask": (mask_block, bool),
        "true": (partial(cells_block, 40), np.uint64),
        "predicted": (partial(cells_block, 50), np.uint64),
    }
    for name, (make, dtype) in makers.items():
        volume = da.map_blocks(
            make, chunks=((BLOCK,) * (side // BLOCK),) * 3, dtype=dtype, meta=np.empty((0,) * 3, dtype)
        )
        volume.to_zarr(Path(folder, f"{name}.zarr"))


def opened(folder, name, side):
    return da.from_zarr(Path(folder, f"{name}.zarr"))[:side, :side, :side]


def betti(folder, side):
    return blockwise.betti_numbers(opened(folder, "mask", side))


def components(folder, side):
    return int(blockwise.label_components(opened(folder, "mask", side)).max().compute())


def partition(folder, side):
    table = blockwise.contingency_table(opened(folder, "predicted", side), opened(folder, "true", side))
    return [*table.variation_of_information(), table.adapted_rand_error().error]


def peer(folder, side):
    from dask_image.ndmeasure import label

    return int(label(opened(folder, "mask", side), generate_binary_structure(3, 3))[0].max().compute())


TASKS = {"betti": betti, "components": components, "partition": partition, "peer": peer}


def timed(folder, task, side):
    """Seconds of CPU and clock of one task, and its result."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = TASKS[task](folder, side)
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "result": result}


def in_threads(folder, task, side, workers):
    with dask.config.set(scheduler="threads", num_workers=workers):
        TASKS[task](folder, BLOCK)  # kernels are loaded
        return timed(folder, task, side)


def in_processes(folder, task, sides, workers):
    """With worker processes of their own."""
    with Client(n_workers=workers, threads_per_worker=1, dashboard_address=None, memory_limit=0):
        TASKS[task](folder, 2 * BLOCK)
        return [timed(folder, task, side) for side in sides]


def main(folder, places, calls):
    """Make calls, given as JSON, and write what they found as JSON; ``places`` are folders of peers."""
    sys.path.extend(filter(None, [places]))
    found = [globals()[call.pop("way")](folder, **call) for call in json.loads(calls)]
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
