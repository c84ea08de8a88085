"""Where blocks are computed: in this process, on workers of this machine, or on a cluster. All of it is dask's."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from tqdm import tqdm

from monai_topo.data import scale_package

_AT_A_TIME = 256

Tasks = Mapping[str, tuple[Any, ...]]
"""Key to a function and its arguments; an argument that is a key of another task waits for it."""


class Engine:
    """Runs tasks on dask.

    Args:
        client: ``distributed.Client``; None runs them one after the other in this process.
    """

    def __init__(self, client: Any = None) -> None:
        self.client = client

    def run(self, title: str, tasks: Tasks, shown: str = "", done: int = 0) -> list[Any]:
        """Run tasks, with a progress bar.

        Args:
            title: title of the bar.
            tasks: tasks; what one waits for stands before it, and not long before.
            shown: beginning of the keys that the bar counts.
            done: number of these that an earlier run has done.

        Returns:
            Their results.
        """
        if not tasks:
            return []
        total = sum(key.startswith(shown) for key in tasks) + done
        with tqdm(total=total, initial=done, desc=title, unit="block") as bar:

            def tell(key: Any, *_: Any) -> None:
                bar.update(str(key).startswith(shown))

            return _run_here(tasks, tell) if self.client is None else self._run_on_client(tasks, tell)

    def _run_on_client(self, tasks: Tasks, tell: Callable[[str], None]) -> list[Any]:
        """A number of tasks at a time is with the scheduler, which a million of them would bring down."""
        run = secrets.token_hex(8)
        waiting = iter(tasks.items())
        finished = scale_package("distributed").as_completed()
        futures: dict[str, Any] = {}
        results: dict[str, Any] = {}

        def submit(count: int) -> None:
            for key, (function, *arguments) in islice(waiting, count):
                given = [_known(one, futures, results) for one in arguments]
                futures[key] = self.client.submit(function, *given, key=f"{key}-{run}")
                finished.add(futures[key])

        try:
            submit(max(_AT_A_TIME, 4 * sum(self.client.nthreads().values())))
            for future in finished:
                key = future.key.removesuffix(f"-{run}")
                results[key] = future.result()
                del futures[key]
                tell(key)
                submit(1)
        finally:
            self.client.cancel(list(futures.values()))
        return [results[key] for key in tasks]


def _known(argument: Any, futures: Mapping[str, Any], results: Mapping[str, Any]) -> Any:
    """What is passed for an argument that is the key of a task before: its result, or the future of it."""
    if not isinstance(argument, str):
        return argument
    return results[argument] if argument in results else futures.get(argument, argument)


def _run_here(tasks: Tasks, tell: Callable[[str], None]) -> list[Any]:
    """One after the other."""
    results: dict[str, Any] = {}
    for key, (function, *arguments) in tasks.items():
        results[key] = function(*(_known(one, {}, results) for one in arguments))
        tell(key)
    return list(results.values())


@contextmanager
def engine(workers: int = 1, scheduler: str | None = None) -> Iterator[Engine]:
    """Where blocks are computed.

    Args:
        workers: number of processes on this machine; 1 is this process itself.
        scheduler: address of a dask scheduler, such as ``tcp://10.0.0.1:8786``, in place of processes.

    Raises:
        ImportError: when dask or zarr is not installed (extra ``scale``).
        OSError: when the scheduler does not answer.
        ValueError: for fewer than one worker.
    """
    if workers < 1:
        raise ValueError(f"--workers must be at least 1, got {workers}.")
    distributed = scale_package("distributed") if workers > 1 or scheduler else None
    if distributed is None:
        yield Engine()
    elif scheduler is not None:
        with distributed.Client(scheduler, timeout=30) as client:
            yield Engine(client)
    else:
        with (
            distributed.LocalCluster(
                workers, threads_per_worker=1, dashboard_address=None, scheduler_port=0
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield Engine(client)
