"""From a download to a folder that can be trained on: voxels, lists, reports, interruptions and faults."""

from __future__ import annotations

import json
import shutil
import zipfile

import h5py
import numpy as np
import pytest
import zarr
from monai.auto3dseg import datafold_read
from monai.data import load_decathlon_datalist
from monai.transforms import LoadImage
from PIL import Image
from skimage.measure import label as connected_components

from monai_topo.__main__ import main
from monai_topo.commands import prepare as prepare_module
from monai_topo.data import Volume, image_datalist, on_grid_of, prepared_datalist, read_volume, save_nifti
from monai_topo.data.datasets import prepared as prepared_module
from monai_topo.transforms import InstanceToMembrane
from tests.data.datasets import layouts


def prepare(dataset, source, target, *options):
    return main(["prepare", dataset, str(source), str(target), *map(str, options)])


def load(path):
    image = LoadImage(dtype=None)(path)
    return image.numpy(), image.affine.numpy()


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def cases_of(folder):
    return {record["name"]: record for record in json.loads((folder / "report.json").read_text())["cases"]}


@pytest.fixture
def ircadb(tmp_path):
    return tmp_path / "download", layouts.write_ircadb(tmp_path / "download")


def test_ircadb(ircadb, tmp_path, capsys):
    source, cases = ircadb
    assert prepare("ircadb", source, tmp_path / "out", "--within-liver") == 0
    for name, (ct, masks) in cases.items():
        image, affine = load(tmp_path / "out" / "images" / f"{name}.nii.gz")
        label, label_affine = load(tmp_path / "out" / "labels" / f"{name}.nii.gz")
        np.testing.assert_array_equal(image, ct)
        np.testing.assert_array_equal(label, (masks["portalvein"] | masks["venacava"]) & masks["liver"])
        np.testing.assert_allclose(affine, layouts.affine(), atol=1e-5)
        np.testing.assert_allclose(label_affine, layouts.affine(), atol=1e-5)
        record = cases_of(tmp_path / "out")[name]
        assert record["betti_numbers"][0] == connected_components(label).max()
        assert record["shape"] == list(ct.shape)
    assert files(tmp_path / "out") == {
        "datalist.json",
        "report.json",
        "report.txt",
        "settings.json",
        *(f"images/{name}.nii.gz" for name in cases),
        *(f"labels/{name}.nii.gz" for name in cases),
        *(f"cases/{name}.json" for name in cases),
    }
    printed = capsys.readouterr().out
    line = "3Dircadb1.2: 20 x 14 x 12 voxels of 0.7 x 0.8 x 2.5; 2 components (2 small), 0 loops (0 small), 0 cavities"
    assert line in printed
    assert (tmp_path / "out" / "report.txt").read_text() in printed


@pytest.mark.parametrize("largest", [2**25, 0], ids=["with small loops", "without"])
def test_what_the_report_says_of_a_label(largest, tmp_path, monkeypatch, capsys):
    """A ring around one voxel, a ring around 36, a shell around one and a speck."""
    monkeypatch.setattr(prepare_module, "_LARGEST", largest)
    shape = (20, 14, 12)
    label = np.zeros(shape, bool)
    label[2:5, 2:5, 3] = label[10:18, 3:11, 6] = label[2:5, 8:11, 8:11] = label[19, 13, 11] = True
    label[3, 3, 3] = label[11:17, 4:10, 6] = label[3, 9, 9] = False
    layouts.write_case(tmp_path / "download" / "3Dircadb1.1", layouts.phantom_ct()[0], {"artery": label})
    assert prepare("ircadb", tmp_path / "download", tmp_path / "out", "--structures", "artery") == 0
    record = cases_of(tmp_path / "out")["3Dircadb1.1"]
    assert record["betti_numbers"] == [4, 2, 1]
    assert record["small"] == [2, 1 if largest else None, 1]
    loops = "2 loops (1 small)" if largest else "2 loops"
    assert f"4 components (2 small), {loops}, 1 cavity (1 small)." in capsys.readouterr().out


def test_the_lists_can_be_read_by_monai_and_by_bundles(ircadb, tmp_path):
    source, cases = ircadb
    out = tmp_path / "out"
    shutil.rmtree(source / "3Dircadb1.3")
    layouts.write_case(source / "3Dircadb1.4", cases["3Dircadb1.3"][0], {})
    assert prepare("ircadb", source, out, "--seed", 1) == 0
    assert len(load_decathlon_datalist(out / "datalist.json")) == 2
    assert load_decathlon_datalist(out / "datalist.json", data_list_key="test")[0]["image"].endswith("1.4.nii.gz")
    training, validation = datafold_read(str(out / "datalist.json"), str(out), fold=1)
    assert prepared_datalist(out, "validation", fold=1)[0]["image"] == validation[0]["image"]
    assert prepared_datalist(out, "training", fold=1)[0]["label"] == training[0]["label"]
    assert [item["patient"] for item in prepared_datalist(out)] == ["3Dircadb1.1", "3Dircadb1.2"]
    assert prepared_datalist(out, "test") == [{"image": str(out / "images" / "3Dircadb1.4.nii.gz")}]
    assert len(image_datalist(out / "images")) == 3
    assert "There is no portalvein among the masks (none)." in cases_of(out)["3Dircadb1.4"]["notes"]
    with pytest.raises(ValueError, match=r"has the folds \[0, 1\], not 2"):
        prepared_datalist(out, "training", fold=2)
    with pytest.raises(ValueError, match="section must be"):
        prepared_datalist(out, "valid")
    (out / "labels" / "3Dircadb1.1.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"3Dircadb1\.1\.nii\.gz is in the data list, but not there"):
        prepared_datalist(out)


def test_cremi(tmp_path):
    volumes = layouts.write_cremi(tmp_path / "download")
    with h5py.File(tmp_path / "download" / "sample_A_20160501.hdf", "a") as file:
        file["volumes/raw"][3] = 0
    volumes["sample_A_20160501"][0][3] = 0
    assert prepare("cremi", tmp_path / "download", tmp_path / "out") == 0
    records = cases_of(tmp_path / "out")
    for name, (raw, ids) in volumes.items():
        image, affine = load(tmp_path / "out" / "images" / f"{name}.nii.gz")
        np.testing.assert_array_equal(image, raw.T)
        assert affine.diagonal().tolist() == [4.0, 4.0, 40.0, 1.0]
        assert affine[:3, 3].tolist() == ([16.0, 12.0, 80.0] if "padded" in name else [0.0, 0.0, 0.0])
        if ids is not None:
            label, _ = load(tmp_path / "out" / "labels" / f"{name}.nii.gz")
            membranes = InstanceToMembrane(axes=(0, 1))((ids - 2**40).T[None].astype(np.int64))[0]
            np.testing.assert_array_equal(label, membranes)
    assert records["sample_A_20160501"]["notes"][-1] == "Empty sections: 3."
    assert records["sample_B_padded_20160501"]["patient"] == "sample_B_20160501"
    assert records["sample_A+_20160601"]["notes"] == ["There is no volumes/labels/neuron_ids."]
    assert len(prepared_datalist(tmp_path / "out")) == 2
    assert len(prepared_datalist(tmp_path / "out", "test")) == 1


@pytest.mark.parametrize("write", [layouts.write_isbi2012, layouts.write_isbi2012_hdf5], ids=["TIFF", "HDF5"])
def test_isbi2012(write, tmp_path):
    raw, membranes = write(tmp_path / "download")
    assert prepare("isbi", tmp_path / "download", tmp_path / "out") == 0
    (item,) = prepared_datalist(tmp_path / "out")
    for key, array in (("image", raw), ("label", membranes)):
        found, affine = load(item[key])
        np.testing.assert_array_equal(found, array.T)
        assert affine.diagonal().tolist() == [4.0, 4.0, 50.0, 1.0]
    assert len(prepared_datalist(tmp_path / "out", "test")) == (write is layouts.write_isbi2012)
    with pytest.raises(ValueError, match="has no folds, since its cases are of one patient"):
        prepared_datalist(tmp_path / "out", "training")


def test_a_damaged_stack_does_not_keep_the_other_from_being_converted(tmp_path, capfd):
    layouts.write_isbi2012(tmp_path / "download")
    (tmp_path / "download" / "train-labels.tif").write_bytes(b"no TIFF")
    assert prepare("isbi", tmp_path / "download", tmp_path / "out") == 2
    assert "1 of 2 cases could not be read: train-volume: " in capfd.readouterr().err
    assert len(prepared_datalist(tmp_path / "out", "test")) == 1


def test_snemi3d_in_parts(tmp_path):
    raw, instances = layouts.write_snemi3d(tmp_path / "download")
    assert prepare("isbi", tmp_path / "download", tmp_path / "out", "--parts", 3) == 0
    membranes = InstanceToMembrane(axes=(0, 1))(instances.T[None])[0]
    parts = prepared_datalist(tmp_path / "out")
    assert sorted(item["fold"] for item in parts) == [0, 1, 2]
    assert {item["patient"] for item in parts} == {"train-input"}
    assert "All 3 parts are of one volume, train-input: " in (tmp_path / "out" / "report.txt").read_text()
    for key, array in (("image", raw.T), ("label", membranes)):
        blocks, affines = zip(*(load(item[key]) for item in parts), strict=True)
        np.testing.assert_array_equal(np.concatenate(blocks, axis=2), array)
        assert [affine[2, 3] for affine in affines] == [0.0, 30.0 * 5, 30.0 * 10]


def test_parts_of_a_patient_come_into_one_fold(tmp_path):
    layouts.write_neurons(tmp_path / "download")
    options = ("--spacing", 0.5, 0.5, 2.0, "--parts", 3)
    assert prepare("neurons", tmp_path / "download", tmp_path / "out", *options) == 0
    items = prepared_datalist(tmp_path / "out")
    assert len(items) == 6
    folds = {(item["patient"], item["fold"]) for item in items}
    assert {patient for patient, _ in folds} == {"cell_1", "cell_2"}
    assert len(folds) == 2
    assert "of one volume" not in (tmp_path / "out" / "report.txt").read_text()


def test_cremi_with_other_names(tmp_path, capfd):
    raw, _, instances = layouts.phantom_cells()
    (tmp_path / "download").mkdir()
    with h5py.File(tmp_path / "download" / "ovule.h5", "w") as file:
        file["raw"], file["label"], file["other"] = raw, instances.astype(np.uint16), raw
        for name in ("raw", "label", "other"):
            file[name].attrs["element_size_um"] = (0.235, 0.15, 0.15)
    assert prepare("cremi", tmp_path / "download", tmp_path / "out") == 0
    record = cases_of(tmp_path / "out")["ovule"]
    assert (record["spacing"], record["unit"]) == ([0.15, 0.15, 0.235], "um")
    assert json.loads((tmp_path / "out" / "datalist.json").read_text())["unit"] == "micrometer"
    (item,) = prepared_datalist(tmp_path / "out")
    np.testing.assert_array_equal(load(item["image"])[0], raw.T)
    np.testing.assert_array_equal(load(item["label"])[0], InstanceToMembrane()(instances.T[None])[0])
    assert prepare("cremi", tmp_path / "download", tmp_path / "named", "--image", "other", "--label", "label") == 0
    assert prepare("cremi", tmp_path / "download", tmp_path / "wrong", "--image", "volumes/raw") == 2
    assert "no dataset 'volumes/raw'; it has label, other, raw" in capfd.readouterr().err


def test_a_download_that_has_changed_is_converted_anew(tmp_path, capsys):
    layouts.write_cremi(tmp_path / "download")
    out, file = tmp_path / "out", tmp_path / "download" / "sample_A_20160501.hdf"
    assert prepare("cremi", tmp_path / "download", out) == 0
    with h5py.File(file, "a") as opened:
        opened["volumes/raw"][...] = 77
    (tmp_path / "download" / "sample_A+_20160601.hdf").unlink()
    capsys.readouterr()
    assert prepare("cremi", tmp_path / "download", out) == 0
    assert (load(out / "images" / "sample_A_20160501.nii.gz")[0] == 77).all()
    printed = capsys.readouterr().out
    assert "Converted anew, since their files have changed: sample_A_20160501." in printed
    assert "No longer in the download, and no longer in the list: sample_A+_20160601." in printed
    assert prepare("cremi", tmp_path / "download", out) == 0
    assert "Converted anew" not in capsys.readouterr().out


def test_archives_have_a_bound(ircadb, tmp_path, capfd):
    source, _ = ircadb
    assert prepare("ircadb", source, tmp_path / "out", "--max-unpacked", 0.00001) == 2
    assert "raise --max-unpacked" in capfd.readouterr().err
    assert prepare("ircadb", source, tmp_path / "never", "--max-unpacked", 0) == 2
    assert "max_unpacked must be more than 0 gigabytes" in capfd.readouterr().err


def test_names_in_archives_do_nothing_to_the_terminal(ircadb, tmp_path, capfd):
    source, _ = ircadb
    with zipfile.ZipFile(source / "3Dircadb1.1" / "MASKS_DICOM.zip", "a") as archive:
        archive.writestr("MASKS_DICOM/\x1b[2Jliver\x07/image_0", b"evil")
    with zipfile.ZipFile(source / "3Dircadb1.2" / "PATIENT_DICOM.zip", "a") as archive:
        archive.writestr("PATIENT_DICOM/\x1b[31mimage_5", b"evil")
    assert prepare("ircadb", source, tmp_path / "out", "--structures", "artery") == 2
    printed = "".join(capfd.readouterr())
    assert "\x1b[2J" not in printed
    assert "\x1b[31m" not in printed
    assert "\\x1b[2jliver\\x07" in printed
    assert "\\x1b[31mimage_5" in printed


@pytest.mark.parametrize("label", ["centerline", "tube", "distance"])
def test_neurons(label, tmp_path):
    layouts.write_neurons(tmp_path / "download")
    spacing = ("--spacing", 0.5, 0.5, 2.0)
    assert prepare("neurons", tmp_path / "download", tmp_path / "out", *spacing, "--label", label) == 0
    first, second = prepared_datalist(tmp_path / "out")
    image, affine = load(first["image"])
    drawn, _ = load(first["label"])
    assert affine.diagonal().tolist() == [0.5, 0.5, 2.0, 1.0]
    dendrite = np.zeros(image.shape, bool)
    dendrite[3:25, 6, 4] = True
    np.testing.assert_array_equal(drawn == 0 if label == "distance" else drawn > 0, dendrite)
    assert (image[dendrite] == 200).all()
    assert first["fold"] != second["fold"]
    records = cases_of(tmp_path / "out")
    assert records["cell_1"]["betti_numbers"] == [1, 0, 0]
    assert (records["cell_1"]["num_nodes"], records["cell_1"]["notes"]) == (2, [])
    assert records["cell_3"]["notes"] == ["There is no tracing cell_3.swc."]


def test_a_tracing_that_misses_its_stack_is_reported(tmp_path):
    layouts.write_neurons(tmp_path / "download")
    stack = np.full((9, 20, 30), 50, np.uint8)
    stack[:, 1, 1] = 0
    layouts.write_stack(tmp_path / "download" / "cell_1.tif", stack)
    lines = ["1 3 1 1 1 1 -1", "2 3 1 1 5 1 1", "3 3 1 1 50 1 2"]
    (tmp_path / "download" / "cell_1.swc").write_text("\n".join(lines))
    assert prepare("neurons", tmp_path / "download", tmp_path / "out", "--unit", "voxel") == 0
    notes = cases_of(tmp_path / "out")["cell_1"]["notes"]
    assert notes[0] == "1 of 3 nodes lie outside the volume."
    assert "no brighter on the tracing" in notes[1]


def test_damaged_neurons_are_reported(tmp_path, capfd):
    layouts.write_neurons(tmp_path / "download")
    stack = tmp_path / "download" / "cell_1.tif"
    stack.write_bytes(stack.read_bytes()[:-300])
    (tmp_path / "download" / "cell_2.swc").write_text("1 3 1 1 1 1 2\n2 3 2 1 1 1 1")
    (tmp_path / "download" / "cell_4.nii.gz").write_bytes(b"no NIfTI")
    (tmp_path / "download" / "cell_4.swc").write_text("1 3 1 1 1 1 -1")
    assert prepare("neurons", tmp_path / "download", tmp_path / "out", "--spacing", 0.5, 0.5, 2.0) == 2
    assert len(capfd.readouterr().err.strip().splitlines()[-1].split("cell_1")) > 1
    failed = json.loads((tmp_path / "out" / "report.json").read_text())["failed"]
    assert "cell_1.tif ends before its page" in failed["cell_1"]
    assert "node 1 is its own ancestor" in failed["cell_2"]
    assert "cell_4.nii.gz cannot be read" in failed["cell_4"]
    assert all("\n" not in reason for reason in failed.values())


def test_an_interrupted_run_goes_on(ircadb, tmp_path, monkeypatch, capfd):
    source, cases = ircadb
    out = tmp_path / "out"
    writes = []

    def interrupted(path, volume):
        path.write_bytes(b"half of it")
        writes.append(path)
        if len(writes) == 4:  # the second case's label
            raise KeyboardInterrupt
        save(path, volume)

    save = prepared_module.save_nifti
    monkeypatch.setattr(prepared_module, "save_nifti", interrupted)
    assert prepare("ircadb", source, out) == 130
    assert "monai_topo prepare: interrupted" in capfd.readouterr().err
    finished = {"images/3Dircadb1.1.nii.gz", "labels/3Dircadb1.1.nii.gz", "cases/3Dircadb1.1.json"}
    assert files(out) == {"settings.json", *finished}
    before = {name: (out / name).stat().st_mtime_ns for name in finished}
    (out / ".partial-killed").mkdir()
    (out / ".partial-killed" / "image.nii.gz").write_bytes(b"half of it")
    monkeypatch.undo()
    assert prepare("ircadb", source, out) == 0
    assert {name: (out / name).stat().st_mtime_ns for name in finished} == before
    assert len(prepared_datalist(out)) == len(cases)
    assert not any("partial" in name for name in files(out))


def test_a_bad_case_is_reported_and_put_right_later(ircadb, tmp_path, capfd):
    source, _ = ircadb
    out, archive = tmp_path / "out", source / "3Dircadb1.2" / "PATIENT_DICOM.zip"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-100])
    assert prepare("ircadb", source, out) == 2
    error = capfd.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("monai_topo prepare: 1 of 3 cases could not be read: 3Dircadb1.2: ")
    report = json.loads((out / "report.json").read_text())
    assert list(report["failed"]) == ["3Dircadb1.2"]
    assert "3Dircadb1.2: FAILED: " in (out / "report.txt").read_text()
    assert len(prepared_datalist(out)) == 2
    archive.write_bytes(whole)
    assert prepare("ircadb", source, out) == 0
    assert len(prepared_datalist(out)) == 3
    assert json.loads((out / "report.json").read_text())["failed"] == {}


def test_hostile_archives_write_nothing_outside(ircadb, tmp_path, capfd):
    source, _ = ircadb
    with zipfile.ZipFile(source / "3Dircadb1.1" / "MASKS_DICOM.zip", "a") as archive:
        archive.writestr("../../../evil_0", b"evil")
    before = files(tmp_path)
    assert prepare("ircadb", source, tmp_path / "out") == 2
    assert "which points outside the archive" in capfd.readouterr().err
    assert {name for name in files(tmp_path) - before if not name.startswith("out/")} == set()
    assert not any("3Dircadb1.1" in name or "evil" in name for name in files(tmp_path / "out"))


def test_broken_links_are_reported(tmp_path, capfd):
    layouts.write_cremi(tmp_path / "download")
    with h5py.File(tmp_path / "download" / "sample_A_20160501.hdf", "a") as file:
        del file["volumes/labels/neuron_ids"]
        file["volumes/labels/neuron_ids"] = h5py.ExternalLink("gone.hdf", "ids")
    assert prepare("cremi", tmp_path / "download", tmp_path / "out") == 2
    assert "is a link to ids of gone.hdf, which is not there" in capfd.readouterr().err
    assert len(prepared_datalist(tmp_path / "out")) == 1


def test_another_conversion_needs_another_folder(ircadb, tmp_path, capfd):
    source, _ = ircadb
    assert prepare("ircadb", source, tmp_path / "out") == 0
    assert prepare("ircadb", source, tmp_path / "out", "--structures", "liver") == 2
    assert "was begun with other settings" in capfd.readouterr().err
    assert prepare("ircadb", source, source) == 2
    assert "is not empty and no prepared folder" in capfd.readouterr().err


def test_two_cases_of_one_name(tmp_path, capfd):
    layouts.write_cremi(tmp_path / "download")
    shutil.copy(tmp_path / "download" / "sample_A_20160501.hdf", tmp_path / "download" / "sample_a_20160501.h5")
    assert prepare("cremi", tmp_path / "download", tmp_path / "out") == 2
    assert "two cases are named sample_a_20160501" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dataset", ["ircadb", "cremi", "isbi", "neurons"])
def test_a_wrong_folder_is_one_line_and_a_status(dataset, tmp_path, capfd):
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / "holiday.jpg").touch()
    assert prepare(dataset, tmp_path / "download", tmp_path / "out") == 2
    error = capfd.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert "found holiday.jpg" in error
    assert prepare(dataset, tmp_path / "nowhere", tmp_path / "out") == 2
    assert "no such file or folder" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--folds", 1), "folds must be at least 2"),
        (("--parts", 0), "parts at least 1"),
        (("--max-size", -1), "max-size at least 0"),
        (("--liver-margin", -2), "liver_margin must be 0 or more"),
    ],
    ids=str,
)
def test_bad_options(option, message, ircadb, tmp_path, capfd):
    assert prepare("ircadb", ircadb[0], tmp_path / "out", *option) == 2
    assert message in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_zarr_is_what_nifti_is(tmp_path):
    layouts.write_ircadb(tmp_path / "download")
    assert prepare("ircadb", tmp_path / "download", tmp_path / "nifti") == 0
    assert prepare("ircadb", tmp_path / "download", tmp_path / "zarr", "--format", "zarr") == 0
    for one, other in zip(*(prepared_datalist(tmp_path / kind) for kind in ("nifti", "zarr")), strict=True):
        assert other["image"].endswith(".zarr")
        for key in ("image", "label"):
            volumes = [read_volume(one[key]), read_volume(other[key])]
            turned = on_grid_of(volumes[1], volumes[0])
            np.testing.assert_array_equal(turned.array, volumes[0].array)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "zarr" / "images").rglob("zarr.json")}
    assert prepare("ircadb", tmp_path / "download", tmp_path / "zarr", "--format", "zarr") == 0
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "zarr" / "images").rglob("zarr.json")}
    assert prepare("ircadb", tmp_path / "download", tmp_path / "zarr") == 2


@pytest.fixture
def volumes(tmp_path, rng):
    """Zarr, a folder of sections and NIfTI, each with its mask."""
    masks = {name: (rng.random((12, 11, 10)) < 0.4).astype(np.uint8) for name in ("a", "b", "c")}
    for folder, scale in (("images", 200), ("labels", 255)):
        (tmp_path / "src" / folder / "b").mkdir(parents=True)
        array = zarr.create_array(tmp_path / "src" / folder / "a.zarr", data=scale * masks["a"].T, chunks=(4, 5, 6))
        array.attrs["resolution"] = [3, 2, 1]
        for z in range(10):
            image = Image.fromarray(scale * masks["b"][..., z].T)
            image.save(tmp_path / "src" / folder / "b" / f"{z}.png")
        save_nifti(tmp_path / "src" / folder / "c.nii.gz", Volume(scale * masks["c"], np.eye(4)))
    return masks


@pytest.mark.parametrize("kind", ["nifti", "zarr"])
def test_volumes_of_any_kind(kind, volumes, tmp_path, capsys):
    assert prepare("volumes", tmp_path / "src", tmp_path / "out", "--format", kind) == 0
    items = {item["patient"]: item for item in prepared_datalist(tmp_path / "out")}
    assert set(items) == {"a", "b", "c"}
    for name, mask in volumes.items():
        np.testing.assert_array_equal(read_volume(items[name]["image"]).array, 200 * mask)
        np.testing.assert_array_equal(read_volume(items[name]["label"]).array, mask)
        assert cases_of(tmp_path / "out")[name]["betti_numbers"][0] == connected_components(mask).max()
    assert read_volume(items["a"]["image"]).spacing == (1, 2, 3)


def test_volumes_of_ids_and_what_is_wrong_with_them(tmp_path, capsys):
    ids = (np.indices((12, 11, 10))[0] // 4 + 1).astype(np.uint16)
    (tmp_path / "src" / "images").mkdir(parents=True)
    (tmp_path / "src" / "labels").mkdir()
    for folder in ("images", "labels"):
        zarr.create_array(tmp_path / "src" / folder / "a.zarr", data=ids.T, chunks=(4, 4, 4))
    assert prepare("volumes", tmp_path / "src", tmp_path / "out") == 2
    assert (
        "must be a mask of 0 and one other value, it holds 1, 2, 3: say --labels instances" in capsys.readouterr().err
    )
    assert prepare("volumes", tmp_path / "src", tmp_path / "ids", "--labels", "instances", "--format", "zarr") == 0
    expected = InstanceToMembrane(axes="auto", spacing=(1, 1, 1))(ids[None])[0]
    np.testing.assert_array_equal(read_volume(tmp_path / "ids" / "labels" / "a.zarr").array, expected)
    assert prepare("volumes", tmp_path, tmp_path / "none") == 2
    assert "holds no images/ with volumes" in capsys.readouterr().err
