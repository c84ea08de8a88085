"""The last step of inference: likelihood, mask and what a proof-reader wants, on disk and in the log."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection, PathLike
from monai.transforms import MapTransform, SaveImage

from monai_topo.topology import betti_numbers
from monai_topo.transforms.post.topology_uncertainty import TopologyUncertaintyd

logger = logging.getLogger(__name__)


class SaveSegmentationd(MapTransform):
    """Write each likelihood and its mask as NIfTI on their own grid, and log the mask's Betti numbers.

    Of an input ``NAME`` come ``NAME_prob.nii.gz`` (float32, 0 to 1) and ``NAME_seg.nii.gz`` (uint8, 1 where the
    likelihood is at or over the threshold), both with the affine of the input. With ``proof_reading`` also
    ``NAME_uncertainty.nii.gz``, an overlay, and ``NAME_<key>_uncertainty.csv``, a list, of what another threshold would
    change (:class:`TopologyUncertaintyd`).

    Args:
        keys: keys of the likelihoods, ``(C, H, W[, D])`` in [0, 1], with the file name of the input in the metadata.
        output_dir: folder for the files.
        threshold: at which the likelihood is made a mask.
        proof_reading: whether to write overlay and list.
        margin: how far the threshold may be off in overlay and list.
        connectivity: of the foreground: None or the number of axes for full, 1 for face.
        allow_missing_keys: whether an item may lack a key.

    Raises:
        ValueError: for a threshold outside [0, 1] or a negative margin.
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: PathLike,
        threshold: float = 0.5,
        proof_reading: bool = False,
        margin: float = 0.1,
        connectivity: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.threshold = threshold
        self.connectivity = connectivity
        self.proof_reading = proof_reading
        self.uncertainty = TopologyUncertaintyd(
            keys, threshold, margin, radius=1, connectivity=connectivity, output_dir=str(output_dir)
        )
        self.save_likelihood = _saver(output_dir, "prob", np.float32)
        self.save_mask = _saver(output_dir, "seg", np.uint8)
        self.save_overlay = _saver(output_dir, "uncertainty", np.uint8)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the files; the masks take the place of the likelihoods."""
        d = dict(data)
        for key in self.key_iterator(d):
            likelihood = d[key]
            self.save_likelihood(likelihood)
            if self.proof_reading:
                self.save_overlay(self.uncertainty(d)[f"{key}_uncertainty"])
            d[key] = (likelihood >= self.threshold).to(torch.uint8)
            self.save_mask(d[key])
            self._log(d[key])
        return d

    def _log(self, mask: Any) -> None:
        name = mask.meta.get("filename_or_obj", "a volume")
        for number, channel in enumerate(np.asarray(mask.cpu())):
            counts = betti_numbers(channel.astype(bool), self.connectivity)
            logger.info("%s, channel %d: Betti numbers %s, %d voxels", name, number, counts, int(channel.sum()))


def _saver(output_dir: PathLike, postfix: str, dtype: Any) -> SaveImage:
    return SaveImage(
        output_dir=output_dir,
        output_postfix=postfix,
        output_dtype=dtype,
        separate_folder=False,
        resample=False,
        print_log=False,
    )


SaveSegmentationD = SaveSegmentationDict = SaveSegmentationd
