"""Stage 1, trace: run the function on Values of its examples; the graph that this records is the program.

It runs twice, the second time on slightly other numbers. What differs between the two graphs, apart from the numbers
of nodes that depend on arguments or captured leaves, was frozen: a number taken out of the graph by `v.data`, say. What
depends on something else may well be the same twice, so a small function, of which it costs nothing to speak of, runs
up to eight times. Random draws are found out by the states of the generators (chances.py).
"""

from __future__ import annotations

import linecache
import math
import operator
import random
import sys
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Never

from autograd import recording
from autograd.compiler.chances import draws
from autograd.graph import topological_order
from autograd.nested import flatten
from autograd.primitives import Primitive, maximum, mul
from autograd.value import Constant, Value

MOST_TRACES = 8
NODES_TO_TRACE = 10_000  # in all; but twice at least

_PACKAGES = tuple(f"{Path(__file__).resolve().parents[2] / name}/" for name in ("autograd", "nn"))


def _comparison(name: str, symbol: str, compare: Callable[[Any, Any], bool]) -> Primitive:
    return Primitive(name, lambda a, b: 1.0 * compare(a, b), lambda a, b, out: (0.0, 0.0), symbol, None)


COMPARISONS = {
    symbol: _comparison(name, symbol, compare)
    for name, symbol, compare in (
        ("equal", "==", operator.eq),
        ("not_equal", "!=", operator.ne),
        ("less", "<", operator.lt),
        ("less_equal", "<=", operator.le),
        ("greater", ">", operator.gt),
        ("greater_equal", ">=", operator.ge),
    )
}


class Condition(Value):
    """What a comparison gives while tracing: 1.0 or 0.0, to be handed to `where`; combined with & and |."""

    __slots__ = ()

    def __and__(self, other: Any) -> Any:
        return _recorded(mul, self, other)

    def __or__(self, other: Any) -> Any:
        return _recorded(maximum, self, other)

    __rand__, __ror__ = __and__, __or__


class Trace:
    """The graph of one run, as lists that are indexed by node, parents before children.

    Attributes:
        primitives: what made each node; None for a leaf.
        operands: the indices of its parents.
        numbers: what it was.
        labels: the users' names for the nodes that have one, by index.
        leaves: the Values that leaves are, by index.
        arguments: the indices of the arguments' numbers, for each argument a list; -1 for one that was not used.
        outputs: the indices of the numbers that the function returned.
        structure: what it returned.
        single: whether it is one number, in no sequence.
    """

    def __init__(self, order: list[Value], inputs: list[list[Value]], outputs: list[Value]) -> None:
        number = {node: i for i, node in enumerate(order)}
        index = number.__getitem__
        self.primitives = [node.primitive for node in order]
        self.operands = [tuple(map(index, node.parents)) for node in order]
        self.numbers = [node.data for node in order]
        self.labels = {i: node.label for i, node in enumerate(order) if node.label}
        self.leaves = {i: node for i, node in enumerate(order) if not node.parents}
        self.arguments = [[number.get(value, -1) for value in values] for values in inputs]
        self.outputs = list(map(index, outputs))
        self.structure: Any = None
        self.single = True

    def of_others(self, primitives: list[Primitive | None]) -> Trace:
        """The same trace, but for the primitives that made its nodes."""
        found = copy(self)
        found.primitives = primitives
        return found


class _Tracer:
    """Records comparisons, and refuses what would take a number out of the graph."""

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        if isinstance(a, Condition) and symbol == "!=" and type(b) is float and b == 0.0:
            return a  # as `where` asks
        if not isinstance(b, (Value, float, int)) and not hasattr(b, "__float__"):
            return None
        if a.is_constant and (not isinstance(b, Value) or b.is_constant):
            return None
        return _recorded(COMPARISONS[symbol], a, b)

    def refuse(self, what: str, remedy: str) -> Never:
        raise TypeError(
            f"{_users_line()}: {what} would freeze a number of the example in the compiled program. Instead, {remedy}"
        )


def trace(function: Callable[..., Any], examples: Sequence[Any]) -> tuple[Trace, list[Value]]:
    """The graph of a function, and the leaves that it captured, in the order of their first use.

    Raises:
        TypeError: where the function returns something else than numbers, or asks for the number of a Value.
        ValueError: where it froze a number of its examples.
    """
    runs: list[Trace] = []
    if draws(lambda: runs.append(_run(function, examples, None))):
        raise ValueError(
            "the function draws random numbers, of which a compiled program would keep the ones drawn now for ever; "
            "draw them outside, and pass them as an argument"
        )
    captured = _settle_leaves(runs[0], function, examples)
    return runs[0], captured


def _run(function: Callable[..., Any], examples: Sequence[Any], shift: Callable[[float], float] | None) -> Trace:
    inputs, arguments = [], []
    for i, example in enumerate(examples):
        numbers, rebuild = flatten(example, f"argument {i}")
        data = [x.data if isinstance(x, Value) else float(x) for x in numbers]
        values = [Value(x if shift is None else shift(x)) for x in data]
        inputs.append(values)
        arguments.append(rebuild(iter(values)))
    with recording.resumed(), recording.tracing(_Tracer()):
        returned = function(*arguments)
    results = flatten(returned, "the function's result")[0]
    outputs = [x if isinstance(x, Value) else Constant(x) for x in results]
    if not outputs:
        raise TypeError(f"a function to compile returns a Value or a sequence of Values, this one gave {returned!r}")
    found = Trace(topological_order(*outputs), inputs, outputs)
    found.structure, found.single = returned, isinstance(returned, (Value, float, int))
    return found


def _settle_leaves(first: Trace, function: Callable[..., Any], examples: Sequence[Any]) -> list[Value]:
    """Compare with other runs: tells leaves that were captured from those the function made, which are constants."""
    arguments = {i for indices in first.arguments for i in indices}
    candidates = [
        leaf for i, leaf in first.leaves.items() if i not in arguments and not leaf.is_constant
    ]  # captured, or made by the function itself
    captured = candidates
    for seed in range(min(MOST_TRACES, max(2, NODES_TO_TRACE // len(first.primitives))) - 1):
        other = _run_near_by(function, examples, captured, seed)
        if other is None:
            break
        captured = _compared(first, other, arguments)
    return captured


def _compared(first: Trace, second: Trace, arguments: set[int]) -> list[Value]:
    """The leaves that two runs have in common.

    Raises:
        ValueError: where the runs differ in more than the numbers of nodes that depend on arguments or these leaves.
    """
    if (
        first.primitives != second.primitives
        or first.operands != second.operands
        or first.arguments != second.arguments
        or first.outputs != second.outputs
    ):
        raise ValueError(
            "the function computes other operations when its numbers change, so that one graph cannot stand for it. "
            "Choose with autograd.where(condition, a, b), and keep v.data and random draws out of it"
        )
    captured = []
    for i, leaf in first.leaves.items():
        other = second.leaves[i]
        if i in arguments:
            continue
        if leaf is other and not leaf.is_constant:
            captured.append(leaf)
        elif first.numbers[i] != second.numbers[i] and not (math.isnan(first.numbers[i]) and math.isnan(other.data)):
            raise ValueError(_frozen(first, second, i))
    return captured


def _run_near_by(
    function: Callable[..., Any], examples: Sequence[Any], captured: list[Value], seed: int
) -> Trace | None:
    """The function once more, on other numbers near by; None where it is defined at none that were tried."""
    numbers = [leaf.data for leaf in captured]
    for size, move_captured in ((2.0**-7, True), (-(2.0**-7), True), (2.0**-7, False), (2.0**-20, False)):
        chance = random.Random(seed)

        def shift(x: float, size: float = size, chance: random.Random = chance) -> float:
            by = size * (0.5 + chance.random() / 2)
            return x * (1 - by) if x else abs(by) / 8  # towards 0, where most domains are

        try:
            if move_captured:
                for leaf in captured:
                    leaf.data = shift(leaf.data)
            return _run(function, examples, shift)
        except (ArithmeticError, ValueError):
            continue
        finally:
            for leaf, number in zip(captured, numbers):
                leaf.data = number
    return None


def _frozen(first: Trace, second: Trace, i: int) -> str:
    user = next((k for k, operands in enumerate(first.operands) if i in operands), None)
    made_by = "" if user is None else f", an operand of {first.primitives[user]!r}"
    label = f" ({first.labels[i]!r})" if i in first.labels else ""
    return (
        f"the function froze a number: a constant{label} was {first.numbers[i]!r} in one trace and "
        f"{second.numbers[i]!r} in another with slightly different examples{made_by}. It came out of the graph by "
        "v.data, detach, no_grad or a random draw; compute with the Value itself, or pass the number as an argument"
    )


def _recorded(primitive: Primitive, a: Any, b: Any) -> Condition:
    parents = tuple(x if isinstance(x, Value) else Constant(float(x)) for x in (a, b))
    numbers = [parent.data for parent in parents]
    condition = Condition(primitive.forward(*numbers))
    condition.parents = parents
    condition.primitive = primitive
    condition.local_derivatives = primitive.local_derivatives(numbers, condition.data)
    return condition


def _users_line() -> str:
    """Where the innermost frame outside of this package's own files is, with the line itself."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGES):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(name, line).strip()
    return f"{name}, line {line}" + (f", `{text}`" if text else "")
