"""Bundles on a folder that `prepare` has written."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from monai_topo.__main__ import main
from monai_topo.data import Volume, phantoms, read_volume, save_nifti
from tests.data.datasets import layouts

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI warns of every evaluated configuration


@pytest.mark.parametrize("bundle", ["em_membranes", "neuron_stacks"], indirect=True)
def test_training_on_a_prepared_stack(bundle, tmp_path):
    layouts.write_isbi2012(tmp_path / "download")
    assert main(["prepare", "isbi", str(tmp_path / "download"), str(tmp_path / "prepared"), "--parts", "3"]) == 0
    overrides = bundle.overrides(tmp_path, dataset_dir=str(tmp_path / "prepared"), max_epochs=1, fold=1)
    flow = bundle.run(["train.yaml"], **overrides)
    assert [item["fold"] for item in flow.val_dataset_data] == [1]
    assert len(flow.parser.get_parsed_content("train::datalist")) == 2
    assert flow.trainer.state.epoch == 1
    assert (tmp_path / "models" / "model.pt").is_file()


@pytest.mark.parametrize("bundle", ["ircadb_vessels"], indirect=True)
def test_a_folder_of_something_else_is_said_with_the_remedy(bundle, tmp_path):
    (tmp_path / "raw").mkdir()
    done = bundle.command(["train.yaml"], dataset_dir=tmp_path / "raw", bundle_root=bundle.root)
    [line] = [line for line in done.stderr.splitlines() if line.startswith("FileNotFoundError")]
    assert "holds neither datalist.json nor images/ and labels/" in line
    assert "python -m monai_topo prepare" in line


def first_cause(error):
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def write_pairs(folder, shapes, value=1, turned=False, suffix=".nii.gz"):
    """Volumes whose label is where the image is bright."""
    for number, shape in enumerate(shapes):
        label = phantoms.tree(shape, num_branches=2, seed=number).label
        image = Volume((100 * label).astype(np.int16), np.diag([0.75, 0.75, 2, 1]))
        mask = Volume((value * label).astype(np.uint8), image.affine)
        if turned:  # a header that says that the first axis goes the other way
            affine = image.affine.copy()
            affine[0] = [-0.75, 0, 0, 0.75 * (shape[0] - 1)]
            mask = Volume(mask.array[::-1], affine)
        for kind, volume in (("images", image), ("labels", mask)):
            path = folder / kind / f"case_{number}{suffix}"
            path.parent.mkdir(exist_ok=True)
            if suffix == ".tif":
                tifffile.imwrite(path, np.ascontiguousarray(volume.array.T), photometric="minisblack")
            else:
                save_nifti(path, volume)


@pytest.mark.parametrize("how", ["255", "tif"])
@pytest.mark.parametrize("bundle", ["ircadb_vessels"], indirect=True)
def test_labels_lie_on_their_images_whatever_the_files_say(how, bundle, tmp_path):
    """Values of 255, TIFF stacks: the label is 1 where the image is bright."""
    options = {"255": {"value": 255}, "tif": {"suffix": ".tif"}}[how]
    write_pairs(tmp_path, [(18, 20, 16), (16, 19, 17)], **options)
    flow = bundle.workflow(["train.yaml"], **bundle.overrides(tmp_path, dataset_dir=str(tmp_path)))
    flow.initialize()
    for item in flow.parser.get_parsed_content("validate#dataset"):
        assert set(item["label"].unique().tolist()) == {0, 1}
        assert ((item["image"] > 0.4) == (item["label"] > 0)).all()
        assert item["label"].affine[0, 0] > 0
    [patch] = flow.train_dataset[0]
    assert ((patch["image"].numpy() > 0.4) | (patch["label"].numpy() == 0)).mean() > 0.9


@pytest.mark.parametrize("bundle", ["ircadb_vessels"], indirect=True)
def test_a_label_that_lies_the_other_way_is_refused(bundle, tmp_path):
    write_pairs(tmp_path, [(18, 20, 16), (16, 19, 17)], turned=True)
    flow = bundle.workflow(["train.yaml"], **bundle.overrides(tmp_path, dataset_dir=str(tmp_path)))
    flow.initialize()
    with pytest.raises(RuntimeError) as ended:
        flow.parser.get_parsed_content("validate#dataset")
    assert "lie on different grids" in str(first_cause(ended.value))


@pytest.mark.parametrize("bundle", ["ircadb_vessels"], indirect=True)
def test_a_label_of_several_classes_is_refused(bundle, tmp_path):
    write_pairs(tmp_path, [(18, 20, 16), (16, 19, 17)], value=2)
    path = tmp_path / "labels" / "case_0.nii.gz"
    label = read_volume(path)
    array = label.array.copy()
    array[0, 0] = 1
    save_nifti(path, Volume(array, label.affine))
    flow = bundle.workflow(["train.yaml"], **bundle.overrides(tmp_path, dataset_dir=str(tmp_path)))
    flow.initialize()
    with pytest.raises(RuntimeError) as ended:
        [flow.parser.get_parsed_content(f"{part}::dataset") for part in ("train", "validate")]
    assert "the label holds 0, 1, 2, where a mask has 0 and one other value" in str(first_cause(ended.value))


@pytest.mark.parametrize("bundle", ["em_membranes"], indirect=True)
def test_a_file_that_cannot_be_read_is_said_in_one_line(bundle, tmp_path):
    """Not among the reasons of all readers that were never meant for it."""
    (tmp_path / "cut.tif").write_bytes(b"II*\0no stack")
    flow = bundle.workflow(["inference.yaml"], "infer", dataset_dir=str(tmp_path), image_pattern="*.tif")
    flow.initialize()
    with pytest.raises(RuntimeError, match="applying transform") as ended:
        flow.parser.get_parsed_content("dataset")[0]
    reason = ended.value.__cause__
    assert isinstance(reason, ValueError)
    assert "cut.tif" in str(reason)
    assert "PIL" not in str(reason)
    assert len(str(reason).splitlines()) == 1
