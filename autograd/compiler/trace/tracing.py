"""Trace a function: run it on Values of its examples; the recorded graph is the program.

`retrace.py` verifies that the graph does not depend on the examples' numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Never

from autograd import recording
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.compiler.trace.likeness import Likeness
from autograd.compiler.trace.lookups import LookUps, Place, Use
from autograd.compiler.trace.rule_state import reads_state, slopes_of
from autograd.compiler.trace.signature import argument_names
from autograd.compiler.trace.source_lines import explained, users_line
from autograd.compiler.trace.tables import Rows
from autograd.compiler.trace.watching import Watch, Watching
from autograd.graph import leaves_and_operations
from autograd.nested import flatten, names
from autograd.primitives import Primitive, Rule, detached, maximum, mul
from autograd.reading import number_of, numbers_of
from autograd.value import Constant, Traced, Value


class Condition(Value):
    """The result of a comparison while tracing: 1.0 or 0.0, a condition for `where`; combined with &, | and ^."""

    __slots__ = ()
    data: float = vars(Value)["data"]

    def __and__(self, other: Any) -> Any:
        return _recorded(mul, self, other)

    def __or__(self, other: Any) -> Any:
        return _recorded(maximum, self, other)

    def __xor__(self, other: Any) -> Any:
        return _recorded(COMPARISONS["!="], self, other)

    def __invert__(self) -> Never:
        raise TypeError("~ of a bool is never 0 in Python: write where(c, b, a) in place of where(~c, a, b)")

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __bool__(self) -> bool:
        tracer = recording.tracer.get()
        leaves = _detached_leaves(self)
        if leaves is None or not isinstance(tracer, _Tracer):
            return super().__bool__()
        tracer.asked += [(leaf, users_line()) for leaf in leaves]
        return bool(self.data != 0)


UNUSED = -1
"""The index of a number of an argument that the results do not depend on."""


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """The graph of one run, as lists indexed by node, parents before children.

    Attributes:
        primitives: the primitive of each node; None for a leaf.
        counts: the number of parents of each node.
        operands: the indices of the parents, node after node.
        leaves: the leaves' Values, by index.
        arguments: for each argument, the indices of its numbers; UNUSED for an unused one.
        outputs: the indices of the numbers that the function returned.
        structure: the function's result.
        single: whether the result is one number, not a sequence.
        recorded: the number of nodes recorded, including dead ones.
        asked: the leaves that the function branched on, detached, with the lines. It may branch on leaves of its own.
        nodes: the graph itself, until `read`.
        numbers: the nodes' numbers, after `read`.
        labels: the user's names of nodes, by index, after `read`.
        tables: the tables of leaves that are looked up in.
        uses: the uses of the arguments' numbers as indices.
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
    tables: Sequence[Rows] = ()
    uses: Mapping[Place, Use] = field(default_factory=dict)

    def read(self) -> Trace:
        """Return the trace with numbers and labels in place of the graph."""
        labels = {i: node.label for i, node in enumerate(self.nodes) if node.label}
        return replace(self, nodes=[], numbers=numbers_of(self.nodes), labels=labels)


MEMO = (
    "the function uses a Value from an earlier run, as from a cache outside of the function. It runs several times "
    "while it is compiled, each time on new Values, and a compiled program does not run it again. Let each run begin "
    "with an empty cache, or store plain numbers in it"
)


class FreezingError(TypeError):
    """The number of a Value was requested while a function was traced."""


class _Tracer:
    """Records comparisons and look-ups, and rejects operations that would take a number out of the graph."""

    def __init__(self, look_ups: LookUps) -> None:
        self.asked: list[tuple[Value, str]] = []
        self.take, self._note_index = look_ups.take, look_ups.index

    def one_hot(self, index: Any, classes: int) -> list[Any]:
        self._note_index(index, classes)
        return [_recorded(COMPARISONS["=="], index, float(k)) for k in range(classes)]

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        if isinstance(a, Condition) and symbol == "!=" and type(b) is float and b == 0.0:
            return a  # `where` compares its condition with 0
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


def trace(
    function: Callable[..., Any],
    examples: Sequence[Any],
    change: Callable[[float], float] = float,
    most_nodes: float = math.inf,
    indices: Mapping[Place, int] = MappingProxyType({}),
    watch: Watch | None = None,
    likeness: Likeness[Trace] | None = None,
) -> Trace:
    """Record the graph of a function.

    Args:
        function: takes the examples, with Values in place of numbers.
        examples: numbers and (nested) sequences of numbers.
        change: applied to each number first.
        most_nodes: the largest number of nodes that may be recorded.
        indices: replacements of the numbers that are indices.
        watch: Values that the function must not compute with.
        likeness: compares with an earlier trace; a graph that differs only in its numbers need not be sorted again.

    Raises:
        TypeError: if the function returns anything but numbers, asks for the number of a Value, or uses one argument
            both for indices and for numbers.
        IndexError: if an index is out of range.
        TooManyNodesError: if it records more nodes.
    """
    given, inputs, arguments = _as_values(examples, change, indices, Traced if watch is None else watch.kind)
    look_ups = LookUps(inputs, given, partial(_name_of, function, examples))
    tracer = _Tracer(look_ups)
    kind = recording.Counter if watch is None else partial(Watching, watch, inputs)
    with recording.counting(most_nodes, kind) as counter, recording.tracing(tracer):
        returned = _called(function, arguments)
    results = flatten(returned, "the function's result")[0]
    outputs = [x if isinstance(x, Value) else Constant(x) for x in results]
    if not outputs:
        raise TypeError(f"a function to compile must return a Value or a sequence of Values, got {returned!r}")
    look_ups.refuse_changes()
    settings: dict[str, Any] = {
        "structure": returned,
        "single": isinstance(returned, (Value, float, int)),
        "recorded": counter.nodes,
        "asked": tracer.asked,
        "tables": [table.rows for table in look_ups.tables],
        "uses": look_ups.uses,
    }
    if likeness is not None and (nodes := likeness.nodes(inputs, outputs)) is not None:
        first = likeness.first
        if first.uses.keys() == look_ups.uses.keys():
            leaves_by_index = {i: nodes[i] for i in first.leaves}
            return replace(first, leaves=leaves_by_index, nodes=nodes, numbers=[], labels={}, **settings)
    leaves, operations = leaves_and_operations(*outputs)
    order = leaves + operations
    if watch is None and (clash := look_ups.number_use(operations, outputs)) is not None:
        refuse = partial(_refuse_both, look_ups, clash)
        trace(function, examples, change, most_nodes, indices, Watch(lambda xs: [id(xs[clash[0]][clash[1]])], refuse))
        refuse("the function's result")
    number = {node: i for i, node in enumerate(order)}
    rows = [node.parents for node in order]
    return Trace(
        [node.primitive for node in order],
        list(map(len, rows)),
        [number[parent] for row in rows for parent in row],
        dict(enumerate(leaves)),
        [[number.get(value, UNUSED) for value in values] for values in inputs],
        [number[output] for output in outputs],
        nodes=order,
        **settings,
    )


def _called(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """Call a function; raise a FreezingError instead of errors that only a traced argument causes."""
    try:
        return function(*arguments)
    except FreezingError:
        raise
    except (TypeError, LookupError) as error:
        if (explanation := explained(error)) is None:
            raise
        raise FreezingError(explanation) from error


def _as_values(
    examples: Sequence[Any], change: Callable[[float], float], indices: Mapping[Place, int], kind: type[Traced]
) -> tuple[list[list[Any]], list[list[Value]], list[Any]]:
    """Return the numbers of each example, their Values, and the arguments built from these."""
    given: list[list[Any]] = []
    inputs: list[list[Value]] = []
    arguments = []
    for i, example in enumerate(examples):
        numbers, rebuild = flatten(example, f"argument {i}")
        changed = [change(number_of(x) if isinstance(x, Value) else float(x)) for x in numbers]
        for (argument, k), row in indices.items():
            if argument == i:
                changed[k] = float(row)
        values: list[Value] = list(map(kind, changed))
        given.append(numbers)
        inputs.append(values)
        arguments.append(rebuild(iter(values)))
    return given, inputs, arguments


def _name_of(function: Callable[..., Any], examples: Sequence[Any], place: Place) -> str:
    """Return the name of an argument's number, such as tokens[3]."""
    argument, k = place
    return names(examples[argument], argument_names(function, len(examples))[argument])[k]


def _refuse_both(look_ups: LookUps, place: Place, line: str) -> Never:
    raise TypeError(look_ups.both_uses(place, line))


def _detached_leaves(condition: Condition) -> list[Value] | None:
    """Return the leaves whose detached numbers a condition compares; None if it compares anything else."""
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
