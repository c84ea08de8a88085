"""Pictures of the volumes that an evaluator scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from monai_topo.handlers import SegmentationPictures
from monai_topo.visualize.marks import COLORS


def volume(array, name):
    affine = torch.diag(torch.tensor([1.0, 1.0, 2.0, 1.0]))
    return MetaTensor(torch.as_tensor(array)[None].float(), affine=affine, meta={"filename_or_obj": name})


def tube():
    mask = np.zeros((20, 6, 5))
    mask[:, 2:4, 1:4] = 1
    return mask


def draw(folder, items, *arguments, **options):
    evaluator = Engine(lambda engine, batch: batch)
    SegmentationPictures(folder, *arguments, **options).attach(evaluator)
    evaluator.run([[item] for item in items], max_epochs=2)
    return sorted(path.name for path in folder.glob("*"))


def share(path, color):
    pixels = np.asarray(Image.open(path).convert("RGB"), float) / 255
    return (np.abs(pixels - np.array(color)).max(axis=-1) < 0.1).mean()


def test_a_gap_is_red_in_the_surface(tmp_path):
    broken = tube()
    broken[8:12] = 0
    items = [{"pred": volume(mask, f"/x/{name}.nii.gz"), "label": volume(tube(), "label")} for name, mask in
             {"broken": broken, "whole": tube()}.items()]  # fmt: skip
    names = draw(tmp_path, items, {"pred": "surfaces", "bridged": "surfaces"})
    assert names == ["broken_pred.png", "whole_pred.png"], "what an item lacks is left out"
    assert share(tmp_path / names[0], COLORS["missing"]) > 5 * share(tmp_path / names[1], COLORS["missing"])


def test_so_many_volumes_in_each_epoch(tmp_path):
    items = [{"pred": volume(tube(), f"{number}.nii.gz"), "label": volume(tube(), "label")} for number in range(3)]
    assert draw(tmp_path, items, {"pred": "surfaces"}, max_volumes=2) == ["0_pred.png", "1_pred.png"]


def test_cells_of_walls_and_of_ids(tmp_path, monkeypatch):
    drawn = {}

    def note(path, cells, image, label, **options):
        drawn[path.name] = (
            len(np.unique(cells[cells > 0])),
            None if label is None else label.max(),
            options["spacing"],
        )

    monkeypatch.setattr("monai_topo.handlers.segmentation_pictures.plot_cells", note)
    walls, leaking = np.zeros((9, 6, 5)), np.zeros((9, 6, 5))
    walls[4] = leaking[4] = 1
    leaking[4, 3, 2] = 0
    item = {
        "pred": volume(leaking, "a.nii.gz"),
        "label": volume(walls, "b"),
        "cells": volume(np.full((9, 6, 5), 7), "c"),
    }
    draw(tmp_path, [item], {"pred": "walls", "cells": "cells"})
    assert drawn == {"a_pred.png": (1, 2, (1, 1, 2)), "a_cells.png": (1, None, (1, 1, 2))}


def test_what_cannot_be_drawn_is_said(tmp_path):
    with pytest.raises(ValueError, match="kinds must be of"):
        SegmentationPictures(tmp_path, {"pred": "trees"})
    with pytest.raises(ValueError, match="max_volumes must be 0 or more, got -1"):
        SegmentationPictures(tmp_path, {}, max_volumes=-1)
    affinities = {"pred": torch.zeros(3, 4, 5, 6), "label": torch.zeros(1, 4, 5, 6)}
    with pytest.raises(ValueError, match="'pred' must have one channel to be drawn, got 3"):
        draw(tmp_path, [affinities], {"pred": "surfaces"})
