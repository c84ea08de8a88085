"""The documentation site: every public name has its page, and it is built without a warning."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import monai_topo.blockwise

ROOT = Path(__file__).parent.parent
CONF = runpy.run_path(str(ROOT / "docs" / "conf.py"))

REMOTE = re.compile(r"<(?:script|img)[^>]*src=[\"'](https?:[^\"']+)|<link[^>]*href=[\"'](https?:[^\"']+)")
BUNDLES = [path.parent.name for path in ROOT.glob("bundles/*/docs")]


def test_every_public_name_has_one_page():
    listed = [name for face in CONF["FACES"] for name in CONF["public_names"](face)]
    twice = {name for name in listed if listed.count(name) > 1}
    assert twice <= set(monai_topo.blockwise.__all__), "only what also goes by blocks has a page under each"
    for face in CONF["FACES"]:
        module = import_module(f"monai_topo.{face}")
        names = {name: getattr(getattr(module, name), "__name__", name) for name in module.__all__}
        names = {name: first for name, first in names.items() if f"{face}.{name}" not in CONF["FACES"]}
        assert [name for name, first in names.items() if name not in listed and first not in listed] == []


def listed_below(page):
    """The pages that are in the table of contents of a page, and in theirs."""
    text = (ROOT / "docs" / page).with_suffix(".md")
    tables = re.findall(r"```\{toctree\}\n(.*?)```", text.read_text(), re.DOTALL) if text.exists() else []
    names = [line.strip() for table in tables for line in table.splitlines() if line and not line.startswith(":")]
    return names + [below for name in names for below in listed_below(name)]


def test_every_page_is_in_a_table_of_contents():
    files = [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".md", ".ipynb")]
    pages = [str(path.relative_to(ROOT / "docs").with_suffix("")) for path in files]
    built = [CONF["page_of"](face) for face in CONF["FACES"]] + [
        path.parent.name for path in ROOT.glob("bundles/*/docs")
    ]
    pages = [page for page in pages if not page.startswith(("reference/", "_build/")) and page != "index"]
    pages += [f"reference/{name}" for name in built]
    assert sorted(listed_below("index")) == sorted(pages), "each page is in the toctree of one of docs/*.md"


def test_the_version_is_the_package_s():
    assert CONF["release"] == monai_topo.__version__


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site: the one that ``make docs`` has just built, or built here in the same way."""
    if "MONAI_TOPO_SITE" in os.environ:
        return Path(os.environ["MONAI_TOPO_SITE"]).resolve()
    pytest.importorskip("sphinx", reason="needs the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    warned = [line for line in built.stderr.splitlines() if line and "IPKernelApp" not in line]
    assert (built.returncode, warned) == (0, [])
    return folder


class Page(HTMLParser):
    """What a page links to, and what in it can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        self.links += [given[name] for name in ("href", "src") if given.get(name)]


def local_targets(pages, path):
    """Path and fragment of each link of a page that stays in the site."""
    for link in pages[path].links:
        address = urlsplit(link)
        if not address.scheme and not address.netloc:
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            yield target, unquote(address.fragment)


def clicks(pages, start):
    """The least number of clicks from a page to each."""
    found, frontier = {start: 0}, [start]
    while frontier:
        following = [t for path in frontier for t, _ in local_targets(pages, path) if t in pages and t not in found]
        found |= dict.fromkeys(following, found[frontier[0]] + 1)
        frontier = list(dict.fromkeys(following))
    return found


def read(folder):
    return {path.resolve(): Page(path) for path in folder.rglob("*.html") if "_static" not in path.parts}


def broken_links(pages):
    """Links within the site that lead to no file, or to no place in it."""
    return {
        f"{path.name}: {target.name}#{fragment}"
        for path in pages
        for target, fragment in local_targets(pages, path)
        if not target.exists() or (fragment and target in pages and fragment not in pages[target].ids)
    }


@pytest.mark.slow
def test_it_is_built_without_a_warning(site):
    for page in ("index", "choose", "losses", "reference/generated/monai_topo.losses.TopoLoss"):
        assert (site / f"{page}.html").exists()


@pytest.mark.slow
def test_every_page_is_two_clicks_from_the_first(site):
    pages = read(site)
    distance = clicks(pages, (site / "index.html").resolve())
    far = [path.name for path in pages if distance.get(path, 9) > 2 and path.name != "search.html"]
    assert far == [], "search.html is what the search field opens"


@pytest.mark.slow
def test_links_within_it_lead_somewhere(site):
    assert broken_links(read(site)) == set()


@pytest.mark.slow
def test_it_needs_no_network(site):
    """Nothing that a page is shown with comes from elsewhere: fonts, scripts, styles."""
    for path in site.rglob("*.html"):
        shown = re.findall(
            r"<(?:script|img)[^>]*src=[\"'](https?:[^\"']+)|<link[^>]*href=[\"'](https?:[^\"']+)", path.read_text()
        )
        assert shown == [], path.name
    for path in site.rglob("*.css"):
        assert not re.search(r"@import[^;]*https?:|url\([\"']?https?:", path.read_text()), path.name


def test_far_pages_and_broken_links_are_seen(tmp_path):
    for name, link in {"index": "a.html", "a": "b.html#x", "b": "c.html", "c": "gone.html"}.items():
        (tmp_path / f"{name}.html").write_text(f'<a href="{link}">.</a>')
    pages = read(tmp_path)
    assert {path.stem: n for path, n in clicks(pages, tmp_path.resolve() / "index.html").items()}["c"] == 3
    assert broken_links(pages) == {"a.html: b.html#x", "c.html: gone.html#"}
