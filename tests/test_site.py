"""The documentation site: every public name has its page, and it is built without a warning."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import monai_topo.blockwise

ROOT = Path(__file__).parent.parent
CONF = runpy.run_path(str(ROOT / "docs" / "conf.py"))


def test_every_public_name_has_one_page():
    listed = [name for face in CONF["FACES"] for name in CONF["public_names"](face)]
    twice = {name for name in listed if listed.count(name) > 1}
    assert twice <= set(monai_topo.blockwise.__all__), "only what also goes by blocks has a page under each"
    for face in CONF["FACES"]:
        module = import_module(f"monai_topo.{face}")
        names = {name: getattr(getattr(module, name), "__name__", name) for name in module.__all__}
        assert [name for name, first in names.items() if name not in listed and first not in listed] == []


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text().splitlines()
    files = [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".md", ".ipynb")]
    pages = [str(path.relative_to(ROOT / "docs").with_suffix("")) for path in files]
    built = [*CONF["FACES"], *(path.name for path in (ROOT / "bundles").iterdir() if path.is_dir())]
    pages = [page for page in pages if not page.startswith(("reference/", "_build/", "results/")) and page != "index"]
    assert [page for page in pages + [f"reference/{name}" for name in built] if page not in index] == []


def test_the_version_is_the_package_s():
    assert CONF["release"] == monai_topo.__version__


@pytest.mark.slow
def test_it_is_built_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="needs the extra `docs`")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    for page in ("index", "choose", "losses", "reference/generated/monai_topo.losses.TopoLoss"):
        assert (tmp_path / f"{page}.html").exists()
