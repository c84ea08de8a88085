"""What metrics cost: the Betti error beside gudhi, and over random patches."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from monai_topo.metrics import compute_betti_error
from tests.benchmarks.timing import interleaved, seconds

TITLE = "Metrics"
SECONDS = 180
RANDOM_PATCHES = {"patch_size": 64, "patch_mode": "random", "num_patches": 100}


def smooth_pair(size):
    """Two overlapping random shapes with many components, loops and cavities, ``(1, 1, size, size, size)``."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, size, size, size), dtype=np.float32)
    first, second = (gaussian_filter(field, 2.0) for field in noise)
    masks = (first > 0.03, 0.9 * first + 0.4 * second > 0.03)
    return [torch.from_numpy(mask)[None, None] for mask in masks]


def gudhi_betti_error(prediction, target):
    """Sum of the errors of all dimensions by gudhi's cubical complex of each mask, padded by background."""
    import gudhi

    numbers = []
    for mask in (prediction, target):
        complement = 1.0 - np.pad(mask[0, 0].numpy(), 1)
        cubical = gudhi.CubicalComplex(dimensions=complement.shape[::-1], top_dimensional_cells=complement.ravel())
        cubical.compute_persistence(homology_coeff_field=2, min_persistence=-1)
        numbers.append([*cubical.persistent_betti_numbers(0, 0.5), 0, 0, 0][:3])
    return float(np.abs(np.subtract(*numbers)).sum())


def seconds_of_gudhi(size):
    """Seconds that the same number takes by gudhi, which must agree."""
    pair, theirs = smooth_pair(size), []
    taken = seconds(lambda: theirs.append(gudhi_betti_error(*pair)))
    ours = compute_betti_error(*pair).item()
    if theirs != [ours]:
        raise RuntimeError(f"{size}³: the Betti error is {ours}, by gudhi {theirs[0]}.")
    return taken


def measure_betti_error(run, sizes, largest_for_gudhi):
    """Seconds of the Betti error of a pair, and of gudhi, whose complex takes 2.4 GB at 128³, so 19 GB at 256³."""
    found = {}
    for size in sizes:
        pair = smooth_pair(size)
        calls = {"Betti error": partial(compute_betti_error, *pair)}
        found[size] = interleaved(calls, run, warm=calls)
        if size <= largest_for_gudhi:
            found[size]["gudhi"] = run.once(seconds_of_gudhi, size)
    return found


def measure_random_patches(run, size):
    """Seconds of the Betti error over 100 random patches of 64³."""
    calls = {"patches": partial(compute_betti_error, *smooth_pair(size), **RANDOM_PATCHES)}
    return interleaved(calls, run, warm=calls)["patches"]


def ratio_rows(betti_error):
    """A row for each size; where gudhi was not run its time is more than that of the largest size at which it was."""
    most = max(times["gudhi"] for times in betti_error.values() if "gudhi" in times)
    for size, times in betti_error.items():
        own, more = times["Betti error"], "" if "gudhi" in times else "> "
        peer = times.get("gudhi", most)
        yield f"| {size}³ | {own:.3f} | {more}{peer:.1f} | {more}{peer / own:.0f} |"


def section(run):
    """The part of the page."""
    betti_error = measure_betti_error(run, *run.pick(((64, 128, 256), 128), ((16, 24), 16)))
    whole, patches = list(betti_error)[-1], measure_random_patches(run, run.pick(256, 72))
    run.find(
        f"The Betti error of a pair of {whole}³ takes {betti_error[whole]['Betti error']:.2f} s, of 100 random patches "
        f"of 64³ {patches:.2f} s."
    )
    lines = [
        "`compute_betti_error` (all dimensions, whole volumes, full connectivity) of a pair of masks, beside the same",
        "number by gudhi's cubical complex of each mask, run once. The masks are white noise blurred with sigma 2,",
        "above 0.03. gudhi's complex of 256³ voxels would take some 19 GB: its time is only known to be more than that",
        "at 128³.",
        "",
        "| pair of | Betti error, s | gudhi, s | ratio |",
        "| --- | --- | --- | --- |",
        *ratio_rows(betti_error),
        "",
        f"Over 100 random patches of 64³: {patches:.2f} s.",
    ]
    return "\n".join(lines)
