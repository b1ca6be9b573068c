"""Name the node that produced inf or nan, by an eager run of the sample in which it happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.trace.signature import Argument
from autograd.graph import first_nonfinite
from autograd.nested import flatten
from autograd.recording import resumed
from autograd.value import Value


def not_finite(
    function: Callable[..., Any], arguments: Sequence[Argument], rows: Sequence[NDArray[Any]], outputs: NDArray[Any]
) -> str:
    """Explain in one line where inf or nan comes from.

    Args:
        rows: the arguments, with one row per sample.
        outputs: the program's results for them.
    """
    samples = len(outputs)
    largest = float(np.finfo(outputs.dtype).max)
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1)).tolist()
    for k in bad or range(samples):
        given = [_sample(argument, row[k].tolist()) for argument, row in zip(arguments, rows)]
        where = f"sample {k}: " if samples > 1 else ""
        try:
            with resumed():
                results = flatten(function(*given), "the function's result")[0]
        except (ArithmeticError, ValueError) as error:
            return f"{where}{error}"
        node = first_nonfinite(*(x for x in results if isinstance(x, Value)), largest=largest)
        if node is not None:
            return f"{where}{_in_words(node, outputs.dtype)}"
    return (
        "a result of the compiled program is not finite, although every node of the eager run is: a sum overflowed, or "
        "it is the determinant of a singular matrix, which the function computes in another way"
    )


def _sample(argument: Argument, numbers: Sequence[Any]) -> Any:
    """Return one sample of an argument, with Values for its numbers; indices stay ints."""
    is_index = argument.lengths is not None
    values = numbers if is_index else [Value(x, label) for x, label in zip(numbers, argument.labels())]
    return flatten(argument.example, argument.name)[1](iter(values))


def _in_words(node: Value, dtype: np.dtype[Any]) -> str:
    name = f"{node.label or 'a node without a label'} ({node.op or 'a leaf'})"
    operands = ", ".join(f"{parent.data:g}" for parent in node.parents[:3])
    if abs(node.data) <= float(np.finfo(dtype).max):
        return f"{name} = {node.data:g}, computed from {operands}, has a derivative that is not finite in {dtype}"
    beyond = f", more than {dtype} holds" if np.isfinite(node.data) else ""
    return f"{name} is {node.data:g}{beyond}" + (f", computed from {operands}" if operands else "")
