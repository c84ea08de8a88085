"""From a device to the CPU and back while the device goes on: pinned memory, a second stream, an event a piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cache
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

Result = TypeVar("Result")

_MOST_PIECES = 16
"""Pieces that a batch is copied in: of hundreds of small patches starting the copies would take longer than copying."""
_ALIGNMENT = 16
"""Bytes; a number of any kind may begin at a multiple."""


class Event(Protocol):
    """Something that happens on a device."""

    def synchronize(self) -> None:
        """Wait until it has happened, without the interpreter lock."""


class Device(Protocol):
    """What the transfer needs of a device.

    A test can stand in for one: what is computed does not depend on it.
    """

    def host_memory(self, num_bytes: int) -> torch.Tensor:
        """Memory of the CPU, uint8, that is copied to and from without the CPU's help."""

    def begin(self) -> None:
        """Let the copies that follow wait for what the device has been given to do so far, and for no more."""

    def fetch(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """Copy to host memory; returns at once."""

    def record(self) -> Event:
        """The event that all copies so far are done."""

    def send(self, source: torch.Tensor) -> torch.Tensor:
        """A copy of host memory on the device, for what it computes next; returns at once."""


class CudaDevice:
    """A CUDA device: copies to the CPU run on a stream of their own.

    Args:
        device: device that the tensors lie on.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device)

    def host_memory(self, num_bytes: int) -> torch.Tensor:
        """Pinned memory; torch keeps it for the next time, and hands none out that a copy still uses."""
        return torch.empty(num_bytes, dtype=torch.uint8, pin_memory=True)

    def begin(self) -> None:
        """The stream of copies waits for the current one."""
        self.stream.wait_stream(torch.cuda.current_stream(self.device))

    def fetch(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """A copy on the stream of copies; the source's memory is not handed out before it is done."""
        with torch.cuda.stream(self.stream):
            target.copy_(source, non_blocking=True)
        source.record_stream(self.stream)

    def record(self) -> Event:
        """An event that threads sleep for, instead of taking a core to look for it."""
        event = torch.cuda.Event(blocking=True)
        event.record(self.stream)
        return event

    def send(self, source: torch.Tensor) -> torch.Tensor:
        """A copy on the current stream."""
        return source.to(self.device, non_blocking=True)


@cache
def _cuda_device(index: int | None) -> CudaDevice:
    return CudaDevice(torch.device("cuda" if index is None else f"cuda:{index}"))


DEVICES: dict[str, Callable[[int | None], Device]] = {"cuda": _cuda_device}
"""From the type of a device and its index to what carries tensors from it and to it."""


def device_of(tensor: torch.Tensor) -> Device | None:
    """What carries a tensor to the CPU while its device goes on; None for the CPU, and for devices without such a way.

    Example:
        >>> device_of(torch.zeros(2)) is None
        True
    """
    make = DEVICES.get(tensor.device.type)
    return None if make is None else make(tensor.device.index)


class Arriving(Sequence[torch.Tensor]):
    """A batch ``(N, H, W[, D])`` on its way to the CPU; who takes a part of it waits for that part.

    Args:
        values: host memory that it is copied to.
        length: fields of a piece.
        events: event for each piece that it has arrived.

    Example:
        >>> from types import SimpleNamespace
        >>> done = SimpleNamespace(synchronize=lambda: None)
        >>> batch = Arriving(torch.zeros(3, 4, 5), 2, [done, done])
        >>> len(batch), batch.shape, batch[1:3].shape
        (3, (3, 4, 5), torch.Size([2, 4, 5]))
    """

    def __init__(self, values: torch.Tensor, length: int, events: Sequence[Event]) -> None:
        self._values = values
        self.length = length
        self._events = events
        self.shape = tuple(values.shape)
        self.ndim = values.ndim

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: int | slice) -> torch.Tensor:  # type: ignore[override]
        if isinstance(part, slice):
            first, stop, _ = part.indices(len(self))
            last = max(first, stop - 1)
        else:
            first = last = range(len(self))[part]
        for event in self._events[first // self.length : last // self.length + 1]:
            event.synchronize()
        return self._values[part]


Fields = torch.Tensor | Arriving
"""Fields ``(N, H, W[, D])`` on the CPU, or soon."""


def fetch(device: Device, batches: Sequence[torch.Tensor], flags: torch.Tensor) -> tuple[list[Arriving], Arriving]:
    """Start to copy some batches of as many fields each to the CPU, all of a field together, the first fields first.

    Args:
        device: device that they lie on.
        batches: ``(N, ...)`` each.
        flags: ``(n,)`` values that are copied before.

    Returns:
        The batches, and the flags as a batch of one.
    """
    count = len(batches[0])
    hosts = _divide(device, [flags[None], *batches])
    length = -(-count // min(count, _MOST_PIECES))
    device.begin()
    device.fetch(flags[None], hosts[0])
    first = [device.record()]
    events = []
    for start in range(0, count, length):
        for batch, host in zip(batches, hosts[1:], strict=True):
            device.fetch(batch[start : start + length], host[start : start + length])
        events.append(device.record())
    return [Arriving(host, length, events) for host in hosts[1:]], Arriving(hosts[0], 1, first)


def _divide(device: Device, likes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Host memory for each of some tensors, all from one block."""
    places = _places([tensor.numel() * tensor.element_size() for tensor in likes])
    memory = device.host_memory(places[-1].stop)
    return [memory[place].view(like.dtype).reshape(like.shape) for place, like in zip(places, likes, strict=True)]


def send(device: Device | None, columns: Sequence[NDArray[Any]], like: torch.Tensor) -> list[torch.Tensor]:
    """Columns of numbers on a tensor's device, in one copy.

    Args:
        device: device to copy to; None: another way, or none where the tensor lies on the CPU.
        columns: arrays of any shapes.
        like: tensor on that device.

    Example:
        >>> send(None, [np.arange(2), np.ones(1, np.float32)], torch.zeros(1))
        [tensor([0, 1]), tensor([1.])]
    """
    if device is None:
        return [torch.from_numpy(column).to(like.device) for column in columns]
    places = _places([column.nbytes for column in columns])
    memory = device.host_memory(places[-1].stop)
    for place, column in zip(places, columns, strict=True):
        memory[place].numpy()[:] = np.ascontiguousarray(column).reshape(-1).view(np.uint8)
    sent = device.send(memory)
    return [
        sent[place].view(torch.from_numpy(column).dtype).reshape(column.shape)
        for place, column in zip(places, columns, strict=True)
    ]


def _places(sizes: Sequence[int]) -> list[slice]:
    """Where blocks of so many bytes lie behind each other, each where any number may begin."""
    stops = np.cumsum([0, *(-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes)]).tolist()
    return [slice(start, start + size) for start, size in zip(stops, sizes, strict=False)]


class Later(Generic[Result]):
    """What a function returns, or raises, that runs in a thread of its own.

    Example:
        >>> Later(lambda: 2 + 3).result()
        5
    """

    def __init__(self, function: Callable[[], Result]) -> None:
        self._future: Future[Result] = Future()
        Thread(target=self._run, args=(function,), daemon=True).start()

    def _run(self, function: Callable[[], Result]) -> None:
        try:
            self._future.set_result(function())
        except BaseException as error:  # raised again where the result is asked for
            self._future.set_exception(error)

    def result(self) -> Result:
        """Wait for it."""
        return self._future.result()
