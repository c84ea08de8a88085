"""The EM bundle with affinities in the place of membranes: trained, scored by its cells, and applied to a volume."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import LoadImage, SaveImage
from skimage.metrics import adapted_rand_error, variation_of_information

from monai_topo.data import save_phantoms
from monai_topo.losses import MalisCELoss
from monai_topo.transforms import AffinityToMembrane, AffinityWatershed
from tests.bundles.conftest import TINY

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # MONAI, ignite and torch warn of their own affairs in every run
    pytest.mark.parametrize("bundle", ["em_membranes"], indirect=True),
]
NEAREST = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]
LONG = [*NEAREST, (-3, 0, 0), (0, -3, 3)]


@pytest.fixture
def affine():
    return np.array([[0, -4.0, 0, 7], [5.0, 0, 0, -3], [0, 0, 40.0, 11], [0, 0, 0, 1]])


def settings(bundle, tmp_path, **more):
    return bundle.overrides(tmp_path, topology_start_epoch=2, min_cell_size=2, **more)


def run_all(bundle, tmp_path, **more):
    """Train, evaluate, infer, as three commands do."""
    trained = bundle.run(["train.yaml", "affinities.yaml"], **settings(bundle, tmp_path, **more))
    places = {"output_dir": str(tmp_path / "scores")}
    configs = ["train.yaml", "evaluate.yaml", "affinities.yaml"]
    evaluated = bundle.run(configs, **settings(bundle, tmp_path, **more, **places))
    return trained, evaluated


def infer(bundle, tmp_path, **more):
    network = {name: value for name, value in TINY.items() if name.startswith("network_def")}
    places = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    checkpoint = str(tmp_path / "models" / "model.pt")
    overrides = {**network, **places, "checkpoint": checkpoint, "patch_size": [16, 16, 16], "min_cell_size": 2, **more}
    bundle.run(["inference.yaml", "affinities.yaml"], "infer", **overrides)
    return {path.name.split("_")[-1][:-7]: LoadImage()(path) for path in (tmp_path / "out").glob("*.nii.gz")}


@pytest.mark.parametrize("more", [{}, {"offsets": LONG, "seed_threshold": None}], ids=["nearest", "long range"])
def test_train_evaluate_infer(bundle, more, affine, tmp_path):
    trained, evaluated = run_all(bundle, tmp_path, **more)
    offsets = more.get("offsets", NEAREST)
    loss = trained.parser.get_parsed_content("loss")
    assert isinstance(loss, MalisCELoss)
    assert loss.lambda_topo > 0
    label = next(iter(trained.parser.get_parsed_content("train#dataloader")))["label"]
    assert label.shape == (2, 1, 16, 16, 16)
    assert len(label.unique()) > 2
    assert 0 in label
    state = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert any(len(offsets) == len(value) for name, value in state.items() if name.endswith("bias"))
    assert_scores(evaluated, offsets, more.get("seed_threshold", 0.9))
    (tmp_path / "in").mkdir()
    image = np.random.default_rng(0).uniform(0, 255, (21, 18, 13)).astype(np.float32)
    save = SaveImage(output_ext=".nii.gz", resample=False, print_log=False)
    save(image[None], {"affine": affine, "original_affine": affine}, filename=str(tmp_path / "in" / "volume"))
    results = infer(bundle, tmp_path, **more)
    assert results.keys() == {"prob", "seg", "cells"}
    for result in results.values():
        assert result.shape == image.shape
        np.testing.assert_allclose(result.affine.numpy(), affine, atol=1e-5)
    np.testing.assert_array_equal(results["seg"].numpy(), results["prob"].numpy() >= 0.5)
    assert results["cells"].max() >= 1


def assert_scores(flow, offsets, seed_threshold):
    """Cells are those of the affinities, the scores those of scikit-image, membranes what is joined to nothing."""
    [item] = flow.parser.get_parsed_content("validate#evaluator").state.output
    metrics = flow.parser.get_parsed_content("validate#evaluator").state.metrics
    affinities, cells, ids = (np.asarray(item[name]) for name in ("likelihood", "cells", "true_ids"))
    assert len(affinities) == len(offsets)
    expected = AffinityWatershed(offsets, seed_threshold, min_size=2)(affinities)
    np.testing.assert_array_equal(cells, expected)
    assert cells.max() >= 1
    split, merge = variation_of_information(ids[0], cells[0], ignore_labels=[0])
    assert metrics["val_cells_voi"] == pytest.approx(split + merge, abs=1e-5)
    error = adapted_rand_error(ids[0].astype(np.int64), cells[0], ignore_labels=[0])[0]
    assert metrics["val_cells_rand_error"] == pytest.approx(error, abs=1e-5)
    mask = AffinityToMembrane(offsets)(affinities) >= 0.5
    dice = 2 * (mask & (np.asarray(item["label"]) > 0)).sum() / (mask.sum() + np.asarray(item["label"]).sum())
    assert metrics["val_mean_dice"] == pytest.approx(dice, abs=1e-5)
    assert {"val_betti_matching_f1", "val_betti_error", "val_voi"} <= set(metrics)
    assert not any("closed" in name for name in metrics)


def test_a_label_of_membranes(bundle, tmp_path):
    """The ids are those of the parts between them."""
    save_phantoms(tmp_path / "data", "membranes", (20, 18, 16), count=2, num_cells=5, layout="volumes")
    own = settings(bundle, tmp_path, dataset_dir=str(tmp_path / "data"))
    flow = bundle.run(["train.yaml", "affinities.yaml"], **own)
    label = next(iter(flow.parser.get_parsed_content("train#dataloader")))["label"]
    assert len(label.unique()) > 2
    assert 0 <= flow.parser.get_parsed_content("train#trainer").state.metrics["train_mean_dice"] <= 1


def test_flips_are_refused(bundle, tmp_path):
    with pytest.raises(Exception, match="tta"):
        bundle.run(["train.yaml", "evaluate.yaml", "affinities.yaml"], **settings(bundle, tmp_path, tta=True))


def test_the_network_learns(bundle, tmp_path):
    """After some iterations the cells are nearer to the true ones than one object is, or an object for each voxel."""
    phantoms = {"num_cells": 6, "layout": "cremi", "num_gaps": 0, "spacing": (8, 8, 8)}
    save_phantoms(tmp_path / "data", "membranes", (24, 28, 30), count=2, **phantoms)
    longer = {"patches_per_epoch": 16, "max_epochs": 6, "learning_rate": 0.03, "val_interval": 6}
    _, flow = run_all(bundle, tmp_path, dataset_dir=str(tmp_path / "data"), **longer)
    metrics = flow.parser.get_parsed_content("validate#evaluator").state.metrics
    [item] = flow.parser.get_parsed_content("validate#evaluator").state.output
    ids = np.asarray(item["true_ids"])[0].astype(np.int64)
    merged = variation_of_information(ids, np.ones_like(ids), ignore_labels=[0])
    assert metrics["val_cells_voi"] < 0.7 * sum(merged)
    assert metrics["val_mean_dice"] > 0.5
