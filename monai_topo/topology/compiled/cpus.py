"""How many CPU cores this process may use, which in a batch job or a container are fewer than the machine has."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath


def available_cpus() -> int:
    """CPU cores of the process's affinity mask, and not more than the CPU time that its cgroup may take.

    Example:
        >>> 1 <= available_cpus() <= os.cpu_count()
        True
    """
    if hasattr(os, "process_cpu_count"):
        count = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count()
    return max(1, min(count or 1, _own_quota()))


@cache
def _own_quota() -> int:
    quota = cpu_quota()
    return 2**31 if quota is None else math.ceil(quota)


def cpu_quota(root: str | Path = "/") -> float | None:
    """CPU time that the cgroups of this process allow it, in cores; None where there is no limit.

    The least counts of the process's own group and of all above it, in version 2 of cgroups and in version 1.

    Args:
        root: folder of ``proc`` and ``sys``.
    """
    quotas = [quota for folder in _cgroup_folders(Path(root)) if (quota := _read_quota(folder)) is not None]
    return min(quotas, default=None)


def _cgroup_folders(root: Path) -> Iterator[Path]:
    """Where the quotas of this process may be told; some of the folders need not exist."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        # A container may see the folder of its own group as the top one, and not those that its name tells.
        inside = PurePosixPath(group.lstrip("/"))
        for mount in ("", controllers, "cpu") if controllers else ("", "unified"):
            yield from (root / "sys/fs/cgroup" / mount / part for part in (inside, *inside.parents))


def _read_quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 and int(period) > 0 else None
    except (OSError, ValueError):  # no such file, or "max": no limit
        return None
