"""What inference by blocks takes from a bundle: network, weights, windows, activation, threshold, preprocessing."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from monai_topo.commands.bundles import find_bundle, list_bundles

_NEEDED = ("network", "inferer", "preprocessing", "activation", "checkpoint")


@dataclass(frozen=True)
class Bundle:
    """A bundle's configuration for inference, read where it is needed: workers get its name and not the network.

    Attributes:
        folder: folder of the bundle.
        configs: names of configuration files in ``configs``, later ones laid over earlier ones.
        overrides: entries to replace and their values, as written on the command line.
    """

    folder: Path
    configs: tuple[str, ...] = ("inference.yaml",)
    overrides: tuple[tuple[str, str], ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return Bundle, (self.folder, self.configs, self.overrides)

    @cached_property
    def parser(self) -> ConfigParser:
        """The configuration, of which entries are made when they are asked for.

        Raises:
            FileNotFoundError: when a configuration file is not there.
            ValueError: when an entry that is needed is not in it.
        """
        files = [self.folder / "configs" / name for name in self.configs]
        gone = next((file for file in files if not file.is_file()), None)
        if gone is not None:
            raise FileNotFoundError(f"{gone} is not there: --bundle must be the folder of a MONAI bundle.")
        parser = ConfigParser()
        parser.read_config([str(file) for file in files])
        parser["bundle_root"] = str(self.folder)
        for name, value in self.overrides:
            parser.update({name: _literal(value)})
        missing = [name for name in _NEEDED if name not in parser]
        if missing:
            raise ValueError(
                f"{files[-1]} has no entry {', '.join(missing)}, which segmentation by blocks takes from it."
            )
        return parser

    def entry(self, name: str, default: Any = None) -> Any:
        """An entry of the configuration, made.

        Raises:
            ValueError: when it cannot be made.
        """
        if name not in self.parser:
            return default
        try:
            return self.parser.get_parsed_content(name)
        except Exception as error:  # whatever the entry raises, in MONAI's words of several lines
            cause = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
            raise ValueError(f"{name} of {self.folder.name} cannot be made: {cause[0]}") from error

    @cached_property
    def checkpoint(self) -> Path:
        """File of the weights.

        Raises:
            FileNotFoundError: when it is not there.
        """
        path = Path(self.entry("checkpoint"))
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}, the weights of {self.folder.name}, is not there: train it, or say --set checkpoint FILE."
            )
        return path

    @cached_property
    def network(self) -> torch.nn.Module:
        """The network with its weights, on the bundle's device."""
        network: torch.nn.Module = self.entry("network")
        device = next(network.parameters()).device
        state = torch.load(self.checkpoint, map_location=device, weights_only=True)
        try:
            network.load_state_dict(state.get("model", state))
        except RuntimeError as error:
            lines = [line.strip() for line in str(error).splitlines()]
            raise ValueError(f"{self.checkpoint} does not fit the network: {' '.join(lines[:2])}") from None
        return network.eval()

    @cached_property
    def activation(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """From the network's output to likelihoods."""
        activation: Callable[[torch.Tensor], torch.Tensor] = self.entry("activation")
        return activation

    @property
    def threshold(self) -> float:
        """Likelihood from which a voxel is in the mask."""
        return float(self.entry("threshold", 0.5))

    def precision(self) -> AbstractContextManager[Any]:
        """Mixed precision on the GPU, where the bundle's evaluator has it; that of the CPU is in the inferer."""
        device = next(self.network.parameters()).device.type
        return torch.autocast(device) if device == "cuda" and self.entry("amp", False) else nullcontext()

    def settings(self) -> dict[str, Any]:
        """What the result depends on, JSON-serializable."""
        names = [name for name in self.parser.get() if name not in ("run", "evaluator", "postprocessing", "handlers")]
        stated = {name: repr(self.parser[name]) for name in sorted(names) if name not in _ELSEWHERE}
        return {"configuration": stated, "weights": hashlib.sha256(self.checkpoint.read_bytes()).hexdigest()}


_ELSEWHERE = ("dataset_dir", "output_dir", "data_root_dir", "bundle_root", "overwrite", "checkpoint", "dataloader")


def bundle_of(name: str, configs: Sequence[str], overrides: Sequence[tuple[str, str]]) -> Bundle:
    """A bundle by its folder, or by the name of one of the project's own."""
    folder = Path(name)
    if not folder.is_dir() and name in {bundle.name for bundle in list_bundles()}:
        folder = find_bundle(name)
    if not (folder / "configs").is_dir():
        raise FileNotFoundError(f"{name} is no folder of a MONAI bundle: it has no configs.")
    return Bundle(folder.resolve(), tuple(configs), tuple(overrides))


def _literal(text: str) -> Any:
    """A value as Python writes it; anything else is text, such as an expression that begins with $."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
