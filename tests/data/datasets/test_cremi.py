"""Which volumes train, and where image and label lie in files of other names."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from monai_topo.data import cremi_datalist, find_datasets, sample_name, save_cremi

RAW, IDS = "volumes/raw", "volumes/labels/neuron_ids"


def write(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        save_cremi(folder / f"{name}.hdf", np.zeros((2, 3, 4), np.uint8), np.ones((2, 3, 4), np.uint64), (40, 4, 4))
    return folder


def names(folder, section=None, **options):
    return [
        item["image"].rpartition("/")[2].removesuffix(".hdf") for item in cremi_datalist(folder, section, **options)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_words_inside_of_words_decide_nothing(seed, tmp_path):
    folder = write(tmp_path / "data", "strain_A", "strain_B", "valley_C", "interval_D", "constraint_E")
    drawn = [set(names(folder, section, seed=seed)) for section in ("training", "validation")]
    assert drawn[0] | drawn[1] == set(names(folder))
    assert not drawn[0] & drawn[1]
    assert len(drawn[1]) == 1
    assert any(set(names(folder, "training", seed=seed)) != drawn[0] for seed in range(6))


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("fib25_train", "fib25_val"),
        ("Train-1", "VAL-1"),
        ("a_training", "a_validation"),
        ("train01", "val02"),
        ("x.train", "x.valid"),
    ],
)
def test_names_that_say_what_a_volume_is_for(train, val, tmp_path):
    folder = write(tmp_path / "data", train, val, "fib25_test")
    assert names(folder, "training") == [train]
    assert names(folder, "validation") == [val]
    assert len(names(folder)) == 3


def test_a_name_that_says_nothing_beside_names_that_do(tmp_path):
    folder = write(tmp_path / "data", "a_train", "b_val", "c")
    with pytest.raises(ValueError, match=r"c\.hdf says neither: rename it"):
        cremi_datalist(folder, "training")
    assert len(names(folder)) == 3


@pytest.mark.parametrize("seed", range(5))
def test_two_files_of_one_sample_stay_together(seed, tmp_path):
    samples = ("sample_A_2016", "sample_B_2016", "sample_C_2016")
    folder = write(tmp_path / "data", *samples, *(name.replace("_2016", "_padded_2016") for name in samples))
    training, validation = (names(folder, section, seed=seed) for section in ("training", "validation"))
    assert (len(training), len(validation)) == (4, 2)
    assert len({name.replace("_padded", "") for name in validation}) == 1
    assert sample_name(tmp_path / "re_paddedX.hdf") == "re_paddedX"


def test_one_sample_is_too_few(tmp_path):
    with pytest.raises(ValueError, match=r"must hold at least two volumes .* it holds 1"):
        cremi_datalist(write(tmp_path / "data", "sample_A_2016", "sample_A_padded_2016"), "training")


def file_of(path, *datasets):
    with h5py.File(path, "w") as file:
        for name in datasets:
            file[name] = np.zeros((2, 3, 4), np.uint16)
        file["table"] = np.zeros(7)
    return path


@pytest.mark.parametrize(
    ("datasets", "options", "found"),
    [
        ((RAW, IDS, "raw", "label"), {}, (RAW, IDS)),
        ((RAW,), {}, (RAW, None)),
        (("raw", "label"), {}, ("raw", "label")),
        (("t0/Raw", "t0/Segmentation"), {}, ("t0/Raw", "t0/Segmentation")),
        (("raw", "predictions"), {}, ("raw", None)),
        (("a", "b"), {"image": "a", "label": "b"}, ("a", "b")),
        (("a", "label"), {"image": "a"}, ("a", "label")),
        ((RAW, "cells"), {}, (RAW, "cells")),
        ((RAW, IDS, "b"), {"label": "b"}, (RAW, "b")),
    ],
)
def test_datasets_are_found_or_named(datasets, options, found, tmp_path):
    assert find_datasets(file_of(tmp_path / "a.h5", *datasets), **options) == found


@pytest.mark.parametrize(
    ("datasets", "options", "message"),
    [
        (("a", "b"), {}, r"holds no dataset 'volumes/raw'; name it by --image .*: it has a \(2 x 3 x 4 uint16\), b \("),
        (("x/raw", "y/raw"), {}, "x/raw, y/raw may be the image; name it by --image"),
        (("raw", "x/label", "y/label"), {}, "x/label, y/label may be the label"),
        (("raw",), {"label": "b"}, "holds no dataset 'b'; it has raw"),
        ((), {}, "it has none"),
    ],
)
def test_what_is_there_is_listed(datasets, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        find_datasets(file_of(tmp_path / "a.h5", *datasets), **options)


def test_a_stack_with_names_of_its_own(real_data):
    assert find_datasets(real_data / "ovules" / "sample_ovule.h5") == ("raw", "label")
