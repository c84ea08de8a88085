"""The map for proof-readers: which features, where in the world, and the files."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage, SaveImage

from monai_topo.topology import betti_numbers
from monai_topo.transforms import TopologyUncertainty, TopologyUncertaintyd, save_uncertain_features
from tests.topology.images import make


def kinds(likelihood, **options):
    found = TopologyUncertainty(**options).features(np.asarray(likelihood)[None])
    return [(feature.status, feature.dim, feature.index) for feature in found]


def line(*values):
    return np.array([values])


def test_kinds_of_a_line():
    assert kinds(line(0.9, 0.45, 0.9)) == [("extra", 0, (0, 1))]  # parted, and joined at 0.45
    assert kinds(line(0.9, 0.55, 0.9)) == [("missing", 0, (0, 1))]  # one, and parted over 0.55
    assert kinds(line(0.0, 0.45, 0.0, 0.9)) == [("missing", 0, (0, 1))]  # a speck that is hardly missing
    assert kinds(line(0.0, 0.55, 0.0, 0.9)) == [("extra", 0, (0, 1))]
    assert kinds(line(0.0, 0.3, 0.0, 0.7)) == []
    assert kinds(line(0.0, 0.55, 0.42, 0.9)) == [("extra", 0, (0, 1)), ("extra", 0, (0, 2))]  # both ways


def test_kinds_of_a_ring():
    ring = np.full((7, 9), 0.9)
    ring[[0, -1]] = ring[:, [0, -1]] = 0.1
    ring[3, 4] = 0.2
    ring[1, 4] = 0.1
    ring[2, 4] = 0.45  # hardly open
    assert kinds(ring) == [("missing", 1, (2, 4))]
    ring[2, 4] = 0.55  # hardly closed
    assert kinds(ring) == [("extra", 1, (2, 4))]
    ring[2, 4], ring[3, 4] = 0.9, 0.45  # hardly a hole
    assert kinds(ring) == [("extra", 1, (3, 4))]


def test_a_cavity_of_a_volume():
    shell = np.pad(np.full((3, 4, 3), 0.9), 1, constant_values=0.1)
    shell[2, 2:4, 2] = [0.42, 0.3]
    assert kinds(shell) == []
    shell[2, 3, 2] = 0.44
    assert kinds(shell) == [("extra", 2, (2, 2, 2))]


@pytest.mark.parametrize("shape", [(12, 15), (7, 8, 9)])
@pytest.mark.parametrize("connectivity", [None, 1])
def test_the_counts_explain_other_thresholds(shape, connectivity):
    """Betti numbers at the ends of the margin follow from the list."""
    likelihood = make("white", shape, seed=4, dtype=np.float64)
    options = {"margin": 0.1, "min_persistence": 0.0, "connectivity": connectivity}
    features = TopologyUncertainty(**options).features(likelihood[None])
    low, middle, high = (betti_numbers(likelihood >= t, connectivity) for t in (0.4, 0.5, 0.6))
    for dim in range(len(shape)):
        mine = [feature for feature in features if feature.dim == dim]
        up = sum(1 if f.status == "missing" else -1 for f in mine if f.likelihood >= 0.5)
        assert middle[dim] + up == high[dim] + _died_within(likelihood, dim, connectivity, 0.5, 0.6, up=True)
        down = sum(1 if f.status == "missing" else -1 for f in mine if f.likelihood < 0.5)
        assert middle[dim] + down == low[dim] + _died_within(likelihood, dim, connectivity, 0.4, 0.5, up=False)


def _died_within(likelihood, dim, connectivity, start, stop, up):
    """Features that are there at neither end: listed as appearing, gone before the margin ends."""
    from monai_topo.topology import persistence_pairs

    pairs = persistence_pairs(likelihood, connectivity=connectivity, engine="gudhi")
    birth = likelihood.flat[pairs.birth[dim]]
    death = np.where(pairs.death[dim] >= 0, likelihood.flat[pairs.death[dim]], 0)
    if up:
        return np.count_nonzero((death >= start) & (birth < stop))
    return np.count_nonzero((birth < stop) & (death >= start))


def test_map_codes_and_radius():
    likelihood = np.zeros((1, 7, 9))
    likelihood[0, 3] = [0.9, 0.9, 0.9, 0.45, 0.9, 0.9, 0.9, 0.55, 0.9]
    codes = TopologyUncertainty()(likelihood)
    assert codes.dtype == np.uint8
    assert np.argwhere(codes[0]).tolist() == [[3, 3], [3, 7]]
    assert codes[0, 3, 3] == 1
    assert codes[0, 3, 7] == 2
    wide = TopologyUncertainty(radius=1.0)(likelihood)[0]
    assert wide[3].tolist() == [0, 0, 1, 1, 1, 0, 2, 2, 2]
    assert wide[2].tolist() == [0, 0, 0, 1, 0, 0, 0, 2, 0]


def test_world_coordinates_are_the_affines():
    affine = torch.tensor([[0.0, 2.0, 0.0, 10.0], [-3.0, 0.0, 0.0, 20.0], [0.0, 0.0, 5.0, -30.0], [0, 0, 0, 1.0]])
    likelihood = torch.full((1, 4, 5, 6), 0.1)
    likelihood[0, 1, 2, :] = torch.tensor([0.9, 0.9, 0.9, 0.45, 0.9, 0.9])
    (feature,) = TopologyUncertainty().features(MetaTensor(likelihood, affine=affine))
    assert feature.index == (1, 2, 3)
    assert (feature.x, feature.y, feature.z) == (14.0, 17.0, -15.0)
    (plain,) = TopologyUncertainty().features(likelihood)
    assert (plain.x, plain.y, plain.z) == (1.0, 2.0, 3.0)


def test_nearest_to_the_threshold_first():
    found = TopologyUncertainty().features(line(0.9, 0.42, 0.9, 0.48, 0.9, 0.56, 0.9)[None])
    assert [feature.likelihood for feature in found] == [0.48, 0.56, 0.42]
    assert [round(feature.persistence, 6) for feature in found] == [0.42, 0.34, 0.48]


def test_csv_and_nifti(tmp_path):
    affine = torch.diag(torch.tensor([2.0, 2.0, 3.0, 1.0]))
    likelihood = torch.full((1, 4, 5, 6), 0.1)
    likelihood[0, 1, 2, :] = torch.tensor([0.9, 0.9, 0.9, 0.45, 0.9, 0.9])
    pred = MetaTensor(likelihood, affine=affine, meta={"filename_or_obj": "/data/case_7.nii.gz"})
    done = TopologyUncertaintyd("pred", output_dir=tmp_path / "lists")({"pred": pred})
    with open(tmp_path / "lists" / "case_7_pred_uncertainty.csv", newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["status"], row["dim"], row["index"]) == ("extra", "0", "1 2 3")
    assert [float(row[axis]) for axis in "xyz"] == [2.0, 4.0, 9.0]
    assert float(row["persistence"]) == pytest.approx(0.45)
    assert done["pred"] is pred
    SaveImage(tmp_path, output_postfix="uncertainty", separate_folder=False, print_log=False)(done["pred_uncertainty"])
    loaded = LoadImage(ensure_channel_first=True)(tmp_path / "case_7_uncertainty.nii.gz")
    assert torch.equal(loaded.affine, affine.double())
    assert torch.argwhere(loaded).tolist() == [[0, 1, 2, 3]]


def test_a_file_is_whole_or_not_there(tmp_path):
    def broken():
        yield from TopologyUncertainty().features(line(0.9, 0.45, 0.9)[None])
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        save_uncertain_features(broken(), tmp_path / "list.csv")
    assert not list(tmp_path.iterdir())


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="threshold"):
        TopologyUncertainty(threshold=50)
    with pytest.raises(ValueError, match="margin"):
        TopologyUncertainty(margin=-0.1)
    with pytest.raises(ValueError, match="sigmoid"):
        TopologyUncertainty()(np.full((1, 4, 4), 3.0))
    with pytest.raises(ValueError, match="filename_or_obj"):
        TopologyUncertaintyd("pred", output_dir=tmp_path)({"pred": line(0.9, 0.45, 0.9)[None]})
