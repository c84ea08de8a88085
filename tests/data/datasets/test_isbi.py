"""ISBI 2012 and SNEMI3D as they are downloaded."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from monai.transforms import LoadImaged

from monai_topo.data import isbi_datalist
from tests.data.datasets import layouts


def load(item, key, reader="TIFFStackReader", **options):
    return LoadImaged(key, reader=f"monai_topo.data.{reader}", **options)(item)[key]


def test_isbi2012(tmp_path):
    raw, membranes = layouts.write_isbi2012(tmp_path)
    (item,) = json.loads(json.dumps(isbi_datalist(tmp_path)))
    assert item["layout"] == "isbi2012"
    assert item["membrane_value"] == 0
    image = load(item, "image", spacing=[4, 4, 50])
    np.testing.assert_array_equal(image.numpy(), raw.T)
    assert image.affine.diagonal().tolist() == [4.0, 4.0, 50.0, 1.0]
    label = load(item, "label", spacing=[4, 4, 50], mask_value=item["membrane_value"])
    np.testing.assert_array_equal(label.numpy(), membranes.T)
    (test,) = isbi_datalist(tmp_path, "test")
    assert load(test, "image").shape == (24, 30, 13)
    assert "label" not in test


def test_snemi3d(tmp_path):
    raw, instances = layouts.write_snemi3d(tmp_path)
    (item,) = isbi_datalist(tmp_path)
    assert item["layout"] == "snemi3d"
    assert "membrane_value" not in item
    np.testing.assert_array_equal(load(item, "image").numpy(), raw.T)
    np.testing.assert_array_equal(load(item, "label").numpy(), instances.T)
    with pytest.raises(ValueError, match="membrane_value must be None for snemi3d"):
        isbi_datalist(tmp_path, membrane_value=0)


def test_the_copy_in_hdf5(tmp_path):
    raw, membranes = layouts.write_isbi2012_hdf5(tmp_path)
    with h5py.File(tmp_path / "another.h5", "w") as file:
        file["raw"] = raw
    (item,) = isbi_datalist(tmp_path)
    assert item["membrane_value"] == 1
    np.testing.assert_array_equal(load(item, "image", "HDF5Reader", dataset="raw").numpy(), raw.T)
    label = load(item, "label", "HDF5Reader", dataset="labels/membranes", mask_value=1)
    np.testing.assert_array_equal(label.numpy(), membranes.T)
    assert isbi_datalist(tmp_path, "test") == []


def test_polarity_is_checked(tmp_path):
    raw, membranes = layouts.write_isbi2012(tmp_path)
    with pytest.raises(ValueError, match=r"membrane_value=255 is \d\d% of .*is it 0\?"):
        isbi_datalist(tmp_path, membrane_value=255)
    with pytest.raises(ValueError, match=r"one of \[0, 255\] .*got 1"):
        isbi_datalist(tmp_path, membrane_value=1)
    layouts.write_stack(tmp_path / "train-labels.tif", membranes * 255)
    with pytest.raises(ValueError, match="membranes are the smaller part"):
        isbi_datalist(tmp_path)
    assert isbi_datalist(tmp_path, membrane_value=255)[0]["membrane_value"] == 255
    layouts.write_stack(tmp_path / "train-labels.tif", raw)
    with pytest.raises(ValueError, match="must hold two values"):
        isbi_datalist(tmp_path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        isbi_datalist(tmp_path / "nowhere")
    raw, _ = layouts.write_isbi2012(tmp_path)
    with pytest.raises(ValueError, match="section must be"):
        isbi_datalist(tmp_path, "validation")
    layouts.write_stack(tmp_path / "train-volume.tif", raw[:-1])
    with pytest.raises(ValueError, match=r"stacks of one shape, got .*\(24, 30, 15\) and .*\(24, 30, 16\)"):
        isbi_datalist(tmp_path)
    (tmp_path / "train-labels.tif").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected train-labels\.tif .*found test-volume\.tif"):
        isbi_datalist(tmp_path)


def test_real_stack(real_data):
    (item,) = isbi_datalist(real_data / "isbi2012")
    image = load(item, "image", spacing=[4, 4, 50])
    label = load(item, "label", mask_value=item["membrane_value"])
    assert image.shape == label.shape == (512, 512, 20)
    membranes = label.numpy() == 1
    assert 0.1 < membranes.mean() < 0.3
    assert image.numpy()[membranes].mean() < image.numpy()[~membranes].mean() - 20  # membranes are dark
