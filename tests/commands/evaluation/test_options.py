"""Options that make no sense are refused by name; distances keep their unit."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import fields

import pytest

from monai_topo.__main__ import build_parser, main
from monai_topo.commands.evaluation import Options
from monai_topo.commands.evaluation.metric_table import DISTANCES, METRICS
from monai_topo.commands.evaluation.options import connectivity_name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *[({name: bad, "metrics": tuple(METRICS)}, f"--{name.replace('_', '-')} must be a finite number")
          for name in ("threshold", "label_threshold", *DISTANCES) for bad in (math.nan, math.inf)],
        *[({"spacing": (1.0, bad, 1.0)}, "--spacing must be 2 or 3 positive, finite")
          for bad in (math.nan, math.inf, 0.0, -1.0)],
        ({"spacing": "mm"}, "--spacing must be 'file'"),
        *[({"spacing": (1.0,) * axes}, "--spacing must be 2 or 3 positive, finite numbers") for axes in (0, 1, 4)],
        ({"labels": (1, 2, 1)}, "--labels names 1 more than once"),
        ({"labels": (-1,)}, "--labels must be at least 0, got -1"),
        ({"metrics": ("pixel", "ccq", "pixel")}, "--metrics names pixel more than once"),
        ({"seed": -1}, "--seed must be at least 0"),
        ({"labels": (1,), "label_threshold": 0.5}, "give one of them"),
        ({"metrics": ("pixel",), "frame": True}, "--frame is of betti_error"),
        ({"metrics": ("pixel",), "max_snap": 3.0}, "--max-snap is of apls: add that to --metrics"),
        ({"metrics": ("ccq",), "patch_size": 8}, "--patch-size is of betti_error"),
        ({"metrics": ("apls",), "max_nodes": 1}, "max_nodes must be None or at least 2"),
        ({"patch_size": 0}, "patch_size"),
        ({"patch_size": 8, "num_patches": 0}, "num_patches"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Options(**options)


def test_a_distance_in_voxels_is_no_default_in_another_unit():
    metrics = ("ccq", "apls", "tlts", "junction_f1")
    assert Options(metrics=metrics).protocol("apls")["max_snap"] == 4
    for spacing in ("file", (1.0, 1.0, 2.5)):
        message = (
            r"defaults are in voxels \(--slack 5 --max-snap 4 --min-path-length 10 --max-node-dist 25 --match-radius 5 "
            r"--merge-radius 3\): give --slack and .* in that unit"
        )
        with pytest.raises(ValueError, match=message):
            Options(metrics=metrics, spacing=spacing)
        given = {name: 1.5 + number for number, name in enumerate(DISTANCES)}
        options = Options(metrics=metrics, spacing=spacing, **given)
        for name in DISTANCES:  # each reaches the metric that it names
            (metric,) = [metric for metric, entry in METRICS.items() if name in entry.distances]
            assert options.protocol(metric)[name] == given[name]
            assert options.protocol(metric)["spacing"] == spacing


def test_connectivity_in_words():
    assert connectivity_name(None, {2}) == "full (8)"
    assert connectivity_name(1, {2, 3}) == "face (4 in 2D, 6 in 3D)"
    assert Options().protocol("betti_error", {3})["connectivity"] == "full (26)"


def parsers(parser):
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


def test_the_help_says_every_default():
    options = [
        (parser.prog, action)
        for parser in parsers(build_parser())
        for action in parser._actions
        if action.option_strings and action.default not in (None, argparse.SUPPRESS, ()) and action.default is not False
    ]
    assert [(prog, action.dest) for prog, action in options if "default" not in action.help] == []
    helps = {(prog.split()[-1], action.dest): action.help for prog, action in options}
    assert helps["evaluate", "max_nodes"].endswith("default: 2000")
    assert helps["evaluate", "seed"].endswith("default: 0")
    assert helps["evaluate", "metrics"].endswith("default: pixel betti_error euler_error centerline_dice")
    assert len(helps) > 20


def test_every_option_of_the_command_is_one_of_options():
    (parser,) = [parser for parser in parsers(build_parser()) if parser.prog.endswith("evaluate")]
    others = {"help", "pred", "label", "out", "figures", "workers", "compare", "controls", "control_draws"}
    others |= {"before", "before_threshold", "sections", "html", "sweep", "sweep_thresholds", "sweep_factors"}
    names = {action.dest for action in parser._actions} - others
    assert names == {field.name for field in fields(Options)}


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_are_one_line(tmp_path, capsys, text):
    given = ["evaluate", "--pred", str(tmp_path), "--label", str(tmp_path)]
    assert main([*given, f"--threshold={text}"]) == 2
    assert "--threshold must be a finite number" in capsys.readouterr().err
