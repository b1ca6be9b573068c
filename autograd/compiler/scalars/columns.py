"""The nodes of a scalar program in columns, and how to read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple

from autograd.compiler.scalars.nodes import ABSENT, APPLY, CONSTANT, PLAIN, SUM, Scaling, Sum
from autograd.primitives import Primitive

EMPTY: Mapping[int, Any] = MappingProxyType({})


class Guards(NamedTuple):
    """Conditions that keep choices from spoiling derivatives; `guards.py` says where they are needed.

    Attributes:
        size: how many nodes, the last ones of the program, compute conditions for backward passes alone.
        of: for each node that a derivative reaches only under a condition, the node that is 1.0 where it holds, else 0.
        choices: applications that choose, at which a derivative may arrive that is infinite or nan: what they did not
            take receives 0 all the same.
        unreached: nodes that no derivative ever reaches, and whose local derivatives may be infinite or nan.
    """

    size: int = 0
    of: Mapping[int, int] = EMPTY
    choices: frozenset[int] = frozenset()
    unreached: frozenset[int] = frozenset()


NO_GUARDS = Guards()


@dataclass(frozen=True, repr=False)
class Columns:
    """The nodes of a scalar program: node i is row i of the columns.

    Attributes:
        argument_sizes: how many numbers each argument has.
        parameter_count: how many parameters there are.
        primitives: what is applied; `opcodes[i] - APPLY` is a place in it.
        opcodes: ARGUMENT, PARAMETER, CONSTANT, SUM, or APPLY and above.
        starts, counts: of an application its row of `operands`; of a sum its row of the columns of terms.
        operands: of all applications.
        coefficients, lefts, rights, slots: of the terms of all sums, as in `Sum`.
        constants: the numbers of the nodes that are constants.
        scalings: of the sums whose terms are not all.
        outputs: the nodes that are the results.
        differentiated: how many of the outputs, from the first on, have derivatives.
        single: whether the function returns one number, and not a sequence.
        labels: the users' names for nodes that have one.
        repeated: nodes that stand for several equal ones, each of which had one reader: a reader may compute its own.
        constant_arrays: constants that belong together as an array, such as samples that a function captured.
        guards: what backward passes need besides.
        table_parameters: how many parameters follow those that are nodes. Only look-ups read them, in their tables.
    """

    argument_sizes: tuple[int, ...]
    parameter_count: int
    primitives: tuple[Primitive, ...]
    opcodes: tuple[int, ...]
    starts: tuple[int, ...]
    counts: tuple[int, ...]
    operands: tuple[int, ...]
    coefficients: tuple[float, ...]
    lefts: tuple[int, ...]
    rights: tuple[int, ...]
    slots: tuple[int, ...]
    constants: Mapping[int, float]
    scalings: Mapping[int, Scaling]
    outputs: tuple[int, ...]
    differentiated: int
    single: bool
    labels: Mapping[int, str] = field(default_factory=lambda: EMPTY)
    repeated: frozenset[int] = frozenset()
    constant_arrays: tuple[tuple[int, ...], ...] = ()
    guards: Guards = NO_GUARDS
    table_parameters: int = 0

    # Which nodes there are

    def __len__(self) -> int:
        """The number of nodes."""
        return len(self.opcodes)

    @property
    def arguments(self) -> tuple[range, ...]:
        """The nodes of each argument's numbers."""
        ends = accumulate(self.argument_sizes)
        return tuple([range(end - size, end) for size, end in zip(self.argument_sizes, ends)])

    @property
    def parameters(self) -> range:
        """The nodes of the parameters."""
        first = sum(self.argument_sizes)
        return range(first, first + self.parameter_count)

    @property
    def interior(self) -> range:
        """All nodes but arguments and parameters: constants, sums and applications, those of guards included."""
        return range(self.parameters.stop, len(self.opcodes))

    @property
    def operations(self) -> list[int]:
        """The sums and applications that the outputs are computed by, in order."""
        opcodes = self.opcodes
        nodes = range(self.parameters.stop, len(opcodes) - self.guards.size)
        return [i for i in nodes if opcodes[i] != CONSTANT]

    @property
    def guard_operations(self) -> list[int]:
        """The sums and applications that compute guards, in order."""
        nodes = range(len(self.opcodes) - self.guards.size, len(self.opcodes))
        return [i for i in nodes if self.opcodes[i] != CONSTANT]

    @property
    def operation_count(self) -> int:
        """The number of sums and applications, those that compute guards included."""
        return len(self.interior) - self.opcodes.count(CONSTANT)

    # What a node is

    def is_sum(self, i: int) -> bool:
        """Tell whether a node is a sum of products."""
        return self.opcodes[i] == SUM

    def primitive_of(self, i: int) -> Primitive | None:
        """The primitive that a node applies; None for one that is no application."""
        opcode = self.opcodes[i]
        return self.primitives[opcode - APPLY] if opcode >= APPLY else None

    def operands_of(self, i: int) -> tuple[int, ...]:
        """The nodes that a node reads: the operands of an application, the factors of a sum's terms."""
        start = self.starts[i]
        end = start + self.counts[i]
        if self.opcodes[i] != SUM:
            return self.operands[start:end]
        rights = self.rights[start:end]
        if ABSENT in rights:
            rights = tuple([k for k in rights if k != ABSENT])
        return self.lefts[start:end] + rights

    def sum_of(self, i: int) -> Sum:
        """The sum that a node is."""
        start = self.starts[i]
        end = start + self.counts[i]
        columns = (self.coefficients[start:end], self.lefts[start:end], self.rights[start:end], self.slots[start:end])
        return Sum(*columns, *self.scalings.get(i, PLAIN))

    def by_opcode(self, of: Callable[[Primitive], Any], otherwise: Any = None) -> list[Any]:
        """A table to look opcodes up in: a function of the primitive for applications, else one thing."""
        return [*[otherwise] * APPLY, *map(of, self.primitives)]
