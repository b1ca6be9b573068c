"""Decide into which axes each array of a program is divided: wherever an operation reads some of its elements apart.

A reduction along the last axis of `h.reshape(-1, 8, 4)` reads `h`, of shape (n, 32), as (n, 8, 4); so `h` has these
axes, and what it is computed from, element by element, has them too. Rows of a matrix of parameters, which are an axis
of what they are multiplied by, stay one.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.arrays.operations import Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.axes.lengths import divided, per_sample, size_of, strides_of
from autograd.compiler.axes.links import Link, ends, links

_READ_APART = ("slice", "concatenate", "take", "place")
"""Kinds that may read a divided part of an array whose rest is not divided, such as some of a product's columns."""

_READINGS = ("contract", "reshape", "slice", "transpose")


def divisions(program: ArrayProgram) -> list[Shape]:
    """Return, for each operation of a program, the lengths of the axes that its result is divided into.

    >>> from autograd.compiler.arrays.builder import Builder
    >>> from autograd.compiler.arrays.operations import N
    >>> b = Builder()
    >>> e = 2.0 * b.argument("x", 6)
    >>> mean = b.reduce(b.reshape(e, (N, 2, 3)), "sum", [2])
    >>> [str(lengths[1]) for lengths in divisions(b.program([mean])) if len(lengths) == 3]
    ['2', '2', '2']
    """
    strides = _Strides(program)
    return [
        () if operation.kind == "loop" else divided(operation.shape, own)
        for operation, own in zip(program.operations, strides.of)
    ]


class _Strides:
    """The strides at which axes begin, for each operation of a program.

    Attributes:
        of: each operation.
    """

    def __init__(self, program: ArrayProgram) -> None:
        operations = program.operations
        self._sizes = [0 if o.kind == "loop" else size_of(o.shape) for o in operations]
        self._linked = [
            [] if o.kind == "loop" else links(o, [operations[k].shape for k in o.operands]) for o in operations
        ]
        self.of: list[set[int]] = [set() for _ in operations]
        self._whole: list[list[tuple[int, int]]] = []
        self._find_whole(program)
        self._neighbours: list[list[tuple[int, int, int, Link]]] = [[] for _ in operations]
        for at, operation in enumerate(operations):
            for link in self._linked[at]:
                other = operation.operands[link.operand]
                self._neighbours[at].append((link.result, other, link.own, link))
                self._neighbours[other].append((link.own, at, link.result, link))
        self._spread(self._needed(program))

    def _find_whole(self, program: ArrayProgram) -> None:
        """Find the axes that stay whole: from one stride to another."""
        is_weights: list[bool] = []
        in_parts = _read_in_parts(program)
        for at, operation in enumerate(program.operations):
            kind, operands, _, shape, _ = operation
            is_weights.append(
                kind == "parameter"
                or (
                    kind in ("apply", "reshape", "transpose")
                    and any(is_weights[k] for k in operands)
                    and all(is_weights[k] or program.operations[k].kind == "constant" for k in operands)
                )
            )
            if kind == "parameter":
                ranges = [(s, s * n) for s, n in zip(strides_of(shape), per_sample(shape))] if len(shape) > 1 else []
            elif kind == "contract":
                columns = [k for k in self._linked[at] if is_weights[operands[k.operand]] and at not in in_parts]
                ranges = [(k.result, k.result * k.length) for k in columns]
            elif kind in _READ_APART:
                ranges = []
            else:
                ranges = self._handed_on(at, operands)
            self._whole.append(ranges)

    def _handed_on(self, at: int, operands: Sequence[int]) -> list[tuple[int, int]]:
        """Return the axes that stay whole because an operand's do."""
        return [
            (first // link.own * link.result, last // link.own * link.result)
            for link in self._linked[at]
            for first, last in self._whole[operands[link.operand]]
            if link.own <= first and last <= link.own * link.length
        ]

    def _needed(self, program: ArrayProgram) -> list[tuple[int, int]]:
        """Return where axes begin because an operation's own do: first of results, then of what they read."""
        of_operands: list[tuple[int, int]] = []
        added = []
        for at, operation in enumerate(program.operations):
            if operation.kind == "loop":
                continue
            own, others = ends(operation, [program.operations[k].shape for k in operation.operands])
            added += [(at, stride) for stride in own if self._add(at, stride, is_own=True)]
            of_operands += [(operation.operands[k], stride) for k, stride in others]
        return added + [(at, stride) for at, stride in of_operands if self._add(at, stride)]

    def _spread(self, added: list[tuple[int, int]]) -> None:
        """Let axes begin wherever those of what is computed from them, or what they are computed from, do."""
        while added:
            at, stride = added.pop()
            for own, other, others, link in self._neighbours[at]:
                apart, rest = divmod(stride, own)
                is_within = not rest and 1 < apart < link.length and link.divisor % apart == 0
                if is_within and self._add(other, others * apart):
                    added.append((other, others * apart))

    def _add(self, at: int, stride: int, is_own: bool = False) -> bool:
        """Let an axis begin at a stride; return whether that is new, and can be."""
        size, strides = self._sizes[at], self.of[at]
        if not 1 < stride < size or stride in strides or size % stride:
            return False
        if any(other % stride and stride % other for other in strides):
            return False
        if not is_own and any(first < stride < last for first, last in self._whole[at]):
            return False
        strides.add(stride)
        return True


def _read_in_parts(program: ArrayProgram) -> set[int]:
    """Return the operations that others only reshape, slice, transpose and multiply: dividing them is one reshape."""
    in_parts = set(range(len(program.operations))) - {*program.outputs, *program.masks}
    for at in range(len(program.operations) - 1, -1, -1):
        operation = program.operations[at]
        if operation.kind not in _READINGS or (operation.kind != "contract" and at not in in_parts):
            in_parts.difference_update(operation.operands)
    return in_parts
