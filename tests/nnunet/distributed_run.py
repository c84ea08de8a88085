"""Two processes that train together on CPUs, which nnU-Net itself has GPUs for; ``test_distributed.py`` runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing import spawn
from torch.nn.parallel import DistributedDataParallel


def main(folder: str, out: str) -> None:
    spawn(work, (folder, out), nprocs=2)


def work(rank: int, folder: str, out: str) -> None:
    store = f"file://{out}/store"
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    torch.manual_seed(0)
    trainer = a_trainer(Path(folder))
    norms = []
    add = trainer.term_weight.add
    trainer.term_weight.add = lambda pair: (norms.append(pair.tolist()), add(pair))
    trainer.run_training()
    log = trainer.logger.local_logger.my_fantastic_logging
    found = {
        "weight": trainer.term_weight.weight,
        "norms": norms,
        "betti_error": log["betti_error"],
        "parameters": [float(parameter.detach().sum()) for parameter in trainer.network.parameters()],
        "keys": sorted(map(str, next(trainer.dataloader_train)["keys"])),
        "patches": trainer.scores.num_batches * trainer.batch_size,
        "checkpoint": str(Path(trainer.output_folder) / "checkpoint_final.pth"),
    }
    Path(out, f"{rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


def a_trainer(folder: Path):
    """A trainer whose network and loss are on the CPU, though it takes part in a distributed run."""
    from nnunetv2.training.nnUNetTrainer import nnUNetTrainer as theirs  # noqa: N813

    from monai_topo.nnunet import nnUNetTrainerTopoLoss

    theirs.DDP = lambda network, device_ids: DistributedDataParallel(network)
    preprocessed = folder / "nnUNet_preprocessed" / "Dataset901_Labels"
    plans = {**json.loads((preprocessed / "nnUNetPlans.json").read_text()), "continue_training": False}
    labels = json.loads((preprocessed / "dataset.json").read_text())
    trainer = nnUNetTrainerTopoLoss(plans, "2d", 1, labels)
    trainer.device, trainer.grad_scaler = torch.device("cpu"), None
    trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = 2, 2, 1
    trainer.initialize()
    trainer.term_weight.ratio_iterations = 2
    return trainer


if __name__ == "__main__":
    main(*sys.argv[1:])
