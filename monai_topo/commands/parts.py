"""Cases cut into blocks along z."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from monai_topo.data import Case, Converted, Volume


def split_case(case: Case, parts: int) -> list[Case]:
    """Blocks of a case along z, of about the same size, all of its patient."""
    if parts == 1:
        return [case]
    return [
        replace(case, name=f"{case.name}_part{number}", load=partial(_load_part, case, number - 1, parts))
        for number in range(1, parts + 1)
    ]


def _load_part(case: Case, index: int, parts: int) -> Converted:
    whole = case.load()
    depth = whole.image.array.shape[2] if whole.image.array.ndim == 3 else 1
    if depth < parts:
        raise ValueError(f"{depth} sections cannot be cut into {parts} parts.")
    start, stop = index * depth // parts, (index + 1) * depth // parts
    label = None if whole.label is None else _sections(whole.label, start, stop)
    return replace(whole, image=_sections(whole.image, start, stop), label=label)


def _sections(volume: Volume, start: int, stop: int) -> Volume:
    affine = volume.affine.copy()
    affine[:3, 3] += start * affine[:3, 2]
    return replace(volume, array=volume.array[..., start:stop], affine=affine)
