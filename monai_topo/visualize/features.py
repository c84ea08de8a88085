"""Which features match, are missing or are extra, drawn where they are: a PNG of one slice, a NIfTI label map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray

from monai_topo.data import written_whole
from monai_topo.topology import Feature, Status
from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import feature_mark
from monai_topo.visualize.segmentation import error_map

LABELS: dict[Status, int] = {"matched": 1, "missing": 2, "extra": 3}
"""Values in the label map."""


def feature_map(features: Sequence[Feature], shape: Sequence[int], radius: int = 1) -> NDArray[np.uint8]:
    """Label map with a small cube at the voxel of each feature: 1 matched, 2 missing, 3 extra, 0 elsewhere.

    Args:
        features: features from :func:`~monai_topo.topology.list_features`.
        shape: shape of the masks, ``(H, W)`` or ``(H, W, D)``.
        radius: half the edge length of a cube in voxels, its middle not counted.

    Returns:
        uint8 of this shape; where cubes overlap, extra hides missing and missing hides matched.

    Raises:
        ValueError: for a negative radius.

    Example:
        >>> feature_map([Feature(0, "missing", (0, 1), 5)], (1, 4), radius=0)
        array([[0, 2, 0, 0]], dtype=uint8)
    """
    if radius < 0:
        raise ValueError(f"radius must be 0 or more voxels, got {radius!r}.")
    found = np.zeros(tuple(shape), np.uint8)
    for feature in sorted(features, key=lambda feature: LABELS[feature.status]):
        cube = tuple(slice(max(i - radius, 0), i + radius + 1) for i in feature.voxel)
        found[cube] = LABELS[feature.status]
    return found


def write_feature_map(
    path: PathLike,
    features: Sequence[Feature],
    shape: Sequence[int],
    affine: NDArray[Any] | None = None,
    radius: int = 1,
) -> Path:
    """Write :func:`feature_map` as NIfTI, to be laid over the volume in a viewer.

    Args:
        path: ends in ``.nii`` or ``.nii.gz``.
        features: features from :func:`~monai_topo.topology.list_features`.
        shape: shape of the masks.
        affine: ``(4, 4)``, from voxels to millimeters; None is the identity.
        radius: radius, as for :func:`feature_map`.

    Returns:
        The path.

    Raises:
        ValueError: for another ending or a negative radius.

    Example:
        >>> import tempfile
        >>> from monai_topo.topology import list_features
        >>> label = np.ones((4, 5, 6))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_feature_map(f"{folder}/features.nii.gz", list_features(label, label), label.shape)
        ...     path.name
        'features.nii.gz'
    """
    import nibabel

    target = Path(path)
    if not target.name.endswith((".nii", ".nii.gz")):
        raise ValueError(f"path must end in .nii or .nii.gz, got {target.name!r}.")
    overlay = nibabel.Nifti1Image(feature_map(features, shape, radius), np.eye(4) if affine is None else affine)
    with written_whole(target) as temporary:
        nibabel.save(overlay, temporary)
    return target


def plot_features(
    path: PathLike,
    prediction: NDArray[Any],
    label: NDArray[Any],
    features: Sequence[Feature],
    index: int | None = None,
) -> Path:
    """Draw one slice of a segmentation's errors with the features that lie in it.

    Circles are components, squares loops, diamonds cavities; green ones match, red ones are missing, blue ones extra.
    As in all pictures the first axis of the arrays goes to the right and the second one down.

    Args:
        path: path of the PNG.
        prediction: ``(H, W)`` or ``(H, W, D)``, 0 and 1.
        label: the same shape.
        features: features from :func:`~monai_topo.topology.list_features` of the two.
        index: number of the slice ``[:, :, index]`` of a volume; None is the one with most features that do not match.

    Returns:
        The path.

    Example:
        >>> from monai_topo.topology import list_features
        >>> label, broken = np.ones((3, 5)), np.ones((3, 5))
        >>> broken[:, 2] = 0
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = plot_features(f"{folder}/picture.png", broken, label, list_features(broken, label))
        ...     path.name
        'picture.png'
    """
    shown = list(features)
    if label.ndim == 3:
        wrong = [feature.voxel[2] for feature in features if feature.status != "matched"] or [label.shape[2] // 2]
        index = int(np.bincount(wrong).argmax()) if index is None else index
        shown = [feature for feature in features if feature.voxel[2] == index]
        prediction, label = prediction[:, :, index], label[:, :, index]
    figure, axes = new_figure(1, 1)
    axis = np.ravel(axes)[0]
    axis.imshow(np.swapaxes(error_map(prediction, label), 0, 1), interpolation="nearest")
    for feature in shown:
        axis.plot(*feature.voxel[:2], **feature_mark(feature.dim, feature.status))
    axis.set(xticks=[], yticks=[])
    counts = [f"{sum(feature.status == status for feature in shown)} {status}" for status in LABELS]
    axis.set_title(", ".join(counts))
    return save_png(figure, path)
