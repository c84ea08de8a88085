"""The command from files to report: numbers, failures, interruptions, classes, pictures."""

from __future__ import annotations

import csv
import json
import math
import os

import nibabel
import numpy as np
import pytest
import torch
from matplotlib import image
from monai.metrics import compute_dice
from scipy import ndimage

from monai_topo.__main__ import main
from monai_topo.commands.evaluation import figures, workers
from monai_topo.commands.evaluation.metric_table import METRICS
from monai_topo.data import phantoms
from monai_topo.metrics import (
    compute_adapted_rand_error,
    compute_apls,
    compute_betti_error,
    compute_ccq,
    compute_centerline_dice,
    compute_junction_f1,
    compute_tlts,
    match_instances,
)
from monai_topo.visualize.marks import COLORS
from tests.commands.evaluation.files import save_hdf5, save_nifti, save_tiff


def tree(seed, cuts=0):
    """A tree and a copy of it that is cut at some places."""
    label = phantoms.tree((20, 24, 16), num_branches=3, seed=seed).label
    prediction, places = label.copy(), np.argwhere(label)
    for place in places[[(n + 1) * len(places) // (cuts + 1) for n in range(cuts)]]:
        prediction[tuple(slice(max(0, x - 2), x + 3) for x in place)] = 0
    return prediction, label


CUTS = {"a": 0, "b": 3, "c": 1}


@pytest.fixture
def folders(tmp_path):
    """Three cases in three formats."""
    for seed, (name, cuts) in enumerate(CUTS.items()):
        prediction, label = tree(seed, cuts)
        for folder, array in (("pred", prediction), ("label", label)):
            (tmp_path / folder).mkdir(exist_ok=True)
            writer, suffix = ((save_nifti, ".nii.gz"), (save_tiff, ".tif"), (save_hdf5, ".h5"))[seed]
            writer(tmp_path / folder / f"{name}{'_seg' if folder == 'pred' else ''}{suffix}", array)
    return tmp_path


def call(folder, *arguments):
    given = [
        "evaluate",
        "--pred",
        folder / "pred",
        "--label",
        folder / "label",
        "--out",
        folder / "out" / "r.json",
        *arguments,
    ]
    return main([str(argument) for argument in given])


def report(folder):
    return json.loads((folder / "out" / "r.json").read_text())


def scores(folder):
    return {case["case"]: case["rows"][0]["scores"] for case in report(folder)["cases"]}


def tensors(case):
    return [torch.tensor(array)[None, None] for array in tree(list(CUTS).index(case), CUTS[case])]


def test_the_numbers_are_the_metrics(folders, capsys):
    assert call(folders, "--metrics", "pixel", "betti_error", "centerline_dice", "adapted_rand_error") == 0
    for case, found in scores(folders).items():
        prediction, label = tensors(case)
        for k in (0, 1, 2, "sum"):
            assert found[f"betti_error.{k}"] == compute_betti_error(prediction, label, dim=k).item()
        assert found["pixel.dice"] == pytest.approx(compute_dice(prediction, label).item())
        assert found["pixel.accuracy"] == pytest.approx((prediction == label).float().mean().item())
        assert found["centerline_dice.cldice"] == pytest.approx(compute_centerline_dice(prediction, label).item())
        error = compute_adapted_rand_error(prediction, label, instances="foreground").item()
        assert found["adapted_rand_error"] == pytest.approx(error, abs=1e-6)
    assert scores(folders)["a"]["betti_error.0"] == 0 < scores(folders)["b"]["betti_error.0"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:3] == ["case", "dice", "quality"]
    assert [line.split()[0] for line in lines[2:8]] == ["a", "b", "c", "mean", "std", "worst"]


def test_every_metric_of_the_table(folders):
    assert call(folders, "--metrics", *METRICS) == 0
    for case, found in scores(folders).items():
        prediction, label = tensors(case)
        assert {column.partition(".")[0] for column in found} == set(METRICS)
        assert found["apls"] == pytest.approx(compute_apls(prediction, label).item())
        assert found["tlts"] == pytest.approx(compute_tlts(prediction, label).item())
        junctions = compute_junction_f1(prediction, label).item()
        assert found["junction_f1.f1"] == (None if math.isnan(junctions) else pytest.approx(junctions))
    assert scores(folders)["a"]["apls"] == 1 > scores(folders)["b"]["apls"]


def test_the_summary_and_the_csv(folders):
    assert call(folders, "--metrics", "betti_error", "ccq") == 0
    summary = {entry["column"]: entry for entry in report(folders)["summary"]}
    for column, sign in (("betti_error.sum", 1), ("ccq.quality", -1)):
        values = {case: found[column] for case, found in scores(folders).items()}
        worst = max(values, key=lambda case: sign * values[case])
        assert summary[column]["mean"] == pytest.approx(np.mean(list(values.values())))
        assert summary[column]["std"] == pytest.approx(np.std(list(values.values())))
        assert (summary[column]["worst"], summary[column]["worst_case"]) == (values[worst], worst)
        assert summary[column]["count"] == 3
    with (folders / "out" / "r.csv").open() as file:
        rows = {row["case"]: row for row in csv.DictReader(file)}
    assert {case: float(row["ccq.quality"]) for case, row in rows.items()} == {
        case: found["ccq.quality"] for case, found in scores(folders).items()
    }
    assert [path.name for path in sorted((folders / "out").iterdir())] == ["r.csv", "r.json"]


def test_the_report_makes_the_numbers_reproducible(folders):
    options = ["--connectivity", "face", "--patch-size", "8,8,6", "--num-patches", "4", "--seed", "3", "--frame"]
    assert call(folders, "--metrics", "betti_error", *options) == 0
    content = report(folders)
    protocol = content["metrics"]["betti_error"]
    assert protocol == {
        "connectivity": "face (6)",
        "frame": True,
        "patch_size": [8, 8, 6],
        "patch_mode": "random",
        "num_patches": 4,
        "seed": 3,
    }
    prediction, label = tensors("b")
    expected = compute_betti_error(prediction, label, **{**protocol, "connectivity": 1}).item()
    assert expected > 0
    assert scores(folders)["b"]["betti_error.sum"] == pytest.approx(expected)
    assert {"monai_topo", "monai", "scikit-image"} <= set(content["versions"])
    assert content["options"]["seed"] == 3


def spoil(folders):
    """Beside the good cases, one for everything that can be wrong."""
    prediction, label = tree(7)
    wrong = {
        "e_shape": (np.zeros((3, 4, 5), np.uint8), label),
        "f_likelihood": (0.5 * prediction.astype(np.float32), label),
        "g_classes": (prediction, 2 * label),
        "h_broken": (None, label),
        "j_alone": (prediction, None),
    }
    for name, arrays in wrong.items():
        for folder, array in zip(("pred", "label"), arrays, strict=True):
            if array is not None:
                save_nifti(folders / folder / f"{name}.nii.gz", array)
    (folders / "pred" / "h_broken.nii.gz").write_text("nothing")
    save_nifti(folders / "pred" / "i_spacing.nii.gz", prediction, (1, 1, 1))
    save_nifti(folders / "label" / "i_spacing.nii.gz", label, (1, 1, 3))


def test_what_is_wrong_is_one_line_each_and_the_rest_is_scored(folders, capsys):
    spoil(folders)
    assert call(folders, "--metrics", "betti_error") == 1
    assert list(scores(folders)) == ["a", "b", "c"]
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("not ")]
    expected = {
        "not paired: j_alone": "no label for the prediction",
        "not scored: e_shape": "differ in shape: (3, 4, 5) and (20, 24, 16)",
        "not scored: f_likelihood": "say --threshold",
        "not scored: g_classes": "say --labels",
        "not scored: h_broken": "cannot be read",
        "not scored: i_spacing": "lie on different grids",
    }
    assert len(lines) == len(expected)
    for line, (start, reason) in zip(lines, expected.items(), strict=True):
        assert line.startswith(start)
        assert reason in line
    assert list(report(folders)["failed"]) == [start.split()[2] for start in list(expected)[1:]]
    assert call(folders, "--metrics", "betti_error", "--spacing", "1,1,3") == 1
    assert list(scores(folders)) == ["a", "b", "c", "i_spacing"]


@pytest.fixture
def scored(monkeypatch):
    """Names of the cases that are scored, in turn; the one that ``stop`` names interrupts the run."""
    names, score_case = [], workers.score_case

    def record(pair, options):
        if pair.name == getattr(record, "stop", None):
            raise KeyboardInterrupt
        names.append(pair.name)
        return score_case(pair, options)

    monkeypatch.setattr(workers, "score_case", record)
    record.names = names
    return record


def test_an_interrupted_run_goes_on(folders, scored, capsys):
    scored.stop = "c"
    assert call(folders, "--metrics", "euler_error") == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(scores(folders)) == ["a", "b"]
    assert report(folders)["pending"] == ["c"]
    scored.stop = None
    assert call(folders, "--metrics", "euler_error") == 0
    assert scored.names == ["a", "b", "c"]
    assert list(scores(folders)) == ["a", "b", "c"]
    assert report(folders)["pending"] == []


def test_what_changed_is_scored_again(folders, scored):
    spoil(folders)
    assert call(folders, "--metrics", "euler_error") == 1
    assert scored.names[:3] == ["a", "b", "c"]
    failed = scored.names[3:]
    assert len(failed) == 5
    before = scores(folders)
    scored.names.clear()
    save_tiff(folders / "pred" / "b_seg.tif", tree(1)[1])
    os.utime(folders / "pred" / "b_seg.tif", ns=(1, 1))
    assert call(folders, "--metrics", "euler_error") == 1
    assert scored.names == ["b", *failed]
    assert before["b"]["euler_error"] > scores(folders)["b"]["euler_error"] == 0
    scored.names.clear()
    assert call(folders, "--metrics", "euler_error", "--connectivity", "face") == 1
    assert scored.names[:3] == ["a", "b", "c"]


def test_another_file_is_not_overwritten(folders, capsys):
    (folders / "out").mkdir()
    for text in ("my notes", '{"mine": 1}'):
        (folders / "out" / "r.json").write_text(text)
        assert call(folders) == 2
        assert "is no report of this command" in capsys.readouterr().err
        assert (folders / "out" / "r.json").read_text() == text


@pytest.mark.slow  # every process imports everything anew
def test_processes_give_the_same_report(folders):
    spoil(folders)
    assert call(folders, "--metrics", "pixel", "betti_error") == 1
    alone = report(folders)
    for name in ("r.json", "r.csv"):
        (folders / "out" / name).unlink()
    assert call(folders, "--metrics", "pixel", "betti_error", "--workers", "2") == 1
    together = report(folders)
    assert together == alone
    assert len(together["failed"]) == 5


def test_classes_are_scored_each_on_its_own(tmp_path, capsys):
    label = np.zeros((8, 12, 10), np.int16)
    label[2, 1:11, 2], label[5, 1:11, 5] = 1, 3
    prediction = label.copy()
    prediction[2, 5, 2] = 0
    prediction[5, 3:5, 5] = 1
    for folder, array in (("pred", prediction), ("label", label)):
        (tmp_path / folder).mkdir()
        save_nifti(tmp_path / folder / "a.nii", array)
    assert call(tmp_path, "--labels", "1,3,4", "--metrics", "betti_error", "pixel") == 1
    (case,) = report(tmp_path)["cases"]
    found = {row["label"]: row["scores"] for row in case["rows"]}
    assert [found[number]["betti_error.0"] for number in (1, 3)] == [2, 1]
    assert found[3]["pixel.completeness"] == pytest.approx(0.8)
    assert report(tmp_path)["absent_labels"] == [4]
    summary = {(entry["label"], entry["column"]): entry for entry in report(tmp_path)["summary"]}
    assert summary[4, "pixel.dice"]["mean"] is summary[4, "betti_error.sum"]["mean"] is None
    assert summary[1, "betti_error.0"]["mean"] == 2
    shown = capsys.readouterr()
    assert "a, label 3" in shown.out
    assert "class 4 is in no file" in shown.err


def test_likelihoods_with_a_threshold(folders):
    prediction, label = tree(1, 3)
    noise = np.random.default_rng(0).random(label.shape).astype(np.float32)
    np.save(folders / "pred" / "d.npy", np.where(prediction, 0.6 + 0.4 * noise, 0.5 * noise))
    save_nifti(folders / "label" / "d.nii", label)
    assert call(folders, "--threshold", "0.6", "--metrics", "betti_error") == 0
    assert scores(folders)["d"] == scores(folders)["b"]


def test_instance_ids_of_one_file_layout(tmp_path):
    cells = phantoms.membranes((20, 24), num_cells=4, seed=1).instances
    split = np.where(np.arange(24) < 12, cells, cells + 10 * (cells > 0))
    for folder, name, array in (("pred", "ids", split), ("label", "volumes/neurons", cells)):
        (tmp_path / folder).mkdir()
        save_hdf5(tmp_path / folder / "a.h5", np.zeros((20, 24), np.uint8), "raw")
        save_hdf5(tmp_path / folder / "a.h5", array.astype(np.uint64) * 2**33, name)
    datasets = ["--pred-dataset", "ids", "--label-dataset", "volumes/neurons"]
    names = ["adapted_rand_error", "variation_of_information", "instance_f1"]
    thresholds = ["--iou-threshold", "0.5,0.9", "--min-size", "9"]
    assert call(tmp_path, "--instances", "labels", *datasets, "--metrics", *names, *thresholds) == 0
    found = scores(tmp_path)["a"]
    matches = [match_instances(split, cells, iou_threshold=t, min_size=9) for t in (0.5, 0.9)]
    expected = np.mean([2 * len(one.true) / (one.num_true + one.num_predicted) for one in matches])
    assert found["instance_f1.f1"] == pytest.approx(expected)
    assert 0 < expected < 1
    assert report(tmp_path)["metrics"]["instance_f1"]["iou_threshold"] == [0.5, 0.9]
    expected = compute_adapted_rand_error(*(torch.tensor(ids)[None, None] for ids in (split, cells))).item()
    assert expected > 0
    assert found["adapted_rand_error"] == pytest.approx(expected, abs=1e-6)
    assert found["variation_of_information.merge"] == 0 < found["variation_of_information.split"]


def test_distances_in_the_files_unit(tmp_path):
    label, prediction = np.zeros((2, 9, 8, 12), np.uint8)
    label[4, 4], prediction[6, 4] = 1, 1
    for folder, array in (("pred", prediction), ("label", label)):
        (tmp_path / folder).mkdir()
        save_nifti(tmp_path / folder / "a.nii", array)  # 2 voxels are 1 unit
    found = []
    for arguments in (["--slack", "1"], ["--slack", "1", "--spacing", "file"], ["--slack", "1", "--spacing", "1,1,1"]):
        assert call(tmp_path, "--metrics", "ccq", *arguments) == 0
        found.append(scores(tmp_path)["a"]["ccq.quality"])
    assert found == [0, 1, 0]
    pair = [torch.tensor(mask)[None, None] for mask in (prediction, label)]
    assert compute_ccq(*pair, slack=1, spacing=(0.5, 0.75, 2)).item() == 1


def test_pictures_of_the_worst_cases(folders, monkeypatch):
    drawn, plot = {}, figures.plot_topology_errors

    def record(path, predicted, true, errors, title):
        drawn[path.name] = (predicted, true, errors, title)
        return plot(path, predicted, true, errors, title)

    monkeypatch.setattr(figures, "plot_topology_errors", record)
    pictures = folders / "pictures"
    assert call(folders, "--figures", pictures, "--metrics", "betti_error") == 0
    assert [path.name for path in pictures.iterdir()] == ["r"]  # another report's pictures of the same names stay
    assert list(drawn) == ["b.png", "a.png", "c.png"]  # worst first: the cut of c is at an end
    for case in CUTS:
        predicted, true, errors, title = drawn[f"{case}.png"]
        expected = tree(list(CUTS).index(case), CUTS[case])
        np.testing.assert_array_equal(predicted, expected[0])
        np.testing.assert_array_equal(true, expected[1])
        components = [int(ndimage.label(mask, np.ones((3, 3, 3)))[1]) for mask in (true, predicted)]
        assert f"{case}: betti_error.sum {scores(folders)[case]['betti_error.sum']:.4g}\nBetti numbers (" in title
        assert f"({components[0]}, 0, 0), predicted ({components[1]}, " in title
        assert bool(errors) == (case == "b")
        assert (missing_pixels(pictures / "r" / f"{case}.png") > 0) == (case != "a")
    assert missing_pixels(pictures / "r" / "b.png") > missing_pixels(pictures / "r" / "c.png")


def missing_pixels(path):
    """Number of pixels in the color of missing voxels."""
    pixels = image.imread(path)[..., :3]
    return int((np.abs(pixels - COLORS["missing"]) < 0.02).all(axis=-1).sum())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "betti"], "--metrics must be some of pixel, betti_error"),
        (["--labels", "1", "--threshold", "0.5"], "give one of them"),
        (["--instances", "labels"], "goes with --metrics adapted_rand_error variation_of_information i"),
        (["--metrics", "instance_f1", "--iou-threshold", "0.5,1"], "iou_threshold must be at least 0 and below 1"),
        (["--iou-threshold", "0.7"], "--iou-threshold is of instance_f1"),
        (["--metrics", "expected_run_length", "--max-step", "0"], "max_step must be above 0"),
        (["--num-patches", "3"], "num_patches needs a patch_size"),
        (["--metrics", "ccq", "--slack", "-1"], "slack must be at least 0"),
        (["--workers", "0"], "--workers must be at least 1"),
        (["--pred", "nowhere"], "no such file or folder: nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_arguments_are_one_line_and_a_status(folders, arguments, message, capsys):
    assert call(folders, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not (folders / "out").exists()


@pytest.mark.parametrize("arguments", [["--labels", "a"], ["--spacing", "1;2"], ["--patch-size", "x"]], ids=str)
def test_what_cannot_be_parsed(folders, arguments, capsys):
    with pytest.raises(SystemExit):
        call(folders, *arguments)
    assert "with commas between" in capsys.readouterr().err


ENDS = (".png", "_features.nii.gz", "_features.png", "_surface.png")


def test_the_features_that_do_not_match_as_picture_and_overlay(folders):
    assert call(folders, "--metrics", "betti_matching_error", "--figures", folders / "figures") == 0
    drawn = sorted(path.name for path in (folders / "figures" / "r").iterdir())
    assert drawn == sorted(f"{case}{end}" for case in "abc" for end in ENDS)
    overlay = nibabel.load(folders / "figures" / "r" / "a_features.nii.gz")
    np.testing.assert_allclose(overlay.affine, nibabel.load(folders / "label" / "a.nii.gz").affine)
    assert set(np.unique(overlay.dataobj)) == {0, 1}  # the whole tree: one component, which matches
    assert set(np.unique(nibabel.load(folders / "figures" / "r" / "b_features.nii.gz").dataobj)) > {0, 1}
