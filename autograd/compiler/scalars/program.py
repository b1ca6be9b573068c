"""Scalar programs: immutable values, stored in columns, which print, verify and evaluate themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd import primitives as table
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.lookups import LookUp
from autograd.compiler.scalars.loops.repeat import Repeat
from autograd.compiler.scalars.nodes import ABSENT, APPLY, CONSTANT, SUM, Sum
from autograd.compiler.scalars.text import listing
from autograd.compiler.scalars.verify import verify
from autograd.primitives import Primitive


@dataclass(frozen=True, repr=False)
class ScalarProgram(Columns):
    """A function of numbers: a sequence of nodes, each of which computes a number from earlier ones.

    Nodes are numbered in execution order. The arguments' numbers come first, argument by argument, then the parameters;
    these are nodes even if they are unused. Since programs can have millions of nodes, a node is not an object but a
    row of the columns that `Columns` documents.

    >>> from autograd import Value
    >>> from autograd.compiler.scalars.from_trace import from_trace
    >>> from autograd.compiler.trace.retrace import settled_trace
    >>> w = Value(2.0)
    >>> trace, leaves = settled_trace(lambda x: (w * x).sigmoid(), [1.0])
    >>> program = from_trace(trace, leaves)
    >>> print(program)
    v2 = mul(p0, x)
    v3 = sigmoid(v2)
    return v3
    >>> program.evaluate([[0.0]], [2.0])
    [0.5]
    """

    def __str__(self) -> str:
        """Return a line for each sum and application: `v7 = sum(p0*x[0], p1*x[1], p2)`."""
        return listing(self)

    def __repr__(self) -> str:
        return f"<ScalarProgram of {len(self.operations):,} operations, {len(self):,} nodes>"

    def verify(self) -> ScalarProgram:
        """Return the program itself; raise ValueError, naming the node, if it is not well formed."""
        verify(self)
        return self

    def evaluate(self, arguments: Sequence[Sequence[float]], parameters: Sequence[float]) -> list[float]:
        """Compute the outputs' numbers, node by node. This defines the program's meaning.

        Args:
            arguments: the numbers of each argument, in order.
            parameters: a number for each parameter.
        """
        numbers = self.numbers(arguments, parameters)
        return [numbers[i] for i in self.outputs]

    def numbers(self, arguments: Sequence[Sequence[float]], parameters: Sequence[float]) -> list[float]:
        """Compute the numbers of all nodes, including guards; arguments as in `evaluate`."""
        count = self.parameter_count + self.table_parameters
        if tuple(map(len, arguments)) != self.argument_sizes or len(parameters) != count:
            raise ValueError(
                f"the program takes arguments of {list(self.argument_sizes)} numbers and {count} parameter(s), got "
                f"{list(map(len, arguments))} and {len(parameters)}"
            )
        numbers = [float(x) for given in (*arguments, parameters[: self.parameter_count]) for x in given]
        for i in self.interior:
            if self.opcodes[i] == CONSTANT:
                numbers.append(self.constants[i])
            elif self.opcodes[i] == SUM:
                numbers.append(_add_up(self.sum_of(i), numbers))
            else:
                primitive = self.primitives[self.opcodes[i] - APPLY]
                inputs = [numbers[k] for k in self.operands_of(i)]
                if isinstance(primitive, LookUp):
                    numbers.append(primitive.number_in(inputs[0], parameters))
                elif isinstance(primitive, Repeat):
                    numbers.append(primitive.forward(*inputs))
                else:
                    numbers.append(apply(primitive, inputs))
        return numbers


def apply(primitive: Primitive, inputs: Sequence[float]) -> float:
    """Compute a primitive's value, in IEEE arithmetic if the rule raises, as in an unselected branch of `where`."""
    try:
        return float(primitive.forward(*inputs))
    except (ArithmeticError, ValueError):
        return primitive.ieee_value(inputs)


def _add_up(total: Sum, numbers: Sequence[float]) -> float:
    by_slot: dict[int, float] = {}
    for c, x, y, slot in zip(total.coefficients, total.lefts, total.rights, total.slots):
        term = c * numbers[x] if y == ABSENT else c * numbers[x] * numbers[y]
        by_slot[slot] = by_slot[slot] + term if slot in by_slot else term
    parts = [total.constant, *by_slot.values()] if total.leads else [*by_slot.values(), total.constant]
    result = parts[0]
    for part in parts[1:]:
        result += part
    return apply(table.div, [result * total.factor, total.divisor])
