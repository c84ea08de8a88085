"""Folders of images."""

from __future__ import annotations

import pytest

from monai_topo.data import image_datalist


def test_images_of_a_folder(tmp_path):
    for name in ("b.nii.gz", "a.nii", "note.txt"):
        (tmp_path / name).touch()
    assert image_datalist(tmp_path) == [{"image": str(tmp_path / name)} for name in ("a.nii", "b.nii.gz")]
    assert image_datalist(tmp_path, "*.txt") == [{"image": str(tmp_path / "note.txt")}]
    assert image_datalist(tmp_path / "note.txt") == [{"image": str(tmp_path / "note.txt")}]


def test_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        image_datalist(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no image that matches"):
        image_datalist(tmp_path)
