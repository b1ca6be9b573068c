"""The types of the functions of `autograd.math`: numbers give a number, Values give a Value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, overload

from autograd.value import Value

Number = Value | float


class OfOne(Protocol):
    @overload
    def __call__(self, x: float, /) -> float: ...
    @overload
    def __call__(self, x: Value, /) -> Value: ...


class OfTwo(Protocol):
    @overload
    def __call__(self, x: float, y: float, /) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, x: Number, y: Number, /) -> Value: ...


class OfOneOrTwo(Protocol):
    @overload
    def __call__(self, x: float, base: float = ..., /) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, x: Number, base: Number = ..., /) -> Value: ...


class OfMany(Protocol):
    @overload
    def __call__(self, *coordinates: float) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, *coordinates: Number) -> Value: ...


class Scaling(Protocol):
    @overload
    def __call__(self, x: float, i: int, /) -> float: ...
    @overload
    def __call__(self, x: Value, i: int, /) -> Value: ...


class OfSequence(Protocol):
    @overload
    def __call__(self, seq: Iterable[float], /) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, seq: Iterable[Number], /) -> Value: ...


class OfTwoSequences(Protocol):
    @overload
    def __call__(self, p: Iterable[float], q: Iterable[float], /) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, p: Iterable[Number], q: Iterable[Number], /) -> Value: ...


class Product(Protocol):
    @overload
    def __call__(self, iterable: Iterable[float], /, *, start: float = 1) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, iterable: Iterable[Number], /, *, start: Number = 1) -> Value: ...


class ToInteger(Protocol):
    def __call__(self, x: Number, /) -> int: ...


class Question(Protocol):
    def __call__(self, x: Number, /) -> bool: ...


class Close(Protocol):
    def __call__(self, a: Number, b: Number, *, rel_tol: Number = ..., abs_tol: Number = ...) -> bool: ...


class ToFloat(Protocol):
    def __call__(self, x: Number, /) -> float: ...


class InTwoParts(Protocol):
    @overload
    def __call__(self, x: float, /) -> tuple[float, Any]: ...
    @overload
    def __call__(self, x: Value, /) -> tuple[Value, Any]: ...


class Next(Protocol):
    @overload
    def __call__(self, x: float, y: float, /, *, steps: int | None = ...) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, x: Number, y: Number, /, *, steps: int | None = ...) -> Value: ...
