"""Slices put in order and masks laid on them, against closed forms."""

from __future__ import annotations

import dataclasses
import itertools

import nibabel
import numpy as np
import pytest

from monai_topo.data.readers.dicom import Slice, read_slice
from monai_topo.data.readers.dicom_series import laid_on, notes_on_geometry, order_slices, stack_slices
from monai_topo.data.readers.volume import Volume, save_nifti
from tests.data.readers.dicom_files import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, write_dicom


def series(heights, **changes):
    """Slices of 2 x 3 pixels; each pixel has its height."""
    return [
        Slice(
            f"image_{i}", np.full((2, 3), z, np.float32), (1.0, 2.0, z), (1, 0, 0, 0, 1, 0), (0.5, 0.7), 2.5, **changes
        )
        for i, z in enumerate(heights)
    ]


def test_positions_come_before_numbers():
    ordered, offset = order_slices(series([7.5, 2.5, 5.0]))
    assert [one.name for one in ordered] == ["image_1", "image_2", "image_0"]
    volume = stack_slices(ordered, offset)
    assert volume.array[0, 0].tolist() == [2.5, 5.0, 7.5]
    assert volume.array.shape == (3, 2, 3)
    np.testing.assert_allclose(volume.affine, [[-0.7, 0, 0, -1], [0, -0.5, 0, -2], [0, 0, 2.5, 2.5], [0, 0, 0, 1]])


def test_numbers_are_no_text():
    slices = [dataclasses.replace(one, position=None) for one in series(np.arange(11))]
    ordered, offset = order_slices(slices[::-1])
    assert [one.name for one in ordered] == [f"image_{i}" for i in range(11)]
    assert offset.tolist() == [0, 0, 2.5]


def test_slices_that_all_lie_at_one_place_are_ordered_by_number():
    slices = [dataclasses.replace(one, position=(0.0, 0.0, 0.0)) for one in series([9, 8, 7])]
    assert [one.name for one in order_slices(slices)[0]] == ["image_0", "image_1", "image_2"]


def test_fractions_are_kept_and_whole_numbers_are_small():
    assert stack_slices(*order_slices(series([0.0, 2.5]))).array.dtype == np.float32
    assert stack_slices(*order_slices(series([-1000.0, -999.0]))).array.dtype == np.int16
    assert stack_slices(*order_slices(series([40000.0, 40001.0]))).array.dtype == np.float32


def test_what_cannot_be_ordered():
    with pytest.raises(ValueError, match="there are no slices"):
        order_slices([])
    nowhere = [dataclasses.replace(one, position=None, step=None) for one in series([0, 1])]
    with pytest.raises(ValueError, match="image_0 and its series have neither positions nor a distance"):
        order_slices(nowhere)
    nowhere[1] = dataclasses.replace(nowhere[1], step=3.0)
    assert order_slices(nowhere)[1].tolist() == [0, 0, 3.0]
    turned = series([0, 1])
    turned[1] = dataclasses.replace(turned[1], rows=(0, 1, 0, 1, 0, 0))
    with pytest.raises(ValueError, match="image_1 differs from image_0 in shape, spacing or direction"):
        order_slices(turned)


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("bool", "u1"), ("u1", "u1"), ("<i2", "i2"), ("i8", "i4"), ("f8", "f4"), ("f2", "f4"), (">u2", "u2")],
)
@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5)], ids=str)
def test_nifti_files_hold_what_was_saved(shape, dtype, stored, tmp_path):
    array = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = 5, 6, 7
    save_nifti(tmp_path / "a.nii.gz", Volume(array, affine))
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert image.get_data_dtype() == np.dtype(stored)
    np.testing.assert_array_equal(np.asarray(image.dataobj), array)
    np.testing.assert_array_equal(image.affine, affine)
    np.testing.assert_array_equal(image.get_qform(), affine)


ORIENTATIONS = [
    np.eye(3)[list(axes)].T * signs
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def rotation(seed):
    """A direction that is none of the axes'."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]


def write_series(folder, volume, directions, spacing, origin, **options):
    """Slices of a volume ``(x, y, z)`` of directions (columns) in LPS, in any order of their names."""
    order = np.random.default_rng(1).permutation(volume.shape[2])
    step = options.pop("step", directions[:, 2] * spacing[2])
    rows = (*directions[:, 0], *directions[:, 1])
    for number, index in enumerate(order):
        place = tuple(np.add(origin, index * np.asarray(step)))
        pixels = np.ascontiguousarray(volume[:, :, index].T)
        write_dicom(
            folder / f"image_{number}", pixels, position=place, rows=rows, spacing=(spacing[1], spacing[0]), **options
        )
    return [read_slice(path, path.name) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("case", range(56))
def test_each_voxel_lies_where_its_file_puts_it(case, tmp_path):
    """48 orientations and some between them: the affine takes each voxel to its place, whatever else the files say."""
    rng = np.random.default_rng(case)
    directions = ORIENTATIONS[case] if case < 48 else rotation(case)
    spacing, origin = rng.uniform(0.3, 6, 3).round(3), rng.uniform(-300, 300, 3).round(2)
    volume = rng.integers(-1000, 2000, (4, 3, 5)).astype(np.int16)
    slices = write_series(tmp_path / "ct", volume, directions, spacing, origin, thickness=99, between=77)
    ordered, offset = order_slices(slices)
    found = stack_slices(ordered, offset)
    for index in itertools.product(*map(range, found.array.shape)):
        place = (found.affine @ (*index, 1))[:3] * (-1, -1, 1) - origin
        at = np.linalg.solve(directions * spacing, place)
        np.testing.assert_allclose(at, at.round(), atol=1e-3)
        assert found.array[index] == volume[tuple(at.round().astype(int))]
    np.testing.assert_allclose(found.spacing, spacing, rtol=1e-4)
    assert notes_on_geometry(ordered, offset) == ()


@pytest.mark.parametrize("seed", range(24))
def test_everything_at_once(seed, tmp_path):
    """Position, spacing, orientation, colors, rescale of each slice, bits and transfer syntax, drawn at random."""
    rng = np.random.default_rng(seed)
    directions = ORIENTATIONS[rng.integers(48)] if seed % 3 else rotation(seed)
    spacing, origin = rng.uniform(0.3, 6, 3).round(3), rng.uniform(-300, 300, 3).round(2)
    signed = bool(rng.integers(2))
    stored = rng.integers(-2048 if signed else 0, 2048, (4, 3, 5)).astype("i2" if signed else "u2")
    rescales = [(int(rng.integers(1, 4)), int(rng.integers(-1000, 1000))) for _ in range(5)]
    syntax, colors = rng.choice([IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED]), rng.choice(["MONOCHROME1", "MONOCHROME2"])
    rows = (*directions[:, 0], *directions[:, 1])
    for index, rescale in enumerate(rescales):
        write_dicom(
            tmp_path / f"image_{(index * 3) % 5}",
            np.ascontiguousarray(stored[:, :, index].T),
            position=tuple(origin + index * directions[:, 2] * spacing[2]),
            rows=rows,
            spacing=(spacing[1], spacing[0]),
            stored_bits=12,
            rescale=rescale,
            syntax=syntax,
            colors=colors,
            thickness=99,
        )
    ordered, offset = order_slices([read_slice(path, path.name) for path in sorted(tmp_path.iterdir())])
    found = stack_slices(ordered, offset)
    expected = stored * np.array([slope for slope, _ in rescales]) + np.array([intercept for _, intercept in rescales])
    for index in itertools.product(*map(range, found.array.shape)):
        place = (found.affine @ (*index, 1))[:3] * (-1, -1, 1) - origin
        at = np.linalg.solve(directions * spacing, place)
        np.testing.assert_allclose(at, at.round(), atol=1e-3)
        assert found.array[index] == expected[tuple(at.round().astype(int))]


def test_slices_of_two_series_are_refused():
    """Which may lie between each other, as of two phases."""
    slices = series([0.0, 1.0, 2.0, 3.0])
    two = [dataclasses.replace(one, series=f"1.2.{index % 2}") for index, one in enumerate(slices)]
    with pytest.raises(ValueError, match="image_0 and the slices beside it are of 2 series: keep one in the folder"):
        order_slices(two)
    each = [dataclasses.replace(one, series=f"1.2.{index}") for index, one in enumerate(slices)]
    assert len(order_slices(each)[0]) == 4


@pytest.mark.parametrize("angle", [0.5, 5.0, 20.0])
def test_a_tilted_gantry_shears_the_affine(angle, tmp_path):
    tilt = np.radians(angle)
    step = np.array([0, np.sin(tilt), np.cos(tilt)]) * 2.5
    volume = np.random.default_rng(0).integers(0, 99, (4, 3, 6)).astype(np.int16)
    ordered, offset = order_slices(
        write_series(tmp_path / "ct", volume, np.eye(3), (0.5, 0.7, 9), (1, 2, 3), step=step)
    )
    found = stack_slices(ordered, offset)
    np.testing.assert_array_equal(found.array, volume)
    np.testing.assert_allclose(found.affine @ (0, 0, 5, 1), [-1, -2 - 5 * step[1], 3 + 5 * step[2], 1], atol=1e-5)
    save_nifti(tmp_path / "a.nii", found)
    saved = nibabel.load(tmp_path / "a.nii")
    np.testing.assert_allclose(saved.affine, found.affine, atol=1e-5)
    assert saved.header["qform_code"] == (angle < 0.04)  # a quaternion cannot say it
    notes = notes_on_geometry(ordered, offset)
    assert bool(notes) == (angle > 2)
    assert not notes or f"({angle:.3g} degrees), and the affine is sheared" in notes[0]


@pytest.mark.parametrize(
    ("apart", "noted", "refused"), [(0.01, 0, 0), (0.1, 1, 0), (0.19, 1, 0), (0.3, 0, 1), (0.45, 0, 1)]
)
def test_uneven_steps_are_noted_or_refused(apart, noted, refused):
    slices = series(np.arange(6) * 2.0 + 2.0 * apart * np.array([0, 0, 1, 0, 0, 0]))
    if refused:
        with pytest.raises(ValueError, match=f"image_2 lies {2 * apart:.3g} mm from where even steps of 2 mm put it"):
            order_slices(slices)
        return
    notes = notes_on_geometry(*order_slices(slices))
    assert notes == ((f"Slices lie up to {2 * apart:.3g} mm from where the affine puts them.",) if noted else ())


def test_steps_that_change_halfway_are_refused():
    heights = np.concatenate([np.arange(20.0), 19 + 1.45 * np.arange(1, 21)])
    with pytest.raises(ValueError, match=r"image_19 lies 4\.38 mm from where even steps of 1\.231 mm put it"):
        order_slices(series(heights))


def test_positions_that_were_rounded_pass():
    """Slices 1.25 mm apart, written with one decimal."""
    ordered, offset = order_slices(series((np.arange(40) * 1.25).round(1)))
    assert np.abs(offset - [0, 0, 1.25]).max() < 0.01
    assert len(notes_on_geometry(ordered, offset)) <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": None}, r"image_1 does not say where it lies \(DICOM tag \(0020,0032\)\), other slices do"),
        ({"spacing": (0.5, 0.8)}, "image_1 differs from image_0 in shape, spacing"),
        ({"spacing": None}, "image_1 differs from image_0 in shape, spacing"),
        ({"pixels": np.zeros((3, 3))}, "image_1 differs from image_0 in shape"),
        ({"position": (1.0, 2.0, 0.0)}, "lie at one position"),
    ],
)
def test_one_slice_that_is_unlike_the_others(change, message):
    slices = series([0.0, 2.5, 5.0])
    slices[1] = dataclasses.replace(slices[1], **change)
    with pytest.raises(ValueError, match=message):
        order_slices(slices)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spacing": None}, r"image_0 does not say how large its pixels are: DICOM tag \(0028,0030\) is missing or 0"),
        ({"rows": None}, r"image_0 does not say how its rows lie: DICOM tag \(0020,0037\) is missing"),
        ({"position": (1.0, 2.0, 3.0)}, r"image_0 and all other .* lie at one position, \(1\.0, 2\.0, 3\.0\)"),
        ({"position": None, "step": None}, "neither positions nor a distance between slices"),
    ],
)
def test_geometry_that_is_unknown(change, message):
    with pytest.raises(ValueError, match=message):
        order_slices([dataclasses.replace(one, **change) for one in series([0.0, 2.5, 5.0])])
    if "step" in change:
        with pytest.raises(ValueError, match=message):
            order_slices([dataclasses.replace(one, step=None) for one in series([0.0])])


def test_slices_without_positions_are_noted():
    slices = [dataclasses.replace(one, position=None, rows=None) for one in series([9, 8, 7])]
    ordered, offset = order_slices(slices)
    assert "No slice says where it lies: they are in the order of" in notes_on_geometry(ordered, offset)[0]
    assert "2.5 mm apart" in notes_on_geometry(ordered, offset)[0]


def turned(volume, directions, spacing, origin, transpose, flips):
    """The same voxels at the same places, with rows and columns stored in another order."""
    spacing, origin, directions = np.array(spacing), np.array(origin, float), directions.copy()
    for axis, flip in enumerate(flips):
        if flip:
            origin += directions[:, axis] * spacing[axis] * (volume.shape[axis] - 1)
            directions[:, axis] *= -1
            volume = np.flip(volume, axis)
    if transpose:
        order = [1, 0, 2]
        volume, spacing, directions = volume.transpose(order), spacing[order], directions[:, order]
    return volume, directions, spacing, origin


@pytest.mark.parametrize("direction", [np.eye(3), ORIENTATIONS[13], rotation(3)], ids=["axial", "turned", "oblique"])
@pytest.mark.parametrize("flips", list(itertools.product((False, True), repeat=2)), ids=str)
@pytest.mark.parametrize("transpose", [False, True])
def test_masks_are_turned_to_their_image(transpose, flips, direction, tmp_path, rng):
    spacing, origin = (0.5, 0.7, 2.5), (10.0, -20.0, 30.0)
    mask = (rng.random((5, 3, 4)) < 0.4).astype(np.uint8)
    image, offset = order_slices(write_series(tmp_path / "ct", mask * 100, direction, spacing, origin))
    stored, directions, sizes, start = turned(mask, direction, spacing, origin, transpose, flips)
    step = direction[:, 2] * spacing[2]
    slices = write_series(tmp_path / "mask", stored, directions, sizes, start, step=step)
    by_name = {one.name: one for one in slices}
    pixels = laid_on([by_name[one.name] for one in image], image, offset)
    np.testing.assert_array_equal(np.stack(pixels) * 100, np.stack([one.pixels for one in image]))


@pytest.mark.parametrize(
    "change",
    [
        {"position": (1.0, 2.0, 3.0)},
        {"position": (1.3, 2.0, 2.5)},
        {"rows": (-1, 0, 0, 0, 1, 0)},
        {"rows": (0.8, 0.6, 0, -0.6, 0.8, 0)},
        {"spacing": (0.7, 0.5)},
    ],
    ids=str,
)
def test_masks_that_lie_elsewhere_are_refused(change):
    image, offset = order_slices(series([0.0, 2.5, 5.0]))
    mask = [image[0], dataclasses.replace(image[1], **change), image[2]]
    with pytest.raises(ValueError, match="image_1 and image_1 have one number, but lie at"):
        laid_on(mask, image, offset)


def test_masks_that_do_not_say_where_they_lie_lie_as_the_image():
    image, offset = order_slices(series([0.0, 2.5, 5.0]))
    mask = [dataclasses.replace(one, position=None, rows=None, spacing=None) for one in image]
    for one, other in zip(laid_on(mask, image, offset), image, strict=True):
        np.testing.assert_array_equal(one, other.pixels)
    mirrored = [dataclasses.replace(one, rows=(-1, 0, 0, 0, 1, 0)) for one in mask]
    with pytest.raises(ValueError, match="on another grid"):
        laid_on(mirrored, image, offset)
