"""SWC tracings as volumes on their image's grid."""

from __future__ import annotations

import pickle

import h5py
import numpy as np
import pytest
import tifffile
from monai.transforms import Compose, EnsureChannelFirst, LoadImage, LoadImaged, SaveImage
from skimage.draw import line_nd

from monai_topo.data import SWCReader, TIFFStackReader
from monai_topo.data.readers.volume import Volume, save_nifti
from monai_topo.topology import betti_numbers

SHAPE, SPACING = (14, 10, 7), (0.5, 0.5, 2.0)
NODES = [(2, 2, 1), (9, 4, 1), (9, 9, 4), (12, 1, 6)]  # voxels; edges of odd lengths have no point half way
PARENTS = [-1, 0, 1, 1]


def swc(scale=SPACING, shift=0.0, radius=0.6):
    """Child before parent, ids with gaps, an extra column, a comment and CRLF."""
    lines = ["# a comment\r"]
    for index in reversed(range(len(NODES))):
        x, y, z = (size * (voxel + shift) for size, voxel in zip(scale, NODES[index], strict=True))
        parent = -1 if PARENTS[index] < 0 else 10 * PARENTS[index] + 3
        lines.append(f"{10 * index + 3} 3 {x} {y} {z} {radius} {parent} 0.5\r")
    return "\n".join([*lines, ""])


@pytest.fixture
def path(tmp_path):
    (tmp_path / "neuron.swc").write_text(swc())
    return tmp_path / "neuron.swc"


@pytest.fixture
def expected():
    mask = np.zeros(SHAPE, np.uint8)
    for node, parent in zip(NODES, PARENTS, strict=True):
        if parent >= 0:
            mask[line_nd(NODES[parent], node, endpoint=True)] = 1
    return mask


def load(path, *arguments, **options):
    return LoadImage(reader=SWCReader(*arguments, **options))(path)


def test_centerline_metadata_and_affine(path, expected):
    item = LoadImaged("label", reader="monai_topo.data.SWCReader", shape=SHAPE, spacing=SPACING)({"label": path})
    np.testing.assert_array_equal(item["label"].numpy(), expected)
    assert betti_numbers(item["label"].numpy()) == (1, 0, 0)
    meta = item["label"].meta
    np.testing.assert_array_equal(meta["affine"], np.diag([*SPACING, 1]))
    assert (meta["num_nodes"], meta["num_clipped_nodes"], meta["num_trees"]) == (4, 0, 1)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (swc((1, 1, 1)), {"unit": "voxel"}),
        (swc((1, 1, 1), shift=0.5), {"unit": "voxel", "origin": "corner"}),
        (swc(SPACING, shift=0.5), {"origin": "corner"}),
    ],
    ids=["voxels", "voxels from the corner", "physical from the corner"],
)
def test_units_and_origins(content, options, path, expected):
    path.write_text(content)
    np.testing.assert_array_equal(load(path, shape=SHAPE, spacing=SPACING, **options).numpy(), expected)


def write_nifti(folder):
    affine = np.array([[-0.5, 0, 0, 30.0], [0, 0.5, 0, -7.0], [0, 0, 2.0, 4.0], [0, 0, 0, 1]])
    save_nifti(folder / "NEURON.nii.gz", Volume(np.zeros(SHAPE, np.uint8), affine))
    return affine


def write_hdf5(folder):
    with h5py.File(folder / "neuron.h5", "w") as file:
        file["volumes/raw"] = np.zeros(SHAPE[::-1], np.uint8)
        file["volumes/raw"].attrs["resolution"] = SPACING[::-1]
    return np.diag([*SPACING, 1])


@pytest.mark.parametrize("write", [write_nifti, write_hdf5], ids=lambda write: write.__name__)
def test_the_grid_of_the_image_beside(write, path, expected):
    affine = write(path.parent)
    label = load(path)
    np.testing.assert_array_equal(label.numpy(), expected)
    np.testing.assert_allclose(label.affine, affine)


def test_a_tiff_stack_beside_needs_the_spacing(path, expected):
    tifffile.imwrite(path.with_suffix(".tif"), np.zeros(SHAPE[::-1], np.uint8), photometric="minisblack")
    label = load(path, spacing=SPACING)
    np.testing.assert_array_equal(label.numpy(), expected)
    image = LoadImage(reader=TIFFStackReader(SPACING))(path.with_suffix(".tif"))
    np.testing.assert_array_equal(label.affine, image.affine)
    with pytest.raises(ValueError, match=r"spacing must be given for .*neuron\.tif does not know it"):
        SWCReader().read(path)
    path.write_text(swc((1, 1, 1)))
    np.testing.assert_array_equal(load(path, unit="voxel").numpy(), expected)


def test_the_image_s_own_reader_decides_its_affine(path, expected):
    affine = write_nifti(path.parent)
    label = load(path, image_reader="ITKReader")
    np.testing.assert_array_equal(label.numpy(), expected)
    np.testing.assert_allclose(label.affine, affine)


@pytest.mark.parametrize("writer", ["NibabelWriter", "ITKWriter"])
def test_through_a_nifti_file_and_back(path, expected, tmp_path, writer):
    affine = write_nifti(tmp_path)
    label = Compose([LoadImage(reader=SWCReader()), EnsureChannelFirst()])(path)
    save = SaveImage(output_ext=".nii.gz", resample=False, print_log=False, writer=writer, output_dtype=np.uint8)
    save(label, filename=str(tmp_path / "label"))
    back = LoadImage()(tmp_path / "label.nii.gz")
    np.testing.assert_array_equal(back.numpy(), expected)
    np.testing.assert_allclose(back.affine, affine, atol=1e-6)


def test_modes(path, expected):
    tube = load(path, "tube", shape=SHAPE, spacing=SPACING).numpy()
    distance = load(path, "distance", shape=SHAPE, spacing=SPACING).numpy()
    assert distance.dtype == np.float32
    np.testing.assert_array_equal(distance == 0, expected == 1)
    assert tube[2, 3, 1] == 1  # one voxel of 0.5 beside the root
    assert tube[2, 2, 2] == 0  # one section of 2.0 above it
    assert expected.sum() < tube.sum() < (distance <= 1.2).sum()
    assert (tube >= expected).all()


def test_two_dimensions(path):
    flat = load(path, shape=SHAPE[:2], spacing=SPACING[:2]).numpy()
    assert flat.shape == SHAPE[:2]
    assert betti_numbers(flat) == (1, 0)
    assert flat[9, 4] == flat[12, 1] == 1


def test_several_files_become_channels(path, tmp_path, expected):
    (tmp_path / "other.swc").write_text("1 0 0 0 0 1 -1")
    reader = SWCReader(shape=SHAPE, spacing=SPACING)
    array, meta = reader.get_data(reader.read([path, tmp_path / "other.swc"]))
    assert array.sum(axis=(1, 2, 3)).tolist() == [expected.sum(), 1]
    assert meta["original_channel_dim"] == 0


def test_nodes_outside_are_counted_and_warned_of(path, expected):
    small = (12, 10, 4)
    with pytest.warns(UserWarning, match=r"neuron\.swc: 2 of 4 nodes lie outside the volume of shape \(12, 10, 4\)"):
        label = load(path, shape=small, spacing=SPACING)
    np.testing.assert_array_equal(label.numpy(), expected[:12, :10, :4])
    assert label.meta["num_clipped_nodes"] == 2


def test_a_tracing_beside_the_volume_is_an_error(path):
    with pytest.raises(ValueError, match=r"all 4 nodes lie outside .*are spacing .*, unit and origin right\?"):
        SWCReader(shape=SHAPE, spacing=(0.01, 0.01, 0.01)).read(path)


def test_errors(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        SWCReader().read(tmp_path / "nowhere.swc")
    with pytest.raises(FileNotFoundError, match=r"no image lies beside .*expected neuron with one of \.nii\.gz"):
        SWCReader().read(path)
    path.write_text("1 0 0 0 0 1 2\n2 0 1 1 1 1 1\n")
    with pytest.raises(ValueError, match=r"neuron\.swc: line 1: node 1 is its own ancestor"):
        SWCReader(shape=SHAPE, spacing=SPACING).read(path)
    with pytest.raises(ValueError, match="mode must be one of"):
        SWCReader("skeleton")
    with pytest.raises(ValueError, match="spacing must be given with shape"):
        SWCReader(shape=SHAPE)
    with pytest.raises(ValueError, match="shape must be 2 or 3 positive sizes"):
        SWCReader(shape=(4, 0, 4), spacing=SPACING)


def test_suffixes_and_pickling(path, expected):
    reader = pickle.loads(pickle.dumps(SWCReader(shape=SHAPE, spacing=SPACING)))
    assert reader.verify_suffix(path)
    assert not reader.verify_suffix("neuron.tif")
    np.testing.assert_array_equal(reader.get_data(reader.read(path))[0], expected)


def test_a_real_tracing_lies_on_bright_voxels(real_data):
    stack = real_data / "neuron_spotspine" / "SpotSpine_ImageStack_Test.tif"
    spacing = (0.06, 0.06, 0.21)
    image = LoadImage(reader=TIFFStackReader(spacing))(stack)
    label = load(stack.with_suffix(".swc"), spacing=spacing)
    assert label.shape == image.shape == (116, 157, 41)
    np.testing.assert_array_equal(label.affine, image.affine)
    assert betti_numbers(label.numpy()) == (1, 0, 0)
    assert label.meta["num_clipped_nodes"] == 0
    on, all_over = image.numpy()[label.numpy() == 1].mean(), image.numpy().mean()
    assert on > 5 * all_over
