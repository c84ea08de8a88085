"""Folders of images and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from monai.transforms import LoadImage

from monai_topo.data import cremi_datalist, save_phantoms, volume_datalist
from monai_topo.data.readers.volume import Volume, save_nifti
from monai_topo.topology import betti_numbers


def write(folder, *names, shape=(3, 4, 5)):
    for kind in ("images", "labels"):
        (folder / kind).mkdir(exist_ok=True, parents=True)
        for name in names:
            save_nifti(folder / kind / f"{name}.nii.gz", Volume(np.zeros(shape, np.uint8), np.eye(4)))
    return folder


def test_pairs_by_name_in_folds(tmp_path):
    write(tmp_path, "b", "a", "c", "d")
    items = volume_datalist(tmp_path)
    assert [item["patient"] for item in items] == ["a", "b", "c", "d"]
    assert all(Path(item["image"]).parts[-1] == Path(item["label"]).parts[-1] for item in items)
    validated = []
    for fold in range(3):
        training, validation = (volume_datalist(tmp_path, part, fold=fold) for part in ("training", "validation"))
        assert sorted(item["patient"] for item in [*training, *validation]) == ["a", "b", "c", "d"]
        validated += [item["patient"] for item in validation]
    assert sorted(validated) == ["a", "b", "c", "d"]


def test_dots_in_names_are_no_suffixes(tmp_path):
    names = ["3Dircadb1.1", "3Dircadb1.2", "1.2.840.113619.2", "1.2.840.113619.3"]
    write(tmp_path, *names)
    assert sorted(item["patient"] for item in volume_datalist(tmp_path)) == sorted(names)
    assert len(volume_datalist(tmp_path, "validation", num_folds=4)) == 1


def test_what_is_wrong_is_said(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "scan.dcm").touch()
    with pytest.raises(FileNotFoundError, match=r"neither datalist\.json nor images/ and labels/, but scan\.dcm: conv"):
        volume_datalist(tmp_path / "raw")
    one = write(tmp_path / "one", "a")
    with pytest.raises(ValueError, match="holds one volume"):
        volume_datalist(one, "training")
    two = write(tmp_path / "two", "a", "b")
    with pytest.raises(ValueError, match="fold must be from 0 to 1 for the 2 volumes"):
        volume_datalist(two, "training", fold=2)
    with pytest.raises(ValueError, match="section must be"):
        volume_datalist(two, "test")
    save_nifti(two / "labels" / "b.nii.gz", Volume(np.zeros((3, 5, 4), np.uint8), np.eye(4)))
    with pytest.raises(ValueError, match=r"b\.nii\.gz lie on different grids: shapes \(3, 5, 4\) and \(3, 4, 5\)"):
        volume_datalist(two, "training")
    (two / "labels" / "b.nii.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"b\.nii\.gz has no label"):
        volume_datalist(two)


@pytest.mark.parametrize("change", ["mirrored", "permuted", "shifted", "other sizes"])
def test_image_and_label_lie_on_one_grid(change, tmp_path):
    """MONAI's pipelines load both as they are, so that even a mirrored label would be trained on as it lies."""
    write(tmp_path, "a", "b", shape=(4, 4, 4))
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    save_nifti(tmp_path / "images" / "b.nii.gz", Volume(np.zeros((4, 4, 4), np.uint8), affine))
    affine = {
        "mirrored": affine @ [[-1, 0, 0, 3], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        "permuted": affine[:, [1, 0, 2, 3]],
        "shifted": affine + np.outer([0, 0, 0.5, 0], [0, 0, 0, 1]),
        "other sizes": np.diag([2.0, 2.0, 2.1, 1.0]),
    }[change]
    save_nifti(tmp_path / "labels" / "b.nii.gz", Volume(np.zeros((4, 4, 4), np.uint8), affine))
    with pytest.raises(ValueError, match=r"labels.b\.nii\.gz and .*images.b\.nii\.gz lie on different .*affines"):
        volume_datalist(tmp_path)


def test_dots_in_names_tell_patients_apart(tmp_path):
    write(tmp_path, "3Dircadb1.1", "3Dircadb1.2")
    assert [item["patient"] for item in volume_datalist(tmp_path)] == ["3Dircadb1.1", "3Dircadb1.2"]


def test_phantoms_on_disk_have_their_topology_grid_and_intensities(tmp_path):
    save_phantoms(tmp_path, "tree", (20, 24, 28), count=2, intensities=(-50, 250), spacing=(1, 2, 3), num_branches=2)
    items = volume_datalist(tmp_path)
    assert len(items) == 2
    for item in items:
        image, label = (LoadImage()(item[key]) for key in ("image", "label"))
        assert image.shape == label.shape == (20, 24, 28)
        assert image.affine.diagonal().tolist() == [1, 2, 3, 1]
        assert betti_numbers(label.numpy() > 0) == (1, 0, 0)
        assert image[label > 0].mean() > 120 > 60 > image[label == 0].mean() > -10
    assert not np.array_equal(LoadImage()(items[0]["label"]), LoadImage()(items[1]["label"]))


def test_phantoms_that_are_there_are_kept(tmp_path):
    save_phantoms(tmp_path, "membranes", (14, 18, 20), count=1, layout="cremi", num_cells=4)
    before = (tmp_path / "phantom_0.hdf").stat().st_mtime_ns
    save_phantoms(tmp_path, "membranes", (14, 18, 20), count=2, layout="cremi", num_cells=4)
    assert (tmp_path / "phantom_0.hdf").stat().st_mtime_ns == before
    assert len(cremi_datalist(tmp_path)) == 2


def test_phantoms_of_other_options_are_not_mixed(tmp_path):
    save_phantoms(tmp_path, "tube", (16, 14, 12), count=1)
    save_phantoms(tmp_path, "tube", [16, 14, 12], count=2, seed=1)
    for options in ({"shape": (16, 14, 13)}, {"structure": "shells"}, {"noise": 0.3}, {"spacing": (1, 1, 2)}):
        with pytest.raises(ValueError, match="holds phantoms of other options"):
            save_phantoms(tmp_path, **{"structure": "tube", "shape": (16, 14, 12), **options})
    assert len(volume_datalist(tmp_path)) == 3


def test_phantoms_that_cannot_be(tmp_path):
    with pytest.raises(ValueError, match="structure must be one of"):
        save_phantoms(tmp_path, "roads", (20, 20, 20))
    with pytest.raises(ValueError, match="layout 'cremi' needs cells, which 'tree' has not"):
        save_phantoms(tmp_path, "tree", (20, 20, 20), layout="cremi")
