"""What the mixin needs of networks and targets, without nnU-Net."""

from __future__ import annotations

import torch

from monai_topo.nnunet.trainer import as_list, bare


def test_a_network_without_its_wrappers():
    network = torch.nn.Linear(2, 2)
    assert bare(network) is network
    assert bare(torch.compile(network, backend="eager")) is network


def test_one_target_or_several():
    tensor = torch.zeros(1)
    assert as_list(tensor) == [tensor]
    assert as_list((tensor, tensor)) == [tensor, tensor]
