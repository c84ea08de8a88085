"""Small data sets that nnU-Net has planned and preprocessed, and its commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_topo.data.phantoms import tree

SHAPE = (24, 28, 20)
collect_ignore = ["site"]  # Python runs it, not pytest
SITE = str(Path(__file__).parent / "site")
PATCH = {"2d": [24, 20], "3d_fullres": [16, 24, 16]}
DATASETS = {
    901: ("Labels", {"background": 0, "vessel": 1, "other": 2}, None),
    902: ("Ignore", {"background": 0, "vessel": 1, "other": 2, "ignore": 3}, None),
    903: ("Regions", {"background": 0, "both": [1, 2], "other": 2, "ignore": 3}, [1, 2]),
}


def environment(folder):
    """nnU-Net's places, and few processes."""
    places = {name: str(folder / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    few = {"nnUNet_def_n_proc": "1", "nnUNet_n_proc_DA": "1", "OMP_NUM_THREADS": "1", "nnUNet_compile": "false"}
    return {**places, **few}


def nnunet(folder, command, *arguments, external="", check=True):
    """Run one of nnU-Net's own commands, with folders of trainers."""
    variables = {**os.environ, **environment(folder), "nnUNet_extTrainer": external, "PYTHONPATH": SITE}
    program = Path(sys.executable).parent / command
    done = subprocess.run([program, *map(str, arguments)], env=variables, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def save_case(folder, name, number):
    """A tree, a slab beside it as the second class, and where the data set has it an ignored slab."""
    phantom = tree(SHAPE, num_branches=3, seed=number)
    label = phantom.label.astype(np.uint8)
    label[:4][label[:4] == 0] = 2
    if DATASETS[name][1].get("ignore"):
        label[:, -3:] = 3
    image = phantom.image + (label == 2) * 0.5
    dataset = folder / "nnUNet_raw" / f"Dataset{name}_{DATASETS[name][0]}"
    for path, values in (("imagesTr/case_{}_0000", image.astype(np.float32)), ("labelsTr/case_{}", label)):
        file = dataset / (path.format(number) + ".nii.gz")
        file.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(values, np.eye(4)), file)
    return dataset


def make_smaller(plans):
    """Patches and a network that a CPU core trains in seconds."""
    made = json.loads(plans.read_text())
    for name, patch in PATCH.items():
        configuration = made["configurations"][name]
        configuration.update(patch_size=patch, batch_size=2)
        arguments = configuration["architecture"]["arch_kwargs"]
        for key, value in arguments.items():
            if isinstance(value, list) and len(value) == arguments["n_stages"]:
                arguments[key] = value[:3]
        arguments.update(n_stages=3, features_per_stage=[4, 6, 8])
        arguments["n_conv_per_stage_decoder"] = [1, 1]
        arguments["n_conv_per_stage"] = [1, 1, 1]
    plans.write_text(json.dumps(made))


@pytest.fixture(scope="session")
def planned(tmp_path_factory):
    """Folder in which ``nnUNetv2_plan_and_preprocess`` has been on all data sets."""
    folder = tmp_path_factory.mktemp("nnunet")
    for name, (_, labels, order) in DATASETS.items():
        for number in range(5):
            dataset = save_case(folder, name, number)
        about = {"channel_names": {"0": "image"}, "labels": labels, "numTraining": 5, "file_ending": ".nii.gz"}
        about |= {} if order is None else {"regions_class_order": order}
        (dataset / "dataset.json").write_text(json.dumps(about))
    options = ["-c", "2d", "3d_fullres", "-np", "1", "1", "-npfp", "1", "--no_pbar"]
    nnunet(folder, "nnUNetv2_plan_and_preprocess", "-d", *DATASETS, *options)
    for plans in (folder / "nnUNet_preprocessed").glob("*/nnUNetPlans.json"):
        make_smaller(plans)
    return folder
