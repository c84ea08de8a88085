"""Steps on a GPU: what the benchmark says where there is none, and its arithmetic."""

from __future__ import annotations

import pytest
import torch

from tests.benchmarks import bench_gpu, sections
from tests.benchmarks.__main__ import main
from tests.benchmarks.pages import places


def test_the_union_of_spans():
    assert bench_gpu.covered([(5, 7), (0, 2), (1, 3), (1, 2), (6, 8)]) == 6
    assert bench_gpu.covered([]) == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_without_a_gpu_the_command_says_so_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        main(["--target", "gpu", "--out", str(tmp_path)])
    assert str(error.value) == "gpu: no CUDA device is here: steps on a GPU are not measured."
    assert capsys.readouterr().out == ""


def test_the_page_says_what_is_measured():
    text = sections.read_section(places()["gpu"], "gpu")
    assert "Not measured" in text or "| --- |" in text


def test_a_step_in_small():
    """The code that runs on a GPU, on the CPU."""
    network = bench_gpu.new_network(quick=True)
    data = [tensor.to(bench_gpu.device()) for tensor in bench_gpu.batch_of_membranes(16, 1, seed=0)]
    before = [value.clone() for value in network.parameters()]
    losses = bench_gpu.new_losses()
    for name in (bench_gpu.ALONE, bench_gpu.WAITING, "topo"):
        taken, idle = bench_gpu.figures(network, network.state_dict(), bench_gpu.new_step(network, losses[name], data))
        assert taken > 0
        assert 0 <= idle < 1
    assert any((value != old).any() for value, old in zip(network.parameters(), before, strict=True))
