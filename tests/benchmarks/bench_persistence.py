"""Persistence pairs beside compiled peers: time, growth, threads and memory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from monai_topo.topology import persistence_pairs, persistence_pairs_batch
from tests.benchmarks.fields import smooth, vessel_tree, white
from tests.benchmarks.timing import best_of, installed, interleaved, probe

TITLE = "Persistence pairs"
SECONDS = 260
PEERS = ("CubicalRipser", "gudhi", "gudhi rectangle")


def images(flat, small, side, large):
    return {
        f"{flat}² smooth": smooth((flat, flat)),
        f"{flat}² white noise": white((flat, flat)),
        f"{flat}² binary": (smooth((flat, flat)) > 0).astype(np.float32),
        f"{small}³ smooth": smooth((small,) * 3),
        f"{side}³ smooth": smooth((side,) * 3),
        f"{side}³ white noise": white((side,) * 3),
        f"{side}³ vessel tree": vessel_tree(side),
        f"{side}³ binary": (vessel_tree(side) > 0.1).astype(np.float32),
        f"{large}³ smooth": smooth((large,) * 3),
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


def contestants(image):
    found = {"native": by_us}
    if installed("cripser"):
        found["CubicalRipser"] = by_cubicalripser
    if image.size <= 96**3:
        found["gudhi"] = by_gudhi
    if image.ndim == 2:
        found["gudhi rectangle"] = by_gudhis_rectangle
    return found


def measure_ratios(run):
    table = {}
    for contestant in contestants(white((4, 4))).values():  # nobody's import is measured
        contestant(white((4, 4)))
    for name, image in images(*run.pick((512, 64, 96, 128), (24, 12, 16, 20))).items():
        calls = {who: (lambda f=f, x=image: f(x)) for who, f in contestants(image).items()}
        table[name] = interleaved(calls, run, {"native": 5, "gudhi rectangle": 5}, warm=["native"])
    return table


def measure_growth(run, sizes):
    """Seconds at sizes of which each has twice the voxels of the one before."""
    fields = {size: smooth((size,) * 3) for size in sizes}
    return interleaved({size: (lambda x=field: by_us(x)) for size, field in fields.items()}, run, warm=sizes[:1])


def measure_threads(run):
    side, flat = run.pick((64, 128), (12, 24))
    batches = {
        f"eight {side}³": np.stack([smooth((side,) * 3, seed) for seed in range(8)]),
        f"sixty-four {flat}²": np.stack([smooth((flat, flat), seed) for seed in range(64)]),
    }
    return {
        name: best_of(
            {n: (lambda n=n, x=fields: persistence_pairs_batch(x, num_threads=n, engine="native")) for n in (1, 2)},
            run,
            times=12,
        )
        for name, fields in batches.items()
    }


MEMORY_PROBE = """
import sys, numpy as np
from tests.benchmarks.bench_persistence import by_us
from tests.benchmarks.fields import smooth, white
field = {"smooth": smooth, "white": white}[sys.argv[1]]((int(sys.argv[2]),) * 3)
by_us(field[:8, :8, :8])
def kilobytes(key):
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith(key)))
open("/proc/self/clear_refs", "w").write("5")
before = kilobytes("VmRSS")
by_us(field)
print((kilobytes("VmHWM") - before) * 1024 / field.size)
"""


def measure_memory(kind, size):
    return probe(MEMORY_PROBE, kind, str(size))


def ratio_rows(table):
    for name, times in table.items():
        own = times["native"]
        cells = [f"{own * 1e3:.1f}"]
        for peer in PEERS:
            cells.append(f"{times[peer] * 1e3:.0f} ({times[peer] / own:.1f}x)" if peer in times else absent(peer))
        yield f"| {name} | {' | '.join(cells)} |"


def absent(peer):
    """Why a cell holds no figure."""
    return "not installed" if peer == "CubicalRipser" and not installed("cripser") else "-"


def summary(ratios):
    """The time of a volume, and how many times as much the peer takes."""
    name = list(ratios)[4]
    text = f"pairs of all dimensions of {name} take {ratios[name]['native'] * 1e3:.0f} ms on one thread"
    solid = {key: times for key, times in ratios.items() if "³" in key and "CubicalRipser" in times}
    if solid:
        factors = {key: times["CubicalRipser"] / times["native"] for key, times in solid.items()}
        noise = next(key for key in factors if "noise" in key)
        others = sorted(factors[key] for key in factors if key != noise)
        text += (
            f"; CubicalRipser takes {others[0]:.0f} to {others[-1]:.0f} times as long on smooth and binary volumes, "
            f"{factors[noise]:.0f} times on white noise"
        )
    return f"{text}."


def section(run):
    """The part of the page, as Markdown."""
    growth = measure_growth(run, run.pick((61, 77, 97, 122, 153, 192), (8, 10, 13)))
    ratios = measure_ratios(run)
    kinds = run.pick((("smooth", 128), ("white", 96)), (("smooth", 16),))
    memory = {f"{size}³ {kind}": run.once(measure_memory, kind, size) for kind, size in kinds}
    run.find(summary(ratios))
    factors = [None, *(growth[b] / growth[a] for a, b in pairwise(growth))]
    lines = [
        "`native` is timed as users call it, `persistence_pairs(image)`: checks, pairs of all dimensions as sorted "
        "voxel indices, full connectivity, on one thread. gudhi is asked for the voxels too "
        "(`cofaces_of_persistence_pairs`); its rectangle routine is private and gives values only.",
        "",
        "Smooth is white noise blurred with sigma 1.5. Binary is the smooth image above 0 in 2D, the vessel tree above "
        "0.1 in 3D. The vessel tree is 12 random walks blurred with sigma 1.2.",
        "",
        "### Time in ms, and how many times as much the peers take",
        "",
        "| image | native | CubicalRipser | gudhi | gudhi rectangle |",
        "| --- | --- | --- | --- | --- |",
        *ratio_rows(ratios),
        "",
        "### Growth, smooth",
        "",
        "| side | ms | against half the voxels |",
        "| --- | --- | --- |",
        *[
            f"| {size} | {growth[size] * 1e3:.0f} | {f'{factor:.2f}' if factor else '-'} |"
            for size, factor in zip(growth, factors, strict=True)
        ],
        "",
        "### Two threads against one",
        "",
        "The best of many turns, because a second thread needs a core that nothing else uses.",
        "",
        "| batch | ms, 1 thread | ms, 2 threads | ratio |",
        "| --- | --- | --- | --- |",
        *[
            f"| {name} | {times[1] * 1e3:.1f} | {times[2] * 1e3:.1f} | {times[1] / times[2]:.2f} |"
            for name, times in measure_threads(run).items()
        ],
        "",
        "### Peak memory beyond the input, bytes a voxel",
        "",
        *[f"- {name}: {value:.0f}" for name, value in memory.items()],
    ]
    return "\n".join(lines)
