"""quick.yaml of each bundle by the command that its README gives: it trains, and gets better."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import LoadImage
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_topo.data import HDF5Reader

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI, ignite and torch warn of their own affairs in every run


def command(bundle, folder, *names, **overrides):
    done = bundle.command([*names, "quick.yaml"], cwd=bundle.root, quick_dir=folder, **overrides)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def quick(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick")
    command(bundle, folder, "train.yaml")
    return folder


def test_the_loss_falls(quick):
    events = EventAccumulator(str(quick / "eval"), size_guidance={"scalars": 0})
    events.Reload()
    losses = [event.value for event in events.Scalars("train_loss")]
    assert len(losses) == 12 * 8
    assert np.mean(losses[40:48]) < 0.7 * np.mean(losses[:8])  # before the topology term joins


def figures(folder):
    return {name: float(value) for name, value in (line.split(",") for line in folder.read_text().strip().splitlines())}


def test_the_betti_error_is_below_that_of_the_untrained_network(bundle, quick, tmp_path):
    """Training that begins and ends at once leaves the network that it began with."""
    flow = bundle.workflow(["train.yaml", "quick.yaml"], quick_dir=str(quick))
    flow.initialize()
    torch.save(flow.network_def.state_dict(), tmp_path / "untrained.pt")
    command(bundle, quick, "train.yaml", "evaluate.yaml", output_dir=tmp_path / "trained")
    flow = bundle.workflow(
        ["train.yaml", "quick.yaml", "evaluate.yaml"],
        quick_dir=str(quick),
        checkpoint=str(tmp_path / "untrained.pt"),
        output_dir=str(tmp_path / "untrained"),
    )
    flow.initialize()
    flow.run()
    before, after = (figures(tmp_path / name / "metrics.csv") for name in ("untrained", "trained"))
    assert after["val_betti_error"] < 0.5 * before["val_betti_error"]
    assert after["val_mean_dice"] > max(0.6, 1.2 * before["val_mean_dice"])


def test_segmentations_lie_on_the_inputs_grid(bundle, quick):
    log = command(bundle, quick, "inference.yaml")
    assert log.count("Betti numbers") == 3
    for number in range(3):
        results = [LoadImage()(quick / "eval" / f"phantom_{number}_{what}.nii.gz") for what in ("prob", "seg")]
        if bundle.name == "em_membranes":
            volume = HDF5Reader().read_volume(quick / "data" / f"phantom_{number}.hdf")
            shape, affine = volume.array.shape, volume.affine
        else:
            image = nibabel.load(quick / "data" / "images" / f"phantom_{number}.nii.gz")
            shape, affine = image.shape, image.affine
        for result in results:
            assert result.shape == shape
            np.testing.assert_allclose(result.affine, affine, atol=1e-5)
        assert results[1].unique().tolist() == [0, 1]
