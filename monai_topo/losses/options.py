"""The keyword arguments that losses share, each described once, and the signatures that name them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, get_args, get_type_hints

import torch


class LossOptions(TypedDict, total=False):
    """Keyword arguments of every topology loss; defaults are in the signature of :class:`TopologyLoss`.

    Attributes:
        weight: factor of each class, at least 0, as in ``DiceLoss``: one number, or one for each class without the
            background where that is left out; a single channel has none.
        ignore_index: class, or value of the target, whose voxels are ignored, as in ``DiceLoss``. In prediction and
            ground truth alike they take the value of the frame (foreground: 1, in a map of distances the lowest),
            without a frame that of the outside (0, in a map the largest).
        patch_size: edge lengths of the patches in voxels; None takes the whole input as one patch.
        patch_mode: ``"grid"`` covers the input; ``"random"`` draws ``num_patches`` for each item anew at each call.
        num_patches: number of random patches for each item.
        seed: seed of the generator that draws patches, and height functions where a loss has them.

    Example:
        >>> from monai_topo.losses import DMTLoss
        >>> options: LossOptions = {"patch_size": 64, "patch_mode": "random", "num_patches": 2}
        >>> DMTLoss(**options).num_patches
        2
    """

    weight: Sequence[float] | float | torch.Tensor | None
    ignore_index: int | None
    patch_size: Sequence[int] | int | None
    patch_mode: str
    num_patches: int | None
    seed: int


class DiagramOptions(LossOptions, total=False):
    """Keyword arguments of every loss on persistence diagrams, beside those of :class:`LossOptions`.

    Attributes:
        connectivity: connectivity of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        persistence_threshold: points whose persistence is at most this are left alone; 0 by default.
        engine: ``"auto"`` or a name of ``monai_topo.topology.available_engines()``.
        num_threads: threads in all, over the patches first and then within each large 3D patch; None is one for each
            CPU core, and one for few small patches.

    Example:
        >>> from monai_topo.losses import TopoLoss
        >>> options: DiagramOptions = {"connectivity": 1, "persistence_threshold": 0.03}
        >>> TopoLoss(**options).connectivity
        1
    """

    connectivity: int | None
    persistence_threshold: float
    engine: str
    num_threads: int | None


def full_signature(loss: type, inherited: inspect.Signature | None) -> inspect.Signature:
    """The signature of a loss with the options that it hands on to its base written out.

    Args:
        loss: class whose ``__init__`` may end in ``**options: Unpack[...]`` of a typed dictionary.
        inherited: full signature of its base, for the defaults of these options.
    """
    parameters = [*inspect.signature(loss.__init__).parameters.values()][1:]  # type: ignore[misc]
    if inherited is None or not parameters or parameters[-1].kind is not inspect.Parameter.VAR_KEYWORD:
        return inspect.Signature(parameters)
    handed_on = parameters.pop()
    known = {parameter.name for parameter in parameters}
    unpacked = get_args(get_type_hints(loss.__init__).get(handed_on.name))  # type: ignore[misc]
    names: Iterable[str] = unpacked[0].__annotations__ if unpacked else inherited.parameters
    shared = [inherited.parameters[name] for name in names if name not in known]
    return inspect.Signature([*parameters, *(option.replace(kind=option.KEYWORD_ONLY) for option in shared)])


def check_keywords(loss: str, given: Iterable[str], signature: inspect.Signature) -> None:
    """Refuse keyword arguments that a loss does not have.

    Raises:
        TypeError: naming the loss, the argument and the most similar one that there is.
    """
    for name in given:
        if name not in signature.parameters:
            similar = difflib.get_close_matches(name, signature.parameters, n=1)
            hint = f"did you mean {similar[0]!r}?" if similar else f"it takes {', '.join(signature.parameters)}."
            raise TypeError(f"{loss} has no argument {name!r}: {hint}")


def describe(settings: Any, signature: inspect.Signature) -> str:
    """``name=value`` of an object's settings: all but those of MONAI's six that are as they are by default."""
    shown = []
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL or not hasattr(settings, name):
            continue  # of a loss that does not keep what it was given
        value = getattr(settings, name)
        default = parameter.kind is parameter.POSITIONAL_OR_KEYWORD and value == parameter.default
        if not default:
            shown.append(f"{name}={value.tolist() if isinstance(value, torch.Tensor) else value!r}")
    return ", ".join(shown)
