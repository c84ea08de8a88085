"""Betti matching errors by hand; the ranks themselves are held against gudhi in tests/topology/test_overlap.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ignite.engine import Engine

from monai_topo.handlers import BettiMatchingError
from monai_topo.metrics import BettiMatchingErrorMetric, compute_betti_error, compute_betti_matching_error
from monai_topo.topology import betti_numbers
from tests.topology import images
from tests.topology.masks.test_overlap import gudhi_shared


def two_rings():
    """Masks of a ring at the left and of one at the right."""
    return (torch.tensor(images.ring((7, 12), center, 1))[None, None] for center in ((2, 2), (2, 8)))


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize(("dim", "expected"), [(0, 2), (1, 2), ("sum", 4)])
def test_rings_in_two_places_do_not_match(dim, expected, connectivity):
    left, right = two_rings()
    options = {"dim": dim, "connectivity": connectivity}
    assert compute_betti_matching_error(left, right, **options).item() == expected
    assert compute_betti_matching_error(left, left, **options).item() == 0
    assert compute_betti_matching_error(torch.zeros_like(left), left, **options).item() == expected / 2
    assert compute_betti_error(left, right, **options).item() == 0


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(6, 9), (4, 5, 6)], ids=str)
def test_every_item_and_channel_against_gudhi(shape, connectivity, frame, rng):
    prediction, truth = torch.tensor(rng.random((2, 2, 3, *shape)) < 0.5).float()
    for k in range(len(shape)):
        error = compute_betti_matching_error(prediction, truth, dim=k, connectivity=connectivity, frame=frame)
        assert error.shape == (2, 3)
        for item, channel in np.ndindex(2, 3):
            p, t = (mask[item, channel].numpy() > 0 for mask in (prediction, truth))
            shared = gudhi_shared(p, t, connectivity is None, frame)[k]
            counts = [betti_numbers(mask, connectivity, frame=frame)[k] for mask in (p, t)]
            assert error[item, channel] == sum(counts) - 2 * shared
            assert error[item, channel] >= abs(counts[0] - counts[1])


def test_normalized():
    left, right = two_rings()
    assert compute_betti_matching_error(left, right, dim=0, normalize=True).item() == 1
    both = torch.maximum(left, right)
    assert compute_betti_matching_error(left, both, dim=1, normalize=True).item() == 0.25
    empty = torch.zeros_like(left)
    assert compute_betti_matching_error(left, empty, normalize=True).item() == 1
    assert compute_betti_matching_error(empty, empty, normalize=True).item() == 0


def test_patches_are_averaged():
    left, right = two_rings()
    error = compute_betti_matching_error(left, right, dim=0, patch_size=(7, 6))
    assert error.item() == 1  # one extra component in the left half, one missing in the right


def test_in_an_engine():
    left, right = two_rings()
    engine = Engine(lambda engine, batch: (left, batch))
    BettiMatchingError(dim=1).attach(engine, "loops")
    engine.run([left, right], max_epochs=1)
    assert engine.state.metrics["loops"] == pytest.approx(1.0)


def test_an_unknown_dimension_is_refused():
    with pytest.raises(ValueError, match="dim must be 0, 1, 2 or 'sum', got 3"):
        BettiMatchingErrorMetric(dim=3)
    left, right = two_rings()
    with pytest.raises(ValueError, match="dims must be"):
        BettiMatchingErrorMetric(dim=2)(left, right)
