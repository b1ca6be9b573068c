"""Record a rule's elementwise operations on vectors, and the numbers in them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Never

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.primitives import Primitive

__all__ = ["Later", "NotRecordedError", "Recorded", "Recording", "Step"]

Step = tuple[Any, ...]
"""A primitive and its operands: vectors are counted from 0 in the order of their creation; ~k is the k-th number."""


class NotRecordedError(TypeError):
    """A rule does something other than elementwise arithmetic on vectors."""


def _refuse(*_: Any, **__: Any) -> Never:
    raise NotRecordedError("the rule needs numbers that are not known while it is recorded")


def _later(compute: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the method of an operator, and the reflected one."""

    def forward(self: Later, other: Any) -> Any:
        if isinstance(other, Later):
            return Later(lambda *known: compute(self.value(*known), other.value(*known)))
        return Later(lambda *known: compute(self.value(*known), other)) if _is_number(other) else NotImplemented

    def reflected(self: Later, other: Any) -> Any:
        return Later(lambda *known: compute(other, self.value(*known))) if _is_number(other) else NotImplemented

    return forward, reflected


def _is_number(x: Any) -> bool:
    return isinstance(x, (float, int))


class Recording:
    """The operations that a rule performs on vectors, all of which NumPy and machine code round alike.

    Attributes:
        steps: the operations so far. Two runs of a rule with equal steps differ only in their numbers.
        numbers: the operands that are numbers, in the order of recording; some may become known later.
        given: the number of input vectors.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.numbers: list[float | Later] = []
        self.given: int = 0
        self._count = 0

    def vector(self) -> Recorded:
        """Return a new input vector. All input vectors come before the first step."""
        self.given = self._count = self._count + 1
        return Recorded(self, self._count - 1)

    def blank(self) -> Recorded:
        """Return a vector without numbers, which must be written to before it is read."""
        return Recorded(self, None)

    def apply(self, primitive: Primitive, *operands: Any) -> int:
        """Record an operation on vectors and numbers; return the place of its result.

        Raises:
            NotRecordedError: for other operands.
        """
        self.steps.append((primitive, *map(self.place, operands)))
        at = self._count
        self._count = at + 1
        return at

    def place(self, x: Any) -> int:
        """Return the place of a vector, or ~k for a number, which is the k-th.

        Raises:
            NotRecordedError: for anything else, a vector of another recording, or a blank vector.
        """
        if type(x) is Recorded and x.recording is self and x.at is not None:
            return x.at
        if not isinstance(x, (float, int, Later)):
            raise NotRecordedError(f"the rule computes with {x!r:.80}, neither one of its vectors nor a number")
        self.numbers.append(x if type(x) is Later else float(x))
        return -len(self.numbers)

    def program(self, results: Sequence[Recorded]) -> ArrayProgram:
        """Return a program whose arguments are the input vectors and the numbers."""
        builder = Builder()
        values = [builder.argument(f"x{k}", ()) for k in range(self.given)]
        numbers = [builder.argument(f"number{k}", ()) for k in range(len(self.numbers))]
        for primitive, *operands in self.steps:
            values.append(builder.apply(primitive, *[values[k] if k >= 0 else numbers[~k] for k in operands]))
        return builder.program([values[self.place(x)] for x in results])


class Later:
    """A number that is only known when a recorded rule is run, or a result computed from such a number.

    >>> step = Later(lambda step: step)
    >>> (1 - 0.5**step).value(3)
    0.875

    Attributes:
        value: computes the number from those that are known then.
    """

    __slots__ = ("value",)

    def __init__(self, value: Callable[..., float]) -> None:
        self.value: Callable[..., float] = value

    __add__, __radd__ = _later(operator.add)
    __sub__, __rsub__ = _later(operator.sub)
    __mul__, __rmul__ = _later(operator.mul)
    __truediv__, __rtruediv__ = _later(operator.truediv)
    __pow__, __rpow__ = _later(operator.pow)

    def __neg__(self) -> Later:
        return Later(lambda *known: -self.value(*known))

    __bool__ = __float__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __hash__ = None  # type: ignore[assignment]


def _binary(primitive: Primitive) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Return the method of an operator, the reflected one, and the in-place one."""

    def forward(self: Recorded, other: Any) -> Recorded:
        return Recorded(self.recording, self.recording.apply(primitive, self, other))

    def reflected(self: Recorded, other: Any) -> Recorded:
        return Recorded(self.recording, self.recording.apply(primitive, other, self))

    def in_place(self: Recorded, other: Any) -> Recorded:
        self.at = self.recording.apply(primitive, self, other)
        return self

    return forward, reflected, in_place


class Recorded:
    """A symbolic vector, which a rule can use like an array of NumPy for elementwise arithmetic.

    Like an array, it can be written to with `out=`, `[:]` and operators such as `*=`.

    Attributes:
        recording: the operations.
        at: its place among the vectors; None if it is blank.
    """

    __slots__ = ("at", "recording")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recording: Recording, at: int | None) -> None:
        self.recording: Recording = recording
        self.at: int | None = at

    __add__, __radd__, __iadd__ = _binary(primitives.add)
    __sub__, __rsub__, __isub__ = _binary(primitives.sub)
    __mul__, __rmul__, __imul__ = _binary(primitives.mul)
    __truediv__, __rtruediv__, __itruediv__ = _binary(primitives.div)

    def __neg__(self) -> Recorded:
        return self.new(primitives.neg, self)

    def __abs__(self) -> Recorded:
        return self.new(primitives.absolute, self)

    def __pow__(self, exponent: Any) -> Recorded:
        if isinstance(exponent, (float, int)) and exponent in (2, 0.5):
            return self.new(primitives.mul, self, self) if exponent == 2 else self.new(primitives.sqrt, self)
        raise NotRecordedError(f"the rule computes the power {exponent!r:.80}, which NumPy may round differently")

    def new(self, primitive: Primitive, *operands: Any) -> Recorded:
        """Record a primitive; return its result."""
        return Recorded(self.recording, self.recording.apply(primitive, *operands))

    def copy(self) -> Recorded:
        """Return another vector with the same numbers."""
        return Recorded(self.recording, self.at)

    def __setitem__(self, key: Any, value: Any) -> None:
        if not (key is Ellipsis or key == slice(None)) or not isinstance(value, Recorded):
            raise NotRecordedError("the rule writes to a part of a vector")
        self.at = self.recording.place(value)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, out: Any = (None,), **settings: Any) -> Any:
        record, (target,) = _FUNCTIONS.get(function.__name__), out
        if record is None or method != "__call__" or settings:
            raise NotRecordedError(f"the rule calls {function.__name__}, which is not recorded")
        at = record(self.recording, *inputs)
        if target is None:
            return Recorded(self.recording, at)
        if not isinstance(target, Recorded):
            raise NotRecordedError("the rule writes to an array of its own")
        target.at = at
        return target

    __array__ = __bool__ = __float__ = __len__ = __iter__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse


def _of(primitive: Primitive) -> Callable[..., int]:
    """Return a function that records a primitive."""
    return lambda recording, *inputs: recording.apply(primitive, *inputs)


def _square(recording: Recording, x: Recorded) -> int:
    return recording.apply(primitives.mul, x, x)


def _sign(recording: Recording, x: Recorded) -> int:
    is_positive, is_negative = (Recorded(recording, recording.apply(COMPARISONS[c], x, 0.0)) for c in "><")
    return recording.apply(primitives.sub, is_positive, is_negative)


_FUNCTIONS: dict[str, Callable[..., int]] = {
    "add": _of(primitives.add),
    "subtract": _of(primitives.sub),
    "multiply": _of(primitives.mul),
    "divide": _of(primitives.div),
    "negative": _of(primitives.neg),
    "absolute": _of(primitives.absolute),
    "fabs": _of(primitives.absolute),
    "square": _square,
    "sqrt": _of(primitives.sqrt),
    "sign": _sign,
    "maximum": _of(primitives.maximum),
    "minimum": _of(primitives.minimum),
}
"""The recording of NumPy's functions, by name: of those that round as IEEE 754 specifies."""
