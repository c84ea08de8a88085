"""Births, deaths and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.topology import diagram, persistence_pairs
from tests.topology import images


def test_gradient_reaches_the_critical_voxels_and_no_other():
    image = torch.tensor([[0.75, 0.25, 0.5, 0.0]], requires_grad=True)
    points = diagram(image, persistence_pairs(image), 0)
    (points * torch.tensor([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()
    assert image.grad.tolist() == [[1.0, 1000.0, 100.0, 0.0]]  # the essential death is no voxel


def test_essential_death():
    image = torch.tensor([[0.5, 0.125, 0.25]])
    superlevel = diagram(image, persistence_pairs(image), 0)
    sublevel = diagram(image, persistence_pairs(image, direction="sublevel"), 0)
    chosen = diagram(image, persistence_pairs(image), 0, essential_death=-1.0)
    assert superlevel.tolist() == [[0.5, 0.0], [0.25, 0.125]]
    assert sublevel.tolist() == [[0.125, 0.5]]
    assert chosen.tolist() == [[0.5, -1.0], [0.25, 0.125]]


def test_dtype_is_the_tensors():
    image = torch.from_numpy(images.make("white", (5, 4), 0, np.float64))
    assert diagram(image, persistence_pairs(image), 1).dtype == torch.float64
    assert diagram(image.half(), persistence_pairs(image), 1).dtype == torch.float16


def test_no_point_is_an_empty_diagram():
    image = torch.full((3, 4), 0.5, requires_grad=True)
    points = diagram(image, persistence_pairs(image), 1)
    assert points.shape == (0, 2)
    points.sum().backward()
    assert not image.grad.any()


def test_bad_arguments():
    image = torch.zeros(3, 4)
    pairs = persistence_pairs(image, dims=0)
    with pytest.raises(ValueError, match=r"shape of the pairs' field, \(3, 4\), got \(4, 3\)"):
        diagram(image.T, pairs, 0)
    with pytest.raises(ValueError, match=r"dim must be one of the dimensions computed, \(0,\)"):
        diagram(image, pairs, 1)
