"""The list of bridges that goes with a bridged mask, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from monai_topo.data import written_whole
from monai_topo.graphs import Gap


@dataclass(frozen=True)
class Bridge:
    """A gap of a mask of tubes that could be bridged.

    Attributes:
        channel: channel of the likelihood.
        outcome: ``"bridged"``; or why not: ``"length"``, ``"mean"``, ``"ends"`` or ``"angle"`` by the argument that it
            fails, ``"joined already"`` (it would close a loop) or ``"not drawn"`` (it would change more than that).
        length: along the path, in the unit of the spacing.
        weakest: the lowest likelihood, smoothed, on the path.
        mean: the mean likelihood, smoothed, on the path.
        radius: the mean of the tubes' radii at the two ends, in the unit of the spacing.
        num_ends: number of the two places that are ends of a tube (or small components), and not its side.
        angle: the larger of the angles, in degrees, between the ends' own directions and the way from end to end; NaN
            where neither has a direction.
        closes_loop: whether the two places are of one component.
        start: the voxel of the mask where the path begins, in the channel.
        stop: the one where it ends.

    Example:
        >>> import numpy as np
        >>> from monai_topo.transforms import BridgeGaps
        >>> tube = np.zeros((1, 24, 5, 5))
        >>> tube[0, :, 1:4, 1:4] = 0.9
        >>> tube[0, 11:13, 1:4, 1:4] = 0.3
        >>> (bridge,) = [bridge for bridge in BridgeGaps(sigma=0).bridges(tube)[1] if bridge.outcome == "bridged"]
        >>> bridge.length, round(bridge.weakest, 2), bridge.num_ends
        (3.0, 0.3, 2)
    """

    channel: int
    outcome: str
    length: float
    weakest: float
    mean: float
    radius: float
    num_ends: int
    angle: float
    closes_loop: bool
    start: tuple[int, ...]
    stop: tuple[int, ...]


def list_bridge(channel: int, gap: Gap, outcome: str) -> Bridge:
    """The line of a list for a gap of a channel, and what became of it."""
    return Bridge(
        channel=channel,
        outcome=outcome,
        length=gap.length,
        weakest=gap.weakest,
        mean=gap.mean,
        radius=sum(gap.radii) / 2,
        num_ends=gap.num_ends,
        angle=gap.angle,
        closes_loop=gap.components[0] == gap.components[1],
        start=tuple(gap.path[0].tolist()),
        stop=tuple(gap.path[-1].tolist()),
    )


def save_bridges(bridges: Iterable[Bridge], path: str | Path) -> Path:
    """Write a list of bridges as CSV, one a line, columns as :class:`Bridge`; voxels as numbers between spaces.

    Args:
        bridges: bridges, from :meth:`BridgeGaps.bridges`.
        path: path of the file, whose folder is made if need be. It is there whole or not at all.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_bridges([], f"{folder}/bridges.csv").read_text().split(",")[:3]
        ['channel', 'outcome', 'length']
    """
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow([field.name for field in fields(Bridge)])
        for bridge in bridges:
            *columns, start, stop = astuple(bridge)
            table.writerow([*columns, " ".join(map(str, start)), " ".join(map(str, stop))])
    return Path(path)
