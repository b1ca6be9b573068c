"""Operations on n-dimensional arrays: their kinds, and what each carries besides its operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from autograd.arrays import NDArray

Kind = Literal[
    "parameter",  # positions: these elements of the vector of parameters, in the shape of the positions
    "argument",  # name: a row for each sample
    "index",  # name: integers, a row for each sample
    "constant",  # a float, or Data
    "apply",  # Application: a primitive, element by element, with broadcasting
    "contract",  # Labels: sums of products over named axes
    "reduce",  # Reduction: along some axes
    "slopes",  # a primitive that reduces: its derivatives to all that it reduced
    "reshape",  # the new shape
    "transpose",  # the operand's axes in their new order
    "broadcast",  # the new shape
    "slice",  # Slice
    "concatenate",  # the axis
    "pad",  # Padding: zeros around, or between
    "take",  # Data, positions along the last axis
    "place",  # Placement: the transpose of take
    "accumulate",  # Accumulation: sums so far along an axis
    "look up",  # LookUp: entries of a table, the first operand, at the positions in an index, the second
    "scatter",  # Scattering: the transpose of look up
    "loop",  # Loop: a program, step by step; its value is a tuple of arrays
    "result",  # the number of one of a loop's results
    "guard",  # the number of a mask of the program: the operand, whose derivative is exactly 0 where the mask is 0
]


class Batch(NamedTuple):
    """A length that is a multiple of the number of samples, n.

    >>> str(Batch(1)), str(Batch(4))
    ('n', 'n * 4')
    """

    times: int = 1

    def __str__(self) -> str:
        return "n" if self.times == 1 else f"n * {self.times}"


Length = int | Batch
Shape = tuple[Length, ...]

N = Batch(1)
PADDING = -1
"""The position of an element that does not exist, and reads as zero."""


class Data:
    """An array that is part of a program: numbers, or positions. Equal where they are equal bit by bit."""

    __slots__ = ("_key", "array")

    def __init__(self, array: NDArray[Any]) -> None:
        self.array: NDArray[Any] = array
        self._key = (array.tobytes(), array.shape, array.dtype.kind)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return str(self.array.tolist()) if self.array.size <= 12 else f"<{listed(self.array.shape)} numbers>"


class Application(NamedTuple):
    """A primitive to apply.

    Attributes:
        careful: whether an operand that the primitive, a choice, does not take receives exactly 0 as its derivative,
            and not 0 times what arrives, which may be infinite.
    """

    primitive: Any  # a Primitive; said so, mypy would take it for the method that its __get__ makes
    careful: bool = False


class Labels(NamedTuple):
    """The axes of a contraction, a letter each; those that are not in the result are summed over.

    >>> Labels("nk", "ck", "nc")
    Labels(left='nk', right='ck', result='nc')
    """

    left: str
    right: str
    result: str


class Reduction(NamedTuple):
    """A function along some axes: `sum`, `any` (1.0 where an element is not 0), `max`, `min`, `prod` or `logsumexp`.

    Attributes:
        careful: as that of `Application`.
    """

    function: str
    axes: tuple[int, ...]
    keepdims: bool = False
    careful: bool = False


class Slice(NamedTuple):
    """From start to stop along an axis, each step-th."""

    axis: int
    start: int
    stop: int
    step: int = 1


class Padding(NamedTuple):
    """The operand as the elements from start on, each step-th, of a longer axis of zeros."""

    axis: int
    start: int
    stop: int
    step: int
    length: int


class Placement(NamedTuple):
    """The positions in a new last axis at which the elements of the last axes are added up; at PADDING, nowhere."""

    positions: Data
    length: int


class Accumulation(NamedTuple):
    """The sums of the elements along an axis so far, added up from its start; or, backward, from its end."""

    axis: int
    backward: bool = False


class LookUp(NamedTuple):
    """Entries of a table of shape (*S, length, *R) at an index of shape (*S, *I): an array of shape (*S, *I, *R).

    Attributes:
        shared: how many axes S are. Along them, each part of the index chooses from the table's part at the same place.
    """

    shared: int = 0


class Scattering(NamedTuple):
    """An array of shape (*S, *I, *R), added up in a table of zeros of shape (*S, length, *R) at an index.

    Attributes:
        shared: as of `LookUp`.
        length: of the table's axis behind the shared ones.
    """

    shared: int
    length: int


class Operation(NamedTuple):
    """One operation of a program.

    Attributes:
        operands: the places of earlier operations in the program.
        attribute: what it carries besides, by its kind.
        shape: of its result, as `shapes.infer` gives it.
        name: of its result, where it has one. Operations without a name are written as parts of others.
    """

    kind: Kind
    operands: tuple[int, ...]
    attribute: Any
    shape: Shape
    name: str = ""


def listed(shape: Sequence[Any]) -> str:
    """Return a shape as Python writes it.

    >>> listed((N, 30)), listed((10,))
    ('(n, 30)', '(10,)')
    """
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
