"""Build scalar programs node by node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from types import MappingProxyType
from typing import Any

from autograd.compiler.scalars.columns import EMPTY, NO_GUARDS, Columns, Guards
from autograd.compiler.scalars.nodes import (
    ABSENT,
    APPLY,
    ARGUMENT,
    CONSTANT,
    PARAMETER,
    PLAIN,
    SUM,
    Scaling,
    Sum,
    is_nothing,
)
from autograd.compiler.scalars.program import ScalarProgram
from autograd.primitives import Primitive

DROPPED = -1
"""The new number of a node that the new program lacks."""


class Builder:
    """A program under construction, which starts with its arguments' numbers and parameters.

    Methods that add a node return its number. A builder should be local to the function that creates it.

    >>> from autograd import primitives
    >>> builder = Builder([2], 1)
    >>> builder.application(builder.opcode(primitives.mul), [0, 2])
    3
    >>> builder.sum(Sum([1.0, -0.5], [3, 1], [ABSENT, 0], [0, 1]))
    4
    >>> print(builder.program([4]))
    v3 = mul(x[0], p0)
    v4 = sum(v3; -0.5*x[1]*x[0])
    return v4
    """

    def __init__(
        self,
        argument_sizes: Sequence[int],
        parameter_count: int,
        primitives: Sequence[Primitive] = (),
        table_parameters: int = 0,
    ) -> None:
        self._sizes, self._parameter_count = tuple(argument_sizes), parameter_count
        self._table_parameters = table_parameters
        self._opcode_of = {primitive: APPLY + n for n, primitive in enumerate(primitives)}
        self._opcodes = [ARGUMENT] * sum(argument_sizes) + [PARAMETER] * parameter_count
        self._starts, self._counts = [0] * len(self._opcodes), [0] * len(self._opcodes)
        self._operands: list[int] = []
        self._coefficients: list[float] = []
        self._lefts: list[int] = []
        self._rights: list[int] = []
        self._slots: list[int] = []
        self._constants: dict[int, float] = {}
        self._scalings: dict[int, Scaling] = {}

    @staticmethod
    def of(program: Columns) -> Builder:
        """Return a builder that starts with all nodes of a program, under the same numbers."""
        builder = Builder.like(program)
        builder._opcodes, builder._starts, builder._counts = map(
            list, (program.opcodes, program.starts, program.counts)
        )
        builder._operands = list(program.operands)
        builder._coefficients = list(program.coefficients)
        builder._lefts, builder._rights, builder._slots = map(list, (program.lefts, program.rights, program.slots))
        builder._constants, builder._scalings = dict(program.constants), dict(program.scalings)
        return builder

    @staticmethod
    def like(program: Columns) -> Builder:
        """Return a builder that starts with the arguments, parameters and opcodes of a program."""
        return Builder(program.argument_sizes, program.parameter_count, program.primitives, program.table_parameters)

    def __len__(self) -> int:
        return len(self._opcodes)

    def opcode(self, primitive: Primitive) -> int:
        """Return the opcode of a primitive, assigning one at the first request."""
        return self._opcode_of.setdefault(primitive, APPLY + len(self._opcode_of))

    def constant(self, number: float) -> int:
        i = self._node(CONSTANT, 0, 0)
        self._constants[i] = number
        return i

    def application(self, opcode: int, operands: Sequence[int]) -> int:
        self._starts.append(len(self._operands))
        self._counts.append(len(operands))
        self._opcodes.append(opcode)
        self._operands += operands
        return len(self._opcodes) - 1

    def sum(self, total: Sum) -> int:
        return self._sum(total, total.lefts, total.rights)

    def sum_of_others(self, total: Sum, new: Sequence[int]) -> int:
        """Add a sum of another program's nodes.

        Args:
            new: the new number of each node, followed by ABSENT.
        """
        return self._sum(total, [new[k] for k in total.lefts], [new[k] for k in total.rights])

    def _sum(self, total: Sum, lefts: Sequence[int], rights: Sequence[int]) -> int:
        i = self._node(SUM, len(self._lefts), len(lefts))
        self._coefficients += total.coefficients
        self._lefts += lefts
        self._rights += rights
        self._slots += total.slots
        if not is_nothing(total.constant) or total[5:] != PLAIN[1:]:
            self._scalings[i] = Scaling(*total[4:])
        return i

    def _node(self, opcode: int, start: int, count: int) -> int:
        self._opcodes.append(opcode)
        self._starts.append(start)
        self._counts.append(count)
        return len(self._opcodes) - 1

    def copy(self, program: Columns, i: int, new: Sequence[int]) -> int:
        """Copy a node of another program with the same opcodes, given the new numbers of its operands."""
        opcode = program.opcodes[i]
        if opcode == CONSTANT:
            return self.constant(program.constants[i])
        if opcode == SUM:
            return self.sum(renumbered(program.sum_of(i), new))
        start = program.starts[i]
        return self.application(opcode, [new[k] for k in program.operands[start : start + program.counts[i]]])

    def copy_run(self, program: Columns, nodes: range, new: list[int]) -> None:
        """Copy consecutive nodes of another program with the same opcodes, in bulk.

        Args:
            new: the new number of each node of that program; updated for these nodes.
        """
        first, end = nodes.start, nodes.stop
        opcodes = program.opcodes[first:end]
        new[first:end] = range(len(self._opcodes), len(self._opcodes) + len(nodes))
        sums = list(compress(nodes, map(SUM.__eq__, opcodes))) if program.lefts else []
        row = _rows_of(program, list(compress(nodes, map(APPLY.__le__, opcodes))))
        moved = len(self._operands) - row.start
        self._opcodes += opcodes
        self._counts += program.counts[first:end]
        self._starts += [at + moved for at in program.starts[first:end]]
        self._operands += [new[k] for k in program.operands[row]]
        if sums:
            terms = _rows_of(program, sums)
            moved = len(self._lefts) - terms.start
            for i in sums:
                self._starts[new[i]] = program.starts[i] + moved
            self._coefficients += program.coefficients[terms]
            self._lefts += [new[k] for k in program.lefts[terms]]
            self._rights += [k if k == ABSENT else new[k] for k in program.rights[terms]]
            self._slots += program.slots[terms]
            self._scalings.update({new[i]: program.scalings[i] for i in sums if i in program.scalings})
        if CONSTANT in opcodes:
            for i in compress(nodes, map(CONSTANT.__eq__, opcodes)):
                self._starts[new[i]] = 0
                self._constants[new[i]] = program.constants[i]

    def program(
        self,
        outputs: Iterable[int],
        *,
        differentiated: int | None = None,
        single: bool = False,
        labels: Mapping[int, str] = EMPTY,
        **tables: Any,
    ) -> ScalarProgram:
        """Return the program with these outputs, all or the first `differentiated` of which have derivatives.

        Args:
            single: whether the function returns one number instead of a sequence.
            tables: `repeated`, `separate`, `constant_arrays` and `guards` of the program.
        """
        outputs = tuple(outputs)
        return ScalarProgram(
            self._sizes,
            self._parameter_count,
            tuple(self._opcode_of),
            tuple(self._opcodes),
            tuple(self._starts),
            tuple(self._counts),
            tuple(self._operands),
            tuple(self._coefficients),
            tuple(self._lefts),
            tuple(self._rights),
            tuple(self._slots),
            MappingProxyType(self._constants),
            MappingProxyType(self._scalings),
            outputs,
            len(outputs) if differentiated is None else differentiated,
            single,
            labels if labels is EMPTY else MappingProxyType(dict(labels)),
            table_parameters=self._table_parameters,
            **tables,
        )

    def successor(
        self, old: Columns, new: Sequence[int], representative: Sequence[int] | range, **tables: Any
    ) -> ScalarProgram:
        """Return a program that replaces an old one, with its outputs, labels and guards renumbered.

        Args:
            new: the new number of each old node; DROPPED for one that is left out.
            representative: the representative of each old node, which is itself unless equal nodes were merged.
            tables: the tables that differ from the old program's.
        """

        def kept(nodes: Iterable[int]) -> frozenset[int]:
            return frozenset([new[i] for i in nodes if new[i] != DROPPED])

        guards = old.guards
        if guards != NO_GUARDS:
            first = len(old) - guards.size
            count = sum([new[i] != DROPPED for i in range(first, len(old))])
            of = {new[i]: new[representative[guard]] for i, guard in guards.of.items() if new[i] != DROPPED}
            guards = Guards(count, MappingProxyType(of), kept(guards.choices), kept(guards.unreached))
        arrays = tuple([tuple([new[representative[i]] for i in nodes]) for nodes in old.constant_arrays])
        marks = {"repeated": kept(old.repeated), "separate": kept(old.separate)}
        settings = {**marks, "constant_arrays": arrays, "guards": guards, **tables}
        return self.program(
            [new[representative[i]] for i in old.outputs],
            differentiated=old.differentiated,
            single=old.single,
            labels={new[i]: label for i, label in old.labels.items() if new[i] != DROPPED},
            **settings,
        )


def _rows_of(program: Columns, nodes: Sequence[int]) -> slice:
    """Return the part of a column that the rows of consecutive sums, or of consecutive applications, fill."""
    if not nodes:
        return slice(0, 0)
    return slice(program.starts[nodes[0]], program.starts[nodes[-1]] + program.counts[nodes[-1]])


def new_numbers(program: Columns) -> list[int]:
    """Return the new numbers of a program's nodes before its copy: leaves keep theirs, others are DROPPED so far."""
    return [*range(program.interior.start), *[DROPPED] * len(program.interior)]


def renumbered(total: Sum, new: Sequence[int]) -> Sum:
    """Return a sum with renumbered factors."""
    rights = [ABSENT if k == ABSENT else new[k] for k in total.rights]
    return Sum(total.coefficients, [new[k] for k in total.lefts], rights, *total[3:])
