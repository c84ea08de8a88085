"""The arguments of `python -m monai_topo segment`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from monai_topo.commands.segmentation.engine import engine
from monai_topo.commands.segmentation.network import bundle_of
from monai_topo.commands.segmentation.run import segment
from monai_topo.commands.segmentation.work import Source


def add_segment_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    text = "segment a volume of any size by a bundle, block by block"
    parser = commands.add_parser("segment", help=text, description=f"{text}; docs/large.md says how.")
    parser.set_defaults(run=_segment)
    add = parser.add_argument
    add("input", type=Path, metavar="IN", help="volume: a zarr of any size, or a file that fits into memory")
    add("out", type=Path, metavar="OUT", help="OME-Zarr to write: likelihood, and mask under labels/segmentation")
    add("--bundle", required=True, metavar="DIR", help="folder of a bundle, or name of one of the package")
    add("--config", nargs="+", default=("inference.yaml",), metavar="NAME", help="its configuration files, in order")
    add(
        "--set",
        nargs=2,
        action="append",
        default=[],
        metavar=("ENTRY", "VALUE"),
        help="entry of the configuration to replace, such as: --set patch_size '[96, 96, 96]'",
    )
    add_where = parser.add_argument_group("where").add_argument
    add_where("--workers", type=int, default=1, metavar="N", help="processes on this machine; 1 is this one alone")
    add_where("--scheduler", metavar="ADDRESS", help="dask scheduler whose workers do it, such as tcp://host:8786")
    add_where("--block", type=_sizes, metavar="N", help="voxels of a block: 512 or 512,512,128; default: 256")
    add_what = parser.add_argument_group("what of a zarr").add_argument
    add_what("--dataset", metavar="NAME", help="array or image in it; default: the only one")
    add_what("--level", type=_number_or_name, metavar="L", help="level by number or name; default: the first")
    add_what("--channel", type=_number_or_name, metavar="C", help="channel by number or name")
    add_what("--time", type=int, metavar="T", help="time point by number")


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be whole numbers with commas between them, got {text!r}.") from None


def _number_or_name(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _segment(arguments: argparse.Namespace) -> int:
    if not arguments.input.exists():
        raise FileNotFoundError(f"no such file or folder: {arguments.input}")
    bundle = bundle_of(arguments.bundle, arguments.config, [tuple(pair) for pair in arguments.set])
    source = Source(arguments.input.resolve(), arguments.dataset, arguments.level, arguments.channel, arguments.time)
    with engine(arguments.workers, arguments.scheduler) as where:
        segment(bundle, source, arguments.out.resolve(), where, arguments.block)
    print(f"{arguments.out}: likelihood, and the mask in {arguments.out / 'labels' / 'segmentation'}")
    return 0
