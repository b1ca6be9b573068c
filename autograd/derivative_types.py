"""The types of the functions that transforms return, for type checkers.

The derivative with respect to plain numbers is plain numbers, shaped like the argument. A checker cannot see that `f`
captured a Value; if the derivative depends on one, the result is Values although these types say numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from autograd.arrays import NDArray  # imports NumPy
    from autograd.value import Value

T = TypeVar("T")
U = TypeVar("U")
ArrayT = TypeVar("ArrayT", bound="NDArray[Any]")


class Gradient(Protocol):
    """A function of the arguments of `f`; its result is shaped like the first."""

    @overload
    def __call__(self, x: float, /, *args: Any, **kwargs: Any) -> float: ...
    @overload
    def __call__(self, x: list[float], /, *args: Any, **kwargs: Any) -> list[float]: ...
    @overload
    def __call__(self, x: list[list[float]], /, *args: Any, **kwargs: Any) -> list[list[float]]: ...
    @overload
    def __call__(self, x: T, /, *args: Any, **kwargs: Any) -> T: ...


class SecondGradient(Protocol):
    """A function of the arguments of `f`; its result is shaped like the second."""

    @overload
    def __call__(self, x: Any, y: float, /, *args: Any, **kwargs: Any) -> float: ...
    @overload
    def __call__(self, x: Any, y: list[float], /, *args: Any, **kwargs: Any) -> list[float]: ...
    @overload
    def __call__(self, x: Any, y: T, /, *args: Any, **kwargs: Any) -> T: ...


class PairOfGradients(Protocol):
    """A function of the arguments of `f`; its results are shaped like the first two."""

    @overload
    def __call__(self, x: float, y: float, /, *args: Any, **kwargs: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, x: T, y: U, /, *args: Any, **kwargs: Any) -> tuple[T, U]: ...


class ValueAndGradient(Protocol):
    """A function of the arguments of `f`; returns the value of `f` and a gradient shaped like the first argument."""

    @overload
    def __call__(self, x: float, /, *args: Any, **kwargs: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, x: list[float], /, *args: Any, **kwargs: Any) -> tuple[float, list[float]]: ...
    @overload
    def __call__(self, x: list[list[float]], /, *args: Any, **kwargs: Any) -> tuple[float, list[list[float]]]: ...
    @overload
    def __call__(self, x: Value, /, *args: Any, **kwargs: Any) -> tuple[Value, Value]: ...
    @overload
    def __call__(self, x: list[Value], /, *args: Any, **kwargs: Any) -> tuple[Value, list[Value]]: ...
    @overload
    def __call__(self, x: ArrayT, /, *args: Any, **kwargs: Any) -> tuple[float, ArrayT]: ...
    @overload
    def __call__(self, x: T, /, *args: Any, **kwargs: Any) -> tuple[Any, T]: ...


class ValueAndPair(Protocol):
    """A function of the arguments of `f`; returns the value of `f` and gradients shaped like the first two."""

    @overload
    def __call__(self, x: float, y: float, /, *args: Any, **kwargs: Any) -> tuple[float, tuple[float, float]]: ...
    @overload
    def __call__(self, x: T, y: U, /, *args: Any, **kwargs: Any) -> tuple[Any, tuple[T, U]]: ...


class Hessian(Protocol):
    """A function of the arguments of `f`; its result is shaped like the first, twice."""

    @overload
    def __call__(self, x: float, /, *args: Any, **kwargs: Any) -> float: ...
    @overload
    def __call__(self, x: list[float], /, *args: Any, **kwargs: Any) -> list[list[float]]: ...
    @overload
    def __call__(self, x: Value, /, *args: Any, **kwargs: Any) -> Value: ...
    @overload
    def __call__(self, x: list[Value], /, *args: Any, **kwargs: Any) -> list[list[Value]]: ...
    @overload
    def __call__(self, x: ArrayT, /, *args: Any, **kwargs: Any) -> ArrayT: ...
    @overload
    def __call__(self, x: Any, /, *args: Any, **kwargs: Any) -> Any: ...
