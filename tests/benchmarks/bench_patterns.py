"""How the time for persistence pairs grows with the volume, on fields that are hard for one algorithm or another."""

from __future__ import annotations

import time
from itertools import product

from monai_topo.topology import persistence_pairs
from tests.benchmarks.patterns import patterns
from tests.benchmarks.timing import interleaved

TITLE = "Growth on hard patterns"
SECONDS = 300
SIZES = (48, 96)
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


def measure(run, sizes):
    """For each pattern and setting the microseconds a voxel of both sizes."""
    small, large = (patterns((size,) * 3) for size in sizes)
    persistence_pairs(small["constant"][:3, :3, :3], engine="native")
    table = {}
    for name in small:
        first, second = (microseconds(fields[name], SETTINGS, run) for fields in (small, large))
        table[name] = {setting: (first[setting], second[setting]) for setting in SETTINGS}
    return table


def worst(times):
    """Of all settings the times that grow most."""
    return max(times.values(), key=lambda pair: pair[1] / pair[0])


def rows(table):
    for name, times in sorted(table.items(), key=lambda entry: -worst(entry[1])[1] / worst(entry[1])[0]):
        first, second = worst(times)
        slowest = max(pair[1] for pair in times.values())
        yield f"| {name} | {first:.2f} | {second:.2f} | {second / first:.2f} | {slowest:.2f} |"


def summary(table, size):
    """The slowest pattern, and the one that grows most."""
    slowest = max(table, key=lambda name: max(pair[1] for pair in table[name].values()))
    steepest = max(table, key=lambda name: worst(table[name])[1] / worst(table[name])[0])
    first, second = worst(table[steepest])
    most = max(pair[1] for pair in table[slowest].values())
    return (
        f"the slowest of {len(table)} patterns, {slowest}, takes {most:.2f} µs a voxel at {size}³; time a voxel grows "
        f"at most {second / first:.1f} times, on {steepest}."
    )


def section(run):
    """The part of the page, as Markdown."""
    small, large = run.pick(SIZES, (6, 12))
    table = measure(run, (small, large))
    run.find(summary(table, large))
    lines = [
        "Microseconds of a processor a voxel for `persistence_pairs` of all dimensions on one thread, in both "
        f"directions with both connectivities: of the four settings the one whose time grows most from {small}³ to "
        f"{large}³, and the most that any of them takes at {large}³. Time in proportion to the volume is a growth of "
        "1; caches and the sizes of the pattern itself add to it. What the patterns are stands in "
        "`tests/benchmarks/patterns.py`.",
        "",
        f"| pattern | {small}³ | {large}³ | growth | slowest, {large}³ |",
        "| --- | --- | --- | --- | --- |",
        *rows(table),
    ]
    return "\n".join(lines)
