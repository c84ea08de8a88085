"""``monai-topo bundles``: what is listed, what a copy holds, what is refused."""

from __future__ import annotations

import filecmp

import pytest

from monai_topo.__main__ import main
from monai_topo.commands.bundles import find_bundle, list_bundles

NAMES = ["em_membranes", "ircadb_vessels", "neuron_stacks"]


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_all_bundles_are_listed_with_task_and_folder(capsys):
    assert main(["bundles"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[::2]] == NAMES == [bundle.name for bundle in list_bundles()]
    assert [line.strip() for line in lines[1::2]] == [str(bundle) for bundle in list_bundles()]
    assert "membranes" in lines[0]


def test_a_copy_is_the_bundle_without_what_runs_left(tmp_path, capsys, monkeypatch):
    source = tmp_path / "source" / "em_membranes"
    assert main(["bundles", "em_membranes", "--copy", str(source.parent)]) == 0
    for made in ("models/model.pt", "models/model.ts", "quick/data/a.nii.gz", "eval/scores.csv"):
        (source / made).parent.mkdir(parents=True, exist_ok=True)
        (source / made).write_text("made by a run")
    monkeypatch.setattr("monai_topo.commands.bundles._PACKAGE", tmp_path)
    (tmp_path / "source").rename(tmp_path / "bundles")
    copies = tmp_path / "mine"
    assert main(["bundles", "--copy", str(copies)]) == 0
    assert sorted(path.name for path in copies.iterdir()) == ["em_membranes"]
    copied = files(copies / "em_membranes")
    assert "configs/train.yaml" in copied
    assert not [name for name in copied if name.startswith(("models/m", "quick/", "eval/"))]
    train = "configs/train.yaml"
    assert filecmp.cmp(tmp_path / "bundles" / "em_membranes" / train, copies / "em_membranes" / train, shallow=False)


def test_a_copy_never_takes_the_place_of_another(tmp_path, capsys):
    (tmp_path / "neuron_stacks").mkdir()
    assert main(["bundles", "--copy", str(tmp_path)]) == 2
    assert "neuron_stacks exists: give --copy another folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["neuron_stacks"]


def test_a_bundle_that_does_not_exist_is_named_with_those_that_do(capsys):
    assert main(["bundles", "roads"]) == 2
    assert (
        "there is no bundle 'roads'; there are em_membranes, ircadb_vessels, neuron_stacks" in capsys.readouterr().err
    )


def test_no_bundles_at_all(monkeypatch, tmp_path):
    monkeypatch.setattr("monai_topo.commands.bundles._PACKAGE", tmp_path / "package")
    with pytest.raises(FileNotFoundError, match="reinstall monai_topo"):
        find_bundle("em_membranes")


def test_the_version_is_told(capsys):
    import monai_topo

    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"monai_topo {monai_topo.__version__}\n"
