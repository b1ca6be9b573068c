"""Choose the operations whose results are stored in arrays; all others are fused into their readers."""

from __future__ import annotations

from collections.abc import Collection

from autograd import primitives
from autograd.compiler.arrays.operations import Operation, Shape
from autograd.compiler.arrays.program import LEAVES, ArrayProgram
from autograd.compiler.arrays.shapes import size
from autograd.compiler.targets.native.cost import LARGEST_EXPRESSION
from autograd.compiler.targets.native.planning.reading import is_simple

_WITH_ARRAYS = (
    "contract",
    "reduce",
    "slopes",
    "concatenate",
    "pad",
    "place",
    "accumulate",
    "scatter",
    "loop",
    "result",
)
_READ_AGAIN = ("contract", "slopes", "take", "accumulate", "loop", "look up")
"""Kinds that read an element of an operand more than once, or at computed places."""
_CHEAP = (primitives.add, primitives.sub, primitives.mul, primitives.neg, primitives.identity)


def is_alias(program: ArrayProgram, at: int) -> bool:
    """Return whether an operation's result aliases its operand's array."""
    kind, operands, _, shape, _ = program.operations[at]
    return kind == "reshape" and not is_simple(program.operations[operands[0]].shape, shape)


def needed(program: ArrayProgram) -> set[int]:
    """Return the live operations. The slopes of a row, except `shares`, do not read its reduction."""
    read = set(program.outputs)
    for at in range(len(program.operations) - 1, -1, -1):
        if at in read:
            kind, operands, attribute, _, _ = program.operations[at]
            reads_all = kind != "slopes" or len(operands) > 2 or attribute.reduces == "shares"
            read.update(operands if reads_all else operands[:1])
    return read


def with_arrays(program: ArrayProgram, results: Collection[int], needed: Collection[int]) -> set[int]:
    """Return the operations whose results are stored in arrays.

    Args:
        results: the operations whose results must be stored, unless they alias another.
        needed: the live operations.
    """
    return _Chooser(program, results, needed).choose()


class _Chooser:
    def __init__(self, program: ArrayProgram, results: Collection[int], needed: Collection[int]) -> None:
        self._program, self._results, self._needed = program, results, needed
        self._operations = program.operations
        self._users = program.users()
        self._chosen: set[int] = set()
        self._readers: dict[int, set[int]] = {}  # the stored operations that read each operation
        self._again: dict[int, bool] = {}  # whether one of them reads an element repeatedly, or at computed places
        self._is_reshaped: dict[int, bool] = {}  # whether a reader needs the array contiguous, to reshape it
        self._sizes: dict[int, int] = {}
        self._is_costly: dict[int, bool] = {}

    def choose(self) -> set[int]:
        for at, operation in enumerate(self._operations):
            inner = [k for k in operation.operands if self._operations[k].kind not in _WITH_ARRAYS]
            own = operation.kind == "apply" and operation.attribute.primitive not in _CHEAP
            self._is_costly[at] = own or (operation.kind != "result" and any(self._is_costly[k] for k in inner))
            self._sizes[at] = 1 + sum(self._sizes[k] for k in inner)
            if self._sizes[at] > LARGEST_EXPRESSION and operation.kind == "apply":
                self._chosen.add(at)
                self._sizes[at] = 1
        for at in reversed(range(len(self._operations))):
            if at in self._needed:
                self._visit(at)
        return {at for at in self._chosen if at in self._needed}

    def _visit(self, at: int) -> None:
        operation, users = self._operations[at], [u for u in self._users[at] if u in self._needed]
        self._readers[at] = {r for u in users for r in ({u} if u in self._chosen else self._readers[u])}
        self._again[at] = any(self._reads_again(u) for u in users)
        self._is_reshaped[at] = any(
            is_alias(self._program, u)
            or (self._operations[u].kind in ("reshape", "guard") and u not in self._chosen and self._is_reshaped[u])
            for u in users
        )
        if self._has_array(at, operation):
            self._chosen.add(at)

    def _reads_again(self, user: int) -> bool:
        operation = self._operations[user]
        if operation.kind in _READ_AGAIN or (
            operation.kind == "reduce" and operation.attribute.function == "logsumexp"
        ):
            return True
        return operation.kind != "apply" and user not in self._chosen and self._again[user]

    def _has_array(self, at: int, operation: Operation) -> bool:
        kind = operation.kind
        if kind in _WITH_ARRAYS:
            return True
        if kind in LEAVES or kind == "reshape":
            return False
        if at in self._results:
            return True
        if kind in ("transpose", "slice", "broadcast", "look up", "take"):
            return self._is_reshaped[at] or (kind in ("look up", "take") and self._is_computed_again(at))
        if kind == "guard":
            return False
        return self._is_reshaped[at] or self._is_computed_again(at)

    def _is_computed_again(self, at: int) -> bool:
        """Return whether fusing an operation into its readers would compute it more than once."""
        if self._again[at] or len(self._readers[at]) > 1:
            return True
        own = size(self._operations[at].shape)
        return self._is_costly[at] and any(_is_larger(self._places(r), own) for r in self._readers[at])

    def _places(self, reader: int) -> tuple[int, int]:
        """Return the number of places at which a stored operation would compute its fused operands."""
        operation = self._operations[reader]
        shapes: list[Shape] = [self._operations[k].shape for k in operation.operands]
        if operation.kind == "loop":
            return 0, 0
        sizes = [size(shape) for shape in (operation.shape, *shapes)]
        return max(sizes, key=lambda pair: (pair[1], pair[0]))


def _is_larger(places: tuple[int, int], own: tuple[int, int]) -> bool:
    return (places[1], places[0]) > (own[1], own[0])
