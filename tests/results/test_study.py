"""The studies of losses on good networks: their numbers are the metrics', and weights are chosen as the pages say."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from skimage.io import imread

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.topology import betti_numbers
from tests.benchmarks.sections import DOCS, read_section
from tests.results.datasets import TEST, VALIDATION
from tests.results.finished.steps import tuned
from tests.results.losses import BASE
from tests.results.study.counts import patch_counts, scores_of
from tests.results.study.kind import stretched
from tests.results.study.laboratory import (
    EQUAL,
    EQUAL_LOWER,
    StudyLaboratory,
    all_runs,
    over_volumes,
    ratios_of,
    runs_of,
)
from tests.results.study.membranes import score
from tests.results.study.pictures import draw, draw_at_precision
from tests.results.study.precision import CARRIED_COLUMNS
from tests.results.study.report import cells, headline, page
from tests.results.study.sections import draw_sections
from tests.results.study.selection import chosen_ratio, chosen_runs
from tests.results.study.statistics import f1_interval
from tests.results.study.studies import FIB25, STUDIES, TOPOMORTAR, WEIGHTED
from tests.results.study.vessels import broken_and_joined


@pytest.mark.parametrize("shape", [(30, 26), (21, 30, 18)])
def test_scores_of_counts_are_the_metrics(shape):
    rng = np.random.default_rng(0)
    mask, label = (rng.random(shape) < share for share in (0.4, 0.3))
    framed = {"patch_size": 12, "frame": True}
    f1 = score_masks(
        mask, label, Options(metrics=("betti_matching_f1", "betti_error", "betti_matching_error"), **framed)
    )
    found = scores_of(patch_counts(mask, label, 12))
    assert found["f1"] == pytest.approx(f1["betti_matching_f1.f1"])
    assert found["precision"] == pytest.approx(f1["betti_matching_f1.precision"])
    assert found["recall"] == pytest.approx(f1["betti_matching_f1.recall"])
    assert found["matching_error"] == pytest.approx(f1["betti_matching_error.sum"])
    assert found["betti_error"] == pytest.approx(f1["betti_error.sum"])
    assert found["betti_error.1"] == pytest.approx(f1["betti_error.1"])
    assert found["precision"] != found["recall"]


def test_an_empty_answer_scores_nothing():
    label = np.zeros((9, 9), bool)
    label[2:7, 2:7] = True
    counts = patch_counts(np.zeros_like(label), label, None, frame=False)
    assert scores_of(counts)["f1"] == 0
    assert np.isnan(scores_of(counts)["precision"])
    assert np.isnan(scores_of(patch_counts(~label & label, ~label & label, None, frame=False))["f1"])


def test_gaps_and_false_joints():
    label = np.zeros((12, 9, 5), bool)
    label[1:11, [1, 4, 7], 2] = True  # three tubes
    mask = label.copy()
    mask[5, 1, 2] = mask[3, 1, 2] = False  # two gaps in the first
    mask[8, 5:7, 2] = True  # the second and the third are one
    assert broken_and_joined(mask, label) == (2, 1)
    assert broken_and_joined(label, label) == (0, 0)


def records_of(study, numbers):
    """By loss and ratio, Dice and F1 score of the validation part with every seed."""
    plain = next(iter(study.subject.steps))
    return {
        run.key: {"scores": {VALIDATION: {plain: {"dice": dice, "f1": f1}}}}
        for (loss, ratio), (dice, f1) in numbers.items()
        for run in runs_of(study, loss, ratio)
    }


def test_the_best_f1_that_keeps_dice_is_chosen():
    study = replace(FIB25, losses=(BASE, WEIGHTED, "topo"))
    numbers = {
        (BASE, None): (0.8, 0.1),
        ("topo", 0.3): (0.8, 0.2),
        ("topo", 1.0): (0.79, 0.3),
        ("topo", 3.0): (0.7, 0.9),
    }
    assert chosen_ratio(study, records_of(study, numbers), "topo") == 1.0
    assert chosen_ratio(study, records_of(study, numbers), WEIGHTED) is None
    records = records_of(study, numbers)
    _, *others = runs_of(study, "topo", 0.3)
    for run in others:
        del records[run.key]  # with other seeds, other weights may be done
    assert chosen_ratio(study, records, "topo") == 1.0
    chosen = [run.key for run in chosen_runs(study, records)]
    assert chosen == [run.key for loss in (BASE, WEIGHTED) for run in runs_of(study, loss, None)] + [
        run.key for run in runs_of(study, "topo", 1.0)
    ]
    del numbers["topo", 0.3], numbers["topo", 1.0]
    assert chosen_ratio(study, records_of(study, numbers), "topo") == 3.0


def test_every_seed_runs_every_weight_the_first_seed_first():
    runs = all_runs(FIB25)
    assert len(runs) == len({run.key for run in runs}) == 3 * sum(len(ratios_of(FIB25, loss)) for loss in FIB25.losses)
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    assert ratios_of(FIB25, "affinities") == ratios_of(FIB25, WEIGHTED) == (None,)
    assert ratios_of(FIB25, "malis") == FIB25.ratios


def test_intervals_hold_what_is_known():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, (3, 40, 3))
    assert f1_interval(counts, counts) == (0, 0, 0)
    better = counts.copy()
    better[..., 0] += 2
    mean, low, high = f1_interval(better, counts)
    assert low < mean < high
    assert low > 0
    # One feature a patch, right or not: the F1 score is the share of right ones, and its interval the normal one.
    right = rng.random(400) < 0.3
    share = np.stack([right, np.ones(400), np.ones(400)], axis=-1)[None]
    mean, low, high = f1_interval(share, np.zeros_like(share))
    assert mean == pytest.approx(right.mean())
    assert high - low == pytest.approx(2 * 1.96 * right.std() / 20, rel=0.1)


def test_undefined_numbers_do_not_count():
    assert over_volumes([1.0, None, 3.0], is_count=False) == 2
    assert over_volumes([1.0, None, 3.0], is_count=True) == 4
    assert over_volumes([None], is_count=False) is None


def test_stretched_ends_at_0_and_1():
    assert (stretched(np.arange(1000.0)).min(), stretched(np.arange(1000.0)).max()) == (0, 1)


def recorded(study, seeds):
    """A whole record of random numbers."""
    rng = np.random.default_rng(0)

    def scores():
        return {column: float(rng.random()) for column in [*study.subject.columns.values(), "true cells"]}

    def run(key):
        steps = study.subject.steps
        return {
            "weight": 0.1,
            "seconds": 0.2,
            "machine": "CPU",
            "arguments": {step: {} for step in steps},
            "scores": {part: {step: scores() for step in steps} for part in (VALIDATION, TEST)},
            "patches": {step: rng.integers(0, 9, (5, 3)).tolist() for step in steps},
        }

    return {run_.key: run(run_.key) for run_ in all_runs(study) if run_.seed in seeds}


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_a_place_for_its_page(name):
    read_section(f"results/study_{name}.md", name)
    assert f"results/study_{name}\n" in (DOCS / "results.md").read_text()


@pytest.mark.parametrize("name", STUDIES)
def test_a_page_of_some_seeds_has_a_row_for_every_weight(name):
    study = STUDIES[name]
    text = page(study, recorded(study, (0, 1)))
    table = text.split("\n## ")[1]
    assert table.count("| 2 |") == sum(len(ratios_of(study, loss)) for loss in study.losses)
    assert "nan" not in text
    assert ("published" in text) == bool(study.published)
    assert study.source in text


def test_every_weight_stands_at_one_centerline_precision(tmp_path):
    study, records = STUDIES["vesselnn"], recorded(STUDIES["vesselnn"], (0, 1))
    assert "centerline precision of Dice+CE" not in page(study, records)
    assert draw_at_precision(study, records, tmp_path / "none.png") is None
    patches = records[runs_of(study, BASE, None)[0].key]["patches"]["plain"]
    for run in all_runs(study):
        for key, f1 in ((EQUAL, 0.125), (EQUAL_LOWER, 0.25)) if run.key in records else ():
            better = [[matched + (run.loss != BASE), *others] for matched, *others in patches]
            columns = CARRIED_COLUMNS.values()
            records[run.key][key] = dict.fromkeys(columns, 0.5) | {"f1": f1, "patches": better}
    higher, lower = page(study, records).split("## At ")[1:3]
    weights = sum(len(ratios_of(study, loss)) for loss in study.losses)
    assert higher.count("| 2 |") == lower.count("| 2 |") == weights
    assert higher.count("| 0.125 ") == lower.split("\n## ")[0].count("| 0.250 ") == weights
    assert higher.count("| +0.") == weights - 1  # beside Dice+CE
    del records[runs_of(study, "dmt", chosen_ratio(study, records, "dmt"))[1].key][EQUAL]  # not every machine has all
    assert draw_at_precision(study, records, tmp_path / "some.png").stat().st_size > 5000


def test_the_headline_is_of_the_pages_numbers():
    records = recorded(FIB25, (0, 1))
    records["control nothing"] = {"scores": records[all_runs(FIB25)[0].key]["scores"]}
    scores = [records[run.key]["scores"][TEST] for run in runs_of(FIB25, BASE, None)[:2]]
    rows = {line.split(" | ")[0]: line for line in headline(FIB25, records).splitlines()}
    assert rows["| nothing"].count(" - ") == 3  # a mask is not finished
    mean = [
        np.mean([score[step]["split"] + score[step]["merge"] for score in scores]) for step in ("plain", "close_walls")
    ]
    assert all(f"{number:.3f} " in rows["| Dice+CE"] for number in mean)
    assert f"| {chosen_ratio(FIB25, records, 'malis'):g} |" in rows["| affinities, CE + MalisLoss"]


def test_without_likelihoods_there_is_no_picture_of_parts(tmp_path):
    """Records come with the project, the networks' answers do not."""
    laboratory = object.__new__(StudyLaboratory)
    laboratory.table, laboratory.work = FIB25, tmp_path
    assert draw_sections(FIB25, laboratory, recorded(FIB25, (0,)), tmp_path / "parts.png") is None
    assert not (tmp_path / "parts.png").exists()


def test_a_number_that_is_not_defined_is_a_dash():
    assert cells({"VOI": "voi", "F1": "f1"}, [{"split": None, "merge": 1.0, "f1": 0.5}]) == ["-", "0.500"]


def test_membranes_are_scored_by_their_cells():
    label = np.ones((12, 25, 12), bool)
    label[1:-1, 1:12, 1:-1] = label[1:-1, 13:-1, 1:-1] = False
    leaking = label.copy()
    leaking[5, 12, 6] = False
    found, counts = score(leaking, label)
    assert (found["cells"], found["true cells"]) == (0, 2)
    assert found["merge"] == pytest.approx(1, abs=0.01)
    assert counts.shape == (1, 3, 3)
    assert score(label, label)[0]["f1"] == 1


def test_betti_numbers_of_the_mortar_are_those_of_its_authors(real_data):
    folder = real_data / "topomortar"
    with (folder / "betti_numbers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50
    for row in rows:
        mask = imread(folder / "test" / "accurate" / f"{row['ID']}.png") > 0
        assert betti_numbers(mask) == (int(row["Betti0"]), int(row["Betti1"]))


@pytest.mark.slow
def test_a_study_in_small(real_data, tmp_path):
    from tests.results.runs import Records
    from tests.results.study.__main__ import fill
    from tests.results.study.laboratory import StudyLaboratory

    study = replace(
        TOPOMORTAR,
        losses=(BASE, "betti_matching"),
        seeds=(0,),
        ratios=(1.0,),
        start_iterations=50,
        iterations=50,
    )
    records = Records(tmp_path / "study.json")
    laboratory = StudyLaboratory(study, real_data, tmp_path, records)
    fill(study, laboratory, records, 1)
    assert "BettiMatchingLoss" in page(study, records.runs)
    assert draw(study, records.runs, tmp_path / "study.png").stat().st_size > 5000
    assert draw_sections(study, laboratory, records.runs, tmp_path / "parts.png").stat().st_size > 50000


def test_a_step_that_costs_too_much_takes_its_own_arguments(monkeypatch):
    step = FIB25.subject.steps["close_walls"]
    monkeypatch.setattr("tests.results.finished.steps.search", lambda *arguments: (None, []))
    monkeypatch.setattr("tests.results.finished.steps.choose", lambda *arguments: None)
    assert tuned(step, None, None) == {}
