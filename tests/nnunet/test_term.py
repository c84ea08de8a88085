"""The term beside nnU-Net's loss, without nnU-Net: which tensors it sees."""

from __future__ import annotations

import pytest
import torch

from monai_topo.losses import TOPOLOGY_TERMS, SameClassNeighborPenalty, SkeletonRecallLoss, TopoLoss
from monai_topo.nnunet.term import PenaltyAtFullResolution, TermAtFullResolution, build_term


def batch(channels, shape=(10, 13), seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = [shape, [size // 2 for size in shape]]
    outputs = [torch.randn(2, channels, *size, generator=generator, requires_grad=True) for size in sizes]
    targets = [torch.randint(0, channels, (2, 1, *size), generator=generator).to(torch.int16) for size in sizes]
    return outputs, targets


def number(value):
    return value.detach().item()


def base(output, target):
    """Stands for nnU-Net's loss of all resolutions."""
    return sum(each.mean() * truth.float().mean() for each, truth in zip(output, target, strict=True))


def test_the_term_is_that_of_the_full_resolution_alone():
    outputs, targets = batch(3)
    loss = TermAtFullResolution(base, build_term("topo"))
    assert loss(outputs, targets) == base(outputs, targets)
    loss.weight = 0.25
    term = TopoLoss(include_background=False, to_onehot_y=True, softmax=True)(outputs[0], targets[0])
    assert term > 0
    assert number(loss(outputs, targets)) == pytest.approx(number(base(outputs, targets) + 0.25 * term))
    loss.base = lambda output, target: output[1].sum() * 0
    loss(outputs, targets).backward()
    assert outputs[0].grad.abs().sum() > 0
    assert outputs[1].grad.abs().sum() == 0


def test_one_output_without_deep_supervision():
    outputs, targets = batch(2)
    loss = TermAtFullResolution(lambda output, target: output.sum() * 0, build_term("topo"))
    loss.weight = 1.0
    term = TopoLoss(include_background=False, to_onehot_y=True, softmax=True)(outputs[0], targets[0])
    assert number(loss(outputs[0], targets[0])) == pytest.approx(number(term))


def test_ignored_voxels_make_no_difference():
    outputs, targets = batch(3)
    targets[0][:, :, :, -4:] = 3
    term = build_term("topo", ignore_label=3)
    before = number(term(outputs[0], targets[0]))
    with torch.no_grad():
        outputs[0][..., -4:] += 5
    assert before > 0
    assert number(term(outputs[0], targets[0])) == before
    assert before != number(build_term("topo")(outputs[0], targets[0] % 3))


def regions_of(targets, ignored=None):
    """Two overlapping regions of classes 1 and 2, as nnU-Net makes them, and the ignored voxels."""
    parts = [
        [target > 0, target == 2]
        + ([ignored[:, :, : target.shape[2], : target.shape[3]]] if ignored is not None else [])
        for target in targets
    ]
    return [torch.cat(part, dim=1) for part in parts]


def test_regions_are_channels_of_their_own():
    outputs, targets = batch(3)
    outputs = [output[:, 1:] for output in outputs]
    masks = regions_of(targets)
    loss = TermAtFullResolution(base, build_term("topo", regions=True), regions=True)
    term = TopoLoss(sigmoid=True)(outputs[0], masks[0])
    assert term > 0
    assert number(loss.term(outputs, masks)) == pytest.approx(number(term))


def test_ignored_voxels_of_regions():
    outputs, targets = batch(3)
    outputs = [output[:, 1:].detach() for output in outputs]
    ignored = torch.zeros(2, 1, 10, 13, dtype=torch.bool)
    ignored[..., -4:] = True
    masks = regions_of(targets, ignored)
    loss = TermAtFullResolution(base, build_term("topo", True, 3), regions=True, ignore_label=True)
    value = number(loss.term(outputs, masks))
    outputs[0][..., -4:] += 5
    masks[0][:, :2, :, -4:] = True
    assert number(loss.term(outputs, masks)) == value > 0
    outputs[0][..., :4] -= 5
    assert number(loss.term(outputs, masks)) != value


@pytest.mark.parametrize("regions", [False, True])
def test_tubes_come_with_the_target(regions):
    """nnU-Net's loss is given none of them; the term takes them for its own."""
    outputs, targets = batch(3)
    if regions:
        outputs, targets = [output[:, 1:] for output in outputs], regions_of(targets)
    seen = []
    term = build_term("skeleton_recall", regions)
    loss = TermAtFullResolution(lambda output, target: seen.append(target) or output[0].sum() * 0, term, regions)
    loss.weight = 1.0
    itself = number(loss(outputs, targets))
    tubes = [torch.zeros_like(target) for target in targets]
    with_tubes = [torch.cat([target, tube], dim=1) for target, tube in zip(targets, tubes, strict=True)]
    assert number(loss(outputs, with_tubes)) == pytest.approx(0.0, abs=1e-6)  # recall of nothing
    assert itself > 0.1
    for target, wanted in zip(seen[-1], targets, strict=True):
        assert torch.equal(target, wanted)


def test_skeleton_recall_with_tubes_is_the_losses():
    outputs, targets = batch(3)
    tubes = (targets[0] * (torch.arange(13) % 2)).to(torch.int16)
    both = torch.cat([targets[0], tubes], dim=1)
    loss = SkeletonRecallLoss(include_background=False, to_onehot_y=True, softmax=True)
    ours = TermAtFullResolution(base, build_term("skeleton_recall"))
    assert number(ours.term(outputs[0], both)) == number(loss(outputs[0], both)) > 0


def test_the_penalty_is_nnunets_loss_of_the_worst_logits():
    outputs, targets = batch(3)
    inner = torch.nn.CrossEntropyLoss()
    wrapped = Squeezed(inner)
    loss = PenaltyAtFullResolution(base, SameClassNeighborPenalty(wrapped))
    expected = inner(SameClassNeighborPenalty(inner).worst(outputs[0], targets[0]), targets[0][:, 0].long())
    assert number(loss.term(outputs, targets)) == pytest.approx(number(expected))
    assert number(expected) > number(inner(outputs[0], targets[0][:, 0].long()))


class Squeezed(torch.nn.Module):
    """Cross-entropy of targets with a channel."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, output, target):
        return self.loss(output, target[:, 0].long())


@pytest.mark.parametrize("name", sorted({*TOPOLOGY_TERMS} - {"neighbor_penalty"}))
@pytest.mark.parametrize("regions", [False, True])
def test_every_term_has_a_gradient(name, regions):
    outputs, targets = batch(3)
    outputs = [output[:, 1:] for output in outputs] if regions else outputs
    targets = regions_of(targets) if regions else targets
    loss = TermAtFullResolution(base, build_term(name, regions), regions)
    (gradient,) = torch.autograd.grad(loss.term(outputs, targets), outputs[0])
    assert gradient.abs().sum() > 0
    assert torch.isfinite(gradient).all()


def test_an_unknown_name():
    with pytest.raises(ValueError, match=r"topology must be one of .*'topo'.*, got 'betti'"):
        build_term("betti")


def test_an_unknown_option():
    with pytest.raises(TypeError, match="TopoLoss"):
        build_term("topo", options={"dim": 1})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", sorted({*TOPOLOGY_TERMS} - {"neighbor_penalty"}))
def test_half_precision_of_autocast(name, dtype):
    outputs, targets = batch(3)
    half = [output.detach().to(dtype).requires_grad_() for output in outputs]
    term = TermAtFullResolution(base, build_term(name)).term(half, targets)
    expected = TermAtFullResolution(base, build_term(name)).term([output.float() for output in half], targets)
    assert term.dtype == torch.float32
    assert number(term) == number(expected)
    (gradient,) = torch.autograd.grad(term, half[0])
    assert gradient.dtype == dtype
    assert gradient.abs().sum() > 0
