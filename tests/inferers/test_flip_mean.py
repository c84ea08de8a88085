"""The mean over flips, against loops and by what it promises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.inferers import SimpleInferer, SlidingWindowInferer

from monai_topo.inferers import FlipMeanInferer


def network(image):
    """Sees directions: sums over what lies before."""
    return image.cumsum(2) + 2 * image.cumsum(-1).square()


@pytest.mark.parametrize(("shape", "axes"), [((4, 5), None), ((4, 5, 3), None), ((4, 5, 3), [0, 2]), ((4, 5, 3), [])])
def test_it_is_the_mean_of_all_flips(shape, axes):
    image = torch.rand(2, 1, *shape, generator=torch.Generator().manual_seed(0))
    chosen = range(len(shape)) if axes is None else axes
    outputs = []
    for signs in itertools.product([1, -1], repeat=len(chosen)):
        index = [slice(None)] * image.ndim
        for axis, sign in zip(chosen, signs, strict=True):
            index[2 + axis] = slice(None, None, sign)
        flipped = torch.from_numpy(image.numpy()[tuple(index)].copy())
        outputs.append(network(flipped).numpy()[tuple(index)])
    done = FlipMeanInferer(SimpleInferer(), axes)(image, network)
    np.testing.assert_allclose(done.numpy(), np.mean(outputs, axis=0), rtol=1e-5)
    assert len(outputs) == 2 ** len(chosen)


def test_flips_commute_with_it_also_through_windows():
    image = MetaTensor(torch.rand(1, 1, 9, 8, 7, generator=torch.Generator().manual_seed(1)))
    conv = torch.nn.Conv3d(1, 2, 3, padding=1)
    infer = FlipMeanInferer(SlidingWindowInferer((6, 6, 6), overlap=0.25, mode="gaussian"))
    with torch.no_grad():
        done, flipped = infer(image, conv), infer(torch.flip(image, [2, 4]), conv)
    assert done.shape == (1, 2, 9, 8, 7)
    torch.testing.assert_close(torch.flip(flipped, [2, 4]), done, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(conv(image), done)


def test_an_output_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"spatial shape \(4, 6\), got \(1, 1, 2, 3\)"):
        FlipMeanInferer(SimpleInferer())(torch.zeros(1, 1, 4, 6), lambda image: image[..., ::2, ::2])
    with pytest.raises(ValueError, match="got tuple"):
        FlipMeanInferer(SimpleInferer())(torch.zeros(1, 1, 4, 6), lambda image: (image, image))
