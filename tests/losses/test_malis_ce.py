"""MalisCELoss from its parts, computed apart."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch.nn.functional import binary_cross_entropy_with_logits

from monai_topo.handlers import LossWeightSchedule
from monai_topo.losses import DeepSupervisionTopologyLoss, MalisCELoss, MalisLoss
from monai_topo.transforms import InstanceToAffinities
from tests.losses import images

NEAREST = {2: [(-1, 0), (0, -1)], 3: [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]}
LONG = {2: [(0, -1), (-3, 2), (-1, 0)], 3: [(0, 0, -2), *NEAREST[3]]}


def example(shape, count, batch=2):
    """Logits and ids."""
    ids = torch.tensor(np.random.default_rng(0).integers(0, 3, (batch, 1, *shape)))
    return 6 * images.tie_free((batch, count, *shape), 1) - 3, ids


def expected_cross_entropy(logits, ids, offsets, ignored=None):
    """The mean over all pairs that are known, by the transform's marks."""
    target = [InstanceToAffinities(offsets, ignore_index=ignored, ignored_value=-1)(item) for item in ids.numpy()]
    target = torch.tensor(np.stack(target))
    known = target >= 0
    return binary_cross_entropy_with_logits(logits[known], target[known])


@pytest.mark.parametrize("offsets", [None, LONG], ids=["nearest", "long range"])
@pytest.mark.parametrize("shape", [(6, 7), (3, 4, 5)], ids=str)
def test_the_sum_of_its_parts(shape, offsets):
    ndim = len(shape)
    offsets = offsets and offsets[ndim]
    logits, ids = example(shape, len(offsets or shape))
    ids[..., 1:] += 4 * (ids[..., 1:] == 1)
    nearest = [(offsets or NEAREST[ndim]).index(offset) for offset in NEAREST[ndim]]
    malis = MalisLoss(sigmoid=True)(logits[:, nearest], ids)
    entropy = expected_cross_entropy(logits, ids, offsets)
    loss = MalisCELoss(offsets, lambda_ce=0.5, lambda_topo=2.0)
    torch.testing.assert_close(loss(logits, ids), 0.5 * entropy + 2 * malis)
    assert min(entropy, malis) > 0
    ignored = MalisCELoss(offsets, ignore_index=2)(logits, ids)
    parts = MalisLoss(sigmoid=True, ignore_index=2)(logits[:, nearest], ids)
    torch.testing.assert_close(ignored, expected_cross_entropy(logits, ids, offsets, 2) + parts)
    without = MalisCELoss(offsets, constrained=False)(logits, ids) - entropy
    torch.testing.assert_close(without, MalisLoss(sigmoid=True, constrained=False)(logits[:, nearest], ids))


def test_gradients_dtypes_and_containers():
    logits, ids = example((5, 6), 2)
    plain = MalisCELoss()(logits, ids)
    half = logits.bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = MalisCELoss()(half, ids.to(torch.uint16))
    value.backward()
    assert value.item() == pytest.approx(plain.item(), abs=0.02)
    assert half.grad.dtype == torch.bfloat16
    assert half.grad.any()
    wrapped = MalisCELoss()(MetaTensor(logits), MetaTensor(ids.float()))
    assert not isinstance(wrapped, MetaTensor)
    torch.testing.assert_close(wrapped, plain)
    torch.testing.assert_close(pickle.loads(pickle.dumps(MalisCELoss()))(logits, ids), plain)


def test_in_a_schedule_and_with_deep_supervision():
    logits, ids = example((8, 8), 2)
    loss = MalisCELoss()
    schedule = LossWeightSchedule(loss, weight=0.5, start_epoch=2)
    schedule._set(schedule.weight_in(1))
    torch.testing.assert_close(loss(logits, ids), expected_cross_entropy(logits, ids, None))
    torch.testing.assert_close(loss(logits, ids), loss.voxelwise(logits, ids))
    heads = [logits, logits[..., ::2, ::2]]
    value = DeepSupervisionTopologyLoss(MalisCELoss())(heads, ids)
    small = expected_cross_entropy(heads[1], ids[..., 1::2, 1::2], None)
    torch.testing.assert_close(value, MalisCELoss()(logits, ids) + 0.5 * small)


def test_single_voxels_are_no_loss():
    logits = torch.zeros(1, 3, 1, 1, 1, requires_grad=True)
    value = MalisCELoss()(logits, torch.ones(1, 1, 1, 1, 1))
    value.backward()
    assert value == 0
    assert not logits.grad.any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"offsets": []}, ValueError, "offsets must be None or one or more"),
        ({"offsets": [(0, 0)]}, ValueError, "offsets must be None or one or more"),
        ({"lambda_topo": -1.0}, ValueError, "must be at least 0"),
        ({"constraint": True}, TypeError, "did you mean 'constrained'"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        MalisCELoss(**arguments)


def test_bad_input():
    logits, ids = example((5, 6), 2)
    with pytest.raises(ValueError, match="a channel for each of the offsets"):
        MalisCELoss(LONG[2])(logits, ids)
    with pytest.raises(ValueError, match=r"offsets must hold those to the voxel before"):
        MalisCELoss([(0, -1), (0, -2)])(logits, ids)
    with pytest.raises(ValueError, match=r"ids of shape \(B, 1, ...\)"):
        MalisCELoss()(logits, ids[..., 1:])
    with pytest.raises(ValueError, match="NaN or infinity at batch index 0, channel 1"):
        MalisCELoss(lambda_topo=0.0)(logits.index_fill(1, torch.tensor(1), float("nan")), ids)
