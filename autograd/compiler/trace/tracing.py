"""Trace a function: run it on Values of its examples; the recorded graph is the program.

`retrace.py` verifies that the graph does not depend on the examples' numbers.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Never

from autograd import recording
from autograd.compiler.trace.rule_state import reads_state, slopes_of
from autograd.compiler.trace.source_lines import explained, users_line
from autograd.graph import topological_order
from autograd.nested import flatten
from autograd.primitives import Primitive, Rule, detached, maximum, mul
from autograd.reading import number_of, numbers_of
from autograd.table import Slope
from autograd.value import Constant, Traced, Value


def _comparison(name: str, symbol: str, compare: Callable[[Any, Any], bool]) -> Primitive:
    return Primitive(
        name,
        lambda a, b: 1.0 * compare(a, b),
        lambda a, b, out: (0.0, 0.0),
        symbol,
        chooses=True,
        slope=Slope.NONE,
        hides_nan=True,
    )


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
    """The result of a comparison while tracing: 1.0 or 0.0, for `where` to choose by; combined with &, | and ^."""

    __slots__ = ()
    data = vars(Value)["data"]

    def __and__(self, other: Any) -> Any:
        return _recorded(mul, self, other)

    def __or__(self, other: Any) -> Any:
        return _recorded(maximum, self, other)

    def __xor__(self, other: Any) -> Any:
        return _recorded(COMPARISONS["!="], self, other)

    def __invert__(self) -> Never:
        raise TypeError("~ of a bool is never 0 in Python: in place of where(~c, a, b) write where(c, b, a)")

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __bool__(self) -> bool:
        tracer = recording.tracer.get()
        leaves = _detached_leaves(self)
        if leaves is None or not isinstance(tracer, _Tracer):
            return super().__bool__()
        tracer.asked += [(leaf, users_line()) for leaf in leaves]
        return bool(self.data != 0)


UNUSED = -1
"""The index of an argument's number that the results do not depend on."""


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """The graph of one run, as lists that are indexed by node, parents before children.

    Attributes:
        primitives: what made each node; None for a leaf.
        counts: how many parents each node has.
        operands: the indices of the parents, node after node.
        leaves: the Values that leaves are, by index.
        arguments: the indices of the arguments' numbers, for each argument a list; UNUSED for one that was not used.
        outputs: the indices of the numbers that the function returned.
        structure: what it returned.
        single: whether it is one number, in no sequence.
        recorded: how many nodes it recorded, those that the results do not need included.
        asked: the leaves whose numbers it chose a way by, detached, with the lines. It may if it made them itself.
        nodes: the graph itself, until it was read.
        numbers: what each node was, once read.
        labels: the users' names for the nodes that have one, by index, once read.
    """

    primitives: list[Primitive | None]
    counts: list[int]
    operands: list[int]
    leaves: dict[int, Value]
    arguments: list[list[int]]
    outputs: list[int]
    structure: Any
    single: bool
    recorded: int
    asked: list[tuple[Value, str]]
    nodes: list[Value]
    numbers: list[float] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)

    def read(self) -> Trace:
        """The trace with numbers and labels, which does not hold the graph."""
        labels = {i: node.label for i, node in enumerate(self.nodes) if node.label}
        return replace(self, nodes=[], numbers=numbers_of(self.nodes), labels=labels)


MEMO = (
    "the function computes with a Value that it made when it ran before, as from a cache or memo outside of it. It "
    "runs several times while it is compiled, each time on new Values, and a compiled program runs it no more. Let "
    "each run begin with an empty cache, or keep plain numbers in it"
)


class FreezingError(TypeError):
    """Something asks for the number of a Value while a function is traced."""


class _Tracer:
    """Records comparisons, and refuses what would take a number out of the graph."""

    def __init__(self) -> None:
        self.asked: list[tuple[Value, str]] = []

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        if isinstance(a, Condition) and symbol == "!=" and type(b) is float and b == 0.0:
            return a  # as `where` asks
        if not isinstance(b, (Value, float, int)) and not hasattr(b, "__float__"):
            return None
        if a.is_constant and (not isinstance(b, Value) or b.is_constant):
            return None
        return _recorded(COMPARISONS[symbol], a, b)

    def refuse(self, what: str, remedy: str) -> Never:
        raise FreezingError(
            f"{users_line()}: {what} would freeze a number of the example in the compiled program. Instead, {remedy}"
        )

    def derivatives_of(self, primitive: Primitive) -> Rule:
        return slopes_of(primitive) if reads_state(primitive) else primitive.compiled_derivatives


class _Watching(recording.Counter):
    """Refuses nodes that are computed from a node of an earlier run."""

    def __init__(self, earlier: frozenset[int], *settings: Any) -> None:
        super().__init__(*settings)
        self._earlier = earlier

    def count(self) -> bool:
        frame: Any = sys._getframe(1)
        while "parents" not in frame.f_locals:  # of the node that is being made
            frame = frame.f_back
        if not self._earlier.isdisjoint(map(id, frame.f_locals["parents"])):
            raise ValueError(f"{users_line()}: {MEMO}")
        return super().count()


def trace(
    function: Callable[..., Any],
    examples: Sequence[Any],
    change: Callable[[float], float] = float,
    most_nodes: float = math.inf,
    earlier: Collection[int] = (),
) -> Trace:
    """The graph of a function.

    Args:
        function: takes the examples, with Values in the place of numbers.
        examples: numbers and (nested) sequences of numbers.
        change: what to do to each number first.
        most_nodes: how many nodes may be recorded, at most.
        earlier: ids of nodes of earlier runs, which may not be computed with.

    Raises:
        TypeError: where the function returns something else than numbers, or asks for the number of a Value.
        ValueError: where it computes with a node of an earlier run.
        TooManyNodesError: where it records more nodes.
    """
    inputs: list[list[Value]] = []
    arguments = []
    for i, example in enumerate(examples):
        numbers, rebuild = flatten(example, f"argument {i}")
        values: list[Value] = [Traced(change(number_of(x) if isinstance(x, Value) else float(x))) for x in numbers]
        inputs.append(values)
        arguments.append(rebuild(iter(values)))
    tracer = _Tracer()
    kind = partial(_Watching, frozenset(earlier)) if earlier else recording.Counter
    with recording.counting(most_nodes, kind) as counter, recording.tracing(tracer):
        try:
            returned = function(*arguments)
        except FreezingError:
            raise
        except (TypeError, LookupError) as error:
            if (explanation := explained(error)) is None:
                raise
            raise FreezingError(explanation) from error
    results = flatten(returned, "the function's result")[0]
    outputs = [x if isinstance(x, Value) else Constant(x) for x in results]
    if not outputs:
        raise TypeError(f"a function to compile returns a Value or a sequence of Values, this one gave {returned!r}")
    order = topological_order(*outputs)
    number = {node: i for i, node in enumerate(order)}
    rows = [node.parents for node in order]
    return Trace(
        [node.primitive for node in order],
        list(map(len, rows)),
        [number[parent] for row in rows for parent in row],
        {i: node for i, node in enumerate(order) if not node.parents},
        [[number.get(value, UNUSED) for value in values] for values in inputs],
        [number[output] for output in outputs],
        returned,
        isinstance(returned, (Value, float, int)),
        counter.nodes,
        tracer.asked,
        order,
    )


def _detached_leaves(condition: Condition) -> list[Value] | None:
    """The leaves whose detached numbers a condition compares, where it compares nothing else."""
    leaves = []
    for operand in condition.parents:
        if operand.is_constant:
            continue
        if operand.primitive is not detached or operand.parents[0].parents or isinstance(operand.parents[0], Traced):
            return None
        leaves.append(operand.parents[0])
    return leaves


def _recorded(primitive: Primitive, a: Any, b: Any) -> Condition:
    parents = tuple(x if isinstance(x, Value) else Constant(float(x)) for x in (a, b))
    numbers = [parent.data for parent in parents]
    condition = Condition(primitive.forward(*numbers))
    condition.parents = parents
    condition.primitive = primitive
    condition.local_derivatives = primitive.local_derivatives(numbers, condition.data)
    return condition
