"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from monai_topo.data import Volume, save_nifti, write_json, written_whole


def names(folder):
    return sorted(os.listdir(folder))


def write_half(path):
    with written_whole(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_an_error_leaves_what_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "a.txt")
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "b.npy", "A.TIF", "no suffix", f"{'x' * 240}.csv"])
def test_the_temporary_name_is_hidden_and_ends_as_the_target(name, tmp_path):
    with written_whole(tmp_path / "new" / name) as temporary:
        temporary.write_text("")
        assert temporary.parent == tmp_path / "new"
        assert temporary.name.startswith(".")
        assert temporary.name.endswith(name[name.index(".") :] if "." in name else "")
    assert names(tmp_path / "new") == [name]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), r"No space left on device: '.*scores\.csv'"),
        (OSError("Can't write data"), r"scores\.csv cannot be written: Can't write data"),
    ],
    ids=["of the system", "of a library"],
)
def test_a_full_disk_names_the_target(error, text, tmp_path):
    with pytest.raises(OSError, match=text), written_whole(tmp_path / "scores.csv"):
        raise error
    assert names(tmp_path) == []


def test_a_missing_source_keeps_its_own_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="source"), written_whole(tmp_path / "a.txt"):
        (tmp_path / "source").read_text()


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"file/a\.json|file"):
        write_json(tmp_path / "file" / "a.json", 1)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there.json").write_text("")
    (tmp_path / "link.json").symlink_to(tmp_path / "there.json")
    write_json(tmp_path / "link.json", [1])
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "there.json").read_text() == "[\n  1\n]\n"


def write_many(path, number):
    for _ in range(20):
        write_json(path, [number] * 1000)


def test_two_processes_write_one_file(tmp_path):
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(write_many, [tmp_path / "a.json"] * 2, range(2)))
    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_text().count("\n") == 1002


def test_other_people_may_read_as_the_umask_says(tmp_path):
    write_json(tmp_path / "a.json", 1)
    (tmp_path / "b.json").write_text("")
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "b.json").stat().st_mode


@pytest.mark.parametrize("value", [2**32, -(2**31) - 1, 2**63])
def test_ids_that_nifti_s_32_bits_do_not_hold_are_refused(value, tmp_path):
    array = np.zeros((2, 3, 4), np.uint64 if value > 0 else np.int64)
    array[1, 1, 1] = value
    with pytest.raises(ValueError, match=r"array must hold u?int64 numbers that u?int32 holds, got .*consecutive"):
        save_nifti(tmp_path / "a.nii", Volume(array, np.eye(4)))
    assert names(tmp_path) == []
