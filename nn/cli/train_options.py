"""The options of `lucidgrad train`, and the table options that it shares with `predict`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nn.layers import ACTIVATIONS
from nn.losses import LOSSES
from nn.optimizers import OPTIMIZERS
from nn.tables.missing import POLICIES

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "space": " "}

Run = Callable[[argparse.Namespace], None]


def add_train(commands: Any, run: Run) -> None:
    """Add the command `train`."""
    train = commands.add_parser(
        "train",
        help="train a network on handwritten digits or on your own table",
        description="Train a network, evaluate it on held-out samples, and write the model, its history and "
        "pictures into a new folder.",
    )
    train.set_defaults(run=run)
    source = train.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "data",
        metavar="digits|FILE.csv",
        nargs="?",
        help="real handwritten digits, or a table with column names; .csv.gz is unpacked up to 4 GiB",
    )
    source.add_argument(
        "--resume",
        type=Path,
        metavar="RUN",
        default=None,
        help="resume an interrupted run, given its folder; the result is the same",
    )
    _add_table(train)
    _add_network(train)
    _add_learning(train)
    _add_output(train)


def _add_table(train: argparse.ArgumentParser) -> None:
    table = train.add_argument_group("your own table")
    table.add_argument("--target", metavar="COLUMN", default=None, help="the column to predict")
    table.add_argument(
        "--drop", metavar="COLUMN", action="extend", nargs="+", default=None, help="columns to leave out"
    )
    table.add_argument(
        "--task",
        choices=("classification", "regression"),
        default=None,
        help="the kind of target; by default, texts and whole numbers with at most 20 distinct values are classes",
    )
    table.add_argument(
        "--text",
        metavar="COLUMN",
        action="extend",
        nargs="+",
        default=None,
        help="columns to read as categories: NA and None are ordinary texts there, and 01 is not 1",
    )
    table.add_argument(
        "--na",
        metavar="MARK",
        action="extend",
        nargs="*",
        default=None,
        help="marks of missing values besides an empty cell, NA, NaN, NULL, None and the like; without a MARK, only "
        "empty cells are missing",
    )
    add_missing(table, "refuse", "refuse")
    add_dialect(table)


def _add_output(train: argparse.ArgumentParser) -> None:
    output = train.add_argument_group("output")
    output.add_argument(
        "--runs",
        type=Path,
        metavar="FOLDER",
        default=Path("runs"),
        help="where to create the new folder (default: %(default)s)",
    )
    output.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        default=None,
        help="where to write the state after each epoch (default: in the new folder, until the run is finished)",
    )
    output.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_network(train: argparse.ArgumentParser) -> None:
    network = train.add_argument_group("the network")
    network.add_argument(
        "--hidden",
        type=_positive,
        nargs="*",
        metavar="N",
        default=[30],
        help="neurons of each hidden layer (default: 30)",
    )
    network.add_argument(
        "--activation",
        choices=tuple(ACTIVATIONS),
        default="sigmoid",
        help="activation of the hidden layers (default: %(default)s)",
    )
    network.add_argument(
        "--loss",
        choices=tuple(LOSSES),
        default=None,
        help="the cost of a sample (default: half_squared_error for classes, mean_squared_error for numbers); the "
        "outputs are sigmoid or identity to suit it",
    )


def _add_learning(train: argparse.ArgumentParser) -> None:
    learning = train.add_argument_group("training")
    learning.add_argument(
        "--epochs",
        type=_positive,
        metavar="N",
        default=None,
        help="maximum number of passes over the samples (default: 30 for digits, 200 for a table)",
    )
    learning.add_argument(
        "--patience",
        type=_whole,
        metavar="N",
        default=None,
        help="stop after N epochs without a lower cost on a fifth of the training rows, and keep the best epoch; "
        "0 trains on all of them and keeps the last (default: 0 for digits, 40 for a table)",
    )
    learning.add_argument(
        "--batch-size",
        type=_positive,
        metavar="N",
        default=None,
        help="samples per update (default: 10 for digits; for a table a tenth of its rows, 4 to 32)",
    )
    learning.add_argument(
        "--optimizer",
        choices=tuple(OPTIMIZERS),
        default=None,
        help="the update rule (default: sgd for digits, adamw for a table)",
    )
    learning.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        default=None,
        help="default: for sgd, 1.0 with a squared error of sigmoid outputs, otherwise 0.1; for adam, 0.01; for adamw, "
        "0.01 decaying to a hundredth of that over the epochs",
    )
    learning.add_argument(
        "--momentum", type=float, metavar="ALPHA", default=0.0, help="momentum of sgd, below 1 (default: %(default)s)"
    )
    learning.add_argument(
        "--held-out",
        type=_fraction,
        metavar="PART",
        default=0.2,
        help="fraction of the samples to hold out, between 0 and 1 (default: %(default)s)",
    )
    learning.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=0,
        help="seed of the split, the weights and the order of the samples (default: %(default)s)",
    )


def add_missing(group: Any, default: str | None, shown: str) -> None:
    """Add the option for missing values, with its default and the text that describes the default."""
    group.add_argument(
        "--missing",
        choices=POLICIES,
        default=default,
        help="how to handle missing values: leave such rows out (drop), or fill in the mean, the median or the most "
        "frequent value of the training rows; categories always get the most frequent "
        f"(default: {shown})",
    )


def add_dialect(group: Any) -> None:
    """Add the options for a table file's format."""
    group.add_argument(
        "--separator",
        type=_separator,
        metavar="SIGN",
        default=None,
        help="the character between cells, or tab or space; by default, comma, semicolon, tab or bar is detected",
    )
    group.add_argument(
        "--decimal",
        choices=(".", ","),
        metavar="MARK",
        default=None,
        help="the decimal mark, . or a comma; detected by default",
    )
    group.add_argument(
        "--encoding",
        metavar="NAME",
        default=None,
        help="the encoding, such as cp1252 (default: UTF-8, or UTF-16 with a byte order mark)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, got {text}")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be an integer of at least 0, got {text}")
    return int(text)


def _separator(text: str) -> str:
    sign = SEPARATORS.get(text, text)
    if not re.fullmatch(r'[^"\r\n]', sign):
        raise argparse.ArgumentTypeError(f"must be one character, or tab, space, comma, semicolon or bar; got {text!r}")
    return sign


def _fraction(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, got {text}")
    return number
