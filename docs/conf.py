"""The site: ``make docs`` builds it into docs/_build/html, with warnings as errors."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

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
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "results/*"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "monai_topo"
html_static_path: list[str] = []
html_theme_options = {
    "navbar_align": "left",
    "show_nav_level": 2,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = True
nb_execution_mode = "off"

autosummary_generate = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_use_ivar = True
napoleon_custom_sections = [("Yields", "returns_style")]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
    "monai": ("https://docs.monai.io/en/stable", None),
}

FACES = {
    "losses": "Losses",
    "metrics": "Metrics",
    "handlers": "Handlers",
    "transforms": "Transforms",
    "inferers": "Inferers",
    "data": "Data",
    "graphs": "Centerline graphs",
    "topology": "Topology",
    "visualize": "Pictures",
}
"""Subpackages with a page in the reference, and its title."""


def write_reference(app: object = None) -> None:
    """Write a page for each subpackage from its public names; dict transforms' aliases are left out."""
    for face, title in FACES.items():
        module = import_module(f"monai_topo.{face}")
        names = [name for name in module.__all__ if getattr(getattr(module, name), "__name__", name) == name]
        first = (module.__doc__ or "").strip().split("\n\n")[0]
        listed = "\n   ".join(sorted(names))
        page = HERE / "reference" / f"{face}.rst"
        text = (
            f"{title}\n{'=' * len(title)}\n\n{first}\n\n.. currentmodule:: monai_topo.{face}\n\n"
            f".. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n   {listed}\n"
        )
        page.parent.mkdir(exist_ok=True)
        if not page.exists() or page.read_text() != text:  # an unchanged page is not built anew
            page.write_text(text)


write_reference()
