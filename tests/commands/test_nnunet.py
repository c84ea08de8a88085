"""``monai-topo nnunet``: what it prints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monai_topo.__main__ import main
from monai_topo.commands.nnunet import export_line, list_trainers, trainers_folder

VARIABLE = "nnUNet_extTrainer"


def test_two_lines_and_a_list(capsys, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert main(["nnunet", "nnUNetTrainerDMT"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"export {VARIABLE}={trainers_folder()}"
    assert lines[1].split() == ["nnUNetv2_train", "DATASET", "3d_fullres", "0", "-tr", "nnUNetTrainerDMT"]
    assert {line.split()[0] for line in lines[4:]} == {*list_trainers()}
    assert len(list_trainers()) == 13


def test_the_folder_holds_one_file_that_names_them_all():
    files = [path for path in Path(trainers_folder()).glob("*.py") if path.stem != "__init__"]
    assert [path.name for path in files] == ["monai_topo_trainers.py"]
    names: dict[str, object] = {}
    exec(files[0].read_text(), names)
    assert {*list_trainers()} <= {*names}


def test_folders_that_are_told_already_stay(monkeypatch):
    monkeypatch.setenv(VARIABLE, os.pathsep.join(["/a b", trainers_folder()]))
    assert export_line(windows=False) == f"export {VARIABLE}='/a b{os.pathsep}{trainers_folder()}'"
    assert export_line(windows=True) == f'$env:{VARIABLE} = "/a b{os.pathsep}{trainers_folder()}"'


@pytest.mark.parametrize(
    ("installed", "warns"), [("2.6.2", True), ("2.8.1", False), ("2.10", False), ("3.0rc1", False)]
)
def test_an_old_version_is_seen(installed, warns, capsys, monkeypatch):
    monkeypatch.setattr("monai_topo.commands.nnunet.version", lambda name: installed)
    assert main(["nnunet"]) == 0
    assert (f"nnunetv2 is {installed}: pip install 'nnunetv2>=2.8'" in capsys.readouterr().err) is warns


def test_an_unknown_trainer(capsys):
    assert main(["nnunet", "nnUNetTrainerTopo"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("monai_topo nnunet: there is no trainer 'nnUNetTrainerTopo'; there are nnUNetTrainerBetti")
    assert error.count("\n") == 1
