"""Stacks and tracings by their names."""

from __future__ import annotations

import json

import pytest
from monai.transforms import LoadImaged

from monai_topo.data import neuron_datalist


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_pairs_by_name(tmp_path):
    touch(tmp_path, "b.tif", "B.swc", "a.nii.gz", "a.eswc", "c.tif", "notes.txt", ".hidden.tif")
    a, b, c = json.loads(json.dumps(neuron_datalist(tmp_path)))
    assert a == {"image": str(tmp_path / "a.nii.gz"), "label": str(tmp_path / "a.eswc"), "patient": "a", "missing": ""}
    assert b["label"] == str(tmp_path / "B.swc")
    assert c == {"image": str(tmp_path / "c.tif"), "patient": "c", "missing": "There is no tracing c.swc."}


def test_a_folder_for_each_neuron(tmp_path):
    touch(tmp_path, "one/stack.tif", "one/stack.swc", "two/stack.tif", "two/stack.swc", "two/deeper/x.tif")
    items = neuron_datalist(tmp_path)
    assert [item["label"] for item in items] == [str(tmp_path / name / "stack.swc") for name in ("one", "two")]
    assert [item["patient"] for item in items] == ["one/stack", "two/stack"]


def test_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        neuron_datalist(tmp_path / "nowhere")
    touch(tmp_path, "a.tif", "b.swc")
    with pytest.raises(FileNotFoundError, match=r"no stack with a tracing: .*found a\.tif, b\.swc"):
        neuron_datalist(tmp_path)
    touch(tmp_path, "a.swc")
    with pytest.warns(UserWarning, match=r"b\.swc has no stack beside it"):
        assert len(neuron_datalist(tmp_path)) == 1
    touch(tmp_path, "a.nrrd")
    with pytest.raises(ValueError, match=r"a\.nrrd and .*a\.tif have the same name"):
        neuron_datalist(tmp_path)


def test_real_pair(real_data):
    (item,) = neuron_datalist(real_data / "neuron_spotspine")
    spacing = (0.06, 0.06, 0.21)
    item = LoadImaged("image", reader="monai_topo.data.TIFFStackReader", spacing=spacing)(item)
    item = LoadImaged("label", reader="monai_topo.data.SWCReader", spacing=spacing, mode="tube")(item)
    assert item["image"].shape == item["label"].shape
