"""The two walks of docs/architecture.md, taken: which files a call enters, in the order of its first steps in them."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import nibabel
import numpy as np
import torch

import monai_topo
from monai_topo.__main__ import main
from monai_topo.losses import TopoLoss

PAGE = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
PACKAGE = Path(monai_topo.__file__).resolve().parent


def documented(walk):
    """Files of a walk in order, from its table."""
    text = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^### {walk}\n(.*?)^##", text, re.S | re.M)
    return re.findall(r"^\| \d+ \| `([\w/]+\.py)`", section.group(1), re.M)


def files_entered(function):
    """Files of the package whose functions a call runs, each at its first time; kernels run outside of Python."""
    entered = []

    def record(frame, event, _):
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(f"{PACKAGE}/") and frame.f_code.co_name != "<module>":
            file = Path(name).relative_to(PACKAGE).as_posix()
            if file not in entered:
                entered.append(file)

    threading.setprofile(record)
    sys.setprofile(record)
    try:
        function()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return entered


def test_a_likelihood_to_its_loss():
    generator = torch.Generator().manual_seed(0)
    likelihood = torch.rand(1, 1, 6, 7, 5, generator=generator, requires_grad=True)
    target = (torch.rand(1, 1, 6, 7, 5, generator=generator) > 0.5).float()
    loss = TopoLoss()
    loss(likelihood, target)  # what is imported and compiled at the first call is no part of the walk
    assert files_entered(lambda: loss(likelihood, target)) == documented("A likelihood to its loss")


def test_evaluate_from_file_to_report(tmp_path, capsys):
    mask = np.zeros((9, 8, 7), np.uint8)
    mask[2:6, 3:6, 2:5] = 1
    for role in ("prediction", "label"):
        (tmp_path / role).mkdir()
        nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), tmp_path / role / "case.nii.gz")
    arguments = [
        "evaluate",
        "--pred",
        tmp_path / "prediction",
        "--label",
        tmp_path / "label",
        "--metrics",
        "betti_error",
    ]

    def evaluate(out):
        main([*map(str, arguments), "--out", str(tmp_path / out)])

    evaluate("first.json")
    assert files_entered(lambda: evaluate("second.json")) == documented("`evaluate` from file to report")
    assert "betti_error" in capsys.readouterr().out
