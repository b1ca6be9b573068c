"""Estimate the length of an operation when it is printed as an expression."""

from __future__ import annotations

from autograd.compiler.arrays.handle import Handle

_NAME = 3  # characters; a program must not depend on the lengths of its names
_AROUND = {
    "slice": 6,
    "take": 6,
    "reshape": 15,
    "transpose": 2,
    "broadcast": 20,
    "pad": 16,
    "place": 12,
    "reduce": 12,
    "accumulate": 20,
    "look up": 2,
    "scatter": 18,
}
_REPEATED = 33  # reshape, broadcast and reshape print as one call, which copies


def length_written(x: Handle) -> int:
    """Estimate the number of characters of an expression whose names all have three letters.

    >>> from autograd.compiler.arrays.builder import Builder
    >>> x = Builder().argument("measurement", 1)
    >>> length_written(x * x + 1.0)
    13
    """
    operations, lengths = x.builder.operations, dict[int, int]()

    def inner(at: int, kind: str) -> int | None:
        """Return the operand of an unnamed operation of a kind."""
        operation = operations[at]
        return operation.operands[0] if operation.kind == kind and not operation.name else None

    def length(at: int) -> int:
        operation = operations[at]
        if operation.name or operation.kind == "parameter":
            return _NAME
        if operation.kind == "constant":
            return len(f"{operation.attribute:g}") if isinstance(operation.attribute, float) else 2
        if at not in lengths:
            operands = operation.operands
            lengths[at] = sum(map(length, operands)) + 3 * (len(operands) - 1) + _AROUND.get(operation.kind, 0)
            broadcast = inner(at, "reshape")
            if broadcast is not None and (before := inner(broadcast, "broadcast")) is not None:
                source = inner(before, "reshape")
                lengths[at] = length(before if source is None else source) + _REPEATED
        return lengths[at]

    return length(x.at)
