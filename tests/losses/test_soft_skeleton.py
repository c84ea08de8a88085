"""Soft skeletons against MONAI's, against grey-scale morphology, and their gradients by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.losses.cldice import soft_skel
from scipy.ndimage import generate_binary_structure, grey_dilation, grey_erosion

from monai_topo.losses.soft_skeleton import soft_skeleton
from tests.losses import images

SHAPES = [(7, 9), (1, 6), (4, 5, 6), (3, 1, 5), (1, 1)]


def by_morphology(field, iterations):
    """Algorithm 1 of the paper, operation by operation."""
    cross = generate_binary_structure(field.ndim, 1)
    box = np.ones((3,) * field.ndim, bool)

    def erode(field):
        return grey_erosion(np.pad(field, 1, constant_values=np.inf), footprint=cross)[(slice(1, -1),) * field.ndim]

    def opened(field):
        return grey_dilation(np.pad(erode(field), 1, constant_values=-np.inf), footprint=box)[
            (slice(1, -1),) * field.ndim
        ]

    skeleton = np.maximum(field - opened(field), 0)
    for _ in range(iterations):
        field = erode(field)
        more = np.maximum(field - opened(field), 0)
        skeleton = skeleton + np.maximum(more - skeleton * more, 0)
    return skeleton


def fields(shape, count, seed=0):
    """Half of them with many ties."""
    rng = np.random.default_rng(seed)
    values = rng.random((count, *shape))
    values[::2] = np.round(values[::2] * 3) / 3
    return values


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_by_morphology_and_monais(shape, iterations):
    values = fields(shape, 40)
    found = soft_skeleton(torch.from_numpy(values), iterations).numpy()
    np.testing.assert_allclose(found, [by_morphology(field, iterations) for field in values], atol=1e-12)
    theirs = soft_skel(torch.from_numpy(values)[:, None], iterations)[:, 0]
    np.testing.assert_allclose(found, theirs, atol=1e-12)
    assert (found <= values + 1e-12).all()
    assert (found.max() > 0) == (max(shape) > 1)


@pytest.mark.parametrize("shape", [(6, 7), (4, 3, 5)], ids=str)
def test_gradient_by_finite_differences(shape):
    values = images.tie_free(shape, 1).double()[None].requires_grad_()
    weights = images.tie_free(shape, 2).double()[None]
    total = (soft_skeleton(values, 2) * weights).sum()
    [gradient] = torch.autograd.grad(total, values)
    assert gradient.abs().max() > 0.1
    assert torch.autograd.gradcheck(lambda field: (soft_skeleton(field, 2) * weights).sum(), values, eps=1e-5)


@pytest.mark.parametrize("shape", [(6, 7), (4, 5, 6)], ids=str)
def test_ties_share_the_gradient(shape):
    """So that it turns with the image, and its sum is that of any choice among them."""
    values = torch.from_numpy(fields(shape, 6)).requires_grad_()
    weights = torch.from_numpy(fields(shape, 6, seed=1))
    [gradient] = torch.autograd.grad((soft_skeleton(values, 2) * weights).sum(), values)
    turned = values.detach().flip(1).requires_grad_()
    [other] = torch.autograd.grad((soft_skeleton(turned, 2) * weights.flip(1)).sum(), turned)
    torch.testing.assert_close(other.flip(1), gradient)
    assert gradient.abs().sum() > 0
