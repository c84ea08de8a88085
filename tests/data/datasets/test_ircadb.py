"""3Dircadb as it is downloaded, with its traps, and as it goes wrong."""

from __future__ import annotations

import json
import tempfile
import zipfile

import numpy as np
import pytest
from monai.transforms import LoadImage
from scipy import ndimage

from monai_topo.data import ircadb_datalist
from tests.data.datasets import layouts


@pytest.fixture
def case():
    return layouts.phantom_ct()


def load(path):
    image = LoadImage(image_only=True, dtype=None)(path)
    return image.numpy(), image.affine.numpy()


def datalist(root, *arguments, **options):
    return ircadb_datalist(root, *arguments, progress=False, **options)


def as_unpacked(folder):
    pass


def as_zips(folder):
    layouts.zip_folder(folder / "PATIENT_DICOM")
    layouts.zip_folder(folder / "MASKS_DICOM")


def as_flat_zips(folder):
    layouts.zip_folder(folder / "PATIENT_DICOM", prefix=".")
    layouts.zip_folder(folder / "MASKS_DICOM", prefix=".")


def as_doubled_folders(folder):
    for name in ("PATIENT_DICOM", "MASKS_DICOM"):
        layouts.double_folder(folder / name)
    layouts.double_folder(folder)


def as_zips_with_doubled_folders(folder):
    for name in ("PATIENT_DICOM", "MASKS_DICOM"):
        layouts.double_folder(folder / name)
    as_zips(folder)
    with zipfile.ZipFile(folder / "MASKS_DICOM.zip", "a") as archive:
        archive.writestr("__MACOSX/MASKS_DICOM/liver/._image_0", b"clutter")


def as_zips_of_windows(folder):
    as_zips(folder)
    for path in folder.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            content = {info.filename: archive.read(info) for info in archive.infolist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name.replace("/", "\\"), data)


def as_other_spellings(folder):
    (folder / "MASKS_DICOM" / "portalvein").rename(folder / "MASKS_DICOM" / "PortalVein1")
    (folder / "MASKS_DICOM").rename(folder / "Masks_Dicom")


LAYOUTS = [
    as_unpacked,
    as_zips,
    as_flat_zips,
    as_doubled_folders,
    as_zips_with_doubled_folders,
    as_zips_of_windows,
    as_other_spellings,
]


@pytest.mark.parametrize("suffix", ["", ".dcm"], ids=["no suffix", "dcm"])
@pytest.mark.parametrize("rearrange", LAYOUTS, ids=lambda function: function.__name__)
def test_voxels_and_affine_of_every_layout(rearrange, suffix, case, tmp_path):
    ct, masks = case
    folder = tmp_path / "3Dircadb1" / "3Dircadb1.1"
    layouts.write_case(folder, ct, masks, suffix)
    rearrange(folder)
    (item,) = json.loads(json.dumps(datalist(tmp_path)))
    assert item["patient"] == "3Dircadb1.1"
    assert item["missing"] == ""
    for key, expected in (("image", ct), ("label", masks["portalvein"] | masks["venacava"])):
        array, affine = load(item[key])
        np.testing.assert_array_equal(array, expected)
        np.testing.assert_allclose(affine, layouts.affine(), atol=1e-5)
    assert load(item["image"])[0].dtype == np.int16


def test_real_ct(real_data, tmp_path):
    ct, _ = load(real_data / "ct_aorta" / "ct_cropped.nii.gz")
    aorta, _ = load(real_data / "ct_aorta" / "aorta.nii.gz")
    ct, aorta = ct[20:90, 30:100, 40:80].astype(np.int16), aorta[20:90, 30:100, 40:80] > 0
    assert aorta.any()
    folder = tmp_path / "3Dircadb1.3"
    layouts.write_case(folder, ct, {"aorta": aorta, "venacava": np.zeros_like(aorta)})
    as_zips_with_doubled_folders(folder)
    (item,) = datalist(tmp_path, ("aorta",))
    np.testing.assert_array_equal(load(item["image"])[0], ct)
    np.testing.assert_array_equal(load(item["label"])[0], aorta)


def test_cases_are_in_the_order_of_their_numbers(case, tmp_path):
    for number in (10, 2, 1):
        layouts.write_case(tmp_path / f"3Dircadb1.{number}", *case)
    assert [item["patient"] for item in datalist(tmp_path)] == ["3Dircadb1.1", "3Dircadb1.2", "3Dircadb1.10"]


@pytest.mark.parametrize("margin", [0.0, 1.0, 3.0])
def test_within_the_liver(case, tmp_path, margin):
    ct, masks = case
    layouts.write_case(tmp_path / "3Dircadb1.1", ct, masks)
    (item,) = datalist(tmp_path, within_liver=True, liver_margin=margin)
    near = ndimage.distance_transform_edt(~masks["liver"], sampling=layouts.SPACING) <= margin
    expected = (masks["portalvein"] | masks["venacava"]) & near
    assert 0 < expected.sum() < (masks["portalvein"] | masks["venacava"]).sum()
    np.testing.assert_array_equal(load(item["label"])[0], expected)


def test_venous_system_comes_before_the_vena_cava(case, tmp_path):
    ct, masks = case
    layouts.write_case(tmp_path / "3Dircadb1.1", ct, {**masks, "venoussystem": masks["liver"]})
    (item,) = datalist(tmp_path, ("venoussystem",))
    np.testing.assert_array_equal(load(item["label"])[0], masks["liver"])


def test_numbered_masks_are_united(case, tmp_path):
    ct, masks = case
    tumors = {"livertumor01": masks["portalvein"], "livertumor02": masks["venacava"]}
    layouts.write_case(tmp_path / "3Dircadb1.1", ct, tumors)
    (item,) = datalist(tmp_path, ("livertumor",))
    np.testing.assert_array_equal(load(item["label"])[0], masks["portalvein"] | masks["venacava"])


def test_what_is_missing_is_said(case, tmp_path):
    ct, masks = case
    layouts.write_case(tmp_path / "3Dircadb1.1", ct, {"portalvein": masks["portalvein"]})
    layouts.write_case(tmp_path / "3Dircadb1.2", ct, {})
    layouts.write_case(tmp_path / "3Dircadb1.3", ct, masks)
    layouts.write_case(tmp_path / "3Dircadb1.4", ct, {**masks, "portalvein": np.zeros_like(masks["liver"])})
    one, none, both, empty = datalist(tmp_path)
    assert one["missing"] == "There is no venoussystem among the masks (portalvein)."
    np.testing.assert_array_equal(load(one["label"])[0], masks["portalvein"])
    assert "label" not in none
    assert none["missing"].count("There is no") == 2
    assert both["missing"] == ""
    assert empty["missing"] == "The mask portalvein is empty."
    _, asked, *_ = datalist(tmp_path, empty_label=True)
    assert not load(asked["label"])[0].any()
    assert load(asked["label"])[0].shape == ct.shape
    first, *_ = datalist(tmp_path, within_liver=True)
    assert "label" not in first
    assert "no liver to cut the label off" in first["missing"]


def test_the_cache_is_found_again(case, tmp_path):
    layouts.write_case(tmp_path / "data" / "3Dircadb1.1", *case)
    first = datalist(tmp_path / "data", cache_dir=tmp_path / "cache")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}
    assert datalist(tmp_path / "data", cache_dir=tmp_path / "cache") == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")} == before
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"3Dircadb1.1"}
    with pytest.raises(ValueError, match="begun with other settings"):
        datalist(tmp_path / "data", ("artery",), cache_dir=tmp_path / "cache")


def test_slices_without_positions_are_ordered_by_number(case, tmp_path):
    ct, masks = case
    folder = tmp_path / "3Dircadb1.1"
    for name, volume in (("PATIENT_DICOM", ct), ("MASKS_DICOM/portalvein", masks["portalvein"].astype(np.uint8))):
        for index in range(ct.shape[2]):
            pixels = np.ascontiguousarray(volume[:, :, index].T)
            layouts.write_dicom(folder / name / f"image_{index}", pixels, intercept=-24)
    (item,) = datalist(tmp_path, ("portalvein",))
    array, affine = load(item["image"])
    np.testing.assert_array_equal(array, ct)
    np.testing.assert_allclose(np.abs(affine.diagonal()[:3]), layouts.SPACING, atol=1e-5)


def test_a_sagittal_series(case, tmp_path):
    """Rows go back, columns down, slices from right to left."""
    ct, _ = case
    direction = np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]])
    for index in range(3):
        pixels = np.ascontiguousarray(ct[:, :, index].T)
        position = (4.0 - layouts.SPACING[2] * index, 5.0, 6.0)
        layouts.write_dicom(tmp_path / f"1/PATIENT_DICOM/image_{index}", pixels, position, direction=direction)
    (item,) = datalist(tmp_path)
    array, affine = load(item["image"])
    normal = np.cross(direction[:, 0], direction[:, 1])
    np.testing.assert_array_equal(array, ct[:, :, :3] if normal[0] < 0 else ct[:, :, 2::-1])
    lps = np.array([4.0 - 2 * layouts.SPACING[2], 5.0, 6.0]) if normal[0] > 0 else np.array([4.0, 5.0, 6.0])
    lps += direction @ (np.array([3, 2, 0]) * layouts.SPACING) + layouts.SPACING[2] * normal
    np.testing.assert_allclose((affine @ [3, 2, 1, 1])[:3], lps * [-1, -1, 1], atol=1e-4)


def remove_slice(folder):
    (folder / "PATIENT_DICOM" / "image_4").unlink()


def renumber_around_a_gap(folder):
    """A slice is missing, but the names do not show it."""
    remove_slice(folder)
    for index in range(5, 12):
        for series in (folder / "PATIENT_DICOM", *(folder / "MASKS_DICOM").iterdir()):
            (series / f"image_{index}").replace(series / f"image_{index - 1}")


def remove_mask_slice(folder):
    (folder / "MASKS_DICOM" / "portalvein" / "image_11").unlink()


def truncate_slice(folder):
    path = folder / "PATIENT_DICOM" / "image_3"
    path.write_bytes(path.read_bytes()[:-40])


def write_text_slice(folder):
    (folder / "PATIENT_DICOM" / "image_3").write_text("not DICOM")


def duplicate_slice(folder):
    (folder / "PATIENT_DICOM" / "image_03").write_bytes((folder / "PATIENT_DICOM" / "image_3").read_bytes())


def repeat_position(folder):
    path = folder / "PATIENT_DICOM" / "image_3"
    path.write_bytes((folder / "PATIENT_DICOM" / "image_2").read_bytes())


def other_size(folder):
    pixels = np.zeros((14, 21), np.int16)
    layouts.write_dicom(folder / "PATIENT_DICOM" / "image_3", pixels, layouts.positions(12)[3], intercept=-1024)


def other_mask_size(folder):
    for index, position in enumerate(layouts.positions(12)):
        layouts.write_dicom(folder / f"MASKS_DICOM/portalvein/image_{index}", np.zeros((9, 9), np.uint8), position)


def reverse_masks(folder):
    series = folder / "MASKS_DICOM" / "portalvein"
    series.rename(folder / "aside")
    series.mkdir()
    for index in range(12):
        (folder / "aside" / f"image_{index}").rename(series / f"image_{11 - index}")


def empty_patient(folder):
    for path in (folder / "PATIENT_DICOM").iterdir():
        path.unlink()


def truncate_zip(folder):
    as_zips(folder)
    archive = folder / "PATIENT_DICOM.zip"
    archive.write_bytes(archive.read_bytes()[:-200])


def corrupt_zip(folder):
    as_zips(folder)
    archive = folder / "PATIENT_DICOM.zip"
    content = bytearray(archive.read_bytes())
    content[300:340] = bytes(40)
    archive.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (remove_slice, r"slices 0 to 11, but not 4\. Is the download complete"),
        (renumber_around_a_gap, r"have a gap between them: they are 5 mm apart, slices usually 2\.5"),
        (remove_mask_slice, r"mask portalvein in .* has 11 slices, the image 12: only one of them has 11\."),
        (truncate_slice, "image_3 is no DICOM image, or a truncated one"),
        (write_text_slice, "image_3 is no DICOM image"),
        (duplicate_slice, "slice 3 twice: image_03 and image_3"),
        (repeat_position, "lie at one position"),
        (other_size, "image_3 differs from .*image_0 in shape"),
        (other_mask_size, r"has \(9, 9\) pixels"),
        (reverse_masks, "the masks are in another order than the image"),
        (empty_patient, "holds no slice"),
        (truncate_zip, "no zip archive or a damaged one"),
        (corrupt_zip, "is damaged"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_case_is_named_and_the_others_are_read(spoil, message, case, tmp_path):
    ct, masks = case
    for number in (1, 2):
        layouts.write_case(tmp_path / "data" / f"3Dircadb1.{number}", ct, {"portalvein": masks["portalvein"]})
    spoil(tmp_path / "data" / "3Dircadb1.1")
    with pytest.raises(ValueError, match=f"1 of 2 cases cannot be read: 3Dircadb1.1: .*{message}"):
        datalist(tmp_path / "data", cache_dir=tmp_path / "cache")
    files = {path.relative_to(tmp_path / "cache").as_posix() for path in (tmp_path / "cache").rglob("*.*")}
    assert files == {
        "cases/3Dircadb1.2.json",
        "images/3Dircadb1.2.nii.gz",
        "labels/3Dircadb1.2.nii.gz",
        "settings.json",
    }


HOSTILE = [
    "../../evil",
    "/evil",
    "C:/evil",
    "C:evil",
    "..\\evil",
    "PATIENT_DICOM/../../evil",
    "MASKS_DICOM\\..\\..\\evil",
    "\\\\host\\share\\evil",
]


@pytest.mark.parametrize("part", ["PATIENT_DICOM", "MASKS_DICOM"])
@pytest.mark.parametrize("name", HOSTILE)
def test_archives_that_point_outside_are_refused(name, part, case, tmp_path):
    folder = tmp_path / "data" / "3Dircadb1.1"
    layouts.write_case(folder, *case)
    as_zips(folder)
    with zipfile.ZipFile(folder / f"{part}.zip", "a") as archive:
        archive.writestr(f"{name}/image_99", b"evil")
    check_refused(tmp_path, rf"{part}\.zip holds .*evil.*which points outside the archive")


def test_archives_are_unpacked_in_the_cache_alone(case, tmp_path, monkeypatch):
    folder = tmp_path / "data" / "3Dircadb1.1"
    layouts.write_case(folder, *case)
    as_zips(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert len(datalist(tmp_path / "data", cache_dir=tmp_path / "cache")) == 1
    assert not any(path.name.startswith(".") for path in (tmp_path / "cache").iterdir())


def test_links_in_archives_are_refused(case, tmp_path):
    folder = tmp_path / "data" / "3Dircadb1.1"
    layouts.write_case(folder, *case)
    as_zips(folder)
    link = zipfile.ZipInfo("PATIENT_DICOM/image_12")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(folder / "PATIENT_DICOM.zip", "a") as archive:
        archive.writestr(link, "/etc/passwd")
    check_refused(tmp_path, "points outside the archive")


def check_refused(tmp_path, message):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=message):
        datalist(tmp_path / "data", cache_dir=tmp_path / "cache")
    created = set(tmp_path.rglob("*")) - set(before)
    assert created == {tmp_path / "cache", tmp_path / "cache" / "settings.json"}


def test_folders_without_cases(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        datalist(tmp_path / "nowhere")
    (tmp_path / "3Dircadb1.zip").touch()
    with pytest.raises(FileNotFoundError, match=r"expected folders such as 3Dircadb1\.1 .*found 3Dircadb1\.zip"):
        datalist(tmp_path)


def test_arguments(case, tmp_path):
    layouts.write_case(tmp_path / "3Dircadb1.1", case[0], {})
    for wrong in ({"structures": ()}, {"liver_margin": -1.0}, {"liver_margin": float("nan")}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
            datalist(tmp_path, **wrong)
    with pytest.raises(ValueError, match="not empty and no prepared folder"):
        datalist(tmp_path, cache_dir=tmp_path)
