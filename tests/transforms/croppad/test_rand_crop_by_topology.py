"""The sampler: whole patches, seeds, metadata, lazy and dictionary parity, caching."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, Dataset, MetaTensor, PersistentDataset
from monai.transforms import Compose, Flipd, RandFlipd, Spacingd
from monai.utils import set_determinism

from monai_topo import transforms
from monai_topo.data import phantoms
from monai_topo.transforms import RandCropByTopology, RandCropByTopologyd, TopologyWeightMap, TopologyWeightMapd
from monai_topo.transforms.croppad.sampling_table import sampling_table

TREE = phantoms.tree((20, 22, 24), num_branches=3, seed=1)
ONLY = float("inf")


def item():
    return {"image": TREE.image[None], "label": TREE.label[None]}


def numbered(shape):
    """An image in which every voxel holds its flat index."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape)


def one_voxel(shape, where):
    weights = np.zeros((1, *shape))
    weights[0][where] = 1
    return weights


@pytest.mark.parametrize("size", [1, 4, 5, (3, 6), (-1, 4)])
@pytest.mark.parametrize("where", [(0, 0), (6, 10), (3, 0), (5, 9), (3, 5)])
def test_patches_are_whole_and_hold_the_voxel(size, where):
    image = numbered((7, 11))
    crop = RandCropByTopology(size, num_samples=3, ratio=ONLY, weights=one_voxel((7, 11), where))
    expected = tuple(whole if part < 0 else part for part, whole in zip(np.broadcast_to(size, 2), (7, 11), strict=True))
    for patch in crop(image):
        assert patch.shape == (1, *expected)
        assert float(image[0][where]) in patch
        assert patch.meta["crop_source"] == "topology"


def test_the_last_place_of_3d():
    shape = (16, 17, 18)
    crop = RandCropByTopology(8, ratio=ONLY, weights=one_voxel(shape, (14, 16, 17)))
    (patch,) = crop(numbered(shape))
    assert patch.shape == (1, 8, 8, 8)
    assert patch.max() == np.prod(shape) - 1


def test_uniform_patches_reach_every_place_alike():
    crop = RandCropByTopology((2, 3), num_samples=6000, ratio=0, weights=one_voxel((4, 5), (0, 0)))
    crop.set_random_state(0)
    crop.randomize()
    corners = np.array(crop.centers) - (1, 1)
    places, counts = np.unique(corners, axis=0, return_counts=True)
    assert places.tolist() == [[y, x] for y in range(3) for x in range(3)]
    assert np.abs(counts / 6000 - 1 / 9).max() < 4 * np.sqrt(1 / 9 * 8 / 9 / 6000)
    assert set(crop.sources) == {"uniform"}


def test_weights_are_drawn_from():
    weights = np.zeros((1, 4, 5))
    weights[0, 1, 1], weights[0, 2, 3] = 1, 3
    crop = RandCropByTopology(1, num_samples=4000, ratio=ONLY, weights=weights)
    crop.set_random_state(0)
    crop.randomize()
    share = np.mean([center == (2, 3) for center in crop.centers])
    assert set(crop.centers) == {(1, 1), (2, 3)}
    assert share == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 4000))


@pytest.mark.parametrize("ratio", [0.0, 0.5, 3.0, ONLY])
def test_ratio(ratio):
    crop = RandCropByTopology(2, num_samples=4000, ratio=ratio, weights=np.ones((1, 4, 5))).set_random_state(1)
    crop.randomize()
    share = 1.0 if ratio == ONLY else ratio / (1 + ratio)
    measured = np.mean([source == "topology" for source in crop.sources])
    assert measured == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 4000) + 1e-12)


def test_an_empty_label_falls_back_to_uniform():
    done = TopologyWeightMapd("label")({"label": np.zeros((1, 8, 9))})
    patches = RandCropByTopologyd("label", "label_topology", 4, num_samples=40).set_random_state(0)(done)
    assert {patch["label"].meta["crop_source"] for patch in patches} == {"uniform", "uniform, no topology"}
    assert len({patch["label"].meta["crop_center"] for patch in patches}) > 5


def test_seeds():
    crop = RandCropByTopologyd(["image", "label"], "label_topology", 8, num_samples=4)
    done = TopologyWeightMapd("label")(item())

    def centers(seed, cropper=crop):
        return [patch["image"].meta["crop_center"] for patch in cropper.set_random_state(seed)(done)]

    assert centers(1) == centers(1) == centers(1, pickle.loads(pickle.dumps(crop)))
    assert centers(1) != centers(2)
    composed = Compose([TopologyWeightMapd("label"), crop]).set_random_state(3)
    first = [patch["image"].meta["crop_center"] for patch in composed(item())]
    composed.set_random_state(3)
    assert first == [patch["image"].meta["crop_center"] for patch in composed(item())]


def test_dictionary_is_the_array_twice():
    assert transforms.RandCropByTopologyD is transforms.RandCropByTopologyDict is RandCropByTopologyd
    weights = TopologyWeightMap()(TREE.label[None])
    given = {**item(), "w": weights, "other": [1, 2]}
    patches = RandCropByTopologyd(["image", "label"], "w", 7, num_samples=5).set_random_state(4)(given)
    array = RandCropByTopology(7, num_samples=5)
    array.set_random_state(4)
    for index, (patch, expected) in enumerate(zip(patches, array(given["image"], weights), strict=True)):
        assert torch.equal(patch["image"], expected)
        assert patch["image"].meta["crop_center"] == patch["label"].meta["crop_center"]
        assert patch["image"].meta["patch_index"] == index
        assert patch["other"] == [1, 2]
        assert patch["other"] is not given["other"]
        assert "w" not in patch
    assert "w" in given
    again = array(given["label"], randomize=False)
    assert all(torch.equal(a, patch["label"]) for a, patch in zip(again, patches, strict=True))


def test_the_map_is_cropped_when_it_is_a_key():
    weights = numbered((6, 7))
    (patch,) = RandCropByTopologyd(["image", "w"], "w", 3)({"image": weights, "w": weights})
    assert torch.equal(patch["image"], patch["w"])


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor, MetaTensor])
def test_containers_and_tables(kind):
    image, weights = numbered((9, 8)), TopologyWeightMap()(np.eye(9)[None, :, :8])
    table = {name: torch.as_tensor(value) for name, value in sampling_table(weights).items()}
    crops = [RandCropByTopology(4, 3).set_random_state(5)(kind(image), w) for w in (weights, kind(weights), table)]
    for patches in zip(*crops, strict=True):
        assert all(torch.equal(torch.as_tensor(patch), torch.as_tensor(patches[0])) for patch in patches)


def test_lazy_is_the_same():
    weights = TopologyWeightMap()(TREE.label[None])
    eager = RandCropByTopology(7, num_samples=4).set_random_state(6)(TREE.image[None], weights)
    lazy = RandCropByTopology(7, num_samples=4, lazy=True).set_random_state(6)(TREE.image[None], weights)
    for now, later in zip(eager, lazy, strict=True):
        assert later.pending_operations
        assert later.peek_pending_shape() == (7, 7, 7)
        from monai.transforms.lazy.functional import apply_pending

        done, _ = apply_pending(later, overrides={"mode": "nearest", "padding_mode": "zeros"})
        assert torch.equal(done, now)
        assert torch.equal(done.affine, now.affine)


@pytest.mark.parametrize("lazy", [False, True])
def test_in_a_pipeline(lazy):
    steps = Compose(
        [
            Flipd(["image", "label"], 1),
            TopologyWeightMapd("label"),
            RandCropByTopologyd(["image", "label"], "label_topology", 6, num_samples=2),
            RandFlipd(["image", "label"], prob=0.5, spatial_axis=0),
        ],
        lazy=lazy,
    ).set_random_state(7)
    tensors = {key: MetaTensor(value) for key, value in item().items()}
    patches = steps(tensors)
    expected = Compose(steps.transforms, lazy=False).set_random_state(7)(tensors)
    for patch, same in zip(patches, expected, strict=True):
        assert patch["image"].shape == (1, 6, 6, 6)
        assert torch.equal(patch["image"], same["image"])
        assert torch.equal(patch["label"], same["label"])


def test_a_trace_is_left():
    (patch,) = RandCropByTopology(5, weights=np.ones((1, 9, 9))).set_random_state(0)(MetaTensor(numbered((9, 9))))
    assert patch.applied_operations[-1]["class"] == "RandCropByTopology"
    corner = patch.affine[:2, 3].int().tolist()
    assert patch[0, 0, 0] == corner[0] * 9 + corner[1]


def test_the_map_is_cached(monkeypatch):
    calls = []
    compute = TopologyWeightMap.__call__
    monkeypatch.setattr(TopologyWeightMap, "__call__", lambda *given: calls.append(1) or compute(*given))
    steps = Compose([TopologyWeightMapd("label"), RandCropByTopologyd(["label"], "label_topology", 6, 2)])
    cached = CacheDataset([item(), item()], steps, progress=False)
    for _ in range(3):
        assert cached[0][0]["label"].shape == (1, 6, 6, 6)
    assert len(calls) == 2


def test_the_map_is_cached_on_disk(tmp_path):
    """Such caches keep plain containers of arrays and tensors only."""
    steps = Compose([TopologyWeightMapd("label"), RandCropByTopologyd(["label"], "label_topology", 6, 2)])
    cached = PersistentDataset([item()], steps, cache_dir=tmp_path)
    assert [patch["label"].shape for _ in range(2) for patch in cached[0]] == [(1, 6, 6, 6)] * 4
    assert len(list(tmp_path.iterdir())) == 1


def test_workers_draw_apart_and_again():
    steps = Compose([TopologyWeightMapd("label"), RandCropByTopologyd(["label"], "label_topology", 4)])
    flat = {"label": phantoms.tree((24, 26), seed=1).label[None]}

    def centers():
        set_determinism(8)
        loader = DataLoader(Dataset([flat] * 6, steps.set_random_state(9)), batch_size=1, num_workers=2)
        drawn = [tuple(int(value) for value in batch["label"].meta["crop_center"][0]) for batch in loader]
        set_determinism(None)
        return drawn

    first = centers()
    assert first == centers()
    assert len(set(first)) > 2


def test_another_grid_is_refused():
    done = TopologyWeightMapd("label")(item())
    coarse = Spacingd(["image", "label"], pixdim=(2.0,) * 3, mode="nearest")(
        {**done, "image": MetaTensor(done["image"]), "label": MetaTensor(done["label"])}
    )
    with pytest.raises(ValueError, match="after whatever changes the grid"):
        RandCropByTopologyd(["image"], "label_topology", 4)(coarse)
    with pytest.raises(ValueError, match="after whatever changes the grid"):
        RandCropByTopology(2, weights=np.ones((1, 4, 4)))(np.zeros((1, 4, 5)))


def test_larger_than_the_image():
    image = numbered((4, 9))
    with pytest.raises(ValueError, match="larger than the image"):
        RandCropByTopology(6, weights=np.ones((1, 4, 9)))(image)
    crop = RandCropByTopology(6, 5, weights=np.ones((1, 4, 9)), allow_smaller=True).set_random_state(0)
    assert {patch.shape for patch in crop(image)} == {(1, 4, 6)}


def test_bad_input():
    with pytest.raises(ValueError, match="num_samples"):
        RandCropByTopology(4, num_samples=0)
    with pytest.raises(ValueError, match="ratio"):
        RandCropByTopology(4, ratio=-1)
    with pytest.raises(ValueError, match="weights must be given"):
        RandCropByTopology(4)(np.zeros((1, 5, 5)))
    with pytest.raises(KeyError, match="TopologyWeightMapd"):
        RandCropByTopologyd("a", "b", 4)({"a": np.zeros((1, 5, 5))})
    with pytest.raises(TypeError, match="lazy"):
        RandCropByTopology(4, lazy="yes")
