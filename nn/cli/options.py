"""The commands of the command line, their arguments and options, and the help for them."""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path
from typing import Any

from nn.cli.train_options import Run, add_dialect, add_missing, add_train


def parser(train: Run, predict: Run, grad: Run, draw: Run, export: Run) -> argparse.ArgumentParser:
    """Return the command line's parser; the options it returns have the command's function as `run`."""
    parser = argparse.ArgumentParser(prog="lucidgrad", description="Sigmoid networks on a scalar autodiff engine.")
    parser.add_argument("--version", action="version", version=f"lucidgrad {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_train(commands, train)
    _add_predict(commands, predict)
    _add_grad(commands, grad)
    _add_draw(commands, draw)
    _add_export(commands, export)
    return parser


def _add_predict(commands: Any, run: Run) -> None:
    predict = commands.add_parser(
        "predict",
        help="predict with a trained model",
        description="Write the predictions of a model trained by `lucidgrad train` for each row of a table.",
    )
    predict.set_defaults(run=run)
    predict.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors file")
    predict.add_argument("table", type=Path, metavar="FILE.csv", help="a table with the columns it was trained on")
    predict.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("predictions.csv"),
        help="where to write; - is standard output (default: %(default)s)",
    )
    predict.add_argument(
        "--escape-formulas",
        action="store_true",
        help="put an apostrophe before class names that start with = + - or @, which a spreadsheet would run",
    )
    predict.add_argument("--quiet", action="store_true", help="no progress bar")
    add_missing(predict, None, "as in training; drop leaves the prediction of such a row empty")
    add_dialect(predict)


def _add_grad(commands: Any, run: Run) -> None:
    grad = commands.add_parser(
        "grad",
        help="differentiate an expression",
        description='Print the value of an expression and its derivatives: lucidgrad grad "sin(x*y) + x**2" x=2 y=-3',
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
        help="spell out the chain rule for the derivative with respect to a variable",
    )


def _add_draw(commands: Any, run: Run) -> None:
    draw = commands.add_parser("draw", help="draw a trained model", description="Draw a trained model as SVG.")
    draw.set_defaults(run=run)
    draw.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors file")
    draw.add_argument(
        "--inputs", type=float, nargs="+", metavar="X", default=None, help="a sample; its activations are filled in"
    )
    draw.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("network.svg"),
        help="where to write, .svg or .html (default: %(default)s)",
    )


def _add_export(commands: Any, run: Run) -> None:
    export = commands.add_parser(
        "export",
        help="write a trained model as ONNX",
        description="Export a model trained by `lucidgrad train` to ONNX. The ONNX model takes raw table rows, with "
        "one input per column; it includes the encoding and scaling.",
    )
    export.set_defaults(run=run)
    export.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors file")
    export.add_argument("output", type=Path, metavar="OUT.onnx", help="where to write")
    export.add_argument("--float32", action="store_true", help="compute in float32 instead of float64")


def _version() -> str:
    try:
        return metadata.version("lucidgrad")
    except metadata.PackageNotFoundError:
        return "(a checkout that is not installed)"
