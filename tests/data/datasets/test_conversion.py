"""Cases that cannot be read, that change, and that two processes want at once."""

from __future__ import annotations

import json
import lzma
import os
import struct
import subprocess
import sys

import numpy as np
import pytest

from monai_topo.data import Case, Converted, Volume, convert_cases, locked, opened_folder, prepared_datalist
from monai_topo.data.datasets import prepared
from monai_topo.data.datasets.datalist import write_datalist


def volume(value=1):
    return Volume(np.full((3, 4, 5), value, np.uint8), np.eye(4))


def case(name, load=None, **options):
    return Case(name, options.pop("patient", name), load or (lambda: Converted(volume(), volume())), **options)


def convert(folder, *cases):
    with opened_folder(folder, {"dataset": "phantom"}, "test") as opened:
        return convert_cases(cases, opened, progress=False)


def raising(error):
    def load():
        raise error

    return load


FAULTS = [
    (ValueError("a.tif is cut off.\nTraceback"), "a.tif is cut off."),
    (OSError(5, "Input/output error", "a.h5"), "[Errno 5] Input/output error: 'a.h5'"),
    (MemoryError(), "MemoryError: it takes more memory than there is."),
    (np._core._exceptions._ArrayMemoryError((10**6, 10**6), np.dtype("u1")), "MemoryError: Unable to allocate"),
    (KeyError("unable to open object"), "KeyError: 'unable to open object'"),
    (RuntimeError("bad B-tree"), "RuntimeError: bad B-tree"),
    (lzma.LZMAError("Corrupt input data"), "LZMAError: Corrupt input data"),
    (struct.error("unpack requires a buffer of 4 bytes"), "error: unpack requires a buffer"),
    (OverflowError("too large"), "OverflowError: too large"),
    (RecursionError("maximum depth"), "RecursionError: maximum depth"),
    (NotImplementedError(), "NotImplementedError"),
    (ValueError("\x1b[2Jname\x07 with \u202e colors"), r"\x1b[2Jname\x07 with \u202e colors"),
]


@pytest.mark.parametrize(("error", "reason"), FAULTS, ids=lambda value: type(value).__name__)
def test_no_fault_of_a_case_keeps_the_others_from_being_converted(error, reason, tmp_path):
    found = convert(tmp_path / "out", case("a"), case("b", raising(error)), case("c"))
    assert [record["name"] for record in found.records] == ["a", "c"]
    assert list(found.failed) == ["b"]
    assert reason in found.failed["b"]
    assert found.failed["b"].isprintable()


def test_a_label_that_cannot_be_written_is_the_cases_fault(tmp_path):
    ids = Volume(np.full((3, 4, 5), 2**40), np.eye(4))
    found = convert(tmp_path / "out", case("a", lambda: Converted(volume(), ids)), case("b"))
    assert [record["name"] for record in found.records] == ["b"]
    assert "large ids" in found.failed["a"]


def test_ctrl_c_and_a_full_disk_end_everything(tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        convert(tmp_path / "out", case("a", raising(KeyboardInterrupt())), case("b"))

    def full(path, volume):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(prepared, "save_nifti", full)
    with pytest.raises(OSError, match="No space left"):
        convert(tmp_path / "out", case("a"), case("b"))


def test_what_has_changed_is_converted_anew(tmp_path):
    (tmp_path / "src" / "a").mkdir(parents=True)
    files = (tmp_path / "src" / "a" / "slice", tmp_path / "src" / "b")
    for file in files:
        file.write_text("1")

    def reading(file):
        return lambda: Converted(volume(int(file.read_text())), None)

    cases = [case("a", reading(files[0]), files=(files[0].parent,)), case("b", reading(files[1]), files=files[1:])]
    out = tmp_path / "out"
    assert convert(out, *cases).renewed == []
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.*")}
    assert convert(out, *cases).renewed == []
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.*")} == before
    files[0].write_text("2")
    os.utime(files[0], ns=(1, 1))
    found = convert(out, *cases)
    assert found.renewed == ["a"]
    assert [int(_array(out / record["image"]).max()) for record in found.records] == [2, 1]
    files[0].write_text("x")
    found = convert(out, *cases)
    assert (list(found.failed), found.renewed) == (["a"], ["a"])
    assert not (out / "images" / "a.nii.gz").exists()  # it is not what the files hold now


def _array(path):
    import nibabel

    return np.asarray(nibabel.load(path).dataobj)


def test_another_patient_is_another_record(tmp_path):
    convert(tmp_path / "out", case("a"))
    assert convert(tmp_path / "out", case("a", patient="p")).records[0]["patient"] == "p"


def test_a_damaged_record_is_none(tmp_path):
    convert(tmp_path / "out", case("a"))
    (tmp_path / "out" / "cases" / "a.json").write_text('{"name": "a", "im')
    assert len(convert(tmp_path / "out", case("a")).records) == 1


@pytest.mark.parametrize("name", ["../secret", "/secret", 3, None, ["images/a.nii.gz"]])
def test_a_record_that_names_other_files_removes_none(name, tmp_path):
    convert(tmp_path / "out", case("a"))
    (tmp_path / "secret").touch()
    name = str(tmp_path / "secret") if name == "/secret" else name
    (tmp_path / "out" / "cases" / "a.json").write_text(json.dumps({"name": "a", "image": name, "fingerprint": ""}))
    assert len(convert(tmp_path / "out", case("a")).records) == 1
    assert (tmp_path / "secret").exists()


HOLD = """
import sys, time
from monai_topo.data import opened_folder
with opened_folder(sys.argv[1], {"dataset": "phantom"}, "test"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_processes_do_not_write_to_one_folder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        left = tmp_path / "out" / f"{prepared.PARTIAL}0"
        left.mkdir()
        with pytest.raises(BlockingIOError, match=rf"out is being written by another test \(process {process.pid} on"):
            convert(tmp_path / "out", case("a"))
        assert left.exists()  # it may be the other's
        process.kill()
    assert len(convert(tmp_path / "out", case("a")).records) == 1  # the lock of a dead process holds nobody up
    assert not left.exists()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cases", "images", "labels", "settings.json"}


def test_a_lock_can_be_waited_for(tmp_path):
    with locked(tmp_path / "scores.json", "test"), pytest.raises(BlockingIOError, match="another test"):  # noqa: SIM117
        with locked(tmp_path / "scores.json", "test"):
            pass
    with locked(tmp_path / "scores.json", "test", wait=True):
        assert [path.name for path in tmp_path.iterdir()] == [".scores.json.lock"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.nii.gz", "images/../../secret.nii.gz"])
def test_lists_that_point_outside_are_refused(name, tmp_path):
    with opened_folder(tmp_path / "out", {}, "test") as folder:
        found = convert_cases([case("a")], folder, progress=False)
        write_datalist(folder, found.records, {}, 2, 0)
    content = json.loads((tmp_path / "out" / "datalist.json").read_text())
    content["training"][0]["image"] = content["test"] = [name]
    content["training"][0]["image"] = name
    (tmp_path / "out" / "datalist.json").write_text(json.dumps(content))
    (tmp_path / "secret.nii.gz").touch()
    for section in (None, "test"):
        with pytest.raises(ValueError, match="which is outside of its folder"):
            prepared_datalist(tmp_path / "out", section)
    assert prepared_datalist(tmp_path / "out", "test", allow_outside=True)[0]["image"].endswith(name)


@pytest.mark.parametrize("content", ["[]", '{"training": [{"image": "a"}], "test": []}', "{", '{"training": 3}'])
def test_lists_that_are_none(content, tmp_path):
    (tmp_path / "datalist.json").write_text(content)
    with pytest.raises(ValueError, match=r"datalist\.json is (no data list|not JSON)"):
        prepared_datalist(tmp_path)


def test_lists_that_would_mix_training_and_validation_are_refused(tmp_path):
    with opened_folder(tmp_path / "out", {}, "test") as folder:
        found = convert_cases([case("a"), case("b"), case("c")], folder, progress=False)
        write_datalist(folder, found.records, {}, 3, 0)
    path = tmp_path / "out" / "datalist.json"
    content = json.loads(path.read_text())
    first = content["training"][0]
    again = [{**first, "image": f"./{first['image']}", "fold": 2}]
    path.write_text(json.dumps({**content, "training": [*content["training"], *again]}))
    with pytest.raises(ValueError, match=r"datalist\.json names .*images/.* more than once"):
        prepared_datalist(tmp_path / "out", "training")
    for fold in (None, "1", 1.5, True):
        path.write_text(json.dumps({**content, "training": [{**first, "fold": fold}, *content["training"][1:]]}))
        with pytest.raises(ValueError, match="must have a number as fold of each training item or of none"):
            prepared_datalist(tmp_path / "out", "training")
