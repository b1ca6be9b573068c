"""Decide which axes each array of a program is divided into, from how operations read its elements.

A reduction along the last axis of `h.reshape(-1, 8, 4)` reads `h`, of shape (n, 32), as (n, 8, 4); so `h` gets these
axes, and so do the arrays that it is computed from elementwise. The rows of a parameter matrix, which form an axis of
its products, are not divided.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.arrays.operations import Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.axes.lengths import divided, per_sample, size_of, strides_of
from autograd.compiler.axes.links import Link, ends, links

_READING_PARTS = ("slice", "concatenate", "take", "place")
"""Kinds that may read a part of an array, such as some columns of a product, which is divided where the rest is not."""

_READINGS = ("contract", "reshape", "slice", "transpose")


def divisions(program: ArrayProgram) -> list[Shape]:
    """Return the lengths of the axes that each operation's result is divided into.

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
    """The strides at which the axes of each operation's result begin.

    Attributes:
        of: the strides, by operation, from 1 to the number of elements of one sample; none for loops.
    """

    def __init__(self, program: ArrayProgram) -> None:
        operations = program.operations
        self._linked = [links(o, [operations[k].shape for k in o.operands]) for o in operations]
        self.of: list[set[int]] = [set() if o.kind == "loop" else {1, size_of(o.shape)} for o in operations]
        self._undivided: list[list[tuple[int, int]]] = []
        self._find_undivided(program)
        self._neighbours: list[list[tuple[int, int, int, Link]]] = [[] for _ in operations]
        for at, operation in enumerate(operations):
            for link in self._linked[at]:
                other = operation.operands[link.operand]
                self._neighbours[at].append((link.result, other, link.own, link))
                self._neighbours[other].append((link.own, at, link.result, link))
        self._spread(self._needed(program))

    def _find_undivided(self, program: ArrayProgram) -> None:
        """Find the axes that must not be divided, as ranges of strides."""
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
            elif kind in _READING_PARTS:
                ranges = []
            else:
                ranges = self._inherited(at, operands)
            self._undivided.append(ranges)

    def _inherited(self, at: int, operands: Sequence[int]) -> list[tuple[int, int]]:
        """Return the axes that must not be divided because an operand's must not."""
        return [
            (first // link.own * link.result, last // link.own * link.result)
            for link in self._linked[at]
            for first, last in self._undivided[operands[link.operand]]
            if link.own <= first and last <= link.own * link.length
        ]

    def _needed(self, program: ArrayProgram) -> list[tuple[int, int]]:
        """Add the strides that operations need, first those of results, then those of operands; return the new ones."""
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
        """Propagate strides along links, from operands to results and back."""
        while added:
            at, stride = added.pop()
            for own, other, others, link in self._neighbours[at]:
                factor, rest = divmod(stride, own)
                is_within = not rest and (link.divisor or link.length) % factor == 0
                if is_within and self._add(other, others * factor):
                    added.append((other, others * factor))

    def _add(self, at: int, stride: int, is_own: bool = False) -> bool:
        """Add a stride at which an axis begins; return whether it is new and allowed."""
        strides = self.of[at]
        if stride in strides or max(strides) % stride:
            return False
        if any(other % stride and stride % other for other in strides):
            return False
        if not is_own and any(first < stride < last for first, last in self._undivided[at]):
            return False
        strides.add(stride)
        return True


def _read_in_parts(program: ArrayProgram) -> set[int]:
    """Return the operations that are only reshaped, sliced, transposed and multiplied: one reshape divides them."""
    in_parts = set(range(len(program.operations))) - {*program.outputs, *program.masks}
    for at, operation in reversed([*enumerate(program.operations)]):
        if operation.kind not in _READINGS or (operation.kind != "contract" and at not in in_parts):
            in_parts.difference_update(operation.operands)
    return in_parts
