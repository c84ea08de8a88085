"""Euler errors by hand and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.measure import euler_number

from monai_topo.metrics import EulerErrorMetric, compute_betti_error, compute_euler_error
from tests.topology import images


def test_false_component_and_false_loop_cancel():
    prediction, truth = torch.zeros(2, 1, 1, 9, 16)
    prediction[..., :7, :9] = torch.tensor(images.ring((7, 9)))
    prediction[..., 4, 12] = 1
    truth[..., 0, 0] = 1
    assert compute_euler_error(prediction, truth).item() == 0  # 2 components less 1 loop, against 1 component
    assert compute_betti_error(prediction, truth).item() == 2


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(5, 9), (4, 6, 7)], ids=str)
def test_random_masks_against_scikit_image(shape, connectivity, rng):
    prediction, truth = rng.random((2, 2, 3, *shape)) < 0.4
    errors = compute_euler_error(torch.tensor(prediction), torch.tensor(truth), connectivity=connectivity)
    assert errors.max() > 0
    for index in np.ndindex(2, 3):
        numbers = [euler_number(np.pad(mask[index], 1), connectivity or len(shape)) for mask in (prediction, truth)]
        assert errors[index] == abs(numbers[0] - numbers[1])


def test_empties_and_the_other_connectivity():
    empty, diagonal = torch.zeros(1, 1, 4, 5), torch.eye(4, 5)[None, None]
    assert compute_euler_error(empty, empty).item() == 0
    assert compute_euler_error(empty, diagonal).item() == compute_euler_error(diagonal, empty).item() == 1
    assert compute_euler_error(empty, diagonal, connectivity=1).item() == 4
    assert str(EulerErrorMetric(connectivity=1)) == "EulerErrorMetric(connectivity=1)"
    with pytest.raises(ValueError, match="connectivity"):
        compute_euler_error(empty, diagonal, connectivity=3)
