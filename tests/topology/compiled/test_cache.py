"""Compiled kernels on disk: what is damaged is made anew, and what cannot be written is no error."""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import pickle
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numba
import pytest

from monai_topo.topology.compiled import cache

SOURCE = """
from monai_topo.topology.compiled.kernel import entry_kernel

@entry_kernel
def add(a, b):
    return a + b
"""
NOWHERE = "/dev/null/folder"

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@pytest.fixture
def load(tmp_path, monkeypatch):
    """The kernel as a new process would have it."""
    (tmp_path / "tiny_kernel.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def anew():
        sys.modules.pop("tiny_kernel", None)
        cache._told.clear()
        return importlib.import_module("tiny_kernel").add

    yield anew
    sys.modules.pop("tiny_kernel", None)


def files(tmp_path, suffix):
    return sorted((tmp_path / "cache").rglob(f"*.{suffix}"))


def test_compiled_code_is_kept(load, caplog):
    assert load()(1, 2) == 3
    assert len(caplog.records) == 1
    assert "Compiling kernels" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING
    caplog.clear()
    kernel = load()
    assert kernel(1, 2) == 3
    assert sum(kernel.stats.cache_hits.values()) == 1
    assert not caplog.records


DAMAGES = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "within the digest": lambda content: content[:31],
    "digest alone": lambda content: content[:32],
    "half": lambda content: content[: len(content) // 2],
    "all but a byte": lambda content: content[:-1],
    "one byte more": lambda content: content + b"\0",
    "a bit turned": lambda content: content[:200] + bytes([content[200] ^ 4]) + content[201:],
    "zeros": lambda content: bytes(len(content)),
    "noise": lambda content: b"\x80\x05K\x2a." + os.urandom(500),
    "a pickle": lambda content: pickle.dumps(("0.1", {})),
}


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_made_anew(load, tmp_path, caplog, suffix, damage):
    load()(1, 2)
    [path] = files(tmp_path, suffix)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    caplog.clear()
    assert load()(1, 2) == 3
    assert len([record for record in caplog.records if str(path) in record.getMessage()]) == 1
    caplog.clear()
    kernel = load()
    assert kernel(1, 2) == 3
    assert sum(kernel.stats.cache_hits.values()) == 1
    assert not caplog.records


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_file_that_is_gone_is_made_anew(load, tmp_path, suffix):
    load()(1, 2)
    files(tmp_path, suffix)[0].unlink()
    assert load()(1, 2) == 3
    assert sum(load().stats.cache_hits.values()) == 0
    assert len(files(tmp_path, suffix)) == 1


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_folder_in_place_of_a_file_is_no_error(load, tmp_path, caplog, suffix):
    load()(1, 2)
    [path] = files(tmp_path, suffix)
    path.unlink()
    path.mkdir()
    caplog.clear()
    assert load()(1, 2) == 3
    assert str(path) in caplog.text


def test_another_version_of_numba_is_not_loaded(load, monkeypatch, caplog):
    load()(1, 2)
    caplog.clear()
    monkeypatch.setattr(cache, "_SEED", b"another")
    assert load()(1, 2) == 3
    assert "thrown away" in caplog.text


def test_data_of_another_signature_is_not_taken(load, tmp_path):
    """What two processes leave that begin an index at once: the index of the one, the data of the other."""
    load()(1, 2)
    [index], [data] = files(tmp_path, "nbi"), files(tmp_path, "nbc")
    of_integers = data.read_bytes()
    index.unlink()
    load()(1.5, 2.5)
    data.write_bytes(of_integers)
    assert load()(1.5, 2.5) == 4.0
    assert load()(1, 2) == 3


def _call(load, number, values):
    values.put((number, load()(*((number, 1) if number % 2 else (number + 0.5, 1.0)))))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_processes_compile_at_once(load, tmp_path):
    context = multiprocessing.get_context("fork")
    values = context.Queue()
    processes = [context.Process(target=_call, args=(load, number, values)) for number in range(6)]
    for process in processes:
        process.start()
    found = dict(values.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    assert found == {number: number + (1 if number % 2 else 1.5) for number in range(6)}
    assert load()(3, 4) == 7
    assert load()(0.5, 1.0) == 1.5
    assert not [*(tmp_path / "cache").rglob("*.tmp.*")]


@pytest.fixture
def no_lasting_folder(monkeypatch):
    """Neither the user's folder nor that of the source, nor the one that is set, can be written."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", NOWHERE)
    only = (cache._Locator, cache._TemporaryLocator)
    monkeypatch.setattr(cache._Storage, "_locator_classes", only)


def test_without_a_lasting_folder_a_temporary_one_serves(load, no_lasting_folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    assert load()(1, 2) == 3
    [folder] = (tmp_path / "temporary").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [*folder.rglob("*.nbc")]
    told = Counter(str(folder) in record.getMessage() for record in caplog.records if "lasts" in record.getMessage())
    assert told == {True: 1}
    kernel = load()
    assert kernel(1, 2) == 3
    assert sum(kernel.stats.cache_hits.values()) == 1


@pytest.mark.parametrize("trap", ["open to all", "a link", "a file"])
def test_a_temporary_folder_of_others_is_not_trusted(load, no_lasting_folder, tmp_path, monkeypatch, caplog, trap):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = Path(tempfile.gettempdir()) / f"monai_topo_{os.getuid()}"
    if trap == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    elif trap == "a link":
        (tmp_path / "theirs").mkdir()
        folder.symlink_to(tmp_path / "theirs")
    else:
        folder.write_text("")
    assert load()(1, 2) == 3
    assert not [*tmp_path.rglob("*.nbc")]
    assert "every process compiles them anew" in caplog.text


def test_without_any_folder_nothing_is_kept(load, no_lasting_folder, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, "tempdir", NOWHERE)
    assert load()(1, 2) == 3
    assert len([record for record in caplog.records if "NUMBA_CACHE_DIR" in record.getMessage()]) == 1
    assert "locator" not in caplog.text


def test_a_full_disk_is_no_error(load, monkeypatch, caplog):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache._CheckedFiles, "_write", full)
    kernel = load()
    assert (kernel(1, 2), kernel(1.5, 2)) == (3, 3.5)
    assert len([record for record in caplog.records if "No space left" in record.getMessage()]) == 1


@pytest.mark.parametrize("place", ["that is set", "of the source"])
def test_a_folder_that_cannot_be_written_is_read(load, tmp_path, monkeypatch, caplog, place):
    """As in a container that is mounted read-only."""
    if place == "of the source":
        monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    assert load()(1, 2) == 3
    [made] = tmp_path.rglob("*.nbc")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(cache._Storage, "_locator_classes", (cache._TemporaryLocator,))
    caplog.clear()
    kernel = load()
    assert kernel(1, 2) == 3
    assert sum(kernel.stats.cache_hits.values()) == 1
    assert "Compiling" not in caplog.text
    assert kernel(1.5, 2) == 3.5  # what is not there is kept elsewhere
    assert sorted(path.is_relative_to(made.parent) for path in tmp_path.rglob("*.nbc")) == [False, True]
