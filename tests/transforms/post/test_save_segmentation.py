"""What inference leaves on disk and in the log."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage

from monai_topo.transforms import SaveSegmentationd, TopologyUncertainty

AFFINE = np.array([[0, -4.0, 0, 7], [5.0, 0, 0, -3], [0, 0, 40.0, 11], [0, 0, 0, 1]])


@pytest.fixture
def likelihood():
    """Two bars that a gap hardly parts."""
    values = torch.zeros(1, 5, 7, 6, dtype=torch.float64)
    values[0, 2, 1:6, 3] = torch.tensor([0.9, 0.8, 0.45, 0.8, 0.9])
    return MetaTensor(values, affine=torch.tensor(AFFINE), meta={"filename_or_obj": "scans/patient.7.nii.gz"})


def test_files_and_log(likelihood, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="monai_topo")
    item = {"pred": likelihood, "image": 1}
    result = SaveSegmentationd("pred", tmp_path)(item)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["patient.7_prob.nii.gz", "patient.7_seg.nii.gz"]
    probability, mask = (LoadImage()(tmp_path / f"patient.7_{name}.nii.gz") for name in ("prob", "seg"))
    for written in (probability, mask):
        np.testing.assert_allclose(written.affine.numpy(), AFFINE)
    np.testing.assert_allclose(probability.numpy(), likelihood[0].numpy(), atol=1e-6)
    np.testing.assert_array_equal(mask.numpy(), likelihood[0].numpy() >= 0.5)
    np.testing.assert_array_equal(result["pred"][0].numpy(), mask.numpy())
    assert "patient.7.nii.gz, channel 0: Betti numbers (2, 0, 0), 4 voxels" in caplog.text
    assert item["pred"] is likelihood


def test_threshold(likelihood, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="monai_topo")
    SaveSegmentationd("pred", tmp_path, threshold=0.4)({"pred": likelihood})
    assert "Betti numbers (1, 0, 0), 5 voxels" in caplog.text
    with pytest.raises(ValueError, match="threshold must be"):
        SaveSegmentationd("pred", tmp_path, threshold=2)


def test_proof_reading(likelihood, tmp_path):
    SaveSegmentationd("pred", tmp_path, proof_reading=True)({"pred": likelihood})
    overlay = LoadImage()(tmp_path / "patient.7_uncertainty.nii.gz")
    np.testing.assert_array_equal(overlay.numpy(), np.asarray(TopologyUncertainty(radius=1)(likelihood))[0])
    assert overlay[2, 3, 3] > 0
    assert (tmp_path / "patient.7_pred_uncertainty.csv").read_text().splitlines()[1].endswith("2 3 3")
