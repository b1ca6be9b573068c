"""The command line: `lucidgrad train` and `lucidgrad predict`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nn.layers import ACTIVATIONS
from nn.losses import LOSSES

NEEDED = {"sklearn": "scikit-learn", "pandas": "pandas", "matplotlib": "matplotlib"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status, 0 where all went well. Errors are one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter shows a question mark
    options = _parser().parse_args(arguments)
    try:
        _train(options) if options.command == "train" else _predict(options)
    except ModuleNotFoundError as error:
        package = NEEDED.get((error.name or "").partition(".")[0])
        if package is None:
            raise
        return _fail(f"{package} is not installed: pip install 'lucidgrad[train]'")
    except (ArithmeticError, MemoryError, OSError, TypeError, ValueError) as error:
        return _fail(" ".join(str(error).split()) or type(error).__name__)
    except KeyboardInterrupt:
        return _fail("interrupted")
    return 0


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
    return parser


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on handwritten digits or on your own table",
        description="Train a network, say how good it is on held-out samples, and write the model, its history and "
        "pictures into a new folder.",
    )
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
    predict.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors file")
    predict.add_argument("table", type=Path, metavar="FILE.csv", help="a table with the columns it was trained on")
    predict.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("predictions.csv"),
        help="where to write (default: %(default)s)",
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
