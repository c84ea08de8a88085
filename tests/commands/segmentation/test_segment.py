"""`segment` gives what the bundle's own inference gives, in blocks, and goes on where it was stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import zarr
from monai.bundle import ConfigParser
from ome_zarr_models.v05 import Image

from monai_topo.__main__ import main
from monai_topo.commands.segmentation.engine import Engine
from monai_topo.commands.segmentation.network import _literal as literal
from monai_topo.data import read_volume, same_grid, save_nifti, walk_volumes
from tests.commands.segmentation.bundles import SMALL, options, small_bundle, volume, zarr_volume


def whole(bundle, path):
    """The bundle's own inference on the whole volume."""
    image = bundle.entry("preprocessing")({"image": str(path)})["image"]
    with torch.no_grad():
        return bundle.entry("activation")(bundle.entry("inferer")(image[None], bundle.network))[0].numpy()


def run(bundle, source, out, *more):
    words = ["segment", str(source), str(out), "--bundle", str(bundle.folder), *options(bundle), *more]
    return main(words)


@pytest.mark.parametrize("name", ["em_membranes", "ircadb_vessels", "neuron_stacks"])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_as_the_bundle_itself(name, dtype, rng, tmp_path, capsys):
    bundle = small_bundle(tmp_path, name)
    source = zarr_volume(tmp_path, rng, dtype=dtype)
    out = tmp_path / "out.zarr"
    assert run(bundle, source, out, "--block", "9,8,11") == 0
    result = read_volume(out)
    likelihood = whole(bundle, source)[0]
    assert likelihood.std() > 0.01
    np.testing.assert_allclose(result.array, likelihood, atol=1e-5)
    mask = read_volume(out / "labels" / "segmentation")
    np.testing.assert_array_equal(mask.array, result.array >= 0.5)
    assert same_grid(mask, read_volume(source))
    assert result.unit == "nm"
    Image.from_zarr(zarr.open_group(out, mode="r"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.zarr", "model.pt", "out.zarr"]
    capsys.readouterr()
    assert run(bundle, source, out, "--block", "9,8,11") == 0
    assert "was finished by an earlier run" in capsys.readouterr().err


def test_the_overlay(rng, tmp_path):
    """`python -m monai.bundle run` with blocks.yaml gives what the command gives."""
    bundle = small_bundle(tmp_path, activation="$torch.sigmoid")
    source = zarr_volume(tmp_path, rng)
    assert run(bundle, source, tmp_path / "out.zarr", "--block", "9,8,11") == 0
    parser = ConfigParser()
    files = [bundle.folder / "configs" / name for name in ("inference.yaml", "blocks.yaml")]
    parser.read_config([str(file) for file in files])
    parser.update({name: literal(value) for name, value in bundle.overrides})
    parser.update({"bundle_root": str(bundle.folder), "dataset_dir": str(source), "output_dir": str(tmp_path / "eval")})
    small = tmp_path / "small.yaml"
    small.write_text("\n".join(f"'{name}': {value}" for name, value in SMALL if name.startswith("network_def")))
    parser.update({"block": [9, 8, 11], "block_configs": ["inference.yaml", str(small)]})
    parser.get_parsed_content("run")
    np.testing.assert_array_equal(
        read_volume(tmp_path / "eval" / "in.zarr").array, read_volume(tmp_path / "out.zarr").array
    )


def test_a_few_tasks_at_a_time_are_with_the_scheduler(monkeypatch):
    submitted = []

    class Future:
        def __init__(self, key, value):
            self.key, self.value = key, value

        def result(self):
            return self.value

    class Client:
        def submit(self, function, *arguments, key):
            submitted.append(key)
            return Future(key, function(*(one.value if isinstance(one, Future) else one for one in arguments)))

        def nthreads(self):
            return {"one": 2}

        def cancel(self, futures):
            assert list(futures) == []

    class Finished(list):
        def add(self, future):
            self.append(future)
            most.append(len(self))

        def __iter__(self):
            while self:
                yield self.pop(0)

    most = []
    monkeypatch.setattr("distributed.as_completed", Finished)
    tasks = {f"a{n}": ((lambda n, *before: n + sum(before)), n, *([f"a{n - 1}"] if n else [])) for n in range(1000)}
    assert Engine(Client()).run("title", tasks) == Engine().run("title", tasks) == np.arange(1000).cumsum().tolist()
    assert len(submitted) == 1000
    assert max(most) == 256


def test_flips_and_several_channels(rng, tmp_path):
    bundle = small_bundle(
        tmp_path, tta="True", **{"network_def#out_channels": "3", "activation": "$lambda x: x.softmax(0)"}
    )
    source = zarr_volume(tmp_path, rng, (14, 13, 9))
    assert run(bundle, source, tmp_path / "out.zarr", "--block", "8") == 0
    likelihoods = whole_channels(bundle, source)
    stored = zarr.open_array(tmp_path / "out.zarr" / "0", mode="r")[:]
    np.testing.assert_allclose(stored.transpose(0, 3, 2, 1), likelihoods, atol=1e-5)
    mask = read_volume(tmp_path / "out.zarr" / "labels" / "segmentation").array
    np.testing.assert_array_equal(mask, stored.argmax(0).T)


def whole_channels(bundle, path):
    image = bundle.entry("preprocessing")({"image": str(path)})["image"]
    with torch.no_grad():
        return bundle.entry("inferer")(image[None], bundle.network)[0].softmax(0).numpy()


def test_a_file_that_is_no_zarr(rng, tmp_path):
    bundle = small_bundle(tmp_path)
    save_nifti(tmp_path / "in.nii.gz", volume(rng))
    assert run(bundle, tmp_path / "in.nii.gz", tmp_path / "out.zarr", "--block", "16") == 0
    np.testing.assert_allclose(
        read_volume(tmp_path / "out.zarr").array, whole(bundle, tmp_path / "in.nii.gz")[0], atol=1e-5
    )


class Stopped(BaseException):
    """As if the process were killed."""


@pytest.mark.parametrize("after", [0, 3, 9, 17, 30])
def test_what_is_done_is_kept(after, rng, tmp_path, monkeypatch):
    from monai_topo.inferers import BlockWindows

    bundle = small_bundle(tmp_path)
    source = zarr_volume(tmp_path, rng)
    assert run(bundle, source, tmp_path / "whole.zarr", "--block", "16") == 0
    steps, parts = [], []

    def counted(function):
        def count(*arguments, **more):
            steps.append(1)
            if len(steps) > after:
                raise Stopped
            return function(*arguments, **more)

        return count

    from monai_topo.commands.segmentation import run as module

    with monkeypatch.context() as patch:
        for name in ("make_part", "join_block", "drop_part", "make_coarser", "statistic"):
            patch.setattr(module, name, counted(getattr(module, name)))
        if after < 30:
            with pytest.raises(Stopped):
                run(bundle, source, tmp_path / "out.zarr", "--block", "16")
    part = BlockWindows.part
    monkeypatch.setattr(
        BlockWindows, "part", lambda self, block, *rest: parts.append(block) or part(self, block, *rest)
    )
    assert run(bundle, source, tmp_path / "out.zarr", "--block", "16") == 0
    assert len(parts) == len({*parts}) <= 8
    assert after < 9 or len(parts) < 8 or after == 30
    for path in walk_volumes(tmp_path / "whole.zarr"):
        if path.is_file() and path.name != "zarr.json":
            other = tmp_path / "out.zarr" / path.relative_to(tmp_path / "whole.zarr")
            assert path.read_bytes() == other.read_bytes()


def test_another_run_in_its_place(rng, tmp_path, monkeypatch, capsys):
    from monai_topo.commands.segmentation import run as module

    bundle = small_bundle(tmp_path)
    source = zarr_volume(tmp_path, rng)
    with monkeypatch.context() as patch:
        patch.setattr(module, "make_coarser", None)
        patch.setattr(module, "_finish", lambda *paths: (_ for _ in ()).throw(OSError("no space")))
        assert run(bundle, source, tmp_path / "out.zarr") == 2
    assert not (tmp_path / "out.zarr").exists()
    other = small_bundle(tmp_path, threshold="0.4")
    assert run(other, source, tmp_path / "out.zarr") == 2
    assert "was begun by a run with another configuration: remove it" in capsys.readouterr().err
    assert run(bundle, source, tmp_path / "out.zarr") == 0
    assert run(other, source, tmp_path / "out.zarr") == 2
    assert "is there already, of other settings or another source" in capsys.readouterr().err


def test_a_damaged_block_is_named(rng, tmp_path, capsys):
    bundle = small_bundle(tmp_path, "ircadb_vessels")
    array = (rng.random((30, 25, 19)) * 250).astype(np.uint8)
    zarr.create_array(tmp_path / "in.zarr", data=array.T, chunks=(8, 8, 8))
    (tmp_path / "in.zarr" / "c" / "2" / "1" / "3").write_bytes(b"damaged")
    assert run(bundle, tmp_path / "in.zarr", tmp_path / "out.zarr", "--block", "16") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "block 1.0.1 of" in message or "block 1.0.0 of" in message
    assert "chunk 2/1/3 is damaged" in message
    zarr.create_array(tmp_path / "in.zarr", data=array.T, chunks=(8, 8, 8), overwrite=True)


def test_errors(rng, tmp_path, capsys):
    bundle = small_bundle(tmp_path)
    source = zarr_volume(tmp_path, rng)

    def error(*more, source=source, bundle=bundle, out="out.zarr"):
        assert run(bundle, source, tmp_path / out, *more) == 2
        return capsys.readouterr().err.splitlines()[-1]

    assert "no such file or folder" in error(source=tmp_path / "nowhere.zarr")
    assert "must end in .zarr" in error(out="out.nii")
    assert "--block must be a size, or one for each of the 3 axes" in error("--block", "3,4")
    assert "--workers must be at least 1, got 0" in error("--workers", "0")
    assert "is not there: --bundle must be the folder of a MONAI bundle" in error("--config", "other.yaml")
    assert "the weights of em_membranes, is not there" in error("--set", "checkpoint", "gone.pt")
    assert "does not fit the network" in error("--set", "network_def#channels", "[4, 16]")
    words = ["--set", "preprocessing", "$monai.transforms.Compose([monai.transforms.RandFlipd('image')])"]
    assert "preprocessing must begin with LoadVolumed" in error(*words)
    words[2] = (
        "$monai.transforms.Compose([monai_topo.LoadVolumed('image'), monai.transforms.MedianSmoothd('image', 1)])"
    )
    assert "MedianSmoothd of preprocessing cannot be applied block by block" in error(*words)
    assert "preprocessing of em_membranes cannot be made: " in error("--set", "preprocessing", "$1 / 0")
    assert main(["segment", str(source), str(tmp_path / "o.zarr"), "--bundle", str(tmp_path)]) == 2
    assert "is no folder of a MONAI bundle" in capsys.readouterr().err
