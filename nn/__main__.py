"""The command line: `lucidgrad train`, `predict`, `grad` and `draw`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import autograd
from autograd.expressions import ExpressionError, evaluate
from nn.options import parser

NEEDED = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status, 0 where all went well. Errors are one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter shows a question mark
    options = parser(_train, _predict, _grad, _draw).parse_args(
        _expression_first(sys.argv[1:] if arguments is None else arguments)
    )
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
    for remark in dataset.remarks:
        print(f"note: {remark}")
    print(jobs.report(dataset, result))
    folder, files = jobs.write_run(dataset, result, options.runs, name)
    print(f"\nwrote {folder}: {', '.join(files)}")


def _predict(options: argparse.Namespace) -> None:
    from nn import jobs

    rows = jobs.predict_file(options.model, options.table, options.output)
    print(f"wrote {rows:,} predictions to {options.output}")


def _fail(message: str) -> int:
    print(f"lucidgrad: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
