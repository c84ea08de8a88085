"""What the build adds to pyproject.toml: the project's address, and with it links that hold outside of a checkout.

The address is that of the repository, from MONAI_TOPO_URL; `.github/workflows/release.yml` sets it. Without it a build
names none, and links in the description are those of README.md.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[((?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*)\]\((?!https?:|#|mailto:)([^)\s]+)\)")


class AddressHook(MetadataHookInterface):
    """Sets `readme` and `urls`, which pyproject.toml declares dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling with the metadata so far."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        address = os.environ.get("MONAI_TOPO_URL", "").rstrip("/")
        metadata["urls"] = urls(address) if address else {}
        text = absolute(text, address, f"v{metadata['version']}") if address else text
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def urls(address: str) -> dict[str, str]:
    """The links beside the description."""
    return {
        "Homepage": address,
        "Documentation": f"{address}/blob/main/docs/start.md",
        "Changelog": f"{address}/blob/main/docs/changelog.md",
        "Issues": f"{address}/issues",
        "Source": address,
    }


def absolute(text: str, address: str, tag: str) -> str:
    """The text with its relative links to that tag of the repository: pictures to the files, others to their pages."""

    def lead(found: re.Match[str]) -> str:
        picture, name, place = found.groups()
        kind = "raw" if picture else "blob"
        return f"{picture}[{LINK.sub(lead, name)}]({address}/{kind}/{tag}/{place})"

    return LINK.sub(lead, text)
