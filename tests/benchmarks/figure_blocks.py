"""How the windows of blocks meet: docs/images/blocks.png.

``python -m tests.benchmarks.figure_blocks``

Left: blocks, and the windows of each in its color; they reach over the end of their block. Right: how many blocks'
windows give something to each voxel. Both are asked of ``BlockWindows``. A second.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from monai.inferers import SlidingWindowInferer

from monai_topo.inferers import BlockWindows
from monai_topo.visualize.figure import new_figure, save_png

SHAPE, BLOCK = (58, 38), (20, 20)
COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "blocks.png"


def rectangle(axes, box, inset=0.0, **style):
    from matplotlib.patches import Rectangle

    (x, end), (y, bottom) = box
    axes.add_patch(Rectangle((x + inset, y + inset), end - x - 2 * inset, bottom - y - 2 * inset, **style))


def window_boxes(windows, block):
    """The windows of a block."""
    starts = windows._starts_in(block, ())
    for x in starts[0]:
        for y in starts[1]:
            yield (x, x + windows.roi[0]), (y, y + windows.roi[1])


def draw():
    windows = BlockWindows(SlidingWindowInferer(roi_size=(8, 8), overlap=0.5), SHAPE, BLOCK)
    figure, ((left, right),) = new_figure(1, 2, size=4.5, aspects=[0.75])
    count = np.zeros(SHAPE)
    for block, color in zip(windows.blocks, COLORS, strict=True):
        for number, box in enumerate(window_boxes(windows, block)):
            rectangle(left, box, 0.3 + 0.15 * (number % 3), facecolor="none", edgecolor=color, linewidth=0.7)
        (x, end), (y, bottom) = windows.reach(block)
        count[x:end, y:bottom] += 1
    for axes in (left, right):
        for block in windows.blocks:
            rectangle(axes, windows.box(block), facecolor="none", edgecolor="black", linewidth=1.6)
        axes.set_xlim(-1, SHAPE[0] + 1)
        axes.set_ylim(SHAPE[1] + 1, -1)
        axes.set_aspect("equal")
        axes.axis("off")
    right.imshow(count.T, extent=(0, SHAPE[0], SHAPE[1], 0), cmap="Blues", vmin=0, vmax=5)
    for block in windows.blocks:
        (x, _), (y, _) = windows.box(block)
        for dx, dy in ((12, 12), (2, 12), (12, 2), (2, 2)):
            right.text(x + dx, y + dy, int(count[x + dx, y + dy]), ha="center", va="center", fontsize=8)
    left.set_title("windows, in the color of the block in which they start", fontsize=8)
    right.set_title("blocks whose windows are summed at a voxel", fontsize=8)
    save_png(figure, PICTURE)


if __name__ == "__main__":
    draw()
