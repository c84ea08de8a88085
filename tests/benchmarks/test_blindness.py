"""The damages of the blindness table are what their names say, and the table is of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.benchmarks.damages import MEMBRANES, TUBES, membranes, tubes, valid
from tests.benchmarks.figure_blindness import draw, response, shown


@pytest.fixture(scope="module")
def phantoms():
    return {"tubes": valid(tubes, TUBES, 1), "membranes": valid(membranes, MEMBRANES, 1)}


def components(mask):
    return int(ndimage.label(mask, np.ones((3, 3, 3)))[1])


def test_damages_are_what_they_say(phantoms):
    """SciPy counts."""
    (tube,), (wall,) = phantoms.values()
    changes = {name: components(mask) - components(tube.label) for name, mask in tube.masks.items()}
    assert changes == {name: change[0] for name, change in TUBES.items()}
    rooms = {name: int(ndimage.label(~mask)[1]) for name, mask in wall.masks.items()}
    cells = {name: count - int(ndimage.label(~wall.label)[1]) for name, count in rooms.items()}
    assert cells == {name: change[2] for name, change in MEMBRANES.items()}
    for found in (tube, wall):
        assert not (found.masks["thinning"] & ~found.label).any()
        assert not (found.label & ~found.masks["wrong size"]).any()
        assert all((mask != found.label).any() for mask in found.masks.values())
    assert (tube.masks["swapped place"] & tube.label).sum() < tube.label.sum()


def test_responses(phantoms):
    tube, wall = phantoms.values()
    assert response("betti_error", tube, "gap") == response("betti_error", wall, "pierced wall") == 1
    assert response("betti_error", tube, "swapped place") == 0 < response("betti_matching_error", tube, "swapped place")
    mask, label = tube[0].masks["gap"], tube[0].label
    assert response("pixel", tube, "gap") == pytest.approx(1 - 2 * (mask & label).sum() / (mask.sum() + label.sum()))
    assert [shown(number) for number in (0.0, 0.004, 1.0, 0.256)] == ["·", "·", "1", "0.26"]


def test_one_that_is_not_as_expected_is_refused():
    with pytest.raises(ValueError, match="0 of 1 phantoms of tubes are damaged as expected"):
        valid(tubes, {**TUBES, "gap": (5, 0, 0)}, 1, attempts=1)


def test_the_picture(phantoms, tmp_path):
    path = tmp_path / "a.png"
    draw({kind: found[0] for kind, found in phantoms.items()}, path)
    assert path.stat().st_size > 5000
