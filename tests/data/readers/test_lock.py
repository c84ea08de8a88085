"""One process at a time; a process that was killed leaves no lock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from monai_topo.data import locked

HOLD = """
import sys, time
from pathlib import Path
from monai_topo.data import locked
with locked(Path(sys.argv[1]), "evaluate"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_named_and_a_killed_one_leaves_nothing(tmp_path):
    path = tmp_path / "new" / "report.json"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    message = rf"report\.json is being written by another evaluate \(process {holder.pid} on "
    with pytest.raises(BlockingIOError, match=message), locked(path, "evaluate"):
        pass
    holder.kill()
    holder.communicate()
    assert list(path.parent.iterdir()) == [path.with_name(".report.json.lock")]  # left over, and no hindrance
    with locked(path, "evaluate"), locked(path.with_name("other.json"), "evaluate"):
        pass
    assert list(path.parent.iterdir()) == []
