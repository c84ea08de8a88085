"""The last step of inference: likelihood, mask, finished results and what a proofreader wants."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection, PathLike
from monai.data import MetaTensor
from monai.transforms import MapTransform, SaveImage
from monai.utils import MetaKeys

from monai_topo.data import stem_of, written_whole
from monai_topo.topology import betti_numbers
from monai_topo.transforms.post.topology_uncertainty import TopologyUncertaintyd, save_uncertain_features

logger = logging.getLogger(__name__)

_SUFFIX = ".nii.gz"


class SaveSegmentationd(MapTransform):
    """Write each likelihood and its mask as NIfTI on their own grid, and log the mask's Betti numbers.

    Of an input ``NAME`` come ``NAME_prob.nii.gz`` (float32, 0 to 1) and ``NAME_seg.nii.gz`` (uint8, 1 where the
    likelihood is at or over the threshold), both with the affine of the input. With ``proof_reading`` also
    ``NAME_uncertainty.nii.gz``, an overlay, and ``NAME_<key>_uncertainty.csv``, a list, of what another threshold would
    change (:class:`TopologyUncertaintyd`). Each of several keys has files of its own, ``NAME_<key>_prob.nii.gz`` and so
    on. A file stands under its name only when it is complete, and what an earlier run left stays as it is.

    Finished results are made of the likelihood and lie beside the mask: ``finish={"cells": SegmentCells()}`` writes
    ``NAME_cells.nii.gz``, in the result's own type of integers.

    What the network gives may be something else than a likelihood, such as affinities: ``to_likelihood`` makes the one
    of it that is saved and thresholded, and the finished results are made of what the network gave.

    Args:
        keys: keys of the likelihoods, ``(C, H, W[, D])`` in [0, 1], with the file name of the input in the metadata.
        output_dir: folder for the files.
        threshold: likelihood from which a voxel is in the mask.
        proof_reading: whether to write overlay and list.
        margin: largest error of the threshold, to either side, in overlay and list.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.
        data_root_dir: folder that holds all inputs, as in MONAI's ``SaveImage``: the results of an input in a subfolder
            of it go to that subfolder of ``output_dir``. None: all go to ``output_dir`` itself. One file stands for its
            folder.
        allow_missing_keys: whether an item may lack a key.
        finish: End of the file name to an array transform, from a likelihood to a mask or ids; None for one that is
            left out.
        overwrite: Whether the results of an earlier run may be overwritten, which may be another network's.
        to_likelihood: array transform from what a key holds to the likelihood, ``(C, H, W[, D])`` in [0, 1]; None where
            it is that already.

    Raises:
        ValueError: for a threshold outside [0, 1], a negative margin, or a name in ``finish`` that is taken; when
            called, for a likelihood without a file name, or when the files of another input, or without ``overwrite``
            of an earlier run, would be overwritten.
        OSError: when called, if a file cannot be written; it names the file.

    Example:
        >>> import tempfile, os
        >>> from monai.data import MetaTensor
        >>> likelihood = MetaTensor(torch.rand(1, 5, 6, 7), meta={"filename_or_obj": "scan.nii.gz"})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     item = SaveSegmentationd("pred", folder)({"pred": likelihood})
        ...     sorted(os.listdir(folder))
        ['scan_prob.nii.gz', 'scan_seg.nii.gz']
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: PathLike,
        threshold: float = 0.5,
        proof_reading: bool = False,
        margin: float = 0.1,
        connectivity: int | None = None,
        data_root_dir: PathLike | None = None,
        allow_missing_keys: bool = False,
        finish: Mapping[str, Callable[[Any], Any] | None] | None = None,
        overwrite: bool = False,
        to_likelihood: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.finish = {end: transform for end, transform in (finish or {}).items() if transform is not None}
        if taken := {"prob", "seg", "uncertainty"} & self.finish.keys():
            raise ValueError(f"finish must have other names than {sorted(taken)}, which stand for other files.")
        self.output_dir = Path(output_dir)
        self.threshold = threshold
        self.connectivity = connectivity
        self.proof_reading = proof_reading
        self.overwrite = overwrite
        self.to_likelihood = to_likelihood
        self.data_root_dir = None if data_root_dir is None else Path(data_root_dir).resolve()
        self.uncertainty = TopologyUncertaintyd(
            keys, threshold, margin, radius=1, connectivity=connectivity, allow_missing_keys=True
        )
        self.sources: dict[Path, str] = {}
        """Start of the files' names to the input that they are of."""
        self.written: set[str] = set()
        """What the files' names begin with that this transform has written."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the files; the masks take the place of the likelihoods."""
        d = dict(data)
        for key in self.key_iterator(d):
            output = d[key]
            likelihood = output if self.to_likelihood is None else self.to_likelihood(output)
            start = self._start_of_name(likelihood)
            name = f"{start}_{key}" if len(self.keys) > 1 else f"{start}"
            self._check_free(name)
            _save(likelihood, f"{name}_prob", np.float32)
            if self.proof_reading:
                found = self.uncertainty({key: likelihood})
                _save(found[f"{key}_uncertainty"], f"{name}_uncertainty", np.uint8)
                save_uncertain_features(found[f"{key}_uncertain_features"], f"{start}_{key}_uncertainty.csv")
            d[key] = (likelihood >= self.threshold).to(torch.uint8)
            _save(d[key], f"{name}_seg", np.uint8)
            self._log(d[key])
            for end, transform in self.finish.items():
                self._write_finished(transform(output), end, name)
        return d

    def _check_free(self, name: str) -> None:
        """Whether no earlier run has left files of this name."""
        if name in self.written:
            return
        ends = ("prob", "seg", "uncertainty", *self.finish)
        there = next((path for end in ends if (path := Path(f"{name}_{end}{_SUFFIX}")).exists()), None)
        if there and not self.overwrite:
            raise ValueError(
                f"{there} is there already, of an earlier run: name another output_dir, or set overwrite to replace it."
            )
        self.written.add(name)

    def _write_finished(self, result: Any, end: str, name: str) -> None:
        ids = np.asarray(result.cpu())
        _save(result, f"{name}_{end}", ids.dtype)
        if ids.max() > 1:
            logger.info("%s_%s: %d regions", name, end, len(np.unique(ids[ids != 0])))
        else:
            logger.info("%s_%s: %d voxels", name, end, int(ids.sum()))

    def _start_of_name(self, likelihood: Any) -> Path:
        """Folder and name of the input's files, up to what tells them apart."""
        source = str(getattr(likelihood, "meta", {}).get("filename_or_obj", ""))
        if not source:
            raise ValueError(
                "a likelihood without filename_or_obj in its metadata has no name for its files: set it to the path "
                "of the input."
            )
        start = self.output_dir / self._subfolder(Path(source)) / stem_of(source)
        before = self.sources.setdefault(start, source)
        if before != source:
            raise ValueError(
                f"the segmentation of {source} would overwrite that of {before}: give data_root_dir, the folder that "
                "holds both, to keep their subfolders, or another output_dir."
            )
        return start

    def _subfolder(self, source: Path) -> Path:
        if self.data_root_dir is None:
            return Path()
        root = self.data_root_dir.parent if self.data_root_dir.is_file() else self.data_root_dir
        folder = source.resolve().parent
        return folder.relative_to(root) if folder.is_relative_to(root) else Path()

    def _log(self, mask: Any) -> None:
        name = mask.meta["filename_or_obj"]
        for number, channel in enumerate(np.asarray(mask.cpu())):
            counts = betti_numbers(channel.astype(bool), self.connectivity)
            logger.info("%s, channel %d: Betti numbers %s, %d voxels", name, number, counts, int(channel.sum()))


def _save(image: Any, start: str, dtype: Any) -> None:
    writer = "NibabelWriter"  # one alone: where it fails, MONAI's next would hide why
    save = SaveImage(output_ext=_SUFFIX, output_dtype=dtype, resample=False, print_log=False, writer=writer)
    target = Path(f"{start}{_SUFFIX}")
    with written_whole(target) as temporary:
        try:
            save(_as_it_is(image), filename=str(temporary).removesuffix(_SUFFIX))
        except RuntimeError as error:  # MONAI's, with the traceback of the writer in its text
            reason = str(error).strip().rpartition("\n")[2]
            raise OSError(reason) from error


def _as_it_is(image: Any) -> MetaTensor:
    """With its own shape in the metadata: by what was loaded, in color say, MONAI takes channels for an axis."""
    own = {MetaKeys.SPATIAL_SHAPE: tuple(image.shape[1:]), MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan")}
    return MetaTensor(image, meta={**getattr(image, "meta", {}), **own})


SaveSegmentationD = SaveSegmentationDict = SaveSegmentationd
