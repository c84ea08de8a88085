"""Files are paired by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_topo.commands.evaluation.pairs import case_name, pair_volumes


def files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def paired(pairing, folder):
    """Name to the two files, below their common folder."""
    return {
        pair.name: tuple(path.relative_to(folder).as_posix() for path in (pair.prediction, pair.label))
        for pair in pairing.pairs
    }


def test_names_pair_over_formats_folders_and_roles(tmp_path):
    predictions = files(
        tmp_path / "p", "a_seg.nii.gz", "deep/b/b_pred.npy", "c.tif", ".c.tif", "x.nii", "notes.txt", "d.h5", "e/d.npy"
    )
    labels = files(tmp_path / "l", "a.nii.gz", "b_label.h5", "c_gt.tif", "y.tif", "d.tif", "notes.swc")
    pairing = pair_volumes(predictions, labels)
    assert paired(pairing, tmp_path) == {
        "a": ("p/a_seg.nii.gz", "l/a.nii.gz"),
        "b": ("p/deep/b/b_pred.npy", "l/b_label.h5"),
        "c": ("p/c.tif", "l/c_gt.tif"),
    }
    assert pairing.alone == [
        f"d: more than one prediction: {predictions / 'd.h5'}, {predictions / 'e/d.npy'}",
        f"notes: no prediction for the label {labels / 'notes.swc'}",
        f"x: no label for the prediction {predictions / 'x.nii'}",
        f"y: no prediction for the label {labels / 'y.tif'}",
    ]
    assert pairing.skipped == []


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    predictions = files(tmp_path / "p", "case1/ct.nii", "case2/ct_seg.nii.gz", "case3/ct.nii", "z.nii")
    labels = files(tmp_path / "l", "case1/ct.nii.gz", "case2/ct_label.nii", "case4/ct.nii", "z.nii")
    pairing = pair_volumes(predictions, labels)
    assert paired(pairing, tmp_path) == {
        "case1/ct": ("p/case1/ct.nii", "l/case1/ct.nii.gz"),
        "case2/ct": ("p/case2/ct_seg.nii.gz", "l/case2/ct_label.nii"),
        "z": ("p/z.nii", "l/z.nii"),
    }
    assert [line.split(" for")[0] for line in pairing.alone] == ["case3/ct: no label", "case4/ct: no prediction"]


def test_a_file_without_a_name_has_its_folders(tmp_path):
    predictions = files(tmp_path / "p", "case1/seg.nii", "fold/case2/seg.nii", "case3/prediction.nii")
    labels = files(tmp_path / "l", "case1/label.nii", "case2.nii", "case3_label.nii")
    assert paired(pair_volumes(predictions, labels), tmp_path) == {
        "case1": ("p/case1/seg.nii", "l/case1/label.nii"),
        "case2": ("p/fold/case2/seg.nii", "l/case2.nii"),
        "case3": ("p/case3/prediction.nii", "l/case3_label.nii"),
    }


@pytest.mark.parametrize("name", ["1.2.840.10008.5.1", "3Dircadb1.1", "x.v2", "sub-01_ses-2"])
@pytest.mark.parametrize("suffix", [".nii.gz", ".NII", ".tiff", ".h5", ".npz", ".mha", ".swc"])
def test_dots_are_part_of_a_name(name, suffix):
    assert case_name(Path(f"folder/{name}{suffix}")) == name
    assert case_name(Path(f"folder/{name}_seg{suffix}")) == name
    assert case_name(Path(f"folder/{name}.label{suffix}")) == name


def test_what_inference_writes_beside_a_mask_is_skipped(tmp_path):
    names = [f"{name}_{role}.nii.gz" for name in ("a", "b") for role in ("seg", "prob", "uncertainty", "cells")]
    predictions = files(tmp_path / "p", *names, "deep/a_features.nii.gz", "a_pred_uncertainty.csv")
    labels = files(tmp_path / "l", "a.nii.gz", "b.nii.gz")
    pairing = pair_volumes(predictions, labels)
    assert paired(pairing, tmp_path) == {name: (f"p/{name}_seg.nii.gz", f"l/{name}.nii.gz") for name in "ab"}
    assert pairing.alone == [f"a_features: no label for the prediction {predictions / 'deep/a_features.nii.gz'}"]
    assert sorted(pairing.skipped) == sorted(
        line
        for name in "ab"
        for line in (
            f"{predictions / name}_prob.nii.gz: a likelihood beside its mask",
            f"{predictions / name}_cells.nii.gz: an overlay or another result of {name}",
            f"{predictions / name}_uncertainty.nii.gz: an overlay or another result of {name}",
        )
    )
    soft = pair_volumes(predictions, labels, likelihoods=True)
    assert paired(soft, tmp_path) == {name: (f"p/{name}_prob.nii.gz", f"l/{name}.nii.gz") for name in "ab"}


def test_a_likelihood_alone_is_scored(tmp_path):
    files(tmp_path, "p/a_prob.nii.gz", "p/b_uncertainty.nii", "l/a.nii.gz", "l/b_uncertainty.nii")
    for likelihoods in (False, True):
        pairing = pair_volumes(tmp_path / "p", tmp_path / "l", likelihoods)
        assert list(paired(pairing, tmp_path)) == ["a", "b_uncertainty"]
        assert pairing.skipped == []


def test_two_files_are_a_pair(tmp_path):
    files(tmp_path, "network.nii", "case_7_label.tif", "notes.txt")
    pairing = pair_volumes(tmp_path / "network.nii", tmp_path / "case_7_label.tif")
    assert (paired(pairing, tmp_path), pairing.alone) == ({"case_7": ("network.nii", "case_7_label.tif")}, [])
    with pytest.raises(ValueError, match=r"notes\.txt is none of \.nii\.gz"):
        pair_volumes(tmp_path / "network.nii", tmp_path / "notes.txt")


def test_nothing_to_pair(tmp_path):
    some, none, other = (
        files(tmp_path / "some", "a.npy"),
        files(tmp_path / "none", "a.txt"),
        files(tmp_path / "other", "b.npy"),
    )
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        pair_volumes(some, tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no volume"):
        pair_volumes(none, some)
    with pytest.raises(ValueError, match=r"no prediction in .* has the name of a label .*a\.npy and .*b\.npy"):
        pair_volumes(some, other)


def test_two_of_one_name_and_nothing_else(tmp_path):
    predictions, labels = files(tmp_path / "p", "a.nii", "a.nii.gz"), files(tmp_path / "l", "a.nii.gz")
    with pytest.raises(ValueError, match=r"nothing can be paired: a: more than one prediction: .*a\.nii, .*a\.nii\.gz"):
        pair_volumes(predictions, labels)


def test_names_of_other_file_systems_and_terminals(tmp_path):
    composed, decomposed = "Gef\u00e4\u00df.npy", "Gefa\u0308\u00df.npy"
    predictions = files(tmp_path / "p", decomposed, "red\x1b[31m.npy")
    labels = files(tmp_path / "l", composed, "red\x1b[31m.npy")
    assert [pair.name for pair in pair_volumes(predictions, labels).pairs] == ["Gef\u00e4\u00df", r"red\x1b[31m"]
