"""How often an error lowers the loss, without and with a height function: docs/images/localized.png and its table.

``python -m tests.benchmarks.figure_localized``
"""

from __future__ import annotations

import numpy as np

from monai_topo.visualize.figure import new_figure, save_png
from tests.benchmarks.roads import RoadNetwork, increments
from tests.benchmarks.sections import DOCS, write_section

NETWORKS, ERRORS = 20, 30
FORMS = {"none (Homo-Reg)": None, "linear": "linear", "radial": "radial", "quadratic": "quadratic"}


def draw(changes):
    """Truth, corrupted map, and the distribution of the changes without and with a height function."""
    figure, axes = new_figure(1, 4, size=3.2)
    network = RoadNetwork(128, seed=0)
    for ax, title in zip(axes[0], ("ground truth", f"{ERRORS} errors"), strict=False):
        ax.imshow(network.distance_map()[0, 0], cmap="magma")
        ax.set_title(title)
        ax.axis("off")
        for _ in range(ERRORS):
            network.inject_error()
    for ax, name in zip(axes[0, 2:], ("none (Homo-Reg)", "linear"), strict=True):
        values = np.sort((changes[name] / np.abs(changes[name]).mean()).ravel())
        share = (np.arange(len(values)) + 1) / len(values)
        ax.fill_between(
            values, share, where=values < 0, step="post", color="tab:red", label="the error lowers the loss"
        )
        ax.fill_between(values, share, where=values >= 0, step="post", color="tab:green", label="it does not")
        ax.set(
            title=f"height function: {name.split(' ')[0]}", xlim=(-3, 3), ylim=(0, 1), xlabel="change / mean |change|"
        )
    axes[0, 2].set_ylabel("share of injections")
    axes[0, 2].legend(loc="upper left", fontsize="small")
    save_png(figure, DOCS / "images" / "localized.png")


def main():
    """Measure, draw, write."""
    changes = {name: increments(form, NETWORKS, ERRORS) for name, form in FORMS.items()}
    draw(changes)
    rows = [f"| {name} | {(found < 0).mean():.2f} | {(found > 0).mean():.2f} |" for name, found in changes.items()]
    write_section(
        "losses.md",
        "localized",
        "| height function | errors that lower the loss | that raise it |\n| --- | --- | --- |\n" + "\n".join(rows),
    )


if __name__ == "__main__":
    main()
