"""Ignite handler that shows, while a network trains, where the topology of its predictions is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from monai.config import PathLike
from monai.handlers import from_engine
from monai.utils import IgniteInfo, min_version, optional_import

from monai_topo.handlers.ranks import is_first_rank
from monai_topo.visualize import figure_pixels, prediction_figure, save_png

if TYPE_CHECKING:
    from ignite.engine import Engine, Events
else:
    Events, _ = optional_import("ignite.engine", IgniteInfo.OPT_IMPORT_VERSION, min_version, "Events")

SummaryWriter, _has_tensorboard = optional_import("torch.utils.tensorboard", name="SummaryWriter")


class TopologyImageHandler:
    """Draws one item every few epochs, to TensorBoard, as a PNG file, or both: where its topology is wrong.

    The picture holds a slice or projection of image, label and prediction, the missed and false voxels with marks at
    the critical voxels of what is wrong, and the persistence diagram: see
    :func:`~monai_topo.visualize.prediction_figure`. It needs likelihoods, not a thresholded mask: where
    post-processing thresholds the prediction, keep a copy from before (``CopyItemsd``) and name it in
    ``output_transform``, or leave the activation to this handler.

    Arguments are those of MONAI's ``TensorBoardImageHandler`` where it has them. Attach it to an evaluator, trainer or
    any engine; an epoch's item is one of its last batch. In a distributed run rank 0 draws.

    Args:
        summary_writer: TensorBoard writer to add the pictures to.
        log_dir: folder of a TensorBoard writer of the handler's own, instead of ``summary_writer``.
        output_dir: folder for ``<tag>_<step>.png``; the step has at least 4 digits.
        interval: epochs or iterations between pictures. An evaluator's epochs are the trainer's, of which it sees only
            those that are validated.
        epoch_level: whether intervals and steps are epochs, otherwise iterations.
        batch_transform: function that takes ``engine.state.batch`` to ``(image, label)``, batch-first tensors or lists
            of channel-first ones, ``(C, H, W[, D])``. The label is 0 and 1; if it has one channel and the prediction
            several, it is the class of each voxel.
        output_transform: function that takes ``engine.state.output`` to the prediction, likewise.
        global_iter_transform: function that takes the step of the engine to the one that is shown.
        index: number of the item in the batch.
        channel: number of the channel of prediction and label; None is the only one.
        image_channel: number of the image's channel.
        sigmoid: whether to apply a sigmoid to the prediction.
        softmax: whether to apply a softmax over the prediction's channels.
        other_act: another activation of the prediction, ``(1, C, H, W[, D])``.
        frame_dim: axis of a volume across the slices, along the projection: -3, -2 or -1.
        tag: name in TensorBoard and of the files.
        **options: options of ``prediction_figure``: ``threshold``, ``connectivity``, ``frame``, ``min_persistence``,
            ``view``, ``slice_index``, ``max_marks``.

    Raises:
        TypeError: when ``prediction_figure`` has no such option.
        ValueError: when there is no place to write to, more than one activation, or an option is out of range; from the
            first iteration on, when the items are not what they must be.
        RuntimeError: when ``log_dir`` is given and tensorboard is not installed.

    Example:
        >>> from ignite.engine import Engine
        >>> import tempfile, os
        >>> item = {"image": torch.rand(1, 1, 8, 9), "label": torch.ones(1, 1, 8, 9), "pred": torch.zeros(1, 1, 8, 9)}
        >>> engine = Engine(lambda engine, batch: batch)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     TopologyImageHandler(output_dir=folder, interval=2, sigmoid=True).attach(engine)
        ...     _ = engine.run([item], max_epochs=5)
        ...     sorted(os.listdir(folder))
        ['topology_0002.png', 'topology_0004.png']
    """

    def __init__(
        self,
        summary_writer: Any = None,
        log_dir: PathLike | None = None,
        output_dir: PathLike | None = None,
        interval: int = 1,
        epoch_level: bool = True,
        batch_transform: Callable[[Any], Any] = from_engine(["image", "label"]),  # noqa: B008
        output_transform: Callable[[Any], Any] = from_engine("pred"),  # noqa: B008
        global_iter_transform: Callable[[int], int] = lambda x: x,
        index: int = 0,
        channel: int | None = None,
        image_channel: int = 0,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        frame_dim: int = -1,
        tag: str = "topology",
        **options: Any,
    ) -> None:
        _check_places(summary_writer, log_dir, output_dir)
        _check_options(interval, frame_dim, sigmoid, softmax, other_act)
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.interval = interval
        self.epoch_level = epoch_level
        self.batch_transform = batch_transform
        self.output_transform = output_transform
        self.global_iter_transform = global_iter_transform
        self.index = index
        self.channel = channel
        self.image_channel = image_channel
        self.activation = _activation(sigmoid, softmax, other_act)
        self.tag = tag
        self.options = {"axis": frame_dim, **options}
        inspect.signature(prediction_figure).bind(None, None, None, **self.options)
        self._tried = False
        self._owns_writer = log_dir is not None and is_first_rank()
        self._writer = SummaryWriter(log_dir=str(log_dir)) if self._owns_writer else summary_writer

    def attach(self, engine: Engine) -> None:
        """Register with an engine.

        Args:
            engine: trainer, evaluator or any ignite engine.
        """
        engine.add_event_handler(Events.ITERATION_COMPLETED(once=1), self._try)
        event = Events.EPOCH_COMPLETED if self.epoch_level else Events.ITERATION_COMPLETED
        engine.add_event_handler(event(every=self.interval), self)

    def __call__(self, engine: Engine) -> None:
        """Draw the item and write the picture, on rank 0."""
        if not is_first_rank():
            return
        step = self.global_iter_transform(engine.state.epoch if self.epoch_level else engine.state.iteration)
        figure = self._draw(engine, f"{'epoch' if self.epoch_level else 'iteration'} {step}")
        if self.output_dir is not None:
            save_png(figure, self.output_dir / f"{self.tag}_{step:04d}.png")
        if self._writer is not None:
            self._writer.add_image(self.tag, figure_pixels(figure), step, dataformats="HWC")
            self._writer.flush()

    def close(self) -> None:
        """Close the TensorBoard writer, if it is the handler's own."""
        if self._owns_writer:
            self._writer.close()

    def _try(self, engine: Engine) -> None:
        if is_first_rank() and not self._tried:
            self._draw(engine, "")
        self._tried = True

    def _draw(self, engine: Engine, title: str) -> Any:
        image, label = (
            _item(items, self.index, "batch_transform") for items in _pair(self.batch_transform(engine.state.batch))
        )
        predictions = self.output_transform(engine.state.output)
        if isinstance(predictions, tuple) and len(predictions) == 1:  # from_engine's, of a batch that is one tensor
            predictions = predictions[0]
        prediction = self.activation(_item(predictions, self.index, "output_transform")[None])[0]
        likelihood, truth = _one_channel(prediction, label, self.channel)
        if not -len(image) <= self.image_channel < len(image):
            raise ValueError(f"image_channel must be one of the image's {len(image)}, got {self.image_channel}.")
        return prediction_figure(image[self.image_channel], likelihood, truth, title=title, **self.options)


def _pair(images_and_labels: Any) -> tuple[Any, Any]:
    if not isinstance(images_and_labels, (tuple, list)) or len(images_and_labels) != 2:
        raise ValueError(
            f"batch_transform must give (image, label), got {type(images_and_labels).__name__}: "
            "monai.handlers.from_engine(['image', 'label']) takes them out of a dictionary."
        )
    return images_and_labels[0], images_and_labels[1]


def _item(items: Any, index: int, argument: str) -> torch.Tensor:
    """One item of a batch, ``(C, H, W[, D])`` in float32 on the CPU."""
    if not isinstance(items, (torch.Tensor, Sequence)):
        raise ValueError(f"{argument} must give a batch-first tensor or a list of tensors, got {type(items).__name__}.")
    if not -len(items) <= index < len(items):
        raise ValueError(f"index must be an item of the batch, which has {len(items)} here, got {index}.")
    item = torch.as_tensor(items[index]).detach().float().cpu()
    if item.ndim not in (3, 4):
        raise ValueError(
            f"{argument} must give items of shape (C, H, W[, D]), got {tuple(item.shape)}: is a batch or channel axis "
            "missing?"
        )
    return item


def _one_channel(
    prediction: torch.Tensor, label: torch.Tensor, channel: int | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """That channel of the prediction, and the label's mask of it."""
    if channel is None and len(prediction) > 1:
        raise ValueError(f"channel must say which of the prediction's {len(prediction)} channels is drawn, got None.")
    chosen = channel or 0
    if not -len(prediction) <= chosen < len(prediction):
        raise ValueError(f"channel must be one of the prediction's {len(prediction)}, got {channel}.")
    if len(label) == len(prediction):
        return prediction[chosen], label[chosen]
    if len(label) > 1:
        raise ValueError(f"label must have 1 or the prediction's {len(prediction)} channels, got {len(label)}.")
    return prediction[chosen], label[0] == chosen % len(prediction)


def _activation(
    sigmoid: bool, softmax: bool, other_act: Callable[[torch.Tensor], torch.Tensor] | None
) -> Callable[[torch.Tensor], torch.Tensor]:
    if sigmoid:
        return torch.sigmoid
    if softmax:
        return lambda prediction: torch.softmax(prediction, dim=1)
    return other_act or (lambda prediction: prediction)


def _check_places(summary_writer: Any, log_dir: PathLike | None, output_dir: PathLike | None) -> None:
    if summary_writer is None and log_dir is None and output_dir is None:
        raise ValueError(
            "give output_dir (a folder for PNG files), or log_dir or summary_writer (TensorBoard): there is no place "
            "to write to."
        )
    if summary_writer is not None and log_dir is not None:
        raise ValueError("give one of summary_writer and log_dir: a writer that exists has its own folder.")
    if log_dir is not None and not _has_tensorboard:
        raise RuntimeError(
            "log_dir needs tensorboard: pip install tensorboard, or give output_dir to have PNG files alone."
        )


def _check_options(
    interval: int,
    frame_dim: int,
    sigmoid: bool,
    softmax: bool,
    other_act: Callable[[torch.Tensor], torch.Tensor] | None,
) -> None:
    if not isinstance(interval, int) or interval < 1:
        raise ValueError(
            f"interval must be an integer of at least 1, got {interval!r}; leave the handler out for none."
        )
    if frame_dim not in (-3, -2, -1):
        raise ValueError(f"frame_dim must be -3, -2 or -1, an axis of a volume, got {frame_dim!r}.")
    if other_act is not None and not callable(other_act):
        raise TypeError(f"other_act must be a function, got {type(other_act).__name__}.")
    if sigmoid + softmax + (other_act is not None) > 1:
        raise ValueError("give one of sigmoid, softmax and other_act: a prediction has one activation.")
