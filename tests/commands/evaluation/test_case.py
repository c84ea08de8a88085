"""One case: geometry, units, values and tracings, with right values that are not ours."""

from __future__ import annotations

import itertools
import json

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
from scipy import ndimage

from monai_topo.__main__ import main
from monai_topo.commands.evaluation import Options
from monai_topo.commands.evaluation.case import score_case
from monai_topo.commands.evaluation.pairs import Pair
from monai_topo.graphs import draw_centerline, in_voxels, read_swc
from monai_topo.metrics import graph_branches_detected, graph_expected_run_length, graph_tree_length_detected
from tests.commands.evaluation.files import save_hdf5, save_nifti, save_tiff

AFFINE = np.array([[0.5, 0, 0, 3], [0, 0.75, 0, -4], [0, 0, 2.0, 5], [0, 0, 0, 1]])


@pytest.fixture
def label(tmp_path, rng):
    """A volume of no symmetry and its file."""
    array = (rng.random((5, 6, 7)) < 0.4).astype(np.uint8)
    save_nifti(tmp_path / "label.nii", array, affine=AFFINE)
    return array


def scored(folder, prediction, *, label="label.nii", **options):
    result = score_case(Pair("a", folder / prediction, folder / label), Options(**options))
    return result.rows[0].scores, result


ORIENTATIONS = [
    np.array([axes, signs]).T
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


@pytest.mark.parametrize("orientation", ORIENTATIONS[::5], ids=str)
def test_the_same_voxels_in_the_same_places_are_right_however_stored(tmp_path, label, orientation):
    """nibabel turns the volume."""
    turned = nibabel.Nifti1Image(label, AFFINE).as_reoriented(orientation)
    nibabel.save(turned, tmp_path / "prediction.nii")
    scores, _ = scored(tmp_path, "prediction.nii", metrics=("pixel",))
    assert scores["pixel.dice"] == scores["pixel.accuracy"] == 1


@pytest.mark.parametrize("shift", [(0.6, 0, 0), (0, 0, -2.0), (0, 100, 0)], ids=str)
def test_volumes_in_other_places_are_refused_with_both_affines(tmp_path, label, shift):
    affine = AFFINE.copy()
    affine[:3, 3] += shift
    save_nifti(tmp_path / "prediction.nii", label, affine=affine)
    with pytest.raises(ValueError, match=r"prediction\.nii and .*label\.nii lie on different grids.*affines"):
        scored(tmp_path, "prediction.nii", metrics=("pixel",))


def test_one_file_is_no_pair(tmp_path, label):
    with pytest.raises(ValueError, match=r"prediction and label are one file, .*label\.nii"):
        scored(tmp_path, "label.nii")


def test_a_mask_of_bytes_with_a_scale_in_its_header(tmp_path, label):
    image = nibabel.Nifti1Image(label * 255, AFFINE)
    nibabel.save(image, tmp_path / "prediction.nii")
    content = bytearray((tmp_path / "prediction.nii").read_bytes())
    content[112:120] = np.array([1 / 255, 0], "<f4").tobytes()  # scl_slope, scl_inter
    (tmp_path / "prediction.nii").write_bytes(content)
    for options in ({}, {"threshold": 0.5}, {"threshold": 1.0}, {"labels": (1,)}):
        assert scored(tmp_path, "prediction.nii", metrics=("pixel",), **options)[0]["pixel.dice"] == 1


def test_soft_labels_have_a_threshold_of_their_own(tmp_path, label, rng):
    soft = np.where(label, 0.7, 0.2).astype(np.float32)
    save_nifti(tmp_path / "soft.nii", soft, affine=AFFINE)
    save_nifti(tmp_path / "prediction.nii", soft, affine=AFFINE)
    with pytest.raises(ValueError, match=r"soft\.nii: it holds likelihoods .* say --label-threshold 0\.5"):
        scored(tmp_path, "prediction.nii", label="soft.nii", threshold=0.5)
    options = {"metrics": ("pixel",), "threshold": 0.5}
    assert scored(tmp_path, "prediction.nii", label="soft.nii", label_threshold=0.5, **options)[0]["pixel.dice"] == 1
    assert (
        scored(tmp_path, "prediction.nii", label="soft.nii", label_threshold=0.1, **options)[0]["pixel.completeness"]
        < 1
    )


def test_instance_ids_of_64_bits(tmp_path):
    ids = np.ones((4, 8, 8), np.uint64)
    ids[:, :, 4:] = 2**63 + 5
    near = np.where(ids == 1, np.uint64(2**63 + 4), ids)  # a float makes them one
    ids[0] = 2**64 - 1  # CREMI's mark of no cell
    for name, array in (("label.h5", ids), ("prediction.h5", near)):
        save_hdf5(tmp_path / name, array.T)
    scores, _ = scored(tmp_path, "prediction.h5", label="label.h5", metrics=("adapted_rand_error",), instances="labels")
    assert scores["adapted_rand_error"] == 0


def test_the_report_says_units_and_voxel_sizes(tmp_path, capsys):
    mask = np.zeros((9, 8, 7), np.uint8)
    mask[4, 1:7, 3] = 1
    for folder in ("p", "l"):
        (tmp_path / folder).mkdir()
        image = nibabel.Nifti1Image(mask, np.diag([0.5, 0.75, 2, 1]))
        image.header.set_xyzt_units("mm")
        nibabel.save(image, tmp_path / folder / "nifti.nii")
        with h5py.File(tmp_path / folder / "cremi.h5", "w") as file:
            file["volumes/labels/mask"] = mask.T
            file["volumes/labels/mask"].attrs["resolution"] = (40.0, 4.0, 5.0)
        save_tiff(tmp_path / folder / "plain.tif", mask)
        tifffile.imwrite(
            tmp_path / folder / "imagej.tif",
            np.ascontiguousarray(mask.T),
            imagej=True,
            resolution=(4.0, 4.0),
            metadata={"spacing": 1.5, "unit": "um", "axes": "ZYX"},
        )
    given = ["--pred", tmp_path / "p", "--label", tmp_path / "l", "--out", tmp_path / "r.json", "--metrics", "ccq"]
    assert main([str(word) for word in ("evaluate", *given)]) == 0
    cases = {case["case"]: case for case in json.loads((tmp_path / "r.json").read_text())["cases"]}
    found = {name: (case["spacing"], case["unit"]) for name, case in cases.items()}
    assert found == {
        "nifti": ([0.5, 0.75, 2.0], "mm"),
        "cremi": ([5.0, 4.0, 40.0], "nm"),
        "plain": (None, None),
        "imagej": ([0.25, 0.25, 1.5], "um"),
    }
    assert json.loads((tmp_path / "r.json").read_text())["distances"] == "voxels"
    shown = capsys.readouterr().out
    assert "unit of distances: voxels" in shown
    assert "5 x 4 x 40 nm (1: cremi)" in shown
    given += ["--spacing", "file", "--slack", "3"]
    assert main([str(word) for word in ("evaluate", *given)]) == 1  # one file has no voxel size
    assert "unit of distances: mm and nm and um" in capsys.readouterr().out


SWC = "1 1 1 1 2 0.5 -1\n2 3 4 4.5 10 0.5 1\n3 3 2 3 12 0.5 1"


@pytest.mark.parametrize("unit", ["physical", "voxel"])
@pytest.mark.parametrize("origin", ["center", "corner"])
def test_a_tracing_is_a_label_on_the_predictions_grid(tmp_path, unit, origin):
    (tmp_path / "label.swc").write_text(SWC)
    graph = read_swc(tmp_path / "label.swc", spacing=(0.5, 0.75, 2.0), unit=unit, origin=origin)
    drawn = draw_centerline(graph, (9, 8, 14)).astype(np.uint8)
    save_nifti(tmp_path / "prediction.nii", drawn, affine=AFFINE)
    options = {"metrics": ("pixel", "apls"), "min_path_length": 1.0, "swc_unit": unit, "swc_origin": origin}
    scores, result = scored(tmp_path, "prediction.nii", label="label.swc", **options)
    assert drawn.sum() > 5
    assert scores["pixel.dice"] == scores["apls"] == 1
    assert (result.spacing, result.shape) == (pytest.approx((0.5, 0.75, 2)), (9, 8, 14))


@pytest.mark.parametrize("spacing", [None, "file"])
def test_a_tree_is_the_tracing_itself(tmp_path, spacing, rng):
    (tmp_path / "label.swc").write_text(SWC)
    graph = read_swc(tmp_path / "label.swc", spacing=(0.5, 0.75, 2.0))
    mask = ndimage.binary_dilation(draw_centerline(graph, (9, 8, 14))) & (rng.random((9, 8, 14)) < 0.6)
    save_nifti(tmp_path / "prediction.nii", mask.astype(np.uint8), affine=AFFINE)
    names = ("tree_length_detected", "branches_detected")
    scores, _ = scored(tmp_path, "prediction.nii", label="label.swc", metrics=names, spacing=spacing)
    length = graph_tree_length_detected(mask, in_voxels(graph) if spacing is None else graph)
    assert 0.1 < length < 0.9
    assert scores["tree_length_detected.detected"] == pytest.approx(length)
    assert length != pytest.approx(graph_tree_length_detected(mask, graph if spacing is None else in_voxels(graph)))
    assert scores["branches_detected.detected"] == pytest.approx(graph_branches_detected(mask, graph))
    assert 0 < scores["tree_length_detected.precision"] < 1


@pytest.mark.parametrize("spacing", [None, (0.5, 0.75, 2.0)])
def test_a_tracing_in_a_volume_of_ids(tmp_path, spacing, rng):
    """The points as they were traced, not the mask that is drawn of them; in the given unit, or in voxels."""
    lines = [f"{n} 2 {n / 4} {2 + (n % 3) / 2} 10 1 {n - 1 if n > 1 else -1}" for n in range(1, 16)]
    (tmp_path / "label.swc").write_text("\n".join(lines))
    graph = read_swc(tmp_path / "label.swc", spacing=spacing or 1.0, unit="physical" if spacing else "voxel")
    ids = np.broadcast_to(2**33 + 5 + np.arange(9)[:, None, None] // 3, (9, 8, 14)) * (rng.random((9, 8, 14)) < 0.9)
    save_hdf5(tmp_path / "prediction.h5", ids.astype(np.uint64))
    given = {"spacing": spacing} if spacing else {"swc_unit": "voxel"}
    given |= {"instances": "labels", "metrics": ("expected_run_length",), "max_step": 0.3}
    found, _ = scored(tmp_path, "prediction.h5", label="label.swc", **given)
    expected = graph_expected_run_length(ids, graph, max_step=0.3)
    assert 0 < expected["normalized"] < 1 < expected["num_splits"] + expected["omitted"]
    assert found == pytest.approx({f"expected_run_length.{name}": expected[name] for name in ERL})
    assert expected["erl"] != pytest.approx(graph_expected_run_length(ids, graph)["erl"])


ERL = ("erl", "normalized", "omitted", "num_splits", "num_merges")


def test_a_tracing_needs_a_voxel_size(tmp_path):
    (tmp_path / "label.swc").write_text(SWC)
    np.save(tmp_path / "prediction.npy", np.ones((9, 8, 14), np.uint8))
    with pytest.raises(ValueError, match=r"does not know its voxel size.*give --spacing, or --swc-unit voxel"):
        scored(tmp_path, "prediction.npy", label="label.swc")
    for options in ({"spacing": (0.5, 0.75, 2.0)}, {"swc_unit": "voxel"}):
        assert scored(tmp_path, "prediction.npy", label="label.swc", **options)[0]["pixel.completeness"] == 1


def test_what_was_left_out_is_noted(tmp_path):
    (tmp_path / "label.swc").write_text(SWC + "\n4 3 100 100 100 1 2")
    save_nifti(tmp_path / "prediction.nii", np.ones((9, 8, 14), np.uint8), affine=AFFINE)
    _, result = scored(tmp_path, "prediction.nii", label="label.swc")
    assert len(result.notes) == 1
    assert "1 of 4 nodes lie outside the volume" in result.notes[0]


def test_apls_of_noise_ends_and_says_what_was_left_out(tmp_path, rng):
    noise = (rng.random((24, 20, 22)) < 0.2).astype(np.uint8)
    line = np.zeros_like(noise)
    line[12, 2:18, 11] = 1
    save_nifti(tmp_path / "label.nii", line)
    save_nifti(tmp_path / "prediction.nii", noise)
    _, result = scored(tmp_path, "prediction.nii", metrics=("apls",), max_nodes=50)
    (note,) = result.notes
    assert note.startswith("apls: 50 of ")
    assert note.endswith(" control nodes of the prediction are drawn")
    assert scored(tmp_path, "prediction.nii", metrics=("apls",), max_nodes=None)[1].notes == []
