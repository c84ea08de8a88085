"""How the time for persistence pairs grows with the volume, on fields that are hard for one algorithm or another."""

from __future__ import annotations

import time
from itertools import product

import numpy as np

from monai_topo.topology import persistence_pairs
from tests.benchmarks.patterns import patterns
from tests.benchmarks.timing import installed, interleaved

TITLE = "Growth on hard patterns"
SECONDS = 400
SIZES = (48, 64, 128)
SETTINGS = list(product((None, 1), ("superlevel", "sublevel")))


def microseconds(field, settings, run):
    """Microseconds of a processor a voxel for each setting."""
    calls = {
        (connectivity, direction): (
            lambda c=connectivity, d=direction: persistence_pairs(field, connectivity=c, direction=d, engine="native")
        )
        for connectivity, direction in settings
    }
    times = interleaved(calls, run, clock=time.process_time)
    return {name: 1e6 * taken / field.size for name, taken in times.items()}


def by_cubicalripser(field, run):
    """Microseconds of CubicalRipser a voxel, None where it is not installed; it has one connectivity."""
    if not installed("cripser"):
        return None
    import cripser

    values = field.astype(np.float64)
    calls = {"CubicalRipser": lambda: cripser.computePH(values, maxdim=field.ndim - 1)}
    return 1e6 * interleaved(calls, run, clock=time.process_time)["CubicalRipser"] / field.size


def measure(run, sizes):
    """For each pattern, in microseconds a voxel: first and last size by setting; ours and the peer at the middle."""
    small, middle, large = (patterns((size,) * 3) for size in sizes)
    persistence_pairs(small["constant"][:3, :3, :3], engine="native")
    table = {}
    for name in small:
        first, second, beside = (microseconds(fields[name], SETTINGS, run) for fields in (small, large, middle))
        times = {setting: (first[setting], second[setting]) for setting in SETTINGS}
        table[name] = times, max(beside.values()), by_cubicalripser(middle[name], run)
    return table


def worst(times):
    """Of all settings the times that grow most."""
    return max(times.values(), key=lambda pair: pair[1] / pair[0])


def rows(table):
    for name, (times, own, peer) in sorted(table.items(), key=lambda entry: -growth(entry[1])):
        first, second = worst(times)
        slowest = max(pair[1] for pair in times.values())
        beside = "not installed" if peer is None else f"{peer:.2f} ({peer / own:.1f}x)"
        cells = (f"{first:.2f}", f"{second:.2f}", f"{second / first:.2f}", f"{slowest:.2f}", f"{own:.2f}", beside)
        yield f"| {name} | {' | '.join(cells)} |"


def growth(row):
    """How many times as long a voxel takes in the large volume, in the setting where that is most."""
    first, second = worst(row[0])
    return second / first


def summary(table, sizes):
    """The slowest pattern, those that grow most, and the one on which the peer is nearest."""
    small, middle, large = sizes
    slowest = max(table, key=lambda name: max(pair[1] for pair in table[name][0].values()))
    steepest = max(table, key=lambda name: growth(table[name]))
    most = max(pair[1] for pair in table[slowest][0].values())
    within = sum(growth(row) <= 2 for row in table.values())
    text = (
        f"the slowest of {len(table)} patterns, {slowest}, takes {most:.2f} µs a voxel at {large}³; from {small}³ time "
        f"a voxel grows at most 2 times on {within} of them, and most, {growth(table[steepest]):.1f} times, on "
        f"{steepest}"
    )
    ratios = {name: peer / own for name, (_, own, peer) in table.items() if peer is not None}
    if not ratios:
        return f"{text}."
    nearest = min(ratios, key=ratios.__getitem__)
    return f"{text}; CubicalRipser takes at least {ratios[nearest]:.1f} times as long at {middle}³, on {nearest}."


def section(run):
    """The part of the page, as Markdown."""
    sizes = run.pick(SIZES, (6, 8, 12))
    small, middle, large = sizes
    table = measure(run, sizes)
    run.find(summary(table, sizes))
    lines = [
        "Microseconds of a processor a voxel for `persistence_pairs` of all dimensions on one thread, in both "
        f"directions with both connectivities: of the four settings the one whose time grows most from {small}³ to "
        f"{large}³, and the most that any of them takes at {large}³. Time in proportion to the volume is a growth of "
        "1; caches and the sizes of the pattern itself add to it. CubicalRipser has one connectivity and one direction "
        f"and stands beside the slowest of our four settings at {middle}³. What the patterns are stands in "
        "`tests/benchmarks/patterns.py`.",
        "",
        f"| pattern | {small}³ | {large}³ | growth | slowest, {large}³ | slowest, {middle}³ "
        f"| CubicalRipser, {middle}³ |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows(table),
    ]
    return "\n".join(lines)
