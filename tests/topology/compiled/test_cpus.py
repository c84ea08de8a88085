"""Cores are those that a process may use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from monai_topo.topology.compiled import cpus


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


V1 = "sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "200000 100000\n"}, 2),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "300000 100000\n",
            },
            2,
        ),
        ({"proc/self/cgroup": "0::/docker/x\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/unified/a/cpu.max": "400000 100000\n"}, 4),
        ({"proc/self/cgroup": "4:cpu,cpuacct:/j\n", f"{V1}/j/cpu.cfs_quota_us": "-1\n"}, None),
        (
            {
                "proc/self/cgroup": "5:memory:/m\n4:cpu,cpuacct:/j/k\n",
                f"{V1}/j/cpu.cfs_quota_us": "300000\n",
                f"{V1}/j/cpu.cfs_period_us": "100000\n",
                f"{V1}/j/k/cpu.cfs_quota_us": "-1\n",
                f"{V1}/j/k/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/gone\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "many\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0\n"}, None),
    ],
)
def test_quota_of_cgroups(tmp_path, files, quota):
    write(tmp_path, files)
    assert cpus.cpu_quota(tmp_path) == quota


@pytest.mark.parametrize(("quota", "expected"), [(None, 8), (2.5, 3), (0.2, 1), (64.0, 8)])
def test_a_quota_limits_the_cores(monkeypatch, quota, expected):
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    monkeypatch.setattr(cpus, "cpu_quota", lambda: quota)
    cpus._own_quota.cache_clear()
    assert cpus.available_cpus() == expected
    cpus._own_quota.cache_clear()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity masks")
def test_affinity_limits_the_threads():
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from monai_topo.topology.compiled.threads import count_threads\n"
        "print(count_threads(None, 100), count_threads(3, 100))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "3"]
