"""Membranes of instance maps, array and dictionary."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from skimage.segmentation import find_boundaries

from monai_topo.data import phantoms
from monai_topo.topology import betti_numbers
from monai_topo.transforms import InstanceToMembrane, InstanceToMembraneD, InstanceToMembraned, InstanceToMembraneDict
from tests.topology.images import make

RAW = {"opening_radius": 0, "min_cell_size": 0}


def drawn(text):
    return np.array([[int(character) for character in line] for line in text.split()])[None]


def test_a_boundary_is_one_voxel_on_each_side():
    ids = drawn("11122 11122 33322 33322")
    expected = drawn("00110 11110 11110 00110")
    np.testing.assert_array_equal(InstanceToMembrane(**RAW)(ids), expected)


def test_background_is_membrane_unless_told():
    ids = drawn("11011 11011")
    np.testing.assert_array_equal(InstanceToMembrane(**RAW)(ids), drawn("01110 01110"))
    np.testing.assert_array_equal(InstanceToMembrane(background=None, **RAW)(drawn("00011")), drawn("00110"))
    np.testing.assert_array_equal(InstanceToMembrane(background=2, **RAW)(drawn("22222")), drawn("11111"))


def test_sections_are_no_neighbors_with_in_plane_axes():
    ids = np.ones((1, 6, 6, 2), int)
    ids[..., 1] = 2
    assert InstanceToMembrane(**RAW)(ids).all()
    assert not InstanceToMembrane(axes=(0, 1), **RAW)(ids).any()
    thin = np.ones((1, 9, 9, 1), int)
    assert not InstanceToMembrane(axes=(0, 1))(thin).any()


def test_small_cells_are_filled():
    ids = np.ones((1, 12, 12), int)
    ids[0, 4:7, 4:7] = 2  # one voxel is left of its inside
    keeps, fills = (InstanceToMembrane(opening_radius=0, min_cell_size=size)(ids) for size in (1, 2))
    assert keeps[0, 5, 5] == 0
    assert fills[0, 5, 5] == 1
    assert betti_numbers(keeps[0]) == (1, 1)
    assert betti_numbers(fills[0]) == (1, 0)


def test_opening_rounds_cells_but_not_at_the_border():
    ids = np.ones((1, 10, 12), int)
    ids[0, :, 6:] = 2
    opened = InstanceToMembrane(opening_radius=2, min_cell_size=0)(ids)
    np.testing.assert_array_equal(opened, InstanceToMembrane(**RAW)(ids))
    ids[0, 4, 2:6] = 2  # a spike one voxel wide
    with_spike = InstanceToMembrane(opening_radius=1, min_cell_size=0)(ids)
    assert with_spike[0, 4, 2:6].all()


def test_membranes_of_a_phantom_enclose_its_cells():
    phantom = phantoms.membranes((40, 44, 42), num_cells=10)
    membrane = InstanceToMembrane()(phantom.instances[None])[0]
    assert betti_numbers(membrane, frame=True) == phantom.betti_numbers


@pytest.fixture(scope="module")
def real_ids(real_data):
    from monai.transforms import LoadImage

    path = real_data / "fib25" / "fib25_val.hdf"
    return LoadImage(reader="monai_topo.data.HDF5Reader", dataset="volumes/labels/neuron_ids")(path)[None]


@pytest.mark.parametrize("shape", [(9, 14), (6, 8, 7)])
def test_boundaries_are_scikit_images(shape):
    ids = 1 + np.digitize(make("smooth", shape, seed=3), [0.48, 0.52])
    done = InstanceToMembrane(background=None, **RAW)(ids[None])
    np.testing.assert_array_equal(done[0], find_boundaries(ids, mode="thick"))
    assert not done.all()


def test_boundaries_of_real_labels_are_scikit_images(real_ids):
    done = InstanceToMembrane(background=None, **RAW)(real_ids)
    np.testing.assert_array_equal(done[0], find_boundaries(np.asarray(real_ids[0]).astype(int), mode="thick"))


def by_pairs(ids, thickness, spacing, axes):
    """Voxels within half the thickness of a face between two ids, by looking at every voxel and every face."""
    centers = np.moveaxis(np.indices(ids.shape), 0, -1) * spacing
    membrane = np.zeros(ids.shape, bool)
    for axis in axes:
        step = np.eye(ids.ndim, dtype=int)[axis]
        for index in np.ndindex(*(np.array(ids.shape) - step)):
            if ids[index] != ids[tuple(index + step)]:
                offset = centers - (index + step / 2) * spacing
                here = np.all([offset[..., other] == 0 for other in range(ids.ndim) if other not in axes], axis=0)
                membrane |= here & (np.linalg.norm(offset, axis=-1) <= thickness / 2 + 1e-9)
    return membrane


@pytest.mark.parametrize(
    ("shape", "spacing", "axes"),
    [
        ((9, 14), (1.0, 1.0), (0, 1)),
        ((9, 8), (2.0, 0.5), (0, 1)),
        ((6, 7, 5), (1, 1, 4), (0, 1)),
        ((5, 6, 4), (1, 2, 3), (0, 1, 2)),
    ],
)
@pytest.mark.parametrize("thickness", [3.0, 4.5])
def test_thickness(rng, shape, spacing, axes, thickness):
    ids = np.ones(shape, int)
    ids[tuple(rng.integers(0, shape, (2, len(shape))).T)] = (2, 3)
    given = None if len(axes) == len(shape) else axes
    done = InstanceToMembrane(given, thickness=thickness, spacing=spacing, **RAW)(ids[None])[0]
    np.testing.assert_array_equal(done, by_pairs(ids, thickness, np.array(spacing), axes))
    affine = torch.diag(torch.tensor([*spacing, *[1.0] * (4 - len(spacing))]).float())
    of_affine = InstanceToMembrane(given, thickness=thickness, **RAW)(
        MetaTensor(torch.tensor(ids)[None], affine=affine)
    )
    np.testing.assert_array_equal(of_affine[0], done)


def test_a_thickness_under_a_voxel_is_refused():
    with pytest.raises(ValueError, match="less than a voxel, 3 along"):
        InstanceToMembrane(thickness=2.0, spacing=(1, 3))(drawn("1122"))
    assert InstanceToMembrane(axes=(0,), thickness=2.0, spacing=(1, 3), **RAW)(drawn("11 22")).all()
    with pytest.raises(ValueError, match="thickness"):
        InstanceToMembrane(thickness=0)


def test_cleaning_leaves_few_artifacts_in_real_labels(real_ids):
    raw, clean = (betti_numbers(InstanceToMembrane(**options)(real_ids)[0])[2] for options in (RAW, {}))
    assert raw > 100
    assert clean <= 10


@pytest.mark.parametrize("container", [np.asarray, torch.tensor, MetaTensor])
def test_containers(container):
    ids = container(drawn("11122 11122").astype(np.float32))
    membrane = InstanceToMembrane(**RAW)(ids)
    assert type(membrane) is type(ids)
    assert membrane.tolist() == drawn("00110 00110").tolist()
    assert membrane.dtype == (np.uint8 if isinstance(ids, np.ndarray) else torch.uint8)


def test_metadata_is_kept():
    ids = MetaTensor(torch.ones(1, 8, 8, 8), affine=torch.diag(torch.tensor([4.0, 4.0, 40.0, 1.0])))
    assert InstanceToMembrane()(ids).affine.diagonal().tolist() == [4.0, 4.0, 40.0, 1.0]


def test_dictionary():
    assert InstanceToMembraneD is InstanceToMembraneDict is InstanceToMembraned
    item = {"label": drawn("11122"), "image": "as it is"}
    done = InstanceToMembraned("label", **RAW)(item)
    np.testing.assert_array_equal(done["label"], drawn("00110"))
    assert done["image"] == "as it is"
    np.testing.assert_array_equal(item["label"], drawn("11122"))
    assert InstanceToMembraned("mask", allow_missing_keys=True)(item) == item
    with pytest.raises(KeyError):
        InstanceToMembraned("mask")(item)


def test_bad_input():
    with pytest.raises(ValueError, match=r"\(1, H, W\)"):
        InstanceToMembrane()(np.ones((2, 4, 4)))
    with pytest.raises(ValueError, match="whole numbers"):
        InstanceToMembrane()(np.full((1, 4, 4), 0.5))
    with pytest.raises(ValueError, match="0 or more"):
        InstanceToMembrane(opening_radius=-1)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(
    ("thick", "others"), [(8.0, (4.0, 3.0)), (7.9, (4.0, 3.0)), (40.0, (4.0, 4.0)), (1.0, (1.0, 1.0))]
)
def test_thick_sections_are_no_neighbors_by_the_voxel_size(axis, thick, others):
    """At twice the longer edge of a pixel, whichever axis it is, by the affine or as told."""
    ids = np.random.default_rng(2).integers(1, 4, (1, 7, 8, 6))
    spacing = list(others)
    spacing.insert(axis, thick)
    in_plane = [other for other in range(3) if other != axis] if thick >= 2 * max(others) else None
    expected = InstanceToMembrane(axes=in_plane)(ids)
    np.testing.assert_array_equal(InstanceToMembrane(axes="auto", spacing=spacing)(ids), expected)
    tensor = MetaTensor(torch.from_numpy(ids), affine=np.diag([*spacing, 1.0]))
    np.testing.assert_array_equal(InstanceToMembraned("x", axes="auto")({"x": tensor})["x"].numpy(), expected)


def test_images_have_no_sections():
    ids = np.ones((1, 5, 6), int)
    ids[0, :, 3:] = 2
    raw = InstanceToMembrane(axes="auto", spacing=(1, 9), **RAW)(ids)
    np.testing.assert_array_equal(raw, InstanceToMembrane(**RAW)(ids))
    with pytest.raises(ValueError, match="axes must be None, \"auto\" or axes, got 'all'"):
        InstanceToMembrane(axes="all")
