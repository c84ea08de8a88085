"""Files of weights and training states, written whole."""

from __future__ import annotations

import io
from typing import Any

import torch
from monai.config import PathLike

from monai_topo.data import written_whole


def write_state(path: PathLike, state: Any) -> None:
    """Write what ``torch.load`` reads; a file that had the name before is there until the new one is complete.

    Args:
        path: File to write; its folder is made if need be.
        state: State dict, or a dictionary of them.

    Raises:
        OSError: when it cannot be written, such as for want of space; it names ``path``.
    """
    content = io.BytesIO()  # torch reports a full disk as an error of its own, without the path
    torch.save(state, content)
    with written_whole(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def unwrapped(item: Any) -> Any:
    """The item itself, without ``DistributedDataParallel`` around it."""
    return item.module if isinstance(item, torch.nn.parallel.DistributedDataParallel) else item
