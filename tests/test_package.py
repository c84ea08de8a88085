"""What is released: one version everywhere, and a wheel from which commands and bundles run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import monai_topo

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUNDLES = sorted(path.name for path in (ROOT / "bundles").iterdir() if path.is_dir())


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    needed = [
        json.loads((ROOT / "bundles" / name / "configs" / "metadata.json").read_text())["required_packages_version"]
        for name in BUNDLES
    ]
    versions = {monai_topo.__version__, PROJECT["version"], citation["version"], *(n["monai_topo"] for n in needed)}
    assert versions == {PROJECT["version"]}


def test_the_citation_file_has_what_its_format_requires():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] == PROJECT["license"]
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= set(reference)


@pytest.mark.parametrize("name", ["test", "docs", "release"])
def test_workflows_run_what_the_makefile_has(name):
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())["jobs"]
    commands = " ".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = re.findall(r"make ([a-z-]+)", commands)
    assert set(called) <= set(targets)
    assert called or ".ci/run" in commands


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Wheel and source distribution: those that ``make package`` has just built, or built here."""
    if "MONAI_TOPO_DIST" in os.environ:
        folder = Path(os.environ["MONAI_TOPO_DIST"])
    else:
        pytest.importorskip("build", reason="needs the extra `release`")
        folder = tmp_path_factory.mktemp("dist")
        subprocess.run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel.resolve(), source.resolve()


@pytest.mark.slow
def test_what_the_distributions_hold(distributions):
    wheel, source = distributions
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "monai_topo").rglob("*.py")}
    assert package <= inside
    assert {f"monai_topo/bundles/{name}/configs/train.yaml" for name in BUNDLES} <= inside
    assert not [name for name in inside if name.startswith("tests/") or name.endswith((".nbc", ".nbi", ".pt"))]
    with tarfile.open(source) as archive:
        files = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"README.md", "LICENSE", "CITATION.cff", "Makefile", "constraints.txt", "docs/losses.md"} <= files
    assert {".ci/metadata.py", "tests/test_package.py", "bundles/em_membranes/configs/train.yaml"} <= files


@pytest.mark.slow
def test_with_an_address_the_description_s_links_are_absolute(tmp_path, monkeypatch):
    pytest.importorskip("build", reason="needs the extra `release`")
    monkeypatch.setenv("MONAI_TOPO_URL", "https://example.org/who/monai_topo/")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        text = wheel.read(f"monai_topo-{PROJECT['version']}.dist-info/METADATA").decode()
    place, tag = "https://example.org/who/monai_topo", f"v{PROJECT['version']}"
    assert f"Project-URL: Homepage, {place}\n" in text
    assert f"]({place}/raw/{tag}/docs/images/demo.png)" in text
    assert f"]({place}/blob/{tag}/docs/choose.md)" in text
    assert not re.findall(r"\]\((?!https?:|#)[^)]*\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL))


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """A fresh environment with the wheel; what it depends on is taken from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", str(distributions[0])]
    subprocess.run(pip, check=True)
    return folder / "bin"


def run(installed, folder, *words):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(installed / words[0]), *words[1:]]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="folders of an environment are others")
def test_the_installed_wheel_has_the_command_and_its_bundles_run(installed, tmp_path):
    assert run(installed, tmp_path, "monai-topo", "--version") == f"monai_topo {PROJECT['version']}\n"
    where = run(installed, tmp_path, "python", "-c", "import monai_topo; print(monai_topo.__file__)")
    assert str(installed.parent) in where
    listed = run(installed, tmp_path, "monai-topo", "bundles", "em_membranes", "--copy", "mine")
    copy = tmp_path / "mine" / "em_membranes"
    assert str(copy) in listed
    configs = str([str(copy / "configs" / name) for name in ("train.yaml", "quick.yaml")])
    options = ["--bundle_root", str(copy), "--quick_dir", str(tmp_path / "quick")]
    run(installed, tmp_path, "python", "-m", "monai.bundle", "run", "--config_file", configs, *options)
    assert list(copy.glob("models/*.pt")) or list((tmp_path / "quick").rglob("*.pt"))
