"""MalisLoss against all pairs of voxels, and as a MONAI loss."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_topo.losses import DeepSupervisionTopologyLoss, DiceCETopologyLoss, MalisLoss
from tests.losses import images
from tests.topology.affinities.graphs import grid_edges, maximin_of_all_pairs, pairs_of_ids, random_case


def by_all_pairs(affinities, ids, constrained):
    """The value from the definition."""
    edges, flat = grid_edges(ids.shape), ids.ravel()
    weights = np.array([affinities[axis].ravel()[voxel] for axis, voxel, _ in edges], np.float64)
    within = np.array([flat[voxel] == flat[before] > 0 for _, voxel, before in edges], bool)
    positive, negative = (np.where(within, weights, 0), np.where(within, 1, weights)) if constrained else [weights] * 2
    first, second, same = pairs_of_ids(ids)
    attracted = maximin_of_all_pairs(positive, edges, ids.size)[first, second][same]
    repelled = maximin_of_all_pairs(negative, edges, ids.size)[first, second][~same]
    sums = np.square(1 - attracted).sum(), np.square(repelled).sum()
    numbers = (len(attracted), len(repelled)) if constrained else [len(attracted) + len(repelled)] * 2
    return sum(total / max(1, number) for total, number in zip(sums, numbers, strict=True))


def tensors(affinities, ids):
    return torch.tensor(affinities)[None], torch.tensor(ids)[None, None]


def example(shape=(6, 7), classes=1, batch=1):
    """Tie-free affinities and ids."""
    ndim, rng = len(shape), np.random.default_rng(0)
    affinities = images.tie_free((batch, classes * ndim, *shape), 1)
    return affinities, torch.tensor(rng.integers(0, 4, (batch, classes, *shape)))


def value_and_gradient(loss, affinities, ids):
    affinities = affinities.clone().requires_grad_()
    value = loss(affinities, ids)
    value.backward()
    return value.item(), affinities.grad


@pytest.mark.parametrize("constrained", [True, False])
@pytest.mark.parametrize("seed", range(200))
def test_by_all_pairs(seed, constrained):
    affinities, ids = random_case(seed)
    value = MalisLoss(constrained=constrained)(*tensors(affinities, ids))
    assert float(value) == pytest.approx(by_all_pairs(affinities, ids, constrained), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("constrained", [True, False])
@pytest.mark.parametrize("shape", [(4, 5), (3, 3, 4)], ids=str)
def test_gradient_in_double_precision(shape, constrained):
    affinities, ids = example(shape)
    affinities = affinities.double().requires_grad_()
    loss = MalisLoss(constrained=constrained)
    (gradient,) = torch.autograd.grad(loss.patch_terms(affinities, ids[:, 0]).sum(), affinities)
    assert gradient.abs().max() > 0
    assert torch.autograd.gradcheck(lambda values: loss.patch_terms(values, ids[:, 0]), affinities)


def test_each_pass_trains_its_own_edges():
    affinities, ids = example((8, 9))
    _, gradient = value_and_gradient(MalisLoss(), affinities, ids)
    flat = ids.flatten().tolist()
    for axis, voxel, before in grid_edges((8, 9)):
        slope = float(gradient[0, axis].flatten()[voxel])
        if flat[voxel] == flat[before] > 0:
            assert slope < 0
        else:
            assert slope >= 0
    assert (gradient > 0).any()
    assert not gradient[0, 0, 0].any()
    assert not gradient[0, 1, :, 0].any()


def test_right_affinities_are_free():
    ids = torch.zeros(1, 1, 5, 8, dtype=torch.long)
    ids[..., :4], ids[..., 5:] = 1, 2
    affinities = torch.stack([(ids == ids.roll(1, axis)) & (ids > 0) for axis in (2, 3)], 1)[:, :, 0].float()
    for constrained in (True, False):
        value, gradient = value_and_gradient(MalisLoss(constrained=constrained), affinities, ids)
        assert value == 0
        assert not gradient.any()
    assert MalisLoss()(affinities, torch.zeros_like(ids)) == 0


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 5)], ids=str)
def test_axes_and_directions_do_not_matter(shape):
    affinities, ids = example(shape)
    value = MalisLoss()(affinities, ids)
    turned = affinities.transpose(2, 3)[:, [1, 0, *range(2, len(shape))]]
    torch.testing.assert_close(MalisLoss()(turned, ids.transpose(2, 3)), value)
    last = len(shape) - 1  # turned around, an edge is stored at its other voxel
    flipped = affinities.flip(-1)
    flipped[:, last] = flipped[:, last].roll(1, -1)
    torch.testing.assert_close(MalisLoss()(flipped, ids.flip(-1)), value)


def test_batch_and_classes_one_by_one():
    affinities, ids = example((5, 6), classes=3, batch=2)
    each = MalisLoss(reduction="none")(affinities, ids)
    assert each.shape == (2, 3, 1, 1)
    for item, number in np.ndindex(2, 3):
        alone = MalisLoss()(affinities[item, 2 * number : 2 * number + 2][None], ids[item, number][None, None])
        torch.testing.assert_close(each[item, number, 0, 0], alone)
    torch.testing.assert_close(MalisLoss()(affinities, ids), each.mean())
    torch.testing.assert_close(MalisLoss(reduction="sum")(affinities, ids), each.sum())
    weighted = MalisLoss(reduction="none", weight=[2.0, 0.0, 0.5])(affinities, ids)
    torch.testing.assert_close(weighted, each * torch.tensor([2.0, 0.0, 0.5]).reshape(1, 3, 1, 1))
    torch.testing.assert_close(MalisLoss(reduction="none", include_background=False)(affinities, ids), each[:, 1:])


def test_patches():
    affinities, ids = example((6, 10))
    columns = [slice(0, 4), slice(4, 8), slice(6, 10)]
    patches = [(rows, part) for rows in (slice(0, 4), slice(2, 6)) for part in columns]
    expected = torch.stack([MalisLoss()(affinities[..., r, c], ids[..., r, c]) for r, c in patches]).mean()
    torch.testing.assert_close(MalisLoss(patch_size=4)(affinities, ids), expected)


def test_ignored_voxels_do_not_matter():
    affinities, ids = example((7, 9))
    ids[..., 2:4, 3:] = 255
    other, around = affinities.clone(), ids == 255
    for axis in range(2):
        other[:, axis][(around | around.roll(1, axis + 2))[:, 0]] = float("nan")
    loss = MalisLoss(ignore_index=255)
    value, gradient = value_and_gradient(loss, affinities, ids)
    again, other_gradient = value_and_gradient(loss, other, ids)
    assert value == again > 0
    torch.testing.assert_close(gradient, other_gradient)
    assert not gradient[:, 0][around[:, 0]].any()
    assert MalisLoss()(affinities, ids) != value


def test_logits_dtypes_and_containers():
    affinities, ids = example((5, 7))
    plain = MalisLoss()(torch.sigmoid(affinities), ids)
    torch.testing.assert_close(MalisLoss(sigmoid=True)(affinities, ids), plain)
    torch.testing.assert_close(MalisLoss(other_act=torch.sigmoid)(affinities, ids), plain)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, gradient = value_and_gradient(MalisLoss(sigmoid=True), affinities.bfloat16(), ids)
    assert value == pytest.approx(float(plain), abs=0.01)
    assert gradient.dtype == torch.bfloat16
    assert gradient.any()
    wrapped = MalisLoss(sigmoid=True)(MetaTensor(affinities), MetaTensor(ids.float()))
    assert not isinstance(wrapped, MetaTensor)
    torch.testing.assert_close(wrapped, plain)
    for dtype in (torch.uint8, torch.int32, torch.uint16, torch.float32):
        torch.testing.assert_close(MalisLoss(sigmoid=True)(affinities, ids.to(dtype)), plain)
    again = pickle.loads(pickle.dumps(MalisLoss(sigmoid=True)))
    torch.testing.assert_close(again(affinities, ids), plain)


def test_beside_other_losses():
    affinities, ids = example((8, 8))
    heads = [affinities, affinities[..., ::2, ::2]]
    value = DeepSupervisionTopologyLoss(MalisLoss(sigmoid=True))(heads, ids)
    torch.testing.assert_close(value, MalisLoss(sigmoid=True)(affinities, ids))
    with pytest.raises(ValueError, match="lambda_topo must be given for MalisLoss"):
        DiceCETopologyLoss(topology=MalisLoss())


def test_bad_input():
    affinities, ids = example((4, 5))
    for arguments, message in (({"to_onehot_y": True}, "needs classes"), ({"softmax": True}, "sigmoid=True")):
        with pytest.raises(ValueError, match=message):
            MalisLoss(**arguments)
    with pytest.raises(TypeError, match="MalisLoss has no argument 'constraint': did you mean 'constrained'"):
        MalisLoss(constraint=True)
    with pytest.raises(ValueError, match="input must have 2 channels for each class, an affinity for each axis, got 3"):
        MalisLoss()(torch.rand(1, 3, 4, 5), ids)
    with pytest.raises(AssertionError, match="ground truth has different shape"):
        MalisLoss()(affinities, ids[..., 1:])
    with pytest.raises(ValueError, match="from -3 to 3: if these are logits, set sigmoid=True or other_act"):
        MalisLoss()(torch.tensor([-3.0, 3.0]).reshape(1, 2, 1, 1), torch.ones(1, 1, 1, 1))
    with pytest.raises(ValueError, match="NaN or infinity at batch index 0, channel 1"):
        MalisLoss()(affinities.index_fill(1, torch.tensor(1), float("nan")), ids)
    for wrong, message in ((-1, "got -1: set ignore_index"), (0.5, "got 0.5: was a label interpolated")):
        with pytest.raises(ValueError, match=message):
            MalisLoss()(affinities, torch.full((1, 1, 4, 5), wrong))
    with pytest.warns(UserWarning, match="`include_background=False` ignored"):
        MalisLoss(include_background=False)(affinities, ids)


def test_an_empty_batch_and_single_voxels():
    assert MalisLoss()(torch.zeros(0, 2, 4, 5), torch.zeros(0, 1, 4, 5)) == 0
    value, gradient = value_and_gradient(MalisLoss(), torch.rand(1, 3, 1, 1, 1), torch.ones(1, 1, 1, 1, 1))
    assert value == 0
    assert not gradient.any()
