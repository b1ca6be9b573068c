"""The command line: `lucidgrad train`, `predict`, `grad` and `draw`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import autograd
from autograd.expressions import ExpressionError, evaluate
from nn.layers import ACTIVATIONS
from nn.losses import LOSSES

NEEDED = {"sklearn": "scikit-learn", "pandas": "pandas", "matplotlib": "matplotlib"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status, 0 where all went well. Errors are one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter shows a question mark
    options = _parser().parse_args(_expression_first(sys.argv[1:] if arguments is None else arguments))
    try:
        options.run(options)
    except ExpressionError as error:  # of several lines, which underline what is wrong
        return _fail(str(error))
    except ModuleNotFoundError as error:
        package = NEEDED.get((error.name or "").partition(".")[0])
        if package is None:
            raise
        return _fail(f"{package} is not installed: pip install 'lucidgrad[train]'")
    except (ArithmeticError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        return _fail(" ".join(str(error).split()) or type(error).__name__)
    except KeyboardInterrupt:
        return _fail("interrupted")
    return 0


def _expression_first(arguments: Sequence[str]) -> list[str]:
    """The arguments, with an expression such as -x**2 marked by a space as one, and not as an option."""
    marked = list(arguments)
    if len(marked) > 1 and marked[0] == "grad" and marked[1][:1] == "-" and marked[1][:2] not in ("--", "-h"):
        marked[1] = f" {marked[1]}"
    return marked


def _grad(options: argparse.Namespace) -> None:
    variables = _variables(options.variables)
    result = evaluate(options.expression, variables)
    for name in options.explain or ():
        if name not in variables:
            raise ValueError(f"there is no variable {name!r} to explain; there are: {', '.join(variables) or 'none'}")
    if not result.label and "f" not in variables:
        result.label = "f"
    result.backward()
    print(f"{options.expression.strip()} = {result.data!r}")
    for name, variable in variables.items():
        print(f"∂/∂{name} = {variable.grad!r}")
    for name in options.explain or ():
        print(f"\n{autograd.explain(result, variables[name])}")
    if options.svg is not None:
        autograd.draw(result).save(options.svg)
        print(f"wrote {options.svg}")
    if options.html is not None:
        autograd.step_through(result).save(options.html)
        print(f"wrote {options.html}")


def _variables(assignments: Sequence[str]) -> dict[str, autograd.Value]:
    """The Values of arguments such as x=2."""
    variables: dict[str, autograd.Value] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not equals or not name.isidentifier() or not math.isfinite(number):
            raise ValueError(f"variables are given as name=number, such as x=2 or y=-0.5; got {assignment!r}")
        if name in variables:
            raise ValueError(f"{name} is given twice")
        variables[name] = autograd.Value(number, name)
    return variables


def _draw(options: argparse.Namespace) -> None:
    from nn.checkpoint import load
    from nn.drawing import draw

    draw(load(options.model), options.inputs).save(options.output)
    print(f"wrote {options.output}")


def _train(options: argparse.Namespace) -> None:
    from nn import jobs, tables

    if options.data == "digits":
        name, dataset = "digits", tables.digits(options.held_out, options.seed)
    elif options.target is None:
        raise ValueError(f"say which column of {options.data} to predict: --target COLUMN")
    else:
        name = Path(options.data).stem
        drop = tuple(options.drop or ())
        dataset = tables.table(options.data, options.target, drop, options.task, options.held_out, options.seed)
    choices = jobs.Choices(
        options.hidden,
        options.activation,
        options.loss,
        options.optimizer,
        options.learning_rate,
        options.momentum,
        options.epochs,
        options.batch_size,
        options.seed,
        not options.quiet,
    )
    result = jobs.train(dataset, choices)
    print(jobs.report(dataset, result))
    folder, files = jobs.write_run(dataset, result, options.runs, name)
    print(f"\nwrote {folder}: {', '.join(files)}")


def _predict(options: argparse.Namespace) -> None:
    from nn import jobs

    rows = jobs.predict_file(options.model, options.table, options.output)
    print(f"wrote {rows:,} predictions to {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lucidgrad", description="Sigmoid networks on a scalar autodiff engine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_predict(commands)
    _add_grad(commands)
    _add_draw(commands)
    return parser


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on handwritten digits or on your own table",
        description="Train a network, say how good it is on held-out samples, and write the model, its history and "
        "pictures into a new folder.",
    )
    train.set_defaults(run=_train)
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


def _add_predict(commands: Any) -> None:
    predict = commands.add_parser(
        "predict",
        help="predict with a trained model",
        description="Write what a model that `lucidgrad train` wrote predicts for each row of a table.",
    )
    predict.set_defaults(run=_predict)
    predict.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors file")
    predict.add_argument("table", type=Path, metavar="FILE.csv", help="a table with the columns it was trained on")
    predict.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("predictions.csv"),
        help="where to write (default: %(default)s)",
    )


def _add_grad(commands: Any) -> None:
    grad = commands.add_parser(
        "grad",
        help="differentiate an expression",
        description='The value of an expression and its derivatives: lucidgrad grad "sin(x*y) + x**2" x=2 y=-3',
    )
    grad.set_defaults(run=_grad)
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


def _add_draw(commands: Any) -> None:
    draw = commands.add_parser("draw", help="draw a trained model", description="Draw a trained model as SVG.")
    draw.set_defaults(run=_draw)
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


def _fail(message: str) -> int:
    print(f"lucidgrad: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
