"""The interface between the interpreter and an array library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from autograd.arrays import NDArray
from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import Data, Padding

Step = Callable[[Sequence[Any], Sequence[Any]], tuple[list[Any], list[Any]]]
"""A step of a loop: from states and the places read to new states and the places written."""

Forward = Callable[..., Any]
SlopesOf = Callable[[Sequence[Any], Any], Sequence[Any]]
"""From the operands and the result to a local derivative for each operand, an array or a number."""


class Library(Protocol):
    """The functions of a library. Arrays have `shape`, `reshape` and slices.

    Attributes:
        name: the name in error messages.
    """

    name: str

    def constant(self, x: float | Data) -> Any:
        """Return numbers as an array of the library's dtype."""

    def flags(self, x: NDArray[Any]) -> Any:
        """Return truth values as an array."""

    def constant_of(self, x: Any) -> Any:
        """Return x, detached from differentiation."""

    def function(self, name: str) -> Callable[..., Any] | None:
        """Return the elementwise function equivalent to NumPy's of this name; None if there is none."""

    def power(self, x: Any, exponent: float) -> Any:
        """Return x to the power of a number; for a small integer by multiplications, as NumPy does."""

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        """Return 1.0 where a comparison, such as "<=", holds, else 0.0."""

    def is_nonzero(self, x: Any) -> Any:
        """Return truth values: whether x is not 0."""

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Return a where a truth value holds, else b. The operand not selected has a derivative of exactly 0."""

    def finite_or(self, arrays: Sequence[Any], otherwise: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """Return the arrays if all their numbers are finite, else all of the others, which have the same shapes."""

    def einsum(self, equation: str, a: Any, b: Any) -> Any:
        """Return sums of products over named axes."""

    def sum(self, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        """Return sums along one or more axes."""

    def running_sums(self, x: Any, axis: int, backward: bool) -> Any:
        """Return the cumulative sums along an axis, from its start or, backward, from its end."""

    def largest(self, x: Any) -> Any:
        """Return the maximum along the last axis, which is kept; nan propagates."""

    def product(self, x: Any) -> Any:
        """Return the products along the last axis, which is kept."""

    def running_products(self, x: Any) -> Any:
        """Return the cumulative products along the last axis."""

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        """Return x in another shape."""

    def transpose(self, x: Any, axes: tuple[int, ...]) -> Any:
        """Return x with its axes permuted."""

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> Any:
        """Return x repeated along axes of length 1, and along new ones in front."""

    def concatenate(self, arrays: Sequence[Any], axis: int) -> Any:
        """Return arrays joined along an axis."""

    def stack(self, arrays: Sequence[Any]) -> Any:
        """Return arrays, broadcast to one shape, stacked along a new last axis."""

    def pad(self, x: Any, padding: Padding, shape: tuple[int, ...]) -> Any:
        """Return x padded with zeros."""

    def take(self, x: Any, positions: NDArray[Any]) -> Any:
        """Return the elements at positions along the last axis."""

    def add_at(self, x: Any, positions: NDArray[Any], shape: tuple[int, ...]) -> Any:
        """Return zeros to which the columns of x are added at positions along the last axis."""

    def look_up(self, table: Any, index: Any, shared: int) -> Any:
        """Return the entries of a table at an integer index, which shares this many leading axes with the table."""

    def scatter(self, x: Any, index: Any, shared: int, shape: tuple[int, ...]) -> Any:
        """Return a table of zeros to which x is added at an index: the transpose of `look_up`."""

    def by_rule(self, forward: Forward, slopes: SlopesOf, careful: bool, reduces: bool = False) -> Forward:
        """Return a function with the derivatives of a rule.

        Args:
            forward: computes the result from the operands.
            careful: whether an operand with slope 0 receives exactly 0, rather than 0 times a possibly infinite number.
            reduces: whether it reduces along the last axis, which is kept, rather than being elementwise.
        """

    def loop(
        self,
        step: Step,
        states: Sequence[Any],
        read: Sequence[tuple[Any, Stepping]],
        written: Sequence[Stepping],
        steps: int,
    ) -> list[Any]:
        """Return the final states, then the written arrays."""
