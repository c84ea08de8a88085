"""What docs/finished.md is made by: scores and controls are what they say, and the whole works in small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.results.finished.experiments import FIB25, GAPS, ISBI2012, quick
from tests.results.finished.laboratory import fill
from tests.results.finished.pictures import draw
from tests.results.finished.report import section
from tests.results.finished.tubes import Bridged, bridges_right, drawn, length_of, line, nearest_ends, random_lines
from tests.results.finished.walls import cells_right, from_middles, random_cells, score
from tests.results.runs import Records


def test_a_cell_is_right_from_half_on():
    true = np.array([1, 1, 1, 1, 2, 2, 2, 2, 3, 3])
    ids = np.array([7, 7, 7, 0, 4, 4, 5, 5, 5, 5])
    # 3 of 4; 2 of 4, and 2 of 6; 2 of 4.
    assert cells_right(ids, true) == (1, 3)


def walled(width=12):
    """Two rooms, of which the wall between has a hole."""
    label = np.ones((width, 2 * width + 1, width), bool)
    label[1:-1, 1:width, 1:-1] = False
    label[1:-1, width + 1 : -1, 1:-1] = False
    leaking = label.copy()
    leaking[5, width, 6] = False
    return leaking, label


def test_one_hole_joins_two_cells():
    leaking, label = walled()
    found, perfect = score(leaking, label), score(label, label)
    assert (found["cells"], perfect["cells"], perfect["true cells"]) == (0, 2, 2)
    assert found["pixel.dice"] > 0.999
    assert found["variation_of_information.merge"] == pytest.approx(1.0, abs=0.01)  # one bit: which of the two
    assert perfect["variation_of_information.sum"] == 0


def test_random_cells_are_as_many_and_wrong():
    _, label = walled()
    assert len(np.unique(random_cells(label))) == 2
    assert score(random_cells(label), label)["variation_of_information.sum"] > 0.5


def test_middles_of_two_rooms_are_two_cells():
    leaking, label = walled()
    assert score(from_middles(leaking.astype(np.float32)), label)["cells"] == 2


def tubes():
    """A tube with a gap, and another, whole one beside it."""
    label = np.zeros((30, 14, 5), bool)
    label[2:28, 3, 2] = True
    label[2:28, 12, 2] = True
    mask = label.copy()
    mask[12:18, 3, 2] = False
    return mask, label


def test_a_bridge_is_right_where_the_label_has_it():
    mask, label = tubes()
    along, across = line((11, 3, 2), (18, 3, 2)), line((11, 3, 2), (11, 12, 2))
    astray = np.concatenate([line((11, 3, 2), (11, 0, 2)), line((12, 0, 2), (17, 0, 2)), line((18, 0, 2), (18, 3, 2))])
    found = [bridges_right(Bridged(mask, mask, paths), label) for paths in ((along,), (across,), (astray,))]
    assert found == [(1, 1), (0, 1), (0, 1)]


def test_links_do_not_close_loops_and_are_as_many_as_wanted():
    mask, _ = tubes()
    components = np.zeros(mask.shape, int)
    components[2:12, 3], components[18:28, 3], components[2:28, 12] = 1, 2, 3
    lines = [line((11, 3, 2), (18, 3, 2)), line((10, 3, 2), (19, 3, 2)), line((5, 3, 2), (5, 12, 2))]
    once = iter(lines)
    assert len(drawn(mask, components, [once] * 3).paths) == 2
    (path,) = drawn(mask, components, [iter(lines)]).paths
    assert (path == lines[0]).all()


def test_random_lines_lead_from_one_component_to_another():
    rng = np.random.default_rng(0)
    components = np.zeros((20, 20, 20), int)
    components[:, 3, :], components[:, 13, :] = 1, 2
    spacing = (1.0, 1.0, 2.0)
    lines = random_lines(components, spacing, 10.0, rng)
    lengths = [length_of(path, spacing) for path in lines]
    assert 7.5 <= min(lengths[:5]) <= max(lengths[:5]) <= 12.5  # as long as wanted come first
    assert max(lengths) == lengths[-1] > 12.5
    for path in lines:
        assert {int(components[tuple(path[0])]), int(components[tuple(path[-1])])} == {1, 2}
        assert not components[tuple(path[1:-1].T)].any()


def test_the_nearest_ends_are_those_across_the_gap():
    mask, label = tubes()
    likelihood = np.where(mask, 0.9, np.where(label, 0.3, 0.0))
    (found,) = nearest_ends(likelihood, (1.0, 1.0, 1.0), sigma=0, min_size=0, floor=0.1)
    assert len(found.paths) == 1
    assert bridges_right(found, label) == (1, 1)


@pytest.mark.parametrize("experiment", [FIB25, GAPS, ISBI2012], ids=lambda experiment: experiment.name)
@pytest.mark.slow
def test_an_experiment_in_small(real_data, tmp_path, experiment):
    small = quick(experiment)
    records = Records(tmp_path / "records.json")
    fill(small, real_data, tmp_path, records)
    text = section(small, records.runs)
    assert text.count("mean of flips: ") == (0 if experiment is GAPS else len(small.kind.steps) + 2)
    assert draw(small, real_data, tmp_path, records.runs, tmp_path / "picture.png").stat().st_size < 400_000
    fill(replace(small, bundle="none"), real_data, tmp_path / "other", Records(records.path))  # nothing is run again
