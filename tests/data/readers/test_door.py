"""One door for every kind of file: right voxels and geometry, or one line that names the file."""

from __future__ import annotations

import gzip
import struct
from itertools import permutations, product

import h5py
import itk
import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

from monai_topo.data import Volume, on_grid_of, read_volume, same_grid, save_nifti, stem_of

SHAPE = (4, 5, 6)


@pytest.fixture
def array(rng):
    return rng.integers(0, 200, SHAPE, dtype=np.uint8)


def affine_of(direction=((1, 0, 0), (0, 1, 0), (0, 0, 1)), spacing=(0.7, 1.3, 2.5), origin=(-20.25, 7.5, 100.0)):
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(direction) * spacing
    affine[:3, 3] = origin
    return affine


def write_nifti(path, array, affine):
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


def write_itk(path, array, affine):
    """ITK's axes are those of the array from behind, its space is LPS."""
    image = itk.image_from_array(np.ascontiguousarray(array.T))
    lps = np.diag([-1.0, -1, 1, 1]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(lps[:3, :3] / spacing)))
    itk.imwrite(image, str(path))


def write_hdf5(path, array, affine):
    with h5py.File(path, "w") as file:
        file["raw"] = array.T
        file["raw"].attrs.update(resolution=affine.diagonal()[2::-1], offset=affine[2::-1, 3])


def write_tiff(path, array, affine):
    x, y, z = affine.diagonal()[:3]
    about = {"axes": "ZYX", "PhysicalSizeX": x, "PhysicalSizeY": y, "PhysicalSizeZ": z}
    tifffile.imwrite(path, np.ascontiguousarray(array.T), ome=True, photometric="minisblack", metadata=about)


def write_numpy(path, array, affine):
    np.save(path, array) if path.suffix.lower() == ".npy" else np.savez(path, raw=array)


WRITERS = {
    "a.nii": write_nifti,
    "a.nii.gz": write_nifti,
    "A.NII.GZ": write_nifti,
    "a.nrrd": write_itk,
    "a.mha": write_itk,
    "a.mhd": write_itk,
    "a.h5": write_hdf5,
    "a.HDF": write_hdf5,
    "a.tif": write_tiff,
    "a.b.ome.tiff": write_tiff,
    "a.npy": write_numpy,
    "a.npz": write_numpy,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind(name, array, tmp_path):
    affine = affine_of()
    WRITERS[name](tmp_path / name, array, affine)
    volume = read_volume(tmp_path / name)
    (tmp_path / name).write_bytes(b"")  # nothing of the array is left there
    np.testing.assert_array_equal(volume.array, array)
    WRITERS[name](tmp_path / name, array, affine)
    assert (volume.array.dtype, volume.path) == (array.dtype, tmp_path / name)
    if name.startswith("a.np"):
        assert volume.known_spacing is None
    else:
        np.testing.assert_allclose(volume.spacing, (0.7, 1.3, 2.5), rtol=1e-6)
    if volume.knows == "place":
        np.testing.assert_allclose(volume.affine, affine, atol=1e-5)
    given = read_volume(tmp_path / name, spacing=(1, 2, 3))
    np.testing.assert_allclose(given.spacing, (1, 2, 3))
    assert (given.unit, given.knows) == (None, "place" if volume.knows == "place" else "spacing")


@pytest.mark.parametrize(("order", "flips"), list(product(permutations(range(3)), product((1, -1), repeat=3))), ids=str)
def test_directions_of_nifti_and_itk_agree(order, flips, rng, tmp_path):
    """All 48, with an oblique turn; what two libraries wrote lies on one grid, and on that of the first orientation."""
    array = rng.integers(0, 200, SHAPE, dtype=np.uint8)
    oblique = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    first = nibabel.Nifti1Image(array, affine_of(oblique))
    turned = first.as_reoriented(np.stack([order, flips], axis=1))
    reference = Volume(array, first.affine)
    for name in ("a.nii", "a.nrrd", "a.mha"):
        WRITERS[name](tmp_path / name, np.asarray(turned.dataobj), turned.affine)
        volume = read_volume(tmp_path / name)
        np.testing.assert_allclose(volume.affine, turned.affine, atol=1e-4)
        np.testing.assert_array_equal(on_grid_of(volume, reference).array, array)


IDS = [1, 255, 2**15, 2**16, 2**24, 2**24 + 1, 2**31, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.tif", "a.h5", "a.npy", "a.nrrd"])
@pytest.mark.parametrize("dtype", [">u8", "u8", ">i8", "i8", "u4", ">u4", "i4", ">u2", "u1", "i1"])
def test_no_id_passes_through_a_float(dtype, name, tmp_path):
    ids = np.array([value for value in IDS if value <= np.iinfo(dtype).max], dtype)
    array = np.resize(ids, (3, 5, 2)).astype(dtype)
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, np.ascontiguousarray(array.T), photometric="minisblack")
    elif name == "a.nrrd":
        kind = f"{'u' if array.dtype.kind == 'u' else ''}int{8 * array.dtype.itemsize}"
        order = "big" if dtype[0] == ">" else "little"
        header = f"NRRD0004\ntype: {kind}\ndimension: 3\nsizes: 3 5 2\nencoding: raw\nendian: {order}\n\n"
        (tmp_path / name).write_bytes(header.encode() + array.tobytes("F"))
    elif WRITERS[name] is write_nifti:
        header = nibabel.Nifti1Header(endianness=">" if dtype[0] == ">" else "<")
        nibabel.save(nibabel.Nifti1Image(array, np.eye(4), header, dtype=array.dtype), tmp_path / name)
    else:
        WRITERS[name](tmp_path / name, array, affine_of())
    got = read_volume(tmp_path / name).array
    assert got.dtype.isnative
    assert got.dtype.kind == array.dtype.kind
    assert got.ravel().tolist() == array.ravel().tolist()


@pytest.mark.parametrize(
    ("slope", "stored", "expected"), [(1 / 255, 255, 1), (0.1, 30, 3), (2.0, 7, 14), (1e-3, 1, 1e-3)]
)
def test_integers_that_a_header_scales_come_out_whole(slope, stored, expected, tmp_path):
    write_nifti(tmp_path / "a.nii", np.full(SHAPE, stored, np.uint8), np.eye(4))
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = struct.pack("<ff", slope, 0)
    (tmp_path / "a.nii").write_bytes(raw)
    values = np.unique(read_volume(tmp_path / "a.nii").array)
    assert values.tolist() == [expected] if expected >= 1 else np.allclose(values, expected)


def nifti(path, array, sform=None, qform=None, codes=(1, 1)):
    image = nibabel.Nifti1Image(array, None)
    for name, affine, code in (("sform", sform, codes[0]), ("qform", qform, codes[1])):
        if affine is not None:
            getattr(image, f"set_{name}")(affine, code=code)
    nibabel.save(image, path)


def without_place(path, array, zooms):
    """Both codes 0, sizes in pixdim."""
    nifti(path, array, sform=affine_of())
    raw = bytearray(path.read_bytes())
    raw[80:92] = struct.pack("<3f", *zooms)
    raw[252:256] = bytes(4)
    path.write_bytes(raw)


MIRRORED = affine_of(np.diag([-1.0, 1, 1]))


@pytest.mark.parametrize(
    ("options", "affine"),
    [
        ({"sform": MIRRORED}, MIRRORED),
        ({"qform": MIRRORED}, MIRRORED),
        ({"sform": MIRRORED, "qform": affine_of()}, MIRRORED),  # NIfTI: sform before qform
        ({"sform": MIRRORED, "codes": (4, 0)}, MIRRORED),
    ],
    ids=["sform", "qform", "both", "another code"],
)
def test_which_affine_of_a_nifti_counts(options, affine, array, tmp_path):
    nifti(tmp_path / "a.nii", array, **options)
    volume = read_volume(tmp_path / "a.nii")
    assert volume.knows == "place"
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)
    np.testing.assert_allclose(volume.affine, nibabel.load(tmp_path / "a.nii").affine, atol=1e-5)


def test_a_nifti_that_knows_no_place_still_knows_its_voxel_size(array, tmp_path):
    without_place(tmp_path / "a.nii", array, (0.5, 1.5, 2.5))
    volume = read_volume(tmp_path / "a.nii")
    assert (volume.knows, volume.spacing) == ("spacing", (0.5, 1.5, 2.5))
    assert same_grid(volume, Volume(array, affine_of(spacing=(0.5, 1.5, 2.5))))


def test_an_announced_matrix_of_zeros_is_left_for_the_quaternion(array, tmp_path):
    nifti(tmp_path / "a.nii", array, sform=affine_of(), qform=MIRRORED)
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[280:328] = bytes(48)  # srow_x, srow_y, srow_z
    (tmp_path / "a.nii").write_bytes(raw)
    np.testing.assert_allclose(read_volume(tmp_path / "a.nii").affine, MIRRORED, atol=1e-5)


@pytest.mark.parametrize("unit", ["mm", "um", None])
def test_units_of_nifti(unit, array, tmp_path):
    save_nifti(tmp_path / "a.nii", Volume(array, affine_of(), unit=unit))
    assert read_volume(tmp_path / "a.nii").unit == unit
    image = nibabel.Nifti1Image(array, np.diag([0.001, 0.001, 0.002, 1]))
    image.header.set_xyzt_units("meter")
    nibabel.save(image, tmp_path / "b.nii")
    volume = read_volume(tmp_path / "b.nii")
    np.testing.assert_allclose(volume.spacing, (1, 1, 2), rtol=1e-5)
    assert volume.unit == "mm"


@pytest.mark.parametrize("shape", [(*SHAPE, 1), (*SHAPE, 1, 1), (*SHAPE[:2], 1, 1)])
def test_axes_of_length_1_behind_the_third(shape, rng, tmp_path):
    array = rng.integers(0, 9, shape, dtype=np.uint8)
    write_nifti(tmp_path / "a.nii", array, affine_of())
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii").array, array.reshape(shape[:3]))


def pickled(path):
    np.save(path, np.array([{}], object), allow_pickle=True)


def two_datasets(path):
    with h5py.File(path, "w") as file:
        file["raw"] = file["label"] = np.zeros(SHAPE)


def vectors(path):
    itk.imwrite(itk.image_from_array(np.zeros((4, 5, 3), np.uint8), is_vector=True), str(path))


def empty(path):
    path.write_bytes(b"")


BAD = {
    "several channels.nii": lambda path: write_nifti(path, np.zeros((*SHAPE, 2), np.uint8), np.eye(4)),
    "vectors.nrrd": lambda path: itk.imwrite(
        itk.image_from_array(np.zeros((4, 5, 3), np.uint8), is_vector=True), str(path)
    ),
    "complex.npy": lambda path: np.save(path, np.zeros(SHAPE, complex)),
    "bfloat16.npy": lambda path: np.save(path, np.zeros(SHAPE, "V2")),
    "text.npy": lambda path: np.save(path, np.full(SHAPE, "a")),
    "pickled.npy": pickled,
    "line.npy": lambda path: np.save(path, np.zeros(3)),
    "empty.npy": lambda path: np.save(path, np.zeros((0, 3))),
    "two.npz": lambda path: np.savez(path, a=np.zeros(SHAPE), b=np.zeros(SHAPE)),
    "two.h5": two_datasets,
    "color.png": lambda path: Image.new("RGB", (3, 4)).save(path),
    "alpha.png": lambda path: Image.new("LA", (3, 4)).save(path),
    "nothing.xyz": lambda path: path.write_bytes(b"no image"),
    **{
        f"empty{suffix}": lambda path: path.write_bytes(b"")
        for suffix in (".nii", ".nii.gz", ".tif", ".h5", ".mha", ".png")
    },
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_volume_is_one_line(name, tmp_path):
    BAD[name](tmp_path / name)
    with pytest.raises(ValueError, match=f"{name.replace('.', '[.]')}") as caught:
        read_volume(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(str(tmp_path)) == 1


def test_png_and_named_arrays(rng, tmp_path):
    ids = rng.integers(0, 9, (4, 5), dtype=np.uint8)
    for mode in ("L", "P"):
        image = Image.fromarray(ids)
        if mode == "P":
            image = Image.frombytes("P", (5, 4), ids.tobytes())
            image.putpalette([*range(255, -1, -1)] * 3)
        image.save(tmp_path / "a.png")
        np.testing.assert_array_equal(read_volume(tmp_path / "a.png").array, ids.T)
    np.savez(tmp_path / "a.npz", a=ids, b=ids + 1)
    np.testing.assert_array_equal(read_volume(tmp_path / "a.npz", dataset="b").array, ids + 1)


def test_errors(array, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_volume(tmp_path / "a.nii")
    write_nifti(tmp_path / "a.nii", array, np.eye(4))
    with pytest.raises(ValueError, match=r"dataset must be None for .*a\.nii, .*got 'raw'"):
        read_volume(tmp_path / "a.nii", dataset="raw")
    with pytest.raises(ValueError, match="spacing must be 2 or 3 positive numbers"):
        read_volume(tmp_path / "a.nii", spacing=(1, 1, 0))
    with pytest.raises(ValueError, match="a size for each of the 3 axes"):
        read_volume(tmp_path / "a.nii", spacing=(1, 1))
    assert stem_of("a.b.ome.tiff") == "a.b.ome"


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.tif", "a.nrrd", "a.mha", "a.npy", "a.npz", "a.png", "a.h5"])
def test_damaged_files_are_one_line(name, array, rng, tmp_path):
    """Cut off, or a few bytes wrong in the header: an array, or one line that names the file."""
    if name == "a.png":
        Image.fromarray(array[0]).save(tmp_path / name)
    else:
        WRITERS[name](tmp_path / name, array, affine_of())
    whole = (tmp_path / name).read_bytes()
    for number in range(60):
        damaged = bytearray(whole)
        if number % 3 == 0:
            damaged = damaged[: int(rng.integers(len(whole)))]
        else:
            place = int(rng.integers(min(len(whole), 400)))
            damaged[place : place + 2] = rng.bytes(2)
        (tmp_path / name).write_bytes(damaged)
        line = ""
        try:
            read_volume(tmp_path / name)
        except ValueError as error:
            line = str(error)
        assert not line or (name in line and "\n" not in line), line


def test_a_cut_off_archive_is_named(array, tmp_path):
    write_nifti(tmp_path / "a.nii", array, np.eye(4))
    packed = gzip.compress((tmp_path / "a.nii").read_bytes())
    (tmp_path / "b.nii.gz").write_bytes(packed[:-20])
    with pytest.raises(ValueError, match=r"b\.nii\.gz cannot be read"):
        read_volume(tmp_path / "b.nii.gz")
