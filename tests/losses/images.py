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


def weak_blob():
    """Two objects, one of them too faint."""
    truth = np.zeros((9, 14))
    truth[2:6, 2:5] = truth[3:7, 9:12] = 1
    likelihood = np.where(truth, 0.9, 0.05) + 0.02 * np.random.default_rng(0).random(truth.shape)
    likelihood[3:7, 9:12] -= 0.6
    return batched(likelihood, truth)


def joined_blobs():
    """Two objects that a bridge makes one."""
    truth = np.zeros((9, 14))
    truth[2:6, 2:5] = truth[3:7, 9:12] = 1
    likelihood = np.where(truth, 0.9, 0.05) + 0.02 * np.random.default_rng(0).random(truth.shape)
    likelihood[4, 5:9] = 0.7
    return batched(likelihood, truth)


def broken_ring():
    """A ring with a gap."""
    truth = np.zeros((11, 13))
    rows, columns = np.indices(truth.shape)
    truth[np.maximum(abs(rows - 5), abs(columns - 6)) == 3] = 1
    likelihood = np.where(truth, 0.9, 0.05) + 0.02 * np.random.default_rng(1).random(truth.shape)
    likelihood[5, 9] = 0.2
    return batched(likelihood, truth)


def pierced_shell():
    """A closed surface with a hole in it."""
    truth = np.zeros((8, 9, 10))
    truth[1:7, 1:8, 1:9] = 1
    truth[2:6, 2:7, 2:8] = 0
    likelihood = np.where(truth, 0.9, 0.05) + 0.02 * np.random.default_rng(2).random(truth.shape)
    likelihood[4, 4, 8] = 0.2
    return batched(likelihood, truth)


def broken_tube():
    """A solid ring in 3D with a gap."""
    truth = np.zeros((5, 11, 12))
    rows, columns = np.indices(truth.shape[1:])
    truth[1:4, np.abs(np.maximum(abs(rows - 5), abs(columns - 5)) - 3) <= 0] = 1
    likelihood = np.where(truth, 0.9, 0.05) + 0.02 * np.random.default_rng(3).random(truth.shape)
    likelihood[:, 5, 8] = 0.2
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
    likelihood = np.where(truth, 0.9, 0.05) + 0.02 * np.random.default_rng(5).random(truth.shape)
    likelihood[4, 4, 1] = 0.15
    likelihood[4, 4, 12] = 0.1
    return batched(likelihood, truth)
