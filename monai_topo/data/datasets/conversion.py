"""Cases converted one after the other, whatever is wrong with some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tqdm import tqdm

from monai_topo.data.datasets.cases import Case, Converted, one_line
from monai_topo.data.datasets.prepared import PreparedFolder
from monai_topo.data.readers.text import printable


@dataclass
class Conversion:
    """What came of it.

    Attributes:
        records: records of the finished cases, in order.
        failed: each of the others with one line that says what is wrong with it.
        renewed: names of the cases that were converted anew since their files had changed.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    renewed: list[str] = field(default_factory=list)


def convert_cases(
    cases: Sequence[Case],
    folder: PreparedFolder,
    describe: Callable[[Converted], Mapping[str, Any]] | None = None,
    progress: bool = True,
) -> Conversion:
    """Convert the cases that are not finished yet, or whose files have changed since.

    Args:
        cases: cases to convert. One that cannot be converted, whatever is wrong with it, does not keep the others from
            it.
        folder: target folder.
        describe: further entries for the record of a case.
        progress: whether to show a bar.

    Raises:
        OSError: when ``folder`` cannot be written.
    """
    found = Conversion()
    for case in tqdm(cases, desc="converting", unit="case", disable=not progress):
        record: dict[str, Any] | str | None = folder.finished(case)
        if record is None:
            if folder.discard(case):
                found.renewed.append(case.name)
            record = _convert(case, folder, describe)
        if isinstance(record, str):
            found.failed[case.name] = record
        else:
            found.records.append(record)
    return found


def _convert(
    case: Case, folder: PreparedFolder, describe: Callable[[Converted], Mapping[str, Any]] | None
) -> dict[str, Any] | str:
    """The record of a case, or what is wrong with it: the one place where that is caught."""
    try:
        converted = _load(case, describe)
    except Exception as error:  # every library has its own
        return one_line(error)
    try:
        return folder.store(case, converted)
    except OSError:  # the folder's fault
        raise
    except Exception as error:
        return one_line(error)


def _load(case: Case, describe: Callable[[Converted], Mapping[str, Any]] | None) -> Converted:
    fingerprint = case.fingerprint()  # before it is read: what changes meanwhile is read again next time
    converted = case.load()
    notes = tuple(map(printable, converted.notes))
    facts = {**converted.facts, **(describe(converted) if describe else {}), "fingerprint": fingerprint}
    return replace(converted, notes=notes, facts=facts)
