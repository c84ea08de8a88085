"""The experiments behind docs/results.md: weights are chosen as the page says, and the whole works in small."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from monai_topo.commands.evaluation.options import Options
from monai_topo.data import Volume, phantoms
from monai_topo.data.phantoms import tube
from tests.results.__main__ import fill, perform
from tests.results.datasets import TEST, VALIDATION, save_pair
from tests.results.features import COUNTS
from tests.results.losses import BASE, NAMES, OTHERS
from tests.results.plan import (
    CRITERION,
    DICE,
    choice_run,
    chosen_ratio,
    heavier_runs,
    iterations_in_time,
    runs_of,
    search_runs,
)
from tests.results.report import feature_titles, features, heavier, section
from tests.results.runs import Laboratory, Records, overlay_of
from tests.results.scoring import AS_IT_IS, Protocol, score, without_specks
from tests.results.table import ITERATIONS_PER_EPOCH, of_losses, quick
from tests.results.tables import FIB25, ISBI2012, ISBI2012_3D, NEURONS, TABLES


@pytest.fixture
def table():
    return replace(FIB25, losses=(BASE, "topo"), ratios=(0.3, 1.0, 3.0))


def recorded(table, dice, errors):
    """Records of the search: of the base and of each ratio."""
    numbers = zip(search_runs(table), dice, errors, strict=True)
    return {run.key: {"scores": {VALIDATION: {AS_IT_IS: {DICE: d, CRITERION: e}}}} for run, d, e in numbers}


def test_the_ratio_with_the_least_error_is_chosen(table):
    assert chosen_ratio(table, recorded(table, [0.8, 0.8, 0.796, 0.8], [9, 5, 3, 4]), "topo") == 1.0


def test_a_ratio_that_costs_dice_is_not_chosen(table):
    assert chosen_ratio(table, recorded(table, [0.8, 0.8, 0.79, 0.8], [9, 5, 3, 4]), "topo") == 3.0


def test_where_all_cost_dice_the_cheapest_is_chosen(table):
    assert chosen_ratio(table, recorded(table, [0.8, 0.77, 0.76, 0.7], [9, 5, 3, 4]), "topo") == 0.3


def test_more_weight_is_run_with_all_seeds_and_shown():
    table = replace(FIB25, losses=(BASE, "topo"), heavier={"topo": 1.0})
    runs = heavier_runs(table)
    assert [(run.loss, run.ratio, run.seed) for run in runs] == [("topo", 1.0, seed) for seed in table.seeds]
    assert runs[0] in search_runs(table)  # it is not run twice
    records = recorded(table, [0.8, 0.8, 0.7, 0.6], [9, 5, 3, 4])  # 0.3 is chosen
    records |= {run.key: {"scores": {VALIDATION: {AS_IT_IS: {DICE: 0.7}}}} for run in runs[1:]}
    for number, record in enumerate(records.values()):
        record["scores"]["test"] = {AS_IT_IS: dict.fromkeys(table.columns.values(), float(number))}
    rows = [row.split(" | ")[:5] for row in heavier(table, records, "test").splitlines()[2:]]
    # Numbers 0 to 3 are the search's, 4 and 5 the other seeds'.
    assert rows == [
        ["| Dice+CE", "-", "1", "0.800", "0.000"],
        ["| TopoLoss", "0.3", "1", "0.800", "1.000"],
        ["| TopoLoss", "1", "3", "0.700 ± 0.000", "3.67 ± 1.25"],
    ]


def test_features_are_shown_of_the_runs_that_have_them_counted():
    table = replace(FIB25, losses=(BASE, "topo"), ratios=(0.3,), heavier={})
    records = recorded(table, [0.8, 0.8], [9, 5])
    for record in records.values():
        record["scores"]["test"] = {AS_IT_IS: dict.fromkeys(table.columns.values(), 1.0)}
    assert feature_titles(table, records) == {}
    counts = {f"framed/features.{count}.1": number for count, number in zip(COUNTS, (7, 5, 3), strict=True)}
    records[runs_of(table, records, "topo")[0].key]["scores"]["test"][AS_IT_IS] |= counts
    assert list(feature_titles(table, records)) == ["test"]
    assert features(table, records, "test").splitlines() == [
        "| loss | runs | loops, predicted | loops, label | loops, shared |",
        "| --- | --- | --- | --- | --- |",
        "| TopoLoss | 1 | 7.00 | 5.00 | 3.00 |",
    ]


def test_equal_time_is_in_whole_epochs(table):
    records = {"seconds_dice_ce": {"rounds": [0.2, 9.0, 0.1]}, "seconds_topo": {"rounds": [0.3]}}
    assert iterations_in_time(table, records, "topo") == 400


def test_a_choice_differs_in_one_thing():
    table = replace(FIB25, losses=(BASE, "betti_matching"))
    records = recorded(table, [0.8] * 4, [9, 5, 3, 4])
    changed, cold = choice_run(table, records, "matching_2"), choice_run(table, records, "matching_cold")
    assert (changed.ratio, changed.iterations) == (1.0, table.iterations)
    assert cold.iterations == table.start_iterations + table.iterations
    own = table.training_settings("matching_2")
    assert table.overlay("matching_2") == "loss_betti_matching.yaml"
    assert own == {**table.training_settings("betti_matching"), "loss#topology#dims": [2]}


def test_a_loss_on_distances_is_compared_with_distances():
    table = replace(NEURONS, losses=(BASE, "topo", "distance", "localized_distance"), ratios=(1.0, 3.0))
    runs = search_runs(table)
    assert [(run.loss, run.ratio) for run in runs if run.ratio is None] == [(BASE, None), ("distance", None)]
    # At the Dice of the networks that regress distances, which is not that of the others.
    records = recorded(table, [0.8, 0.6, 0.8, 0.7, 0.598, 0.5], [9, 9, 5, 3, 4, 3])
    assert [chosen_ratio(table, records, loss) for loss in ("topo", "localized_distance")] == [1.0, 1.0]
    records |= {"seconds_dice_ce": {"rounds": [0.1]}, "seconds_distance": {"rounds": [0.2]}}
    records |= {"seconds_localized_distance": {"rounds": [0.4]}}
    assert iterations_in_time(table, records, "localized_distance") == table.iterations // 2


def test_features_in_place_are_counted():
    label = np.zeros((14, 27), bool)
    for column in (2, 10, 18):
        ring(label, 2, column)
    mask = label.copy()
    mask[4, 18:20] = False  # one ring is cut open
    ring(mask, 8, 5)  # and one is new
    options = Options(metrics=("betti_matching_error",))
    found = score(mask, label, [Protocol("framed", options)])
    counts = [found[f"framed/features.{count}.{k}"] for k in (0, 1) for count in COUNTS]
    assert counts == [4, 3, 3, 3, 3, 2]
    assert found["framed/betti_matching_error.1"] == 3 + 3 - 2 * 2


def ring(mask, row, column):
    mask[row : row + 5, column : column + 5] = True
    mask[row + 2, column + 2] = False


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_the_columns_are_measured(table):
    mask = tube((24, 26, 22) if "spatial_dims" not in str(table.settings) else (24, 26), noise=0.0).label > 0
    assert set(table.columns.values()) <= set(score(mask, mask, table.protocols))


def test_specks_of_both_kinds_go():
    mask = np.zeros((20, 21, 22), bool)
    mask[2:10, 2:10, 2:10] = True
    expected = mask.copy()
    mask[5, 5, 5] = False  # a hole
    mask[15, 15, 15:18] = True  # a speck
    assert (without_specks(mask) == expected).all()


@pytest.mark.parametrize(
    ("table", "base", "term"),
    [
        (FIB25, BASE, "betti_matching"),
        (ISBI2012, BASE, "betti_matching"),
        (ISBI2012_3D, BASE, "topo"),
        (NEURONS, "distance", "localized_distance"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.slow
def test_a_table_in_small(real_data, tmp_path, table, base, term):
    small = replace(quick(table), losses=tuple(dict.fromkeys((BASE, base, term))))
    records = Records(tmp_path / "records.json")
    laboratory = Laboratory(small, real_data, tmp_path, records)
    fill(small, laboratory, records, workers=1)
    text = section(small, records.runs)
    row = next(line for line in text.splitlines() if line.startswith(f"| {NAMES[term]}"))
    assert [cell for cell in row.split("|") if cell.strip() == "-"] == []
    assert "## Features, framed" in text
    part = next(iter(table.parts))
    dice = [
        records.runs[runs_of(small, records.runs, loss)[0].key]["scores"][part][AS_IT_IS][DICE] for loss in (base, term)
    ]
    assert 0.2 < min(dice) < 1
    assert dice[0] != dice[1]
    again = Laboratory(small, real_data, tmp_path, Records(records.path))
    again._train = None  # what is done is not run again
    fill(small, again, again.records, workers=1)


def test_other_losses_than_a_tables_own():
    table = of_losses(FIB25, ["topo", "malis", "connectivity"])
    assert table.losses == (BASE, "affinities", "unsigned", "topo", "malis", "connectivity")
    assert table.heavier == {"topo": FIB25.heavier["topo"]}
    assert set(table.choices) == {"topo_unframed", "topo_threshold"}
    assert table.training_settings("affinities")["topology_weight"] == 0
    assert "topology_weight" not in table.training_settings("malis")
    with pytest.raises(ValueError, match=r"ircadb_vessels has no affinities.yaml"):
        overlay_of(NEURONS.bundle.replace("neuron_stacks", "ircadb_vessels"), OTHERS["malis"].overlay)
    for name in {*NAMES} - {"localized"}:
        assert overlay_of(FIB25.bundle, FIB25.overlay(name))


def small_membranes(data, folder, fold):
    """A phantom to train, one that validates and one that tests."""
    for seed, (part, name) in enumerate((("training", "train"), ("held_out", VALIDATION), ("held_out", TEST))):
        made = phantoms.membranes((24, 26, 28), num_cells=8, seed=seed)
        save_pair(folder / part, name, Volume((255 * made.image).astype(np.float32), np.eye(4)), made.label)


@pytest.fixture(scope="module")
def small_laboratory(tmp_path_factory):
    """A table whose runs take seconds, of all losses."""
    work = tmp_path_factory.mktemp("small")
    network = {"network_def#channels": [4, 8], "network_def#strides": [2]}
    settings = {"patch_size": [16, 16, 16], "batch_size": 2, **network}
    table = replace(quick(FIB25), divide=small_membranes, settings=settings, start_iterations=ITERATIONS_PER_EPOCH)
    table = of_losses(table, list(NAMES))
    return Laboratory(table, work, work, Records(work / "records.json"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_loss_trains(small_laboratory, name):
    """Continued from the start of its base, weighed by the ratio of the gradients, applied and scored."""
    table, records = small_laboratory.table, small_laboratory.records
    runs = search_runs(of_losses(table, [name]))
    perform(name, small_laboratory, runs, workers=1)
    scores = {run.loss: records.runs[run.key]["scores"][TEST][AS_IT_IS] for run in runs}
    assert np.isfinite(scores[name][DICE])
    if name != table.base(name):
        weight = records.runs[runs[-1].key]["weight"]
        assert weight is None if name == "weighted" else weight > 0
        assert scores[name] != scores[table.base(name)]


def test_records_are_a_line_for_each_run(tmp_path):
    path = tmp_path / "records.json"
    first, second = {"weight": 0.5}, {"scores": {"test": [1, 2]}}
    Records(path).add("second", second)
    Records(path).add("first", first)
    assert json.loads(path.read_text()) == {"runs": {"first": first, "second": second}}
    assert len(path.read_text().splitlines()) == 4
    with pytest.raises(ValueError, match="Out of range"):
        Records(path).add("third", {"weight": float("nan")})
    assert json.loads(path.read_text())["runs"].keys() == {"first", "second"}
