"""Bundles on a folder that `prepare` has written."""

from __future__ import annotations

import pytest

from monai_topo.__main__ import main
from tests.data.datasets import layouts

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI warns of every evaluated configuration


@pytest.mark.parametrize(
    ("bundle", "overlay"), [("em_membranes", ["prepared.yaml"]), ("neuron_stacks", [])], indirect=["bundle"]
)
def test_training_on_a_prepared_stack(bundle, overlay, tmp_path):
    layouts.write_isbi2012(tmp_path / "download")
    assert main(["prepare", "isbi", str(tmp_path / "download"), str(tmp_path / "prepared"), "--parts", "3"]) == 0
    overrides = bundle.overrides(tmp_path, dataset_dir=str(tmp_path / "prepared"), max_epochs=1, fold=1)
    flow = bundle.run(["train.yaml", *overlay], **overrides)
    assert [item["fold"] for item in flow.val_dataset_data] == [1]
    assert len(flow.parser.get_parsed_content("train::datalist")) == 2
    assert flow.trainer.state.epoch == 1
    assert (tmp_path / "models" / "model.pt").is_file()


@pytest.mark.parametrize("bundle", ["ircadb_vessels"], indirect=True)
def test_a_folder_of_something_else_is_said_with_the_remedy(bundle, tmp_path):
    (tmp_path / "raw").mkdir()
    done = bundle.command(["train.yaml"], dataset_dir=tmp_path / "raw", bundle_root=bundle.root)
    [line] = [line for line in done.stderr.splitlines() if line.startswith("FileNotFoundError")]
    assert "holds neither datalist.json nor images/ and labels/" in line
    assert "python -m monai_topo prepare" in line
