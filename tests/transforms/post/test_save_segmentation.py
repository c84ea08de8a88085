"""What inference leaves on disk and in the log."""

from __future__ import annotations

import logging

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor, NibabelWriter
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


def test_finished_results_lie_beside_the_mask(likelihood, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="monai_topo")

    def halves(img):
        ids = torch.zeros(img.shape, dtype=torch.int16)
        ids[..., :3, :], ids[..., 3:, :] = 7, 300
        return MetaTensor(ids, meta=img.meta)

    finish = {"closed": lambda img: (img >= 0.4).to(torch.uint8), "halves": halves, "none": None}
    result = SaveSegmentationd("pred", tmp_path, finish=finish)({"pred": likelihood})
    assert written(tmp_path) == [f"patient.7_{end}.nii.gz" for end in ("closed", "halves", "prob", "seg")]
    closed, ids = (nibabel.load(tmp_path / f"patient.7_{end}.nii.gz") for end in ("closed", "halves"))
    np.testing.assert_array_equal(closed.get_fdata(), likelihood[0].numpy() >= 0.4)
    assert (closed.get_data_dtype(), ids.get_data_dtype()) == (np.uint8, np.int16)
    assert np.unique(ids.get_fdata()).tolist() == [7, 300]
    np.testing.assert_allclose(ids.affine, AFFINE)
    assert "patient.7_halves: 2 regions" in caplog.text
    assert "patient.7_closed: 5 voxels" in caplog.text
    np.testing.assert_array_equal(result["pred"].numpy(), likelihood.numpy() >= 0.5)
    with pytest.raises(ValueError, match=r"other names than \['seg'\]"):
        SaveSegmentationd("pred", tmp_path, finish={"seg": halves})


def named(likelihood, source, values=None):
    """The likelihood as of another input."""
    found = likelihood.clone() if values is None else values.clone()
    found.meta["filename_or_obj"] = str(source)
    return found


def written(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("root", ["scans", "scans/case1/ct.nii.gz"])
def test_inputs_of_one_name_keep_their_folders(likelihood, tmp_path, root):
    scans = tmp_path / "scans"
    for case in ("case1", "case2"):
        (scans / case).mkdir(parents=True)
        (scans / case / "ct.nii.gz").touch()
    save = SaveSegmentationd("pred", tmp_path / "out", data_root_dir=tmp_path / root)
    cases = ("case1", "case2") if root == "scans" else ("case1",)
    for case in cases:
        save({"pred": named(likelihood, scans / case / "ct.nii.gz")})
    folders = [f"{case}/" for case in cases] if root == "scans" else [""]
    assert written(tmp_path / "out") == [f"{folder}ct_{role}.nii.gz" for folder in folders for role in ("prob", "seg")]


def test_an_input_of_the_same_name_is_not_written_over(likelihood, tmp_path):
    save = SaveSegmentationd("pred", tmp_path)
    save({"pred": named(likelihood, "case1/ct.nii.gz")})
    save({"pred": named(likelihood, "case1/ct.nii.gz")})  # the same again is no loss
    before = (tmp_path / "ct_prob.nii.gz").read_bytes()
    with pytest.raises(ValueError, match=r"case2/ct\.nii\.gz would overwrite that of case1/ct.*data_root_dir"):
        save({"pred": named(0 * likelihood, "case2/ct.nii.gz")})
    assert (tmp_path / "ct_prob.nii.gz").read_bytes() == before


@pytest.mark.parametrize("end", ["prob", "seg", "uncertainty", "halves"])
def test_what_an_earlier_run_left_is_not_written_over(end, likelihood, tmp_path):
    left = tmp_path / f"ct_{end}.nii.gz"
    left.write_bytes(b"of another network")
    item = {"pred": named(likelihood, "case1/ct.nii.gz")}
    finish = {"halves": lambda likelihood: (likelihood > 0.3).to(torch.uint8)}
    with pytest.raises(ValueError, match=f"ct_{end}.*is there already, of an earlier run.*set overwrite"):
        SaveSegmentationd("pred", tmp_path, finish=finish)(item)
    assert written(tmp_path) == [left.name]
    assert left.read_bytes() == b"of another network"
    SaveSegmentationd("pred", tmp_path, finish=finish, overwrite=True)(item)
    assert "ct_seg.nii.gz" in written(tmp_path)


def test_dots_are_part_of_a_name(likelihood, tmp_path):
    save = SaveSegmentationd("pred", tmp_path)
    names = ["3Dircadb1.1", "3Dircadb1.2", "1.2.840.113619"]
    for name, suffix in zip(names, ("", ".tif", ".nii"), strict=True):  # a folder of DICOM slices has no suffix
        save({"pred": named(likelihood, f"scans/{name}{suffix}")})
    assert written(tmp_path) == sorted(f"{name}_{role}.nii.gz" for name in names for role in ("prob", "seg"))


def test_two_keys_have_files_of_their_own(likelihood, tmp_path):
    other = named(likelihood, "scans/patient.7.nii.gz", likelihood.flip(1) * 0.5)
    save = SaveSegmentationd(("a", "b"), tmp_path, proof_reading=True, threshold=0.4)
    save({"a": likelihood, "b": other})
    roles = ("prob.nii.gz", "seg.nii.gz", "uncertainty.csv", "uncertainty.nii.gz")
    assert written(tmp_path) == [f"patient.7_{key}_{role}" for key in "ab" for role in roles]
    for key, values in (("a", likelihood), ("b", other)):
        np.testing.assert_allclose(LoadImage()(tmp_path / f"patient.7_{key}_prob.nii.gz").numpy(), values[0], atol=1e-6)
        listed = (tmp_path / f"patient.7_{key}_uncertainty.csv").read_text().splitlines()[1:]
        assert len(listed) == len(TopologyUncertainty(threshold=0.4).features(values))
    assert (tmp_path / "patient.7_a_uncertainty.csv").read_text() != (
        tmp_path / "patient.7_b_uncertainty.csv"
    ).read_text()


def test_a_file_is_there_whole_or_not_at_all(likelihood, tmp_path, monkeypatch):
    save = SaveSegmentationd("pred", tmp_path)
    save({"pred": likelihood})
    before = {name: (tmp_path / name).read_bytes() for name in written(tmp_path)}

    def broken(self, filename, **kwargs):
        with open(filename, "wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(NibabelWriter, "write", broken)
    with pytest.raises(OSError, match=r"patient\.7_prob\.nii\.gz.*No space left on device"):
        save({"pred": 0.5 * likelihood})
    assert {name: (tmp_path / name).read_bytes() for name in written(tmp_path)} == before


def test_a_likelihood_without_a_name_is_refused(tmp_path):
    for likelihood in (MetaTensor(torch.zeros(1, 3, 4)), torch.zeros(1, 3, 4)):
        with pytest.raises(ValueError, match="filename_or_obj"):
            SaveSegmentationd("pred", tmp_path)({"pred": likelihood})


def test_what_is_no_likelihood_is_made_one(likelihood, tmp_path):
    """Mask and likelihood are those that are made, finished results are of what was given."""
    affinities = MetaTensor(torch.rand(3, 5, 7, 6, generator=torch.Generator().manual_seed(0)), meta=likelihood.meta)
    finish = {"last": lambda img: (img[2:] > 0.5).to(torch.uint8)}
    SaveSegmentationd("pred", tmp_path, to_likelihood=lambda img: img[:1], finish=finish)({"pred": affinities})
    probability, mask, last = (LoadImage()(tmp_path / f"patient.7_{name}.nii.gz") for name in ("prob", "seg", "last"))
    np.testing.assert_allclose(probability.numpy(), affinities[0].numpy())
    np.testing.assert_array_equal(mask.numpy(), affinities[0].numpy() >= 0.5)
    np.testing.assert_array_equal(last.numpy(), affinities[2].numpy() > 0.5)


@pytest.mark.parametrize("of_space", [2, 3])
@pytest.mark.parametrize("loaded", ["unknown", "as it is", "in color"])
def test_axes_are_those_of_the_likelihood_whatever_was_loaded(of_space, loaded, tmp_path):
    size = (5, 6, 7)[:of_space]
    known = {
        "unknown": {},
        "as it is": {"spatial_shape": size, "original_channel_dim": float("nan")},
        "in color": {"spatial_shape": (*size, 1), "original_channel_dim": -1},  # colors behind an axis of length 1
    }
    values = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    pred = MetaTensor(values, affine=torch.diag(torch.tensor([2.0, 3, 4, 1])), meta={**known[loaded]})
    pred.meta["filename_or_obj"] = "photograph.nii.gz"
    SaveSegmentationd("pred", tmp_path)({"pred": pred})
    written = nibabel.load(tmp_path / "photograph_prob.nii.gz")
    np.testing.assert_allclose(written.get_fdata(), values[0].numpy())
    np.testing.assert_array_equal(written.header.get_zooms(), (2, 3, 4)[:of_space])
