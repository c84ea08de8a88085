"""One network of an experiment: trained by a bundle, gone on with where it was interrupted, and its likelihoods."""

from __future__ import annotations

import shutil

from monai_topo.commands.bundles import find_bundle, run_bundle
from monai_topo.data import read_volume
from tests.results.datasets import VALIDATION, divided
from tests.results.table import CONFIGS, ITERATIONS_PER_EPOCH

FLIPS = "flips"
PLAIN = "plain"
_LIFETIMES = 10  # of the running average, in a training


def trained(experiment, data, work):
    """The checkpoint, after all iterations."""
    folder = work / "network"
    if not (folder / "done").exists():
        run_bundle(
            find_bundle(experiment.bundle),
            ["train.yaml", *located(experiment, [*experiment.overlays, experiment.loss])],
            folder / "train.log",
            dataset_dir=divided(experiment, data, work, 0).resolve(),
            ckpt_dir=folder.resolve(),
            output_dir=(folder / "events").resolve(),
            patches_per_epoch=experiment.batch_size * ITERATIONS_PER_EPOCH,
            max_epochs=experiment.iterations // ITERATIONS_PER_EPOCH,
            batch_size=experiment.batch_size,
            resume=True,
            **experiment.settings,
            average_momentum=_LIFETIMES / experiment.iterations,
        )
        (folder / "done").touch()
    return folder / "training.pt"


def predicted(experiment, data, work, kind):
    """Folder of the likelihoods of what was held out, by the network or by its mean over flips.

    Those of the validation part lie in a folder of their own: ``tune`` takes all that it finds.
    """
    folder, images = work / kind, divided(experiment, data, work, 0) / "held_out" / "images"
    if not (folder / "done").exists():
        if experiment.bundle:
            infer(experiment, trained(experiment, data, work), images, folder, kind)
        else:
            folder.mkdir(exist_ok=True)
            for path in images.glob("*.nii.gz"):
                shutil.copy(path, folder / path.name.replace(".nii.gz", "_prob.nii.gz"))
        for path in folder.glob(f"{VALIDATION}*_prob.nii.gz"):
            (folder / VALIDATION).mkdir(exist_ok=True)
            path.rename(folder / VALIDATION / path.name)
        (folder / "done").touch()
    return folder


def infer(experiment, checkpoint, images, folder, kind):
    """Write the likelihoods of a folder of images."""
    run_bundle(
        find_bundle(experiment.bundle),
        ["inference.yaml", *located(experiment, experiment.inference)],
        folder / "inference.log",
        dataset_dir=images.resolve(),
        checkpoint=checkpoint.resolve(),
        output_dir=folder.resolve(),
        tta=kind == FLIPS,
        overwrite=True,
        **{**experiment.settings, "patch_size": list(experiment.window)},
    )


def located(experiment, names):
    """Files of the bundle where there are such, else of this project's experiments."""
    bundle = find_bundle(experiment.bundle) / "configs"
    return [name if (bundle / name).exists() else str(CONFIGS / name) for name in names]


def tested(folder, held_out):
    """Name, likelihood and label of each test volume."""
    for path in sorted(folder.glob("*_prob.nii.gz")):
        name = path.name.removesuffix("_prob.nii.gz")
        yield name, read_volume(path), read_volume(held_out / "labels" / f"{name}.nii.gz")
