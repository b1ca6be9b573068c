"""The nodes of a scalar program in columns, with accessors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain
from types import MappingProxyType
from typing import Any, NamedTuple

from autograd.compiler.scalars.nodes import ABSENT, APPLY, CONSTANT, PLAIN, SUM, Scaling, Sum
from autograd.primitives import Primitive
from autograd.support.forking import computed_once

EMPTY: Mapping[int, Any] = MappingProxyType({})


class Guards(NamedTuple):
    """Conditions that keep unselected operands of choices from spoiling derivatives; see `guards.py`.

    Attributes:
        size: the number of nodes, at the end of the program, that compute conditions only for backward passes.
        of: for each node that a cotangent reaches only under a condition, the node that is 1.0 if it holds, else 0.
        choices: choices whose cotangent may be infinite or nan: unselected operands receive 0 nevertheless.
        unreached: nodes that no cotangent ever reaches, and whose local derivatives may be infinite or nan.
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
        argument_sizes: the count of each argument's numbers.
        parameter_count: the number of parameters.
        primitives: the applied primitives; `opcodes[i] - APPLY` is an index into it.
        opcodes: ARGUMENT, PARAMETER, CONSTANT, SUM, or APPLY and above.
        starts, counts: for an application, its row of `operands`; for a sum, its row of the columns of terms.
        operands: the operands of all applications.
        coefficients, lefts, rights, slots: the terms of all sums, as in `Sum`.
        constants: the numbers of constant nodes.
        scalings: the scalings of sums that have more than terms.
        outputs: the result nodes.
        differentiated: the number of differentiated outputs, which come first.
        single: whether the function returns one number instead of a sequence.
        labels: the user's names of nodes.
        repeated: nodes that represent several equal ones with one reader each, so that each reader may recompute them.
        separate: nodes with one reader that are not part of its sum, since those of a loop's other steps have several.
        constant_arrays: constants that form an array, such as captured samples.
        guards: the guards for backward passes.
        table_parameters: the number of parameters after those that are nodes. Only look-ups read them, in their tables.
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
    separate: frozenset[int] = frozenset()
    constant_arrays: tuple[tuple[int, ...], ...] = ()
    guards: Guards = NO_GUARDS
    table_parameters: int = 0

    # Sets of nodes

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
        """All nodes but arguments and parameters: constants, sums and applications, including those of guards."""
        return range(self.parameters.stop, len(self.opcodes))

    @property
    def operations(self) -> list[int]:
        """The sums and applications that compute the outputs, in order."""
        opcodes = self.opcodes
        nodes = range(self.parameters.stop, len(opcodes) - self.guards.size)
        return [i for i in nodes if opcodes[i] != CONSTANT]

    @property
    def roots(self) -> Iterator[int]:
        """The nodes that no pass may remove: outputs, those of guards, and constants that form an array."""
        nodes = range(len(self) - self.guards.size, len(self))
        return chain(self.outputs, self.guards.of.values(), nodes, *self.constant_arrays)

    @property
    def guard_operations(self) -> list[int]:
        """The sums and applications that compute guards, in order."""
        nodes = range(len(self.opcodes) - self.guards.size, len(self.opcodes))
        return [i for i in nodes if self.opcodes[i] != CONSTANT]

    @property
    def operation_count(self) -> int:
        """The number of sums and applications, including those of guards."""
        return len(self.interior) - len(self.constants)

    @property
    def literals(self) -> Mapping[int, float]:
        """The constants that are not elements of constant arrays; no pass may depend on the values of the latter."""
        if not self.constant_arrays:
            return self.constants
        in_arrays = {i for nodes in self.constant_arrays for i in nodes}
        return {i: x for i, x in self.constants.items() if i not in in_arrays}

    # All nodes

    @computed_once
    def rows(self) -> list[tuple[int, ...]]:
        """The nodes that each node reads, as `operands_of` returns them."""
        if self.lefts:
            return list(map(self.operands_of, range(len(self))))
        operands = self.operands
        return [operands[start : start + count] for start, count in zip(self.starts, self.counts)]

    @computed_once
    def levels(self) -> list[int]:
        """The level of each node, from 1 on; 0 for leaves and guards, and in the last place, that of ABSENT."""
        level = [0] * (len(self) + 1)
        forward = len(self) - self.guards.size
        for i, row in enumerate(self.rows[:forward]):
            if row:
                level[i] = 1 + max([level[k] for k in row])
        return level

    # Single nodes

    def is_sum(self, i: int) -> bool:
        """Return whether a node is a sum of products."""
        return self.opcodes[i] == SUM

    def primitive_of(self, i: int) -> Primitive | None:
        """Return the primitive that a node applies; None if it is not an application."""
        opcode = self.opcodes[i]
        return self.primitives[opcode - APPLY] if opcode >= APPLY else None

    def operands_of(self, i: int) -> tuple[int, ...]:
        """Return the nodes that a node reads: the operands of an application, or the factors of a sum's terms."""
        start = self.starts[i]
        end = start + self.counts[i]
        if self.opcodes[i] != SUM:
            return self.operands[start:end]
        rights = self.rights[start:end]
        if ABSENT in rights:
            rights = tuple([k for k in rights if k != ABSENT])
        return self.lefts[start:end] + rights

    def sum_of(self, i: int) -> Sum:
        """Return a node as a sum."""
        start = self.starts[i]
        end = start + self.counts[i]
        columns = (self.coefficients[start:end], self.lefts[start:end], self.rights[start:end], self.slots[start:end])
        return Sum(*columns, *self.scalings.get(i, PLAIN))

    def by_opcode(self, of: Callable[[Primitive], Any], otherwise: Any = None) -> list[Any]:
        """Return a table indexed by opcode: a function of the primitive for applications, else a default."""
        return [*[otherwise] * APPLY, *map(of, self.primitives)]
