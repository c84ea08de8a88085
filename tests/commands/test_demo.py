"""The demo from end to end, small; and what it says when something is wrong."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from monai.metrics import compute_dice
from monai.transforms import LoadImage

from monai_topo.__main__ import main
from monai_topo.commands import demo as demo_module
from monai_topo.commands.bundles import find_bundle, run_bundle
from monai_topo.commands.demo import make_phantom_volumes, worst_slices
from monai_topo.commands.scoring import seconds_per_iteration
from monai_topo.data import cremi_datalist, locked, phantoms, save_cremi
from monai_topo.metrics import compute_betti_error


def volumes(folder):
    folder.mkdir()
    for seed, name in enumerate(("a_train.hdf", "b_val.hdf")):
        cells = phantoms.membranes((34, 36, 40), num_cells=6, seed=seed)
        save_cremi(folder / name, np.round(255 * cells.image).astype(np.uint8), cells.instances, (40, 4, 5))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Output folder of a demo that ran for one epoch on small volumes."""
    folder = tmp_path_factory.mktemp("demo")
    stale = folder / "out" / "topo" / "events" / "events.out.tfevents.1.earlier"
    stale.parent.mkdir(parents=True)
    stale.touch()
    assert (
        main(["demo", "--data", str(volumes(folder / "data")), "--out", str(folder / "out"), "--iterations", "2"]) == 0
    )
    return folder / "out"


def test_report_says_what_the_predictions_are(finished):
    report = json.loads((finished / "report.json").read_text())
    assert [run["name"] for run in report["runs"]] == ["Dice+CE", "Dice+CE+TopoLoss"]
    label = LoadImage()(finished / "input" / "label.nii.gz").as_tensor()[None, None]
    for folder, run in zip(("dice_ce", "topo"), report["runs"], strict=True):
        prediction = LoadImage()(finished / folder / "image_seg.nii.gz").as_tensor()[None, None]
        assert prediction.unique().tolist() == [0, 1]
        assert run["dice"] == pytest.approx(float(compute_dice(prediction, label)))
        assert run["betti_error"] == [float(compute_betti_error(prediction, label, dim=k)) for k in range(3)]
        assert run["iterations"] == 50
        assert run["seconds_per_iteration"] > 0
    assert report["runs"][0] != report["runs"][1]


def test_predictions_lie_on_the_inputs_grid(finished):
    image = LoadImage()(finished / "input" / "image.nii.gz")
    assert image.shape == (40, 36, 34)
    assert image.affine.diagonal().tolist() == [5.0, 4.0, 40.0, 1.0]
    for name in ("dice_ce/image_seg", "dice_ce/image_prob", "topo/image_seg", "topo/image_prob"):
        prediction = LoadImage()(finished / f"{name}.nii.gz")
        assert prediction.shape == image.shape
        np.testing.assert_allclose(prediction.affine, image.affine)


def test_times_of_an_earlier_run_are_not_counted(finished):
    events = [path.name for path in (finished / "topo" / "events").iterdir()]
    assert events
    assert not any("earlier" in name for name in events)


def test_pictures_are_made(finished):
    for name in ("segmentations.png", "persistence_diagrams.png", "cells_dice_ce.png", "cells_topo.png"):
        assert (finished / name).stat().st_size > 10_000


def test_phantom_volumes_are_a_training_and_a_validation_set(tmp_path):
    folder = make_phantom_volumes(tmp_path / "data", seed=3)
    training, validation = (cremi_datalist(folder, section) for section in ("training", "validation"))
    assert len(training) == len(validation) == 1
    assert training != validation
    with h5py.File(training[0]["image"]) as file:
        assert file["volumes/raw"].shape == file["volumes/labels/neuron_ids"].shape
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    make_phantom_volumes(folder, seed=3)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_demos_of_two_seeds_do_not_share_phantoms(tmp_path, monkeypatch):
    used = []

    def stop(loss, data, *arguments):
        used.append({section: cremi_datalist(data, section) for section in ("training", "validation")})
        raise RuntimeError("enough")

    monkeypatch.setattr(demo_module, "_train_and_score", stop)
    for seed in (0, 7):
        assert main(["demo", "--out", str(tmp_path), "--seed", str(seed)]) == 2
    assert all(len(items) == 1 for lists in used for items in lists.values())
    assert used[0]["training"] != used[1]["training"]


def test_two_demos_do_not_write_to_one_folder(tmp_path, capfd):
    with locked(tmp_path, "demo"):
        assert main(["demo", "--out", str(tmp_path)]) == 2
    assert "is being written by another demo" in capfd.readouterr().err


def test_worst_slices():
    label = np.zeros((9, 9, 6), bool)
    label[4] = True  # a wall in every slice
    leaks = label.copy()
    leaks[4, 3, [1, 4]] = False
    assert worst_slices(label, [label, leaks], count=2) == [1, 4]
    assert worst_slices(label[..., :1], [leaks[..., :1]], count=3) == [0]


def text_file(folder):
    folder.mkdir()
    (folder / "a.hdf").write_text("not HDF5")


def without_labels(folder):
    folder.mkdir()
    with h5py.File(folder / "a_train.hdf", "w") as file:
        file["volumes/raw"] = np.zeros((2, 2, 2), np.uint8)
    (folder / "b_val.hdf").write_bytes((folder / "a_train.hdf").read_bytes())


def other_shape(folder):
    without_labels(folder)
    with h5py.File(folder / "a_train.hdf", "a") as file:
        file["volumes/labels/neuron_ids"] = np.zeros((2, 2, 3), np.uint64)


def broken_validation(folder):
    volumes(folder)
    (folder / "b_val.hdf").write_text("not HDF5")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no such file or folder"),
        (lambda folder: folder.mkdir(), "holds no HDF5 volume"),
        (text_file, "at least two volumes"),
        (broken_validation, "b_val.hdf is not an HDF5 file"),
        (without_labels, "holds no dataset 'volumes/labels/neuron_ids'; it has volumes/raw"),
        (other_shape, "image and label must have one shape"),
    ],
    ids=["wrong path", "empty folder", "one file", "not HDF5", "no labels", "labels of another shape"],
)
def test_what_is_wrong_is_one_line_and_a_status(make, message, tmp_path, capfd):
    make(tmp_path / "data")
    assert main(["demo", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]) == 2
    error = capfd.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_iterations_must_be_positive(tmp_path, capfd):
    assert main(["demo", "--out", str(tmp_path), "--iterations", "0"]) == 2
    assert "iterations must be at least 1" in capfd.readouterr().err


def test_a_failing_run_says_where_its_log_is(tmp_path):
    bundle = find_bundle("em_membranes")
    with pytest.raises(RuntimeError, match=r"train\.yaml of bundle em_membranes failed with exit status 1; see .*log"):
        run_bundle(bundle, ["train.yaml"], tmp_path / "train.log", dataset_dir=tmp_path / "nowhere")


def test_an_unknown_bundle():
    with pytest.raises(FileNotFoundError, match="bundle 'roads'"):
        find_bundle("roads")


def test_seconds_are_those_of_the_iterations_with_the_term(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        for step, wall_time in enumerate([10, 11, 12, 13, 15, 17, 19], start=1):
            writer.add_scalar("train_loss", 0.5, step, walltime=wall_time)
            writer.add_scalar("val_mean_dice", 0.5, step, walltime=wall_time + 0.1)
    assert seconds_per_iteration(tmp_path) == pytest.approx(1.5)
    assert seconds_per_iteration(tmp_path, first=4) == pytest.approx(2.0)
    with pytest.raises(FileNotFoundError, match="no record of training iterations"):
        seconds_per_iteration(tmp_path, first=7)
