"""Road networks into which errors are injected one at a time: the experiment of Oner et al. 2023, section 4.1."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import Delaunay

from monai_topo.losses import LocalizedTopoLoss

TRUNCATION = 15.0
GAP = 10.0
REACH = (12.0, 40.0)


class RoadNetwork:
    """Straight roads between the points of a jittered grid, with gaps and false roads.

    Args:
        size: edge length of the square image.
        seed: of the network and of its errors.
    """

    def __init__(self, size, seed):
        self.size = size
        self.rng = np.random.default_rng(seed)
        self.roads = self._draw_network(blocks=6)
        self.gaps, self.false_roads = [], []

    def _draw_network(self, blocks):
        step = self.size / blocks
        corners = np.stack(np.meshgrid(*[np.arange(-1, blocks + 1)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
        points = (corners + 0.5 + self.rng.uniform(-0.3, 0.3, corners.shape)) * step
        sides = {tuple(sorted(pair)) for t in Delaunay(points).simplices for pair in zip(t, np.roll(t, 1), strict=True)}
        roads = [points[list(side)] for side in sorted(sides)]
        return [road for road in roads if np.linalg.norm(road[1] - road[0]) < 1.6 * step and self.rng.random() < 0.6]

    def inject_error(self):
        """A gap in a road or a false road between two, each as likely."""
        if self.rng.random() < 0.5:
            _, place, along = self._place_on_a_road()
            self.gaps.append(place + np.outer([-0.5, 0.5], GAP * along))
        else:
            self.false_roads.append(self._draw_false_road())

    def _draw_false_road(self):
        while True:
            (a, start, _), (b, end, _) = self._place_on_a_road(), self._place_on_a_road()
            if a != b and REACH[0] < np.linalg.norm(end - start) < REACH[1]:
                return np.stack([start, end])

    def _place_on_a_road(self):
        while True:
            index = int(self.rng.integers(len(self.roads)))
            start, end = self.roads[index]
            place = start + self.rng.uniform(0.25, 0.75) * (end - start)
            if (place > 4).all() and (place < self.size - 4).all():
                return index, place, (end - start) / np.linalg.norm(end - start)

    def mask(self):
        """Bool image of the roads one pixel wide, with the errors so far."""
        mask = self._drawn(self.roads)
        mask &= ~ndimage.binary_dilation(self._drawn(self.gaps), np.ones((3, 3)))
        return mask | self._drawn(self.false_roads)

    def distance_map(self):
        """Truncated distance to the nearest road, ``(1, 1, H, W)``."""
        distance = np.minimum(ndimage.distance_transform_edt(~self.mask()), TRUNCATION)
        return torch.tensor(distance, dtype=torch.float32)[None, None]

    def _drawn(self, segments):
        mask = np.zeros((self.size, self.size), bool)
        for start, end in segments:
            steps = np.linspace(0, 1, 2 * int(np.abs(end - start).max()) + 2)[:, None]
            pixels = np.round(start + steps * (end - start)).astype(int)
            mask[tuple(pixels[((pixels >= 0) & (pixels < self.size)).all(axis=1)].T)] = True
        return mask


def increments(height, networks, errors=30, size=128):
    """Change of the loss by each injected error, ``(networks, errors)``; one height function for each network."""
    found = []
    for seed in range(networks):
        network = RoadNetwork(size, seed)
        truth = network.distance_map()
        values = [0.0]
        for _ in range(errors):
            network.inject_error()
            loss = LocalizedTopoLoss(height=height, patch_size=64, seed=seed)  # the same seed, the same height
            values.append(loss(network.distance_map(), truth).item())
        found.append(np.diff(values))
    return np.array(found)
