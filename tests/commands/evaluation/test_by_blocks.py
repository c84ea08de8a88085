"""Zarr volumes are scored by blocks: the numbers are those of the same volumes read whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import dask
import nibabel
import numpy as np
import pytest
import skimage.metrics
import zarr

from monai_topo.__main__ import main
from monai_topo.commands.evaluation import Options, case
from monai_topo.commands.evaluation.case import score_case
from monai_topo.commands.evaluation.pairs import Pair

BLOCK_METRICS = ("pixel", "betti_error", "euler_error", "adapted_rand_error", "variation_of_information")


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr("monai_topo.data.readers.zarr_levels._BLOCK_VOXELS", 60)


def save(folder, name, array, chunk=3):
    """The same volume as zarr and as a NumPy file."""
    zarr.create_array(folder / f"{name}.zarr", data=array.T.copy(), chunks=(chunk,) * array.ndim)
    np.save(folder / f"{name}.npy", array)


def both_ways(folder, metrics, **options):
    """Scores by blocks and of the whole."""
    found = []
    for suffix in (".zarr", ".npy"):
        pair = Pair("a", folder / f"prediction{suffix}", folder / f"label{suffix}")
        found.append(score_case(pair, Options(metrics=metrics, **options)))
    return found


def check(folder, metrics=BLOCK_METRICS, **options):
    blocks, whole = both_ways(folder, metrics, **options)
    assert (blocks.shape, len(blocks.rows)) == (whole.shape, len(whole.rows))
    for one, other in zip(blocks.rows, whole.rows, strict=True):
        assert (one.label, one.held, list(one.scores)) == (other.label, other.held, list(other.scores))
        np.testing.assert_allclose(list(one.scores.values()), list(other.scores.values()), rtol=1e-12, atol=1e-11)
    assert blocks.notes[0].startswith("by blocks of up to ")
    return blocks


@pytest.mark.parametrize("options", [{}, {"connectivity": 1, "frame": True}, {"instances": "background"}], ids=str)
@pytest.mark.parametrize("shape", [(9, 8, 7), (11, 9), (1, 6, 5)], ids=str)
def test_masks(shape, options, tmp_path, rng):
    for name in ("prediction", "label"):
        save(tmp_path, name, (rng.random(shape) < 0.5).astype(np.uint8) * (255 if name == "label" else 1))
    check(tmp_path, **options)


@pytest.mark.parametrize("values", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=str)
def test_empty_and_full_masks(values, tmp_path):
    for name, value in zip(("prediction", "label"), values, strict=True):
        save(tmp_path, name, np.full((5, 6, 7), value, np.uint8))
    check(tmp_path)


@pytest.mark.parametrize("section_axis", [None, 2, -2])
def test_sections(section_axis, tmp_path, rng):
    for name in ("prediction", "label"):
        save(tmp_path, name, (rng.random((7, 6, 8)) < 0.7).astype(np.uint8))
    for instances in ("foreground", "background"):
        check(tmp_path, BLOCK_METRICS[3:], instances=instances, section_axis=section_axis)


@pytest.mark.parametrize("section_axis", [None, 2])
def test_instance_ids(section_axis, tmp_path, rng):
    ids = [rng.integers(0, 5, (7, 6, 8)) for _ in range(2)]
    large = np.array([0, 3, 2**64 - 1, 2**63 + 1, 2**64 - 2], np.uint64)
    for name, one in zip(("prediction", "label"), ids, strict=True):
        save(tmp_path, name, large[one])
    found = check(tmp_path, BLOCK_METRICS[3:], instances="labels", section_axis=section_axis)
    if section_axis is None:
        small = [np.array([0, 1, 0, 2, 3])[one] for one in ids]
        error, _, _ = skimage.metrics.adapted_rand_error(small[1], small[0])
        assert found.rows[0].scores["adapted_rand_error"] == pytest.approx(error)


def test_classes(tmp_path, rng):
    for name in ("prediction", "label"):
        save(tmp_path, name, rng.integers(0, 4, (8, 6, 7)).astype(np.int16))
    check(tmp_path, labels=(1, 2, 9))


def test_likelihoods(tmp_path, rng):
    save(tmp_path, "prediction", rng.random((8, 6, 7)).astype(np.float32))
    save(tmp_path, "label", (rng.random((8, 6, 7)) < 0.5).astype(np.float32) * np.float32(1 + 1e-7))
    check(tmp_path, threshold=0.4)


def refused(folder, **options):
    reasons = []
    for suffix in (".zarr", ".npy"):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            score_case(Pair("a", folder / f"prediction{suffix}", folder / f"label{suffix}"), Options(**options))
        reasons.append(str(caught.value).replace(suffix, ""))
    return reasons


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ((0, 1, 2), {}),
        ((0, 0.25), {}),
        ((0, np.nan), {}),
        ((0, 0.25, 0.5), {"threshold": 3}),
        ((0, 128, 255), {"threshold": 0.5}),
        ((0, -1), {"labels": (1,)}),
        ((0, 0.5), {"metrics": BLOCK_METRICS[3:], "instances": "labels"}),
    ],
    ids=str,
)
def test_what_is_refused_whole_is_refused_by_blocks(values, options, tmp_path):
    array = np.zeros((7, 6, 5), np.float32)
    array[3, 4, : len(values)] = values
    save(tmp_path, "prediction", array)
    save(tmp_path, "label", np.ones((7, 6, 5), np.uint8))
    by_blocks, whole = refused(tmp_path, **{"metrics": ("pixel",), **options})
    assert by_blocks == whole


def test_metrics_of_whole_volumes_read_them_if_they_fit(tmp_path, rng, monkeypatch):
    for name in ("prediction", "label"):
        save(tmp_path, name, (rng.random((6, 7, 8)) < 0.3).astype(np.uint8))
    blocks, whole = both_ways(tmp_path, ("centerline_dice", "pixel"))
    assert blocks.rows[0].scores == pytest.approx(whole.rows[0].scores)
    assert list(blocks.rows[0].scores) == list(whole.rows[0].scores)
    assert blocks.notes[0] == "by blocks of up to 6 x 3 x 3 voxels: pixel; of volumes read whole: centerline_dice"
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 5_000)
    with pytest.raises(ValueError, match=r"^centerline_dice need whole volumes, .* say --metrics pixel, or crop both"):
        both_ways(tmp_path, ("centerline_dice", "pixel"))
    with pytest.raises(ValueError, match="crop both, or take another metric"):
        both_ways(tmp_path, ("centerline_dice",))
    check(tmp_path, ("pixel",))


def test_nothing_is_read_whole(tmp_path, rng, monkeypatch):
    for name in ("prediction", "label"):
        save(tmp_path, name, (rng.random((6, 7, 8)) < 0.3).astype(np.uint8))
    expected = both_ways(tmp_path, BLOCK_METRICS)[1]
    monkeypatch.setattr(case, "read_volume", None)
    sizes = []
    region = "monai_topo.data.readers.zarr_reader.read_region"
    real = sys.modules["monai_topo.data.readers.zarr_reader"].read_region
    monkeypatch.setattr(region, lambda image, index: sizes.append(real(image, index).size) or real(image, index))
    pair = Pair("a", tmp_path / "prediction.zarr", tmp_path / "label.zarr")
    found = score_case(pair, Options(metrics=BLOCK_METRICS))
    assert found.rows[0].scores == pytest.approx(expected.rows[0].scores)
    assert max(sizes) <= 60


def test_a_turned_label_of_another_kind(tmp_path, rng):
    mask = (rng.random((6, 7, 8)) < 0.3).astype(np.uint8)
    save(tmp_path, "prediction", mask)
    array = zarr.open(tmp_path / "prediction.zarr")
    array.attrs.update(resolution=[3, 2, 1], offset=[0, 0, 0])
    turned = nibabel.Nifti1Image(mask, np.diag([1, 2, 3, 1])).as_reoriented([[2, 1], [0, -1], [1, 1]])
    nibabel.save(turned, tmp_path / "label.nii")
    pair = Pair("a", tmp_path / "prediction.zarr", tmp_path / "label.nii")
    found = score_case(pair, Options(metrics=BLOCK_METRICS))
    assert found.rows[0].scores["pixel.dice"] == 1
    assert found.rows[0].scores["betti_error.sum"] == 0
    assert found.spacing == (2, 3, 1)


def test_the_report_says_so(tmp_path, rng, capsys):
    for name in ("prediction", "label"):
        save(tmp_path, name, (rng.random((6, 7, 8)) < 0.3).astype(np.uint8))
    words = ["--pred", str(tmp_path / "prediction.zarr"), "--label", str(tmp_path / "label.zarr")]
    assert main(["evaluate", *words, "--metrics", "pixel", "--out", str(tmp_path / "report.json")]) == 0
    note = "by blocks of up to 6 x 3 x 3 voxels: pixel"
    assert note in capsys.readouterr().err
    assert json.loads((tmp_path / "report.json").read_text())["cases"][0]["notes"] == [note]


def test_blocks_are_shown_as_they_are_done(tmp_path, rng, monkeypatch):
    from monai_topo.commands.evaluation import block_scores

    steps = []

    class Bar:
        def __init__(self, **about):
            steps.append(about["desc"])

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def reset(self, total):
            steps.append(total)

        def update(self):
            steps.append(None)

    monkeypatch.setattr(block_scores, "tqdm", Bar)
    for name in ("prediction", "label"):
        save(tmp_path, name, (rng.random((6, 7, 8)) < 0.3).astype(np.uint8))
    score_case(Pair("a", tmp_path / "prediction.zarr", tmp_path / "label.zarr"), Options(metrics=("pixel",)))
    totals = [one for one in steps if isinstance(one, int)]
    assert steps[0] == "a"
    assert len(totals) == 3
    assert 0.8 * sum(totals) <= steps.count(None) <= sum(totals)  # graphs hold a few constants, too


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment(seed, workers, tmp_path):
    rng = np.random.default_rng(seed)
    for number in range(4):
        for folder in ("prediction", "label"):
            (tmp_path / folder).mkdir(exist_ok=True)
            mask = (rng.random((64, 60, 56)) < 0.3).astype(np.uint8)
            zarr.create_array(tmp_path / folder / f"case{number}.zarr", data=mask, chunks=(16,) * 3)
    words = [sys.executable, "-m", "monai_topo", "evaluate", "--workers", workers, "--metrics", *BLOCK_METRICS]
    words += ["--pred", str(tmp_path / "prediction"), "--label", str(tmp_path / "label")]
    outs = [tmp_path / "whole" / "report.json", tmp_path / "killed" / "report.json"]
    started = time.monotonic()
    assert subprocess.run([*words, "--out", str(outs[0])], capture_output=True, check=False).returncode == 0
    taken = time.monotonic() - started
    for moment in rng.uniform(0.2, 1.0, 3):
        process = subprocess.Popen(
            [*words, "--out", str(outs[1])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(taken * moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run([*words, "--out", str(outs[1])], capture_output=True, check=False).returncode == 0
    assert outs[0].read_text() == outs[1].read_text()
    assert outs[0].with_suffix(".csv").read_text() == outs[1].with_suffix(".csv").read_text()
    assert sorted(path.name for path in outs[1].parent.iterdir()) == ["report.csv", "report.json"]


def test_folders_of_sections(tmp_path, rng, capsys):
    from PIL import Image

    masks = [(rng.random((6, 7, 8)) < 0.3).astype(np.uint8) for _ in range(2)]
    for folder, mask in zip(("prediction", "label"), masks, strict=True):
        np.save(tmp_path / f"{folder}.npy", mask)
        (tmp_path / folder / "brain").mkdir(parents=True)
        for z in range(8):
            Image.fromarray(mask[..., z].T).save(tmp_path / folder / "brain" / f"z{z}.png")
    expected = score_case(Pair("a", tmp_path / "prediction.npy", tmp_path / "label.npy"), Options(metrics=("pixel",)))
    words = ["--pred", str(tmp_path / "prediction"), "--label", str(tmp_path / "label"), "--sections"]
    out = tmp_path / "report.json"
    assert main(["evaluate", *words, "--metrics", "pixel", "--out", str(out)]) == 0
    found = json.loads(out.read_text())["cases"]
    assert [case["case"] for case in found] == ["brain"]
    assert found[0]["shape"] == [6, 7, 8]
    assert found[0]["rows"][0]["scores"] == expected.rows[0].scores
    assert "by blocks of up to 6 x 7 x" in capsys.readouterr().err


def test_pictures_of_what_does_not_fit_are_left_out(tmp_path, rng, capsys, monkeypatch):
    for name in ("prediction", "label"):
        save(tmp_path, name, (rng.random((6, 7, 8)) < 0.3).astype(np.uint8))
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 5_000)
    words = ["--pred", str(tmp_path / "prediction.zarr"), "--label", str(tmp_path / "label.zarr")]
    words += ["--figures", str(tmp_path / "figures"), "--out", str(tmp_path / "report.json"), "--metrics", "pixel"]
    assert main(["evaluate", *words]) == 0
    assert "not drawn: prediction: a picture needs whole" in capsys.readouterr().err.replace("label:", "prediction:")
