"""The command line: `lucidgrad train`, `predict`, `grad`, `draw` and `export`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence

import autograd
from nn.cli import terminal
from nn.cli.expressions import ExpressionError, evaluate
from nn.cli.options import parser
from nn.cli.terminal import say
from nn.cli.train import INTERRUPTED, StoppedError
from nn.tables import Dialect

NEEDED = {"sklearn": ("scikit-learn", "train"), "matplotlib": ("matplotlib", "train"), "onnx": ("onnx", "onnx")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status, 0 on success. Errors are one line on stderr."""
    terminal.prepare()
    options = parser(_train, _predict, _grad, _draw, _export).parse_args(
        _expression_first(sys.argv[1:] if arguments is None else arguments)
    )
    try:
        options.run(options)
        terminal.flush()
    except ExpressionError as error:  # the message has several lines, which underline the mistake
        return _fail(str(error))
    except StoppedError as stopped:
        return _fail(str(stopped), stopped.status)
    except ModuleNotFoundError as error:
        needed = NEEDED.get((error.name or "").partition(".")[0])
        if needed is None:
            raise
        package, extra = needed
        return _fail(f"{package} is not installed: pip install 'lucidgrad[{extra}]'")
    except BrokenPipeError:
        terminal.silence()
        return terminal.BROKEN_PIPE
    except (ArithmeticError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        return _fail(" ".join(str(error).split()) or type(error).__name__)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    return 0


def _expression_first(arguments: Sequence[str]) -> list[str]:
    """Put a space before an expression such as -x**2, so that it is not parsed as an option."""
    marked = list(arguments)
    if len(marked) > 1 and marked[0] == "grad" and marked[1][:1] == "-" and marked[1][:2] not in ("--", "-h"):
        marked[1] = f" {marked[1]}"
    return marked


def _grad(options: argparse.Namespace) -> None:
    variables = _variables(options.variables)
    result = evaluate(options.expression, variables)
    for name in options.explain or ():
        if name not in variables:
            raise ValueError(f"there is no variable {name!r} to explain; there is: {', '.join(variables) or 'none'}")
    if not result.label and "f" not in variables:
        result.label = "f"
    result.backward()
    say(f"{options.expression.strip()} = {result.data!r}")
    for name, variable in variables.items():
        say(f"∂/∂{name} = {variable.grad!r}")
    for name in options.explain or ():
        say(f"\n{autograd.explain(result, variables[name])}")
    if options.svg is not None:
        autograd.draw(result).save(options.svg)
        say(f"wrote {options.svg}")
    if options.html is not None:
        autograd.step_through(result).save(options.html)
        say(f"wrote {options.html}")


def _variables(assignments: Sequence[str]) -> dict[str, autograd.Value]:
    """Parse arguments such as x=2 as Values."""
    variables: dict[str, autograd.Value] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not equals or not name.isidentifier() or not math.isfinite(number):
            raise ValueError(f"write variables as name=number, such as x=2 or y=-0.5; got {assignment!r}")
        if name in variables:
            raise ValueError(f"{name} is given twice")
        variables[name] = autograd.Value(number, name)
    return variables


def _draw(options: argparse.Namespace) -> None:
    from nn.drawing import draw
    from nn.tables.opening import same_file
    from nn.training.models import load

    if same_file(options.output, options.model):
        raise ValueError(f"{options.output} is the model, so it cannot be the output: name another file with --output")
    draw(load(options.model), options.inputs).save(options.output)
    say(f"wrote {options.output}")


def _train(options: argparse.Namespace) -> None:
    from nn.cli.train import train

    defaults = vars(parser(_train, _predict, _grad, _draw, _export).parse_args(["train", "--resume", "RUN"]))
    train(options, defaults)


def _predict(options: argparse.Namespace) -> None:
    from nn.cli.predicting import Formats, predict_file

    def note(text: str) -> None:
        print(f"lucidgrad: note: {terminal.shown(text)}", file=sys.stderr)

    output = None if str(options.output) == "-" else options.output
    dialect = Dialect(options.separator, options.encoding)
    formats = Formats(dialect, options.missing, options.decimal, options.escape_formulas)
    rows = predict_file(options.model, options.table, output, formats, terminal.Progress(options.quiet), note)
    if output is not None:
        say(f"wrote {rows:,} predictions to {output}")


def _export(options: argparse.Namespace) -> None:
    from nn.cli.exporting import export_file

    export_file(options.model, options.output, "float32" if options.float32 else "float64", say)
    say(f"wrote {options.output}")


def _fail(message: str, status: int = 1) -> int:
    print(f"lucidgrad: {terminal.shown(message)}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
