"""How long an operation is, written as an expression."""

from __future__ import annotations

from autograd.compiler.arrays.builder import Handle

_BRACKETED = {"slice": 6, "take": 6, "reshape": 6, "transpose": 6, "broadcast": 6, "pad": 12, "reduce": 10}


def length_written(x: Handle) -> int:
    """Estimate how many characters an expression takes, if each name in it were one letter.

    >>> from autograd.compiler.arrays.builder import Builder
    >>> x = Builder().argument("measurement", 1)
    >>> length_written(x * x + 1.0)
    9
    """
    operations, lengths = x.builder.operations, dict[int, int]()

    def length(at: int) -> int:
        operation = operations[at]
        if operation.name or operation.kind == "parameter":
            return 1
        if operation.kind == "constant":
            return len(f"{operation.attribute:g}") if isinstance(operation.attribute, float) else 2
        if at not in lengths:
            inner = sum(map(length, operation.operands)) + 3 * (len(operation.operands) - 1)
            lengths[at] = inner + _BRACKETED.get(operation.kind, 0)
        return lengths[at]

    return length(x.at)
