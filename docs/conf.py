"""The site: ``make docs`` builds it into docs/_build/html, with warnings as errors."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib import import_module
from inspect import ismodule
from pathlib import Path
from urllib.request import urlopen

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

project = "monai_topo"
author = "monai_topo contributors"
copyright = author
release = version = "0.1.0"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "monai_topo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navbar_align": "left",
    "show_nav_level": 1,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False
highlight_language = "none"
"""Blocks without a language are commands and drawings."""

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = True
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True

autosummary_generate = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_use_ivar = True
napoleon_custom_sections = [("Yields", "returns_style")]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

online = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
    "monai": ("https://docs.monai.io/en/stable", None),
}


def is_reachable(site: str) -> bool:
    """Whether the index of a project's site can be downloaded now."""
    try:
        with urlopen(f"{site}/objects.inv", timeout=10):
            return True
    except OSError:
        return False


wanted = online if "MONAI_TOPO_DOCS_ONLINE" in os.environ else {}
intersphinx_mapping = {name: place for name, place in wanted.items() if is_reachable(place[0])}
"""Links into other projects' sites, where MONAI_TOPO_DOCS_ONLINE is set; one that is down is left out."""

FACES = {
    "losses": "Losses",
    "metrics": "Metrics",
    "handlers": "Handlers",
    "transforms": "Transforms",
    "inferers": "Inferers",
    "data": "Data",
    "data.phantoms": "Phantoms",
    "data.controls": "Controls",
    "graphs": "Centerline graphs",
    "topology": "Topology",
    "visualize": "Pictures",
    "blockwise": "Volumes by blocks",
}
"""Subpackages with a page in the reference, and its title."""


REFERENCE = HERE / "reference"
BUNDLES = HERE.parent / "bundles"


def write_if_new(page: Path, text: str) -> None:
    """Write a page unless it is there: what has not changed is not built anew."""
    page.parent.mkdir(parents=True, exist_ok=True)
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


def public_names(face: str) -> list[str]:
    """What a subpackage offers, without aliases and without what has its page with another subpackage."""
    module = import_module(f"monai_topo.{face}")
    things = {name: getattr(module, name) for name in module.__all__}
    things = {name: thing for name, thing in things.items() if not ismodule(thing)}
    kept = [name for name, thing in things.items() if not is_alias(name, thing, module.__all__)]
    return sorted(name for name in kept if home(things[name], face) == face)


def is_alias(name: str, thing: object, names: list[str]) -> bool:
    """Whether it is a second name, such as ``CloseWallsDict``."""
    first = getattr(thing, "__name__", name)
    return first != name and first in names


def home(thing: object, face: str) -> str:
    """The subpackage whose page has a thing: where it is defined, if that offers it."""
    defined_in = (getattr(thing, "__module__", None) or "").removeprefix("monai_topo.").partition(".")[0]
    offered = getattr(import_module(f"monai_topo.{defined_in}"), "__all__", []) if defined_in in FACES else []
    return defined_in if getattr(thing, "__name__", "") in offered else face


def page_of(face: str) -> str:
    """The name of a subpackage's page."""
    return face.rpartition(".")[2]


def write_reference() -> None:
    """Write a page for each subpackage from its public names, and for each bundle from its README."""
    for face, title in FACES.items():
        first = (import_module(f"monai_topo.{face}").__doc__ or "").strip().split("\n\n")[0]
        listed = "\n   ".join(public_names(face))
        text = (
            f"{title}\n{'=' * len(title)}\n\n{first}\n\n.. currentmodule:: monai_topo.{face}\n\n"
            f".. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n   {listed}\n"
        )
        write_if_new(REFERENCE / f"{page_of(face)}.rst", text)
    for readme in BUNDLES.glob("*/docs/README.md"):
        name = readme.parts[-3]
        for picture in readme.parent.glob("*.png"):
            shutil.copy(picture, REFERENCE / f"{name}_{picture.name}")
        write_if_new(REFERENCE / f"{name}.md", re.sub(r"\]\((\w+\.png)\)", rf"]({name}_\1)", readme.read_text()))


def adapt(app: object, name: str, source: list[str]) -> None:
    """Lead links to bundles' READMEs to their pages here; leave out the empty line that ends an example's output."""
    source[0] = re.sub(r"(```python\n.*?)\n\s*\n(\s*```)", r"\1\n\2", source[0], flags=re.DOTALL)
    source[0] = re.sub(r"\]\(\.\./bundles/(\w+)/docs/README\.md", r"](reference/\1.md", source[0])


def setup(app: object) -> None:
    """Called by Sphinx."""
    write_reference()
    app.connect("source-read", adapt)  # type: ignore[attr-defined]
