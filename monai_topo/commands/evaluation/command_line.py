"""The arguments of ``python -m monai_topo evaluate``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from monai_topo.commands.evaluation.metric_table import DEFAULT_METRICS, DISTANCES, METRICS, arguments_of
from monai_topo.commands.evaluation.options import MAX_NODES, Options
from monai_topo.commands.evaluation.reliability import add_reliability, run_evaluation

_DISTANCE = {
    "slack": "largest distance at which voxels of two centerlines match",
    "max_snap": "largest distance of a node from the other graph",
    "min_path_length": "length of the shortest path that is asked for",
    "max_node_dist": "largest distance of the end of a path from the prediction",
    "match_radius": "largest distance at which junctions match",
    "merge_radius": "junctions closer than this are one",
}


def add_evaluate_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    parser = commands.add_parser("evaluate", help="score segmentations on disk against their labels")
    parser.set_defaults(run=_evaluate)
    formats = "NIfTI, NRRD, MetaImage, TIFF, HDF5, NumPy, PNG or zarr"
    parser.description = f"Files are {formats}, paired by name; docs/metrics.md defines the metrics."
    for add_options in (_add_files, _add_voxels, _add_metrics, _add_distances, _add_tracings, add_reliability):
        add_options(parser)


def _add_files(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--pred", type=Path, help="folder of predictions, or one file")
    add("--label", type=Path, help="folder of labels, or one file; SWC tracings may be labels")
    add(
        "--out",
        type=Path,
        help="JSON report; a CSV of the same name beside it; default: report.json, with --compare comparison.json",
    )
    add(
        "--figures",
        type=Path,
        help="folder for a folder of pictures of the worst cases; default: no pictures",
    )
    add("--workers", type=int, default=1, metavar="N", help="number of processes")
    add(
        "--sections",
        action="store_true",
        help="folders that hold nothing but images are volumes, an image for each section; default: each is a case",
    )
    add("--pred-dataset", metavar="NAME", help="dataset of HDF5 or zarr predictions; default: the only one")
    add("--label-dataset", metavar="NAME", help="dataset of HDF5 or zarr labels; default: the only one")


def _add_voxels(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what the voxels are; default: masks of 0 and 1, or 0 and 255").add_argument
    add("--threshold", type=float, metavar="P", help="predictions are likelihoods, foreground from this value up")
    add("--label-threshold", type=float, metavar="P", help="the same of labels")
    add("--labels", type=_integers, default=(), metavar="N,N", help="classes of label maps, each scored on its own")
    choices = ("foreground", "background", "labels")
    add("--instances", choices=choices, default="foreground", help="what metrics of partitions compare")


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("metrics").add_argument
    names = " ".join(METRICS)
    add("--metrics", nargs="+", default=DEFAULT_METRICS, metavar="NAME", help=f"some of: {names}")
    add(
        "--connectivity",
        choices=("full", "face"),
        default="full",
        help="of the foreground: 26 or 6 in 3D, 8 or 4 in 2D",
    )
    add("--frame", action="store_true", help="count Betti numbers relative to a frame of foreground; default: no frame")
    add(
        "--patch-size",
        type=_integers,
        metavar="N",
        help="patches of the Betti errors: 64 or 64,64,32; default: whole volumes",
    )
    add("--num-patches", type=int, metavar="N", help="that many random patches; default: a grid of them")
    add(
        "--section-axis",
        type=int,
        metavar="AXIS",
        help="axis along which no two sections share an instance; default: none",
    )
    add(
        "--iou-threshold",
        type=_numbers,
        default=(0.5,),
        metavar="T",
        help="instance_f1: intersection over union that a match exceeds; of several, 0.5,0.75, the mean; default: 0.5",
    )
    add(
        "--min-size",
        type=int,
        default=0,
        metavar="N",
        help="instance_f1: instances of fewer voxels are background on both sides; default: 0",
    )
    add(
        "--merge-tolerance",
        type=int,
        default=0,
        metavar="N",
        help="expected_run_length: points of another skeleton in a segment that make no merge; default: 0",
    )
    add(
        "--max-step",
        type=float,
        metavar="D",
        help="expected_run_length: longer steps of a tracing are divided; default: points as traced",
    )
    add(
        "--max-nodes",
        type=_count,
        default=MAX_NODES,
        metavar="N",
        help="apls: of more control nodes so many are drawn; 'all' draws none",
    )
    add("--seed", type=int, default=0, metavar="N", help="random seed for patches, paths and nodes")


def _add_distances(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("distances, in voxels; with --spacing in its unit, and then without defaults")
    help_text = "voxel size: 1,1,2.5, or 'file' for that of the files; default: distances in voxels"
    group.add_argument("--spacing", type=_spacing, metavar="SIZE", help=help_text)
    takers = {distance: name for name, entry in METRICS.items() for distance in entry.distances}
    for distance in DISTANCES:
        default = arguments_of(takers[distance])[distance]
        group.add_argument(
            f"--{distance.replace('_', '-')}",
            type=float,
            metavar="D",
            help=f"{takers[distance]}: {_DISTANCE[distance]}; default: {default:g} voxels",
        )


def _add_tracings(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("SWC labels, drawn on the prediction's grid").add_argument
    add("--swc-mode", choices=("centerline", "tube"), default="centerline", help="what is drawn")
    add(
        "--swc-unit",
        choices=("physical", "voxel"),
        default="physical",
        help="unit of the coordinates: that of the voxel size, or voxels",
    )
    add(
        "--swc-origin",
        choices=("center", "corner"),
        default="center",
        help="where coordinate 0 lies in the first voxel",
    )


def _parser_of(make: Callable[[str], Any], wanted: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return make(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {wanted}, got {text!r}.") from None

    return parse


_integers = _parser_of(lambda text: tuple(map(int, text.split(","))), "whole numbers with commas between them")
_numbers = _parser_of(lambda text: tuple(map(float, text.split(","))), "numbers with commas between them")
_spacing = _parser_of(
    lambda text: text if text == "file" else tuple(map(float, text.split(","))),
    "'file' or numbers with commas between them",
)
_count = _parser_of(lambda text: None if text == "all" else int(text), "a whole number or 'all'")


def _evaluate(arguments: argparse.Namespace) -> int:
    given = {option.name: getattr(arguments, option.name) for option in fields(Options)}
    given["metrics"] = tuple(arguments.metrics)
    given["connectivity"] = None if arguments.connectivity == "full" else 1
    if arguments.patch_size is not None and len(arguments.patch_size) == 1:
        given["patch_size"] = arguments.patch_size[0]
    if len(arguments.iou_threshold) == 1:
        given["iou_threshold"] = arguments.iou_threshold[0]
    return 0 if run_evaluation(arguments, Options(**given)) else 1
