"""The EM bundle on a folder that `prepare` has written."""

from __future__ import annotations

import pytest
from monai.bundle import ConfigWorkflow

from monai_topo.__main__ import main
from tests.bundles.conftest import BUNDLES
from tests.data import layouts


@pytest.mark.filterwarnings("ignore")  # MONAI warns of every evaluated configuration
def test_training_on_a_prepared_stack(tiny, tmp_path):
    layouts.write_isbi2012(tmp_path / "download")
    assert main(["prepare", "isbi", str(tmp_path / "download"), str(tmp_path / "prepared"), "--parts", "3"]) == 0
    configs = BUNDLES / "em_membranes" / "configs"
    workflow = ConfigWorkflow(
        config_file=[str(configs / name) for name in ("train.yaml", "prepared.yaml")],
        workflow_type="train",
        logging_file=None,
        **{**tiny, "dataset_dir": str(tmp_path / "prepared"), "fold": 1, "max_epochs": 1},
    )
    workflow.initialize()
    validation = workflow.parser.get_parsed_content("validate::datalist")
    training = workflow.parser.get_parsed_content("train::datalist")
    assert [item["fold"] for item in validation] == [1]
    assert len(training) == 2
    workflow.run()
    workflow.finalize()
    trainer = workflow.parser.get_parsed_content("train::trainer")
    assert trainer.state.epoch == 1
    assert (tmp_path / "models" / "model.pt").is_file()
