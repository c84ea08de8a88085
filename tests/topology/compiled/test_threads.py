"""Work in threads: the order, who works, and what is refused."""

from __future__ import annotations

import threading
import time

import pytest

from monai_topo.topology.compiled.threads import count_threads, map_in_threads


@pytest.mark.parametrize("num_threads", [None, 1, 2, 3, 9])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_the_order_is_that_of_the_items(num_threads, count):
    assert map_in_threads(lambda item: -item, range(count), num_threads) == [-item for item in range(count)]


@pytest.mark.parametrize("num_threads", [1, 2, 3])
def test_that_many_threads_work_and_the_calling_one_is_the_first(num_threads):
    meet = threading.Barrier(num_threads, timeout=30)  # passed only if that many work at once

    def work(_):
        meet.wait()
        return threading.get_ident()

    seen = map_in_threads(work, range(num_threads), num_threads)
    assert len(set(seen)) == num_threads
    assert threading.get_ident() in seen


@pytest.mark.parametrize("bad", [0, 5, 9])
def test_an_error_in_any_thread_is_raised(bad):
    def work(item):
        if item == bad:
            raise ValueError(f"item {item}")
        return item

    with pytest.raises(ValueError, match=f"item {bad}"):
        map_in_threads(work, range(10), 2)


def test_after_an_error_the_rest_is_not_begun():
    begun = []
    error_is_raised = threading.Event()

    def work(item):
        begun.append(item)
        if item == 19:  # the calling thread's first
            error_is_raised.set()
            raise ValueError("item 19")
        error_is_raised.wait(30)
        time.sleep(0.5)  # for the calling thread to tell the pool

    with pytest.raises(ValueError, match="item 19"):
        map_in_threads(work, range(20), 2)
    assert len(begun) < 20


@pytest.mark.parametrize(("num_threads", "num_items", "expected"), [(4, 3, 3), (2, 3, 2), (1, 0, 1), (5, 0, 1)])
def test_no_more_threads_than_items(num_threads, num_items, expected):
    assert count_threads(num_threads, num_items) == expected


@pytest.mark.parametrize("num_threads", [0, -2])
def test_the_number_of_threads_is_positive(num_threads):
    with pytest.raises(
        ValueError, match=f"num_threads must be None or a whole number of at least 1, got {num_threads}"
    ):
        map_in_threads(str, [1], num_threads)
