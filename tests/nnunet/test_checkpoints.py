"""Checkpoints with a state."""

from __future__ import annotations

import pytest
import torch

from monai_topo.nnunet.checkpoints import read_state, reading_trainer, save_with_state


def test_what_nnunet_saved_and_the_state(tmp_path):
    path = tmp_path / "checkpoint_best.pth"
    save_with_state(
        lambda file: torch.save({"trainer_name": "ours", "epoch": 3}, file), path, "theirs", {"weight": 0.5}
    )
    assert torch.load(path) == {"trainer_name": "theirs", "epoch": 3, "monai_topo": {"weight": 0.5}}
    assert read_state(path) == {"weight": 0.5}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint_best.pth"]


def test_a_failure_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "checkpoint_best.pth"
    torch.save({"epoch": 1}, path)

    def fail(file):
        torch.save({}, file)
        raise RuntimeError("no space")

    with pytest.raises(RuntimeError, match="no space"):
        save_with_state(fail, path, "theirs", {})
    assert torch.load(path) == {"epoch": 1}
    assert read_state(path) is None
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint_best.pth"]


def test_who_reads_it():
    class Theirs:
        @staticmethod
        def build_network_architecture():
            return 1

    class TheirOther(Theirs):
        @staticmethod
        def build_network_architecture():
            return 2

    for theirs in (Theirs, TheirOther):
        theirs.__module__ = "nnunetv2.training"

    class Ours(Theirs):
        pass

    class OurOther(TheirOther):
        pass

    class OwnNetwork(Ours):
        @staticmethod
        def build_network_architecture():
            return 3

    assert [reading_trainer(trainer) for trainer in (Ours, OurOther, OwnNetwork)] == [
        "Theirs",
        "TheirOther",
        "OwnNetwork",
    ]
