"""How fast persistence pairs are beside compiled peers: ``python -m tests.benchmarks.bench_persistence [--write]``.

Every figure is the median over rounds; within a round all contestants take their turn on the same image, so that what
the machine does otherwise falls on all of them. All run on one thread, except where it says two.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_topo.topology import persistence_pairs, persistence_pairs_batch
from tests.benchmarks import bench_training

PACKAGES = ("numba", "numpy", "gudhi", "cripser")
REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def white(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def smooth(shape, seed=0):
    return gaussian_filter(white(shape, seed), 1.5)


def vessel_mask(size, ndim, branches=12, seed=0):
    """Random walks that turn slowly."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((size,) * ndim, np.float32)
    for _ in range(branches):
        position, heading = rng.uniform(0, size, ndim), rng.standard_normal(ndim)
        for _ in range(2 * size):
            heading = heading + 0.2 * rng.standard_normal(ndim)
            heading /= np.linalg.norm(heading)
            position = np.clip(position + heading, 0, size - 1)
            mask[tuple(position.astype(int))] = 1
    return mask


def vessel_tree(size):
    return gaussian_filter(vessel_mask(size, 3), 1.2)


def images():
    return {
        "512² smooth": smooth((512, 512)),
        "512² white noise": white((512, 512)),
        "512² binary": (smooth((512, 512)) > 0).astype(np.float32),
        "64³ smooth": smooth((64,) * 3),
        "96³ smooth": smooth((96,) * 3),
        "96³ white noise": white((96,) * 3),
        "96³ vessel tree": vessel_tree(96),
        "96³ binary": (vessel_tree(96) > 0.1).astype(np.float32),
        "128³ smooth": smooth((128,) * 3),
    }


def by_us(image):
    return persistence_pairs(image, direction="sublevel", engine="native")


def by_cubicalripser(image):
    import cripser

    return cripser.computePH(image.astype(np.float64), maxdim=image.ndim - 1)


def by_gudhi(image):
    import gudhi

    cubical = gudhi.CubicalComplex(top_dimensional_cells=image)
    cubical.compute_persistence(homology_coeff_field=2)
    return cubical.cofaces_of_persistence_pairs()


def by_gudhis_rectangle(image):
    """Values only; a private routine, for 2D."""
    from gudhi._pers_cub_low_dim_ext import _persistence_on_rectangle_from_top_cells

    return _persistence_on_rectangle_from_top_cells(image.astype(np.float64), 0.0)


def contestants(name, image):
    found = {"native": by_us, "CubicalRipser": by_cubicalripser}
    try:
        version("cripser")
    except PackageNotFoundError:
        del found["CubicalRipser"]
    if name != "128³ smooth":
        found["gudhi"] = by_gudhi
    if image.ndim == 2:
        found["gudhi rectangle"] = by_gudhis_rectangle
    return found


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleaved(calls, rounds, repeats=None):
    """Median seconds of each call; one that is quick is repeated within the round."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            turns = (repeats or {}).get(name, 1)
            times[name].append(np.median([seconds(call) for _ in range(turns)]))
    return {name: float(np.median(taken)) for name, taken in times.items()}


def measure_ratios(rounds):
    table = {}
    for name, image in images().items():
        calls = {who: (lambda f=f, x=image: f(x)) for who, f in contestants(name, image).items()}
        calls["native"]()
        table[name] = interleaved(calls, rounds, {"native": 5, "gudhi rectangle": 5})
    return table


def measure_growth(rounds, sizes=(61, 77, 97, 122, 153, 192)):
    """Seconds at sizes of which each has twice the voxels of the one before."""
    fields = {size: smooth((size,) * 3) for size in sizes}
    return interleaved({size: (lambda x=field: by_us(x)) for size, field in fields.items()}, rounds)


def best_of(calls, rounds):
    """Least seconds of each call, taking turns: for threads, which need that nothing else runs on the machine."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: min(taken) for name, taken in times.items()}


def measure_threads(rounds):
    batches = {
        "eight 64³": np.stack([smooth((64,) * 3, seed) for seed in range(8)]),
        "sixty-four 128²": np.stack([smooth((128, 128), seed) for seed in range(64)]),
    }
    return {
        name: best_of(
            {n: (lambda n=n, x=fields: persistence_pairs_batch(x, num_threads=n, engine="native")) for n in (1, 2)},
            12 * rounds,
        )
        for name, fields in batches.items()
    }


MEMORY_PROBE = """
import sys, numpy as np
from tests.benchmarks.bench_persistence import smooth, white, by_us
field = {"smooth": smooth, "white": white}[sys.argv[1]]((int(sys.argv[2]),) * 3)
by_us(field[:8, :8, :8])
def kilobytes(key):
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith(key)))
open("/proc/self/clear_refs", "w").write("5")
before = kilobytes("VmRSS")
by_us(field)
print((kilobytes("VmHWM") - before) * 1024 / field.size)
"""

FIRST_CALL_PROBE = """
import time, numpy as np
import monai_topo.topology
field = np.random.default_rng(0).random((12, 12, 12)[: {ndim}]).astype("f")
start = time.perf_counter()
from monai_topo.topology.engines import get_engine
get_engine("native")(field, full_connectivity=True, dims=(0, 1), frame=False)
print(time.perf_counter() - start)
"""


def probe(code, *arguments, **environment):
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return float(result.stdout)


def measure_memory():
    return {f"{size}³ {kind}": probe(MEMORY_PROBE, kind, str(size)) for kind, size in (("smooth", 128), ("white", 96))}


def measure_first_calls():
    found = {}
    for ndim in (2, 3):
        with tempfile.TemporaryDirectory() as folder:
            for when in ("cold", "warm"):
                found[f"{ndim}D {when}"] = probe(FIRST_CALL_PROBE.format(ndim=ndim), NUMBA_CACHE_DIR=folder)
    return found


def machine():
    processor = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":")[1].strip() for line in processor.splitlines() if line.startswith("model name")]
    vectors = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in processor), "no AVX2")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES if installed(name))
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {vectors}; {packages}"


def installed(name):
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def ratio_rows(table):
    for name, times in table.items():
        own = times["native"]
        cells = [f"{own * 1e3:.1f}"]
        for peer in ("CubicalRipser", "gudhi", "gudhi rectangle"):
            cells.append(f"{times[peer] * 1e3:.0f} ({times[peer] / own:.1f}x)" if peer in times else "-")
        yield f"| {name} | {' | '.join(cells)} |"


def report(figures):
    growth = figures["growth"]
    sizes = list(growth)
    factors = [growth[b] / growth[a] for a, b in pairwise(sizes)]
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Every figure is the median over "
        f"{figures['rounds']} rounds; within a round all contestants take their turn on the same float32 image, in one "
        "process, on one thread. `native` is timed as users call it, `persistence_pairs(image)`: checks, pairs of all "
        "dimensions as sorted voxel indices, full connectivity. gudhi is asked for the voxels too "
        "(`cofaces_of_persistence_pairs`); its rectangle routine is private and gives values only.",
        "",
        f"Machine: {machine()}.",
        "",
        "Smooth is white noise blurred with sigma 1.5. Binary is the smooth image above 0 in 2D, the vessel tree above "
        "0.1 in 3D. The vessel tree is 12 random walks blurred with sigma 1.2.",
        "",
        "## Time in ms, and how many times as much the peers take",
        "",
        "| image | native | CubicalRipser | gudhi | gudhi rectangle |",
        "| --- | --- | --- | --- | --- |",
        *ratio_rows(figures["ratios"]),
        "",
        "## Growth, smooth",
        "",
        "| side | ms | against half the voxels |",
        "| --- | --- | --- |",
        *[
            f"| {size} | {growth[size] * 1e3:.0f} | {f'{factor:.2f}' if factor else '-'} |"
            for size, factor in zip(sizes, [None, *factors], strict=True)
        ],
        "",
        "## Two threads against one",
        "",
        "The best of many turns, because a second thread needs a core that nothing else uses.",
        "",
        "| batch | ms, 1 thread | ms, 2 threads | ratio |",
        "| --- | --- | --- | --- |",
        *[
            f"| {name} | {times[1] * 1e3:.1f} | {times[2] * 1e3:.1f} | {times[1] / times[2]:.2f} |"
            for name, times in figures["threads"].items()
        ],
        "",
        "## Peak memory beyond the input, bytes a voxel",
        "",
        *[f"- {name}: {value:.0f}" for name, value in figures["memory"].items()],
        "",
        "## First call in a new process, s, with the import of numba and the engine",
        "",
        "Cold: kernels are compiled. Warm: they come from numba's cache.",
        "",
        *[f"- {name}: {value:.2f}" for name, value in figures["first_calls"].items()],
        "",
        *bench_training.lines(figures["loss"], figures["betti"]),
    ]
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT}")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    figures = {
        "rounds": chosen.rounds,
        "ratios": measure_ratios(chosen.rounds),
        "growth": measure_growth(chosen.rounds),
        "threads": measure_threads(chosen.rounds),
        "memory": measure_memory(),
        "first_calls": measure_first_calls(),
        "loss": bench_training.measure_loss(2 * chosen.rounds),
        "betti": bench_training.measure_betti(),
    }
    text = report(figures)
    if chosen.write:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
