"""Likelihoods that are broken in a known way, with the ground truth they miss; ``(1, 1, ...)`` tensors."""

from __future__ import annotations

import numpy as np
import torch


def batched(*arrays):
    return tuple(torch.tensor(np.asarray(array, np.float32))[None, None] for array in arrays)


def tie_free(shape, seed):
    """Every voxel has a value of its own in (0, 1), in random order: no tie within 1 / (number of voxels)."""
    size = int(np.prod(shape))
    values = (np.random.default_rng(seed).permutation(size) + 1) / (size + 1)
    return torch.tensor(values.reshape(shape), dtype=torch.float32)


def noisy(truth, seed):
    """A likelihood of the truth that is right everywhere."""
    return np.where(truth, 0.9, 0.05) + 0.02 * np.random.default_rng(seed).random(truth.shape)


def _two_blobs(ndim):
    truth = np.zeros((5, 9, 14)[-ndim:])
    middle = (slice(1, 4),) * (ndim - 2)
    truth[(*middle, slice(2, 6), slice(2, 5))] = truth[(*middle, slice(3, 7), slice(9, 12))] = 1
    return truth, noisy(truth, 0), middle


def weak_blob(ndim=2):
    """Two objects, one of them too faint."""
    truth, likelihood, middle = _two_blobs(ndim)
    likelihood[(*middle, slice(3, 7), slice(9, 12))] -= 0.6
    return batched(likelihood, truth)


def joined_blobs(ndim=2):
    """Two objects that a bridge makes one."""
    truth, likelihood, middle = _two_blobs(ndim)
    likelihood[(*(slice(2, 3),) * len(middle), 4, slice(5, 9))] = 0.7
    return batched(likelihood, truth)


def broken_ring():
    """A ring with a gap."""
    truth = np.zeros((11, 13))
    rows, columns = np.indices(truth.shape)
    truth[np.maximum(abs(rows - 5), abs(columns - 6)) == 3] = 1
    likelihood = noisy(truth, 1)
    likelihood[5, 9] = 0.2
    return batched(likelihood, truth)


def pierced_shell():
    """A closed surface with a hole in it."""
    truth = np.zeros((8, 9, 10))
    truth[1:7, 1:8, 1:9] = 1
    truth[2:6, 2:7, 2:8] = 0
    likelihood = noisy(truth, 2)
    likelihood[4, 4, 8] = 0.2
    return batched(likelihood, truth)


def broken_tube():
    """A solid ring in 3D with a gap."""
    truth = np.zeros((5, 11, 12))
    rows, columns = np.indices(truth.shape[1:])
    truth[1:4, np.abs(np.maximum(abs(rows - 5), abs(columns - 5)) - 3) <= 0] = 1
    likelihood = noisy(truth, 3)
    likelihood[1:4, 5, 8] -= 0.7
    return batched(likelihood, truth)


def descend(loss, likelihood, target, steps=80):
    """The likelihood after gradient descent on its logits by the loss alone."""
    logits = torch.logit(likelihood).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(logits, target).backward()
        optimizer.step()
    return torch.sigmoid(logits).detach()


def pierced_sheet():
    """A sheet that is weak in the middle: an index-1 error."""
    truth = np.zeros((8, 9, 11))
    truth[3:5] = 1
    _, rows, columns = np.indices(truth.shape)
    dent = np.exp(-((rows - 4) ** 2 + (columns - 5) ** 2) / 6)
    return batched(noisy(truth, 4) - 0.6 * dent * truth, truth)


def broken_vessel(ndim=3):
    """A straight vessel with a gap: an index-2 error."""
    truth = np.zeros((7, 6, 16)[3 - ndim :])
    truth[(slice(2, 5),) * (ndim - 1) + (slice(1, 15),)] = 1
    likelihood = noisy(truth, 5)
    likelihood[..., 7:9] *= 0.25
    return batched(likelihood, truth)


def phantom_branch(ndim=3):
    """A ring that a false branch parts in two."""
    rows, columns = np.indices((11, 13))
    truth = np.maximum(abs(rows - 5), abs(columns - 6)) == 3
    if ndim == 3:
        truth = np.pad(np.stack([truth] * 2), ((1, 2), (0, 0), (0, 0)))
    likelihood = noisy(truth, 6)
    likelihood[..., 5, 4:9] = 0.7 if ndim == 2 else likelihood[..., 5, 4:9] + 0.65 * truth[..., 2:3, 3]
    return batched(likelihood, truth)


def phantom_wall():
    """A closed surface with a false wall across it."""
    truth = np.zeros((8, 9, 12))
    truth[1:7, 1:8, 1:11] = 1
    truth[2:6, 2:7, 2:10] = 0
    likelihood = noisy(truth, 7)
    likelihood[2:6, 2:7, 5:7] = 0.7
    return batched(likelihood, truth)


def two_rings():
    """A true ring, so faint at one place that its loop hardly shows, and beside it a false one that does."""
    truth = np.zeros((13, 26))
    rows, columns = np.indices(truth.shape)
    truth[np.maximum(abs(rows - 6), abs(columns - 6)) == 4] = 1
    likelihood = np.where(truth, 0.85, 0.05) + 0.02 * np.random.default_rng(4).random(truth.shape)
    likelihood[np.maximum(abs(rows - 6), abs(columns - 19)) == 3] = 0.7
    likelihood[6, 10] = 0.2
    return batched(likelihood, truth)


def two_cells():
    """A true cell whose membrane is pierced, and in a thick part of the membrane a void that is no cell."""
    truth = np.zeros((9, 9, 18))
    truth[1:8, 1:8, 1:17] = 1
    truth[2:7, 2:7, 2:8] = 0
    likelihood = noisy(truth, 5)
    likelihood[4, 4, 1] = 0.15
    likelihood[4, 4, 12] = 0.1
    return batched(likelihood, truth)
