"""What the first call ever takes, which compiles, and the first call of a later process, which loads."""

from __future__ import annotations

import tempfile

from tests.benchmarks.timing import probe

TITLE = "The first call"
SECONDS = 240

PROBE = """
import sys, time
import torch
from monai_topo import losses
from monai_topo.topology import match_induced, persistence_pairs, warm_up
ndim = int(sys.argv[2])
torch.manual_seed(0)
likelihood = torch.rand((1, 1) + (12,) * ndim)
truth = (likelihood > 0.6).float()
truth[..., :4] = 0
calls = {
    "pairs": lambda: persistence_pairs(likelihood[0, 0]),
    "matching": lambda: match_induced(likelihood[0, 0], truth[0, 0]),
    "loss": lambda: losses.TopoLoss()(likelihood.requires_grad_(), truth).backward(),
    "warm_up": lambda: warm_up(ndim, progress=False),
}
start = time.process_time()
calls[sys.argv[1]]()
print(time.process_time() - start)
"""

CALLS = {
    "pairs": "`persistence_pairs`",
    "matching": "`match_induced`",
    "loss": "`TopoLoss`, with gradients",
    "warm_up": "`warm_up`",
}


def measure_call(call, ndim):
    """Seconds of a processor with an empty cache, and then with what that left."""
    with tempfile.TemporaryDirectory() as folder:
        return [probe(PROBE, call, str(ndim), NUMBA_CACHE_DIR=folder) for _ in range(2)]


def section(run):
    """The part of the page, as Markdown."""
    dims, calls = run.pick((2, 3), (2,)), run.pick(list(CALLS), ["pairs"])
    taken = {(call, ndim): run.once(measure_call, call, ndim) for call in calls for ndim in dims}
    run.find(
        "the first call of `persistence_pairs` ever compiles for "
        + " and ".join(f"{taken['pairs', ndim][0]:.1f} s in {ndim}D" for ndim in dims)
        + "."
    )
    columns = [f"{ndim}D, {when}" for ndim in dims for when in ("first ever", "later process")]
    return "\n".join(
        [
            "Seconds of a processor for the first call in a new process, with the import of numba but not of torch and "
            "MONAI: with no compiled kernels on disk, and with those that such a call has left. `warm_up` compiles "
            "what all losses but those on centerlines use.",
            "",
            f"| call | {' | '.join(columns)} |",
            f"| --- | {' | '.join('---' for _ in columns)} |",
            *[
                f"| {CALLS[call]} | {' | '.join(f'{s:.2f}' for ndim in dims for s in taken[call, ndim])} |"
                for call in calls
            ],
        ]
    )
