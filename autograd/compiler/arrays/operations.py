"""Operations on n-dimensional arrays: their kinds, and the attributes of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from autograd.arrays import NDArray

Kind = Literal[
    "parameter",  # Data, positions: these elements of the parameter vector, in the shape of the positions
    "argument",  # name: a row for each sample
    "index",  # name: integers, a row for each sample
    "constant",  # a float, or Data
    "apply",  # Application: a primitive, elementwise, with broadcasting
    "contract",  # Labels: sums of products over named axes
    "reduce",  # Reduction: along some axes
    "slopes",  # a reducing primitive: its derivatives with respect to the elements that it reduced
    "reshape",  # the new shape
    "transpose",  # the operand's axes in the new order
    "broadcast",  # the new shape
    "slice",  # Slice
    "concatenate",  # the axis
    "pad",  # Padding: zeros around or between the elements
    "take",  # Data, positions along the last axis
    "place",  # Placement: the transpose of take
    "accumulate",  # Accumulation: cumulative sums along an axis
    "look up",  # LookUp: entries of a table (first operand) at the positions in an index (second operand)
    "scatter",  # Scattering: the transpose of look up
    "loop",  # Loop: a body program that runs step by step; its value is a tuple of arrays
    "result",  # the number of a loop's result
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
"""The position of an absent element, which reads as zero."""


class Data:
    """A constant array of numbers or positions. Arrays are equal if they are bitwise equal."""

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
        careful: whether an operand that the primitive, a choice, does not select receives a cotangent of exactly 0,
            rather than 0 times the incoming one, which may be infinite.
    """

    primitive: Any  # a Primitive; declared as one, mypy would take it for the method that its __get__ makes
    careful: bool = False


class Labels(NamedTuple):
    """The axes of a contraction, a letter each; axes that are not in the result are summed over.

    >>> Labels("nk", "ck", "nc")
    Labels(left='nk', right='ck', result='nc')
    """

    left: str
    right: str
    result: str


class Reduction(NamedTuple):
    """A function along some axes: `sum`, `any` (1.0 where an element is not 0), `max`, `min`, `prod` or `logsumexp`.

    Attributes:
        careful: as in `Application`.
    """

    function: str
    axes: tuple[int, ...]
    keepdims: bool = False
    careful: bool = False


class Slice(NamedTuple):
    """Every step-th element from start to stop along an axis."""

    axis: int
    start: int
    stop: int
    step: int = 1


class Padding(NamedTuple):
    """An axis of zeros into which the operand is written, from start to stop at every step-th place."""

    axis: int
    start: int
    stop: int
    step: int
    length: int


class Placement(NamedTuple):
    """Positions along a new last axis to which the last axes' elements are added; those at PADDING are dropped."""

    positions: Data
    length: int


class Accumulation(NamedTuple):
    """Cumulative sums along an axis, from its start or, backward, from its end."""

    axis: int
    backward: bool = False


class LookUp(NamedTuple):
    """Entries of a table of shape (*S, length, *R) at an index of shape (*S, *I): an array of shape (*S, *I, *R).

    Attributes:
        shared: the number of axes S. Along them, each part of the index reads the table's part at the same place.
    """

    shared: int = 0


class Scattering(NamedTuple):
    """An array of shape (*S, *I, *R), scatter-added into a table of zeros of shape (*S, length, *R) by index.

    Attributes:
        shared: as in `LookUp`.
        length: the length of the table's axis after the shared ones.
    """

    shared: int
    length: int


class Operation(NamedTuple):
    """One operation of a program.

    Attributes:
        operands: the places of earlier operations in the program.
        attribute: further data; its type depends on the kind.
        shape: the result's shape, as `shapes.infer` returns it.
        name: the result's name, or empty. Operations without a name are printed as parts of others.
    """

    kind: Kind
    operands: tuple[int, ...]
    attribute: Any
    shape: Shape
    name: str = ""


def listed(shape: Sequence[Any]) -> str:
    """Format a shape as Python does.

    >>> listed((N, 30)), listed((10,))
    ('(n, 30)', '(10,)')
    """
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
