"""Kernels that only kernels call are linked into the entry kernel, each once, and need no machine code of their own."""

from __future__ import annotations

import sys

import numba
import numpy as np
import pytest

SOURCE = """
from monai_topo.topology.compiled.kernel import allocating_kernel, entry_kernel, inlined_kernel, kernel
import numpy as np

@inlined_kernel
def square(x):
    return x * x

@kernel
def total(values, start):
    for i in range(values.size):
        start += square(values[i])
    return start

@kernel
def once_more(values):
    return total(values, 1) + total(values, 2)

@allocating_kernel
def doubled(values):
    made = np.empty(values.size, np.int64)
    for i in range(values.size):
        made[i] = 2 * values[i]
    return made

@kernel
def never_called(values):
    return once_more(values) + total(values, 0)

@entry_kernel
def answer(values):
    if values.size < 0:
        return never_called(values)
    return once_more(values) + total(doubled(values), 5)

@entry_kernel
def recursive(n):
    return 1 if n <= 1 else n * recursive(n - 1)
"""

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Kernels that nothing is compiled of yet."""
    (tmp_path / "linked_kernels.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def load():
        sys.modules.pop("linked_kernels", None)
        return __import__("linked_kernels")

    yield load
    sys.modules.pop("linked_kernels", None)


VALUES = np.array([1, 2, 3])
ANSWER = 14 + 14 + 3 + 4 * 14 + 5


def test_a_kernel_that_is_called_twice_and_one_that_never_is(module):
    """A callee of a call that the optimizer leaves out is called from elsewhere too."""
    assert module().answer(VALUES) == ANSWER


def test_linked_code_is_kept_on_disk(module):
    module().answer(VALUES)
    kernels = module()
    assert kernels.answer(VALUES) == ANSWER
    assert sum(kernels.answer.stats.cache_hits.values()) == 1
    assert not kernels.total.overloads


def test_inner_kernels_have_no_machine_code(module):
    kernels = module()
    kernels.answer(VALUES)
    [inner] = kernels.once_more.overloads.values()
    [entry] = kernels.answer.overloads.values()
    assert not inner.library._compiled
    assert entry.library._compiled


def test_what_is_inlined_everywhere_is_left_out(module):
    kernels = module()
    kernels.answer(VALUES)
    [entry] = kernels.answer.overloads.values()
    assert not [found for found in entry.library._get_module_for_linking().functions if "square" in found.name]


def test_a_function_that_numba_compiles_may_call_them(module):
    kernels = module()
    total, once_more, doubled = kernels.total, kernels.once_more, kernels.doubled

    @numba.njit
    def call(values):
        return once_more(values) + total(doubled(values), 5)

    assert call(VALUES) == ANSWER


def test_recursion(module):
    assert module().recursive(5) == 120
