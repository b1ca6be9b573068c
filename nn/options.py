"""What the command line takes: the commands, their arguments and options, and the help for them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nn.layers import ACTIVATIONS
from nn.losses import LOSSES

Run = Callable[[argparse.Namespace], None]


def parser(train: Run, predict: Run, grad: Run, draw: Run) -> argparse.ArgumentParser:
    """The parser of the command line; what it gives has as `run` what the command is to do."""
    parser = argparse.ArgumentParser(prog="lucidgrad", description="Sigmoid networks on a scalar autodiff engine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands, train)
    _add_predict(commands, predict)
    _add_grad(commands, grad)
    _add_draw(commands, draw)
    return parser


def _add_train(commands: Any, run: Run) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on handwritten digits or on your own table",
        description="Train a network, say how good it is on held-out samples, and write the model, its history and "
        "pictures into a new folder.",
    )
    train.set_defaults(run=run)
    train.add_argument("data", metavar="digits|FILE.csv", help="real handwritten digits, or a table with column names")
    table = train.add_argument_group("for a table of your own")
    table.add_argument("--target", metavar="COLUMN", default=None, help="the column to predict")
    table.add_argument(
        "--drop", metavar="COLUMN", action="extend", nargs="+", default=None, help="columns to leave out"
    )
    table.add_argument(
        "--task",
        choices=("classification", "regression"),
        default=None,
        help="what the target is; if not given, texts and whole numbers of at most 20 kinds are classes",
    )
    _add_choices(train)
    output = train.add_argument_group("output")
    output.add_argument(
        "--runs",
        type=Path,
        metavar="FOLDER",
        default=Path("runs"),
        help="where to make the new folder (default: %(default)s)",
    )
    output.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_choices(train: argparse.ArgumentParser) -> None:
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
        help="of the hidden layers (default: %(default)s)",
    )
    network.add_argument(
        "--loss",
        choices=tuple(LOSSES),
        default=None,
        help="half_squared_error for classes and mean_squared_error for numbers, if not given; outputs are sigmoid "
        "or identity as it needs",
    )
    learning = train.add_argument_group("learning")
    learning.add_argument(
        "--epochs", type=_positive, metavar="N", default=30, help="passes over the samples (default: %(default)s)"
    )
    learning.add_argument(
        "--batch-size", type=_positive, metavar="N", default=10, help="samples an update (default: %(default)s)"
    )
    learning.add_argument(
        "--optimizer", choices=("sgd", "adam", "adamw"), default="sgd", help="the update rule (default: %(default)s)"
    )
    learning.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        default=None,
        help="if not given, for sgd 1.0 with a squared error of sigmoid outputs, else 0.1; 0.01 for adam and adamw",
    )
    learning.add_argument(
        "--momentum", type=float, metavar="ALPHA", default=0.0, help="of sgd, below 1 (default: %(default)s)"
    )
    learning.add_argument(
        "--held-out",
        type=_fraction,
        metavar="PART",
        default=0.2,
        help="of the samples, between 0 and 1 (default: %(default)s)",
    )
    learning.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=0,
        help="of the split, the weights and the order (default: %(default)s)",
    )


def _add_predict(commands: Any, run: Run) -> None:
    predict = commands.add_parser(
        "predict",
        help="predict with a trained model",
        description="Write what a model that `lucidgrad train` wrote predicts for each row of a table.",
    )
    predict.set_defaults(run=run)
    predict.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors file")
    predict.add_argument("table", type=Path, metavar="FILE.csv", help="a table with the columns it was trained on")
    predict.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("predictions.csv"),
        help="where to write (default: %(default)s)",
    )


def _add_grad(commands: Any, run: Run) -> None:
    grad = commands.add_parser(
        "grad",
        help="differentiate an expression",
        description='The value of an expression and its derivatives: lucidgrad grad "sin(x*y) + x**2" x=2 y=-3',
    )
    grad.set_defaults(run=run)
    grad.add_argument("expression", metavar="EXPRESSION", help="arithmetic and functions, as Python writes them")
    grad.add_argument("variables", metavar="NAME=NUMBER", nargs="*", help="the value of each variable")
    grad.add_argument("--svg", type=Path, metavar="FILE", default=None, help="draw the graph of the computation")
    grad.add_argument("--html", type=Path, metavar="FILE", default=None, help="write a page that steps through it")
    grad.add_argument(
        "--explain",
        metavar="NAME",
        action="extend",
        nargs="+",
        default=None,
        help="spell out the chain rule for the derivative to a variable",
    )


def _add_draw(commands: Any, run: Run) -> None:
    draw = commands.add_parser("draw", help="draw a trained model", description="Draw a trained model as SVG.")
    draw.set_defaults(run=run)
    draw.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors file")
    draw.add_argument(
        "--inputs", type=float, nargs="+", metavar="X", default=None, help="a sample, whose activations to fill in"
    )
    draw.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("network.svg"),
        help="where to write, .svg or .html (default: %(default)s)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, got {text}")
    return int(text)


def _fraction(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, got {text}")
    return number
