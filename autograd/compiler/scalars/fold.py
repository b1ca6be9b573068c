"""Fold constants, and eliminate operations without effect."""

from __future__ import annotations

from autograd import primitives
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.program import ScalarProgram, apply
from autograd.compiler.scalars.rewrite import Replacement, rewrite

_DOT, _POWER, _WHERE = primitives.dot, primitives.constant_power, primitives.where
_MAY_FOLD = frozenset({_DOT, _POWER, _WHERE, primitives.identity})
"""Primitives whose applications may fold even if some operands are not constant; reductions may, too."""


def fold_constants(program: ScalarProgram) -> ScalarProgram:
    """Replace applications to constants by their value, and applications equal to an operand by that operand.

    Beyond applications to constants alone, these fold: a weighted sum of zeros times parameters, as for a recurrent
    network's initial state, to its bias; x ** 0 and x ** 1; `where` with a constant condition; a maximum of one number.
    """
    folding = _Folding(program)
    may_fold = program.by_opcode(lambda primitive: primitive.reduces or primitive in _MAY_FOLD, False)
    opcodes, starts, operands = program.opcodes, program.starts, program.operands
    numbers, representative = folding.numbers, folding.representative
    for i in program.interior:
        opcode = opcodes[i]
        if opcode >= APPLY and (may_fold[opcode] or representative[operands[starts[i]]] in numbers):
            folding.visit(i)
    if not folding.changed:
        return program
    return rewrite(program, folding.representative, folding.constants)


class _Folding:
    """A walk over the nodes in order, with the nodes folded so far.

    Attributes:
        numbers: the numbers of nodes that are constant, initially or by folding.
        representative: the representative of each node.
        constants: the nodes that folded to constants.
        changed: whether anything was folded.
    """

    def __init__(self, program: ScalarProgram) -> None:
        self._program, self._parameters = program, program.parameters
        self.numbers = dict(program.literals)
        self.representative = list(range(len(program)))
        self.constants: dict[int, Replacement] = {}
        self.changed = False

    def visit(self, i: int) -> None:
        program, numbers = self._program, self.numbers
        start = program.starts[i]
        operands = program.operands[start : start + program.counts[i]]
        if self.changed:
            operands = tuple([self.representative[k] for k in operands])
        primitive = program.primitives[program.opcodes[i] - APPLY]
        if operands[0] in numbers and numbers.keys() >= set(operands):
            self._becomes(i, apply(primitive, [numbers[k] for k in operands]))
        elif primitive is _DOT:
            if self._is_cancelled(operands):
                self._becomes(i, numbers[operands[-1]])
        elif primitive is _POWER:
            if numbers.get(operands[1]) == 0.0:
                self._becomes(i, 1.0)
            elif numbers.get(operands[1]) == 1.0:
                self._is_operand(i, operands[0])
        elif primitive is _WHERE:
            if operands[0] in numbers:
                self._is_operand(i, operands[1] if numbers[operands[0]] else operands[2])
        elif primitive is primitives.identity or (len(operands) == 1 and primitive.reduces):
            self._is_operand(i, operands[0])

    def _becomes(self, i: int, number: float) -> None:
        self.numbers[i] = self.constants[i] = number
        self.changed = True

    def _is_operand(self, i: int, operand: int) -> None:
        self.representative[i] = operand
        self.changed = True

    def _is_cancelled(self, operands: tuple[int, ...]) -> bool:
        """Return whether a weighted sum has zeros times parameters, plus a constant bias."""
        numbers, parameters = self.numbers, self._parameters
        n = len(operands) // 2
        return operands[-1] in numbers and all(
            (numbers.get(x) == 0.0 and y in parameters) or (numbers.get(y) == 0.0 and x in parameters)
            for x, y in zip(operands[:n], operands[n:])
        )
