"""Windows by blocks give what MONAI's sliding window gives for the whole volume."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.inferers import SimpleInferer, SliceInferer, SlidingWindowInferer

from monai_topo.inferers import BFloat16Inferer, BlockWindows, FlipMeanInferer


def network(in_channels, out_channels, ndim):
    """Padded, and so another function at the border of a window than within."""
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d if ndim == 2 else torch.nn.Conv3d
    return torch.nn.Sequential(
        convolution(in_channels, 4, 3, padding=1), torch.nn.Tanh(), convolution(4, out_channels, 3, padding=1)
    )


def by_blocks(inferer, image, net, block):
    windows = BlockWindows(inferer, image.shape[2:], block)
    asked = []

    def read(box):
        asked.append([stop - start for start, stop in box])
        return image[0][(slice(None), *(slice(*bounds) for bounds in box))].numpy()

    parts = {one: windows.part(one, read, net) for one in windows.blocks}
    output = np.full((1, 1, *image.shape[2:]), np.nan)
    for one in windows.blocks:
        joined = windows.joined(one, lambda other: parts[other].numpy())
        if output.shape[1] != len(joined):
            output = np.full((1, len(joined), *image.shape[2:]), np.nan)
        output[(0, slice(None), *(slice(*bounds) for bounds in windows.box(one)))] = joined
    roi = windows.roi
    most = [min(n, size + max(r - 1, 0)) for n, size, r in zip(image.shape[2:], block, roi, strict=True)]
    assert all(size <= limit for sizes in asked for size, limit in zip(sizes, most, strict=True))
    return output


def check(inferer, image, net, block):
    with torch.no_grad():
        whole = inferer(image, net).numpy()
    np.testing.assert_allclose(by_blocks(inferer, image, net, block), whole, atol=1e-5)


@pytest.mark.parametrize("mode", ["constant", "gaussian"])
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_random_volumes_windows_and_blocks(mode, ndim, seed):
    rng = np.random.default_rng([seed, ndim])
    top = 40 if ndim == 2 else 20
    shape = rng.integers(1, top, ndim).tolist()
    roi = rng.integers(2, top // 2, ndim).tolist()
    padding_mode = str(rng.choice(["constant", "replicate"]))
    inferer = SlidingWindowInferer(
        roi_size=roi,
        sw_batch_size=int(rng.integers(1, 4)),
        overlap=rng.choice([0.0, 0.25, 0.5, 0.8], ndim).tolist(),
        mode=mode,
        padding_mode=padding_mode,
        cval=0.5 if padding_mode == "constant" else 0.0,
    )
    image = torch.from_numpy(rng.random((1, 2, *shape), dtype=np.float32))
    check(inferer, image, network(2, 3, ndim), rng.integers(1, top, ndim).tolist())


@pytest.mark.parametrize("shape", [(12, 9, 10), (5, 9, 6)])
def test_flips_and_bfloat16(shape, rng):
    windows = SlidingWindowInferer(roi_size=(6, 5, 7), overlap=0.4, mode="gaussian", padding_mode="replicate")
    image = torch.from_numpy(rng.random((1, 1, *shape), dtype=np.float32))
    check(FlipMeanInferer(windows), image, network(1, 1, 3), (5, 4, 8))
    check(FlipMeanInferer(windows, axes=[1]), image, network(1, 1, 3), (5, 4, 8))
    check(FlipMeanInferer(BFloat16Inferer(windows, enabled=False)), image, network(1, 1, 3), (5, 4, 8))
    net = network(1, 1, 3)
    with torch.no_grad():
        whole = BFloat16Inferer(windows)(image, net).numpy()
        exact = windows(image, net).numpy()
    found = by_blocks(BFloat16Inferer(windows), image, net, (5, 4, 8))
    assert np.abs(found - whole).max() < 0.2 * np.abs(whole - exact).max()


def test_an_axis_of_the_window_may_be_the_volume_s(rng):
    image = torch.from_numpy(rng.random((1, 1, 9, 14), dtype=np.float32))
    check(SlidingWindowInferer(roi_size=(4, -1), overlap=0.5), image, network(1, 1, 2), (3, 5))


def test_each_window_is_computed_once():
    count = []

    def net(windows):
        count.append(len(windows))
        return windows

    image = torch.rand(1, 1, 30, 17)
    inferer = SlidingWindowInferer(roi_size=(8, 6), sw_batch_size=3, overlap=0.5)
    by_blocks(inferer, image, net, (7, 5))
    blocks, count[:] = sum(count), []
    inferer(image, net)
    assert blocks == sum(count)


def test_errors():
    with pytest.raises(ValueError, match=r"inferer must be a SlidingWindowInferer without coordinates.*SimpleInferer"):
        BlockWindows(SimpleInferer(), (9, 9), (3, 3))
    with pytest.raises(ValueError, match="got SliceInferer"):
        BlockWindows(SliceInferer(roi_size=(3, 3)), (9, 9, 9), (3, 3, 3))
    inferer = SlidingWindowInferer(roi_size=(4, 4), padding_mode="reflect")
    with pytest.raises(ValueError, match="block must have a positive size for each of the 2 axes"):
        BlockWindows(inferer, (9, 9), (3, 0))
    with pytest.raises(ValueError, match="roi_size of the inferer must have 3 axes"):
        BlockWindows(inferer, (9, 9, 9), (3, 3, 3))
    windows = BlockWindows(inferer, (9, 1), (9, 9))
    with pytest.raises(ValueError, match=r"cannot be padded to \(4, 4\) by reflect"):
        windows.part((0, 0), lambda box: np.zeros((1, 9, 1)), torch.nn.Identity())
    windows = BlockWindows(inferer, (9, 9), (9, 9))
    with pytest.raises(ValueError, match="the network must give one output of its input's spatial shape"):
        windows.part((0, 0), lambda box: np.zeros((1, 9, 9)), torch.nn.MaxPool2d(2))
