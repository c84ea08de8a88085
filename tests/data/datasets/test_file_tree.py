"""Archives that are damaged, of another kind, or larger than they look."""

from __future__ import annotations

import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest

from monai_topo.data.datasets.file_tree import FileTree
from monai_topo.data.datasets.numbered_slices import check_complete, numbered

NOISE = np.random.default_rng(0).bytes(5000)


def write(path, method=zipfile.ZIP_DEFLATED, **content):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in (content or {"image_0": NOISE, "image_1": NOISE}).items():
            archive.writestr(name, data)
    return path


def fetch(path, scratch, **options):
    tree = FileTree(path, **options)
    return tree.fetch(tree.names, scratch)


@pytest.fixture
def scratch(tmp_path):
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(12))
def test_damage_is_one_line(seed, method, tmp_path, scratch):
    """Bytes are overwritten at random: it is read as it was, or said to be damaged."""
    path = write(tmp_path / "a.zip", method)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(len(content), size=1 if seed < 6 else 40):
        content[place] = rng.integers(256)
    path.write_bytes(content)
    said, found = None, []
    try:
        found = fetch(path, scratch)
    except ValueError as error:
        said = str(error)
    assert said is None or ("a.zip" in said and "\n" not in said)
    assert all(file.read_bytes() == NOISE for file in found)


def test_the_dictionary_of_lzma(tmp_path, scratch):
    path = write(tmp_path / "a.zip", zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    start = 30 + len("image_0")
    content[start + 4 : start + 40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip is damaged: .*Is the download complete"):
        fetch(path, scratch)


def test_a_newer_version_of_zip(tmp_path, scratch):
    path = write(tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 4), (b"PK\x01\x02", 6)):
        content[content.index(magic) + place] = 99
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip cannot be read \(zip file version 9\.9\): unpack it by another tool"):
        fetch(path, scratch)


def test_an_unknown_compression(tmp_path, scratch):
    path = write(tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(magic) + place] = 97
    path.write_bytes(content)
    with pytest.raises(ValueError, match="unpack it by another tool"):
        fetch(path, scratch)


def test_an_archive_that_unpacks_to_more_than_the_bound(tmp_path, scratch):
    path = write(tmp_path / "a.zip", image_0=bytes(10**6), image_1=bytes(10**6))
    assert path.stat().st_size < 10**4
    assert len(fetch(path, scratch, max_unpacked=0.002)) == 2
    with pytest.raises(ValueError, match=r"takes more than 0\.0015 GB when it is unpacked: raise --max-unpacked"):
        fetch(path, scratch, max_unpacked=0.0015)
    assert sum(file.stat().st_size for file in scratch.iterdir()) <= 2 * 10**6 + 1.5 * 10**6


def test_numbers_far_apart_take_no_memory(tmp_path):
    for name in ("image_20240101120000", "image_20251231235959"):
        (tmp_path / name).touch()
    tree = FileTree(tmp_path)
    with pytest.raises(ValueError, match=r"slices 20240101120000 to 20251231235959, but not 20240101120001, .* \.\.\."):
        check_complete(tree, numbered(tree, tree.names))
    check_complete(tree, [7, 5, 6])
    with pytest.raises(ValueError, match=r"but not 6\. "):
        check_complete(tree, [7, 5])
    assert numbered(tree, [PurePosixPath("a/x_3"), PurePosixPath("readme")]) == {3: PurePosixPath("a/x_3")}
