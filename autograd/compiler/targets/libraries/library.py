"""The interface through which the interpreter uses a library of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from autograd.arrays import NDArray
from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import Data, Padding

Step = Callable[[Sequence[Any], Sequence[Any]], tuple[list[Any], list[Any]]]
"""A step of a loop: from states, and what is read, to new states, and what is written."""

Forward = Callable[..., Any]
SlopesOf = Callable[[Sequence[Any], Any], Sequence[Any]]
"""From the operands and the result to a local derivative for each operand: arrays, or numbers."""


class Library(Protocol):
    """The functions of a library, by what they do. Arrays have a `shape`, `reshape`, and slices.

    Attributes:
        name: in errors.
    """

    name: str

    def constant(self, x: float | Data) -> Any:
        """Return numbers as an array of the dtype that is computed with."""

    def flags(self, x: NDArray[Any]) -> Any:
        """Return truth values as an array."""

    def constant_of(self, x: Any) -> Any:
        """Return x, through which nothing is differentiated."""

    def function(self, name: str) -> Callable[..., Any] | None:
        """Return the elementwise function that does what NumPy's of this name does; None where there is none."""

    def power(self, x: Any, exponent: float) -> Any:
        """Return x to the power of a number; to that of a small whole one by multiplications, as NumPy does."""

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        """Return 1.0 where a comparison, such as "<=", holds, else 0.0."""

    def is_nonzero(self, x: Any) -> Any:
        """Return where x is not 0, as truth values."""

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Return a where a truth value holds, else b. What is not taken has a derivative of exactly 0."""

    def finite_or(self, arrays: Sequence[Any], otherwise: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """Return arrays where all their numbers are finite, else others of the same shapes, all of them."""

    def einsum(self, equation: str, a: Any, b: Any) -> Any:
        """Return sums of products over named axes."""

    def sum(self, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        """Return sums along axes, of which there is at least one."""

    def running_sums(self, x: Any, axis: int, backward: bool) -> Any:
        """Return the sums of the elements along an axis so far, from its start or, backward, from its end."""

    def largest(self, x: Any) -> Any:
        """Return the largest numbers along the last axis, which is kept; nan where there is one."""

    def product(self, x: Any) -> Any:
        """Return the products along the last axis, which is kept."""

    def running_products(self, x: Any) -> Any:
        """Return the products of all numbers up to each along the last axis."""

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        """Return x in another shape."""

    def transpose(self, x: Any, axes: tuple[int, ...]) -> Any:
        """Return x with its axes in another order."""

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> Any:
        """Return x repeated along axes of length 1, and along new ones in front."""

    def concatenate(self, arrays: Sequence[Any], axis: int) -> Any:
        """Return arrays joined along an axis."""

    def stack(self, arrays: Sequence[Any]) -> Any:
        """Return arrays, broadcast to one shape, side by side along a new last axis."""

    def pad(self, x: Any, padding: Padding, shape: tuple[int, ...]) -> Any:
        """Return x among zeros."""

    def take(self, x: Any, positions: NDArray[Any]) -> Any:
        """Return the elements at some positions of the last axis."""

    def add_at(self, x: Any, positions: NDArray[Any], shape: tuple[int, ...]) -> Any:
        """Return the columns of x added up at positions of the last axis of an array of zeros."""

    def look_up(self, table: Any, index: Any, shared: int) -> Any:
        """Return the entries of a table at an index of integers, which has so many leading axes in common with it."""

    def scatter(self, x: Any, index: Any, shared: int, shape: tuple[int, ...]) -> Any:
        """Return x added up at the positions in an index in a table of zeros of a shape: the transpose of `look_up`."""

    def by_rule(self, forward: Forward, slopes: SlopesOf, careful: bool, reduces: bool = False) -> Forward:
        """Return a function whose derivatives are those of a rule.

        Args:
            forward: from operands to the result.
            careful: whether an operand with slope 0 receives exactly 0, and not 0 times what may be infinite.
            reduces: whether it reduces along the last axis, which is kept; else it is elementwise.
        """

    def loop(
        self,
        step: Step,
        states: Sequence[Any],
        read: Sequence[tuple[Any, Stepping]],
        written: Sequence[Stepping],
        steps: int,
    ) -> list[Any]:
        """Return the last states, and the arrays that were written."""
