"""What a checkpoint of nnU-Net holds beside nnU-Net's own entries, and whom it names as its trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.config import PathLike

from monai_topo.data import written_whole

STATE = "monai_topo"
"""Entry of the checkpoint that holds the state of the topology term."""


def save_with_state(save: Callable[[str], None], path: PathLike, trainer_name: str, state: dict[str, Any]) -> None:
    """Let nnU-Net save a checkpoint, add a state to it, and name the trainer that it is read by; whole or not at all.

    Args:
        save: nnU-Net's function, from a path to the file there.
        path: path of the checkpoint.
        trainer_name: name of the trainer class that nnU-Net's predictor is to build the network by.
        state: state of the topology term.
    """
    with written_whole(path) as temporary:
        save(str(temporary))
        checkpoint = torch.load(temporary, map_location="cpu", weights_only=False)
        torch.save({**checkpoint, "trainer_name": trainer_name, STATE: state}, temporary)


def read_state(path: PathLike) -> dict[str, Any] | None:
    """The state in a checkpoint; None in one of another trainer."""
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return checkpoint.get(STATE)


def reading_trainer(trainer: type) -> str:
    """Name of the class that nnU-Net's predictor needs for a trainer's checkpoints.

    The predictor takes nothing but the network from a trainer. Where that is made by a class of nnU-Net itself, the
    checkpoint names this one, and nnU-Net reads it without this package.

    Args:
        trainer: trainer class.
    """
    for base in trainer.__mro__:
        same = getattr(base, "build_network_architecture", None) is getattr(trainer, "build_network_architecture", None)
        if base.__module__.startswith("nnunetv2.") and same:
            return base.__name__
    return trainer.__name__
