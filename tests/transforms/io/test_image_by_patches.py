"""Images that are read by patches: what MONAI's crops take of them is what they take of the image in memory."""

from __future__ import annotations

import copy
import pickle

import nibabel
import numpy as np
import pytest
import torch
import zarr
from monai.data import CacheDataset, DataLoader, Dataset, MetaTensor, list_data_collate
from monai.transforms import (
    CenterSpatialCropd,
    Compose,
    EnsureTyped,
    Flipd,
    RandSpatialCropd,
    RandSpatialCropSamplesd,
    RandWeightedCropd,
    ScaleIntensityd,
    SpatialCropd,
    SpatialPadd,
)
from PIL import Image

from monai_topo.data import BoxSource
from monai_topo.transforms import ImageByPatches, LoadVolume, LoadVolumed

SHAPE = (20, 22, 24)
KEYS = ["image", "label"]


@pytest.fixture
def paths(tmp_path, rng):
    """An image and a label whose axes lie otherwise."""
    array = rng.integers(0, 255, SHAPE, dtype=np.uint8)
    stored = {"image": array.T, "label": (array > 100).astype(np.uint16).transpose(1, 0, 2)}
    found = {}
    for key, names in (("image", "zyx"), ("label", "yxz")):
        found[key] = str(tmp_path / f"{key}.zarr")
        made = zarr.create_array(
            found[key], data=stored[key], chunks=(5, 6, 7), dimension_names=list(names), overwrite=True
        )
        sizes = {"x": 1, "y": 2, "z": 3}
        made.attrs.update(resolution=[sizes[name] for name in names], offset=[10 * sizes[name] for name in names])
    return found


@pytest.fixture
def read(monkeypatch):
    """Voxels of each region that is read."""
    from monai_topo.data.readers import zarr_reader

    sizes, real = [], zarr_reader.read_region

    def counted(image, region):
        part = real(image, region)
        sizes.append(part.size)
        return part

    monkeypatch.setattr(zarr_reader, "read_region", counted)
    return sizes


CROPS = [
    RandSpatialCropd(KEYS, (5, 6, 7), random_size=False),
    RandSpatialCropd(KEYS, (3, 4, 5), max_roi_size=(9, 9, 9), random_size=True),
    RandSpatialCropSamplesd(KEYS, (5, 6, 7), 3, random_size=False),
    CenterSpatialCropd(KEYS, (5, 4, 3)),
    SpatialCropd(KEYS, roi_center=(5, 5, 5), roi_size=(2, 3, 4)),
    SpatialCropd(KEYS, roi_start=(18, 0, 20), roi_end=(30, 2, 24)),
]


@pytest.mark.parametrize("crop", CROPS, ids=lambda crop: type(crop).__name__)
@pytest.mark.parametrize("dtype", [np.float32, None])
def test_as_in_memory(crop, dtype, paths, read):
    found = []
    for by_patches in (True, False):
        steps = [LoadVolumed(KEYS, dtype=dtype, by_patches=by_patches), SpatialPadd(KEYS, (4, 4, 4)), crop]
        transform = Compose([*steps, EnsureTyped(KEYS, dtype=torch.float32), ScaleIntensityd("image")])
        transform.set_random_state(3)
        items = transform(paths)
        found.append(items if isinstance(items, list) else [items])
        if by_patches:
            assert max(read) < 1000
    assert len(found[0]) == len(found[1])
    for ours, whole in zip(*found, strict=True):
        for key in KEYS:
            assert type(ours[key]) is type(whole[key]) is MetaTensor
            torch.testing.assert_close(ours[key].as_tensor(), whole[key].as_tensor(), rtol=0, atol=0)
            torch.testing.assert_close(ours[key].affine, whole[key].affine)
            assert len(ours[key].applied_operations) == len(whole[key].applied_operations)


def test_nothing_is_read_before_the_crop(paths, read):
    item = LoadVolumed(KEYS, by_patches=True)(paths)
    assert {type(item[key]) for key in KEYS} == {ImageByPatches}
    assert item["image"].shape == (1, *SHAPE)
    assert item["image"].pixdim.tolist() == item["label"].pixdim.tolist() == [1, 2, 3]
    copies = [copy.deepcopy(item["label"]), pickle.loads(pickle.dumps(item["label"])), item["label"].clone()]
    assert read == []
    for one in copies:
        torch.testing.assert_close(one[:, 3:5, 2:9].as_tensor(), item["label"][:, 3:5, 2:9].as_tensor())
    assert str(item["image"]) == "ImageByPatches(shape=(1, 20, 22, 24), dtype=torch.float32)"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("cached", [CacheDataset, Dataset])
def test_in_a_data_loader(cached, workers, paths):
    steps = [LoadVolumed(KEYS, by_patches=True), RandSpatialCropSamplesd(KEYS, (5, 6, 7), 2, random_size=False)]
    dataset = cached([paths] * 3, Compose(steps))
    loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=list_data_collate)
    batch = next(iter(loader))
    assert batch["image"].shape == (4, 1, 5, 6, 7)
    torch.testing.assert_close((batch["image"] > 100).float().as_tensor(), batch["label"].as_tensor())


WHOLE = {
    "flip": Flipd("image", 0),
    "scale": ScaleIntensityd("image"),
    "weighted crop by itself": RandWeightedCropd("image", "image", (3, 3, 3)),
    "numpy": lambda item: item["image"].numpy(),
    "asarray": lambda item: np.asarray(item["image"]),
    "sum": lambda item: item["image"].sum(),
    "add": lambda item: item["image"] + 1,
    "index": lambda item: item["image"][0],
    "stride": lambda item: item["image"][:, ::2],
    "to": lambda item: item["image"].to("cpu"),
    "stack": lambda item: torch.stack([item["image"]]),
}


@pytest.mark.parametrize("use", WHOLE.values(), ids=WHOLE)
def test_what_needs_all_voxels_is_refused(use, paths):
    item = LoadVolumed("image", by_patches=True)(paths)
    with pytest.raises(RuntimeError, match="needs all voxels of an image that is read by patches: put it after"):
        use(item)


def test_padding_to_more_than_the_image(paths):
    """MONAI words the error anew."""
    with pytest.raises(ValueError, match="float32 meta") as error:
        SpatialPadd("image", (30, 30, 30))(LoadVolumed("image", by_patches=True)(paths))
    assert "needs all voxels" in str(error.value.__cause__)


def test_a_folder_of_sections(tmp_path, rng):
    array = rng.integers(0, 255, (9, 8, 7), dtype=np.uint8)
    (tmp_path / "stack").mkdir()
    for z in range(7):
        Image.fromarray(array[..., z].T).save(tmp_path / "stack" / f"{z}.png")
    image = LoadVolume(by_patches=True)(tmp_path / "stack")
    np.testing.assert_array_equal(image[:, 2:5, 1:3, 4:7][0], array[2:5, 1:3, 4:7])


def test_other_files_are_read_whole(tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 4, 5), np.uint8), np.eye(4)), tmp_path / "a.nii")
    assert type(LoadVolume(by_patches=True)(tmp_path / "a.nii")) is MetaTensor


def test_boxes_of_turned_axes(rng):
    array = rng.random((4, 5, 6))
    source = BoxSource.of(array.__getitem__, array.shape, ">f8")
    turned = source.transpose(2, 0, 1)[::-1, :, ::-1].transpose((1, 0, 2))[::-1, :, :]
    expected = array.transpose(2, 0, 1)[::-1, :, ::-1].transpose(1, 0, 2)[::-1, :, :]
    assert (turned.shape, turned.ndim, turned.size, turned.dtype) == (expected.shape, 3, 120, np.dtype("f8"))
    np.testing.assert_array_equal(turned.box([(1, 3), (0, 6), (2, 5)]), expected[1:3, :, 2:5])
