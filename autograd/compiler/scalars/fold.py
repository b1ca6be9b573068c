"""Fold constants: what is known by now is a constant, and what changes nothing is left out."""

from __future__ import annotations

from autograd import primitives
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.program import ScalarProgram, apply
from autograd.compiler.scalars.rewrite import Replacement, rewrite

_DOT, _POWER, _WHERE = primitives.dot, primitives.constant_power, primitives.where
_MAY_FOLD = frozenset({_DOT, _POWER, _WHERE, primitives.identity})
"""Primitives whose applications may fold though not all of their operands are constants; and so may reductions."""


def fold_constants(program: ScalarProgram) -> ScalarProgram:
    """Replace applications to constants by their value, and those that are one of their operands by that one.

    Besides those of constants alone, these are known: a weighted sum of zeros times parameters, as of a recurrent
    network's first state, which is its bias; x ** 0 and x ** 1; `where` with a constant condition; the largest of one.
    """
    folding = _Folding(program)
    may_fold = program.by_opcode(lambda primitive: primitive.reduces or primitive in _MAY_FOLD, False)
    opcodes, starts, operands = program.opcodes, program.starts, program.operands
    numbers, stands = folding.numbers, folding.stands
    for i in program.interior:
        opcode = opcodes[i]
        if opcode >= APPLY and (may_fold[opcode] or stands[operands[starts[i]]] in numbers):
            folding.visit(i)
    if not folding.changed:
        return program
    return rewrite(program, folding.stands, folding.constants)


class _Folding:
    """The nodes folded so far, in a walk from the first node to the last.

    Attributes:
        numbers: those of the nodes that are constants by now.
        stands: of each node the one that stands for it.
        constants: the nodes that became constants.
        changed: whether anything was folded.
    """

    def __init__(self, program: ScalarProgram) -> None:
        self._program, self._parameters = program, program.parameters
        self.numbers = dict(program.constants)
        self.stands = list(range(len(program)))
        self.constants: dict[int, Replacement] = {}
        self.changed = False

    def visit(self, i: int) -> None:
        program, numbers = self._program, self.numbers
        start = program.starts[i]
        operands = program.operands[start : start + program.counts[i]]
        if self.changed:
            operands = tuple([self.stands[k] for k in operands])
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
        self.stands[i] = operand
        self.changed = True

    def _is_cancelled(self, operands: tuple[int, ...]) -> bool:
        """Tell whether zeros multiply the parameters of a weighted sum, which has a constant bias."""
        numbers, parameters = self.numbers, self._parameters
        n = len(operands) // 2
        return operands[-1] in numbers and all(
            (numbers.get(x) == 0.0 and y in parameters) or (numbers.get(y) == 0.0 and x in parameters)
            for x, y in zip(operands[:n], operands[n:])
        )
