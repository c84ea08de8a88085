"""What the metrics of centerline graphs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.graphs import Network, check_method, skeleton_graph
from monai_topo.metrics.base import ComponentMetric

if TYPE_CHECKING:
    import networkx


_OF_MASKS = ("component", "spacing", "smoothing", "skeleton_method")


class CenterlineGraphMetric(ComponentMetric):
    """Base of the metrics that compare the centerline graph of one mask with that of another.

    A subclass names the function of two graphs that it applies, :attr:`compare`, and has its options as arguments.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: the number that this instance gives, one of :attr:`components`.
        spacing: size of a voxel, one number or one for each axis; None is 1, lengths in voxels.
        smoothing: smoothing of the centerlines, see :func:`monai_topo.graphs.skeleton_graph`.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: algorithm of the centerlines, see :func:`monai_topo.graphs.centerline_mask`.

    Raises:
        ValueError: for an unknown component or method, or a smoothing that is negative or not finite.
    """

    compare: ClassVar[Callable[..., dict[str, float]]]
    """All numbers of a predicted and a true graph, by name."""

    def __init__(
        self,
        include_background: bool,
        component: str,
        spacing: Sequence[float] | float | None,
        smoothing: float,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(include_background, component, reduction, get_not_nans, ignore_index)
        check_at_least(0, smoothing=smoothing)
        check_method("skeleton_method", skeleton_method)
        self.spacing = spacing
        self.smoothing = smoothing
        self.skeleton_method = skeleton_method

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """All numbers of the graphs of a pair of masks, by name."""
        spacing = 1.0 if self.spacing is None else self.spacing
        graphs = [
            skeleton_graph(mask, spacing=spacing, smoothing=self.smoothing, method=self.skeleton_method)
            for mask in (prediction, target)
        ]
        options = {name: value for name, value in self.options.items() if name not in _OF_MASKS}
        return self.compare(*graphs, **options)


def to_networks(prediction: networkx.Graph, truth: networkx.Graph) -> tuple[Network, Network]:
    """Arrays of two graphs in one space.

    Raises:
        ValueError: when their positions have different numbers of axes.
    """
    networks = Network.from_graph(prediction), Network.from_graph(truth)
    axes = [network.positions.shape[1] for network in networks if len(network.positions)]
    if len(set(axes)) > 1:
        raise ValueError(f"prediction and truth must have as many axes, got positions of {axes[0]} and {axes[1]}.")
    return networks


def check_at_least(least: float, **values: float | None) -> None:
    """Refuse arguments below a least value, NaN and infinity; None is no value.

    Raises:
        ValueError: naming the argument.
    """
    for name, value in values.items():
        if value is not None and not least <= value < float("inf"):
            raise ValueError(f"{name} must be at least {least:g} and finite, got {value}.")
