"""An n-dimensional array of numbers as a flat list and a shape, with NumPy's arithmetic, indexing and reductions."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from autograd.arrays import ieee
from autograd.arrays.indexing import Shape, broadcast_positions, broadcast_shape, select, size_of, strides_of
from autograd.arrays.kinds import CONVERT, FORMATS, RANK, dtype, kind_of


def _operators(function: Callable[..., Any], kind: Any = None) -> tuple[Any, Any, Any]:
    """Return an operator, its reflected form, and its in-place form."""
    return (
        lambda self, other: elementwise(function, kind, self, other),
        lambda self, other: elementwise(function, kind, other, self),
        lambda self, other: elementwise(function, self.dtype, self, other, out=self),
    )


class ndarray:  # noqa: N801
    """An array. Indexing always copies, so arrays never share elements."""

    __slots__ = ("dtype", "items", "shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, items: list[Any], shape: Shape, kind: Any) -> None:
        self.items, self.shape, self.dtype = items, shape, dtype(kind)

    # Attributes and conversions

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return len(self.items)

    @property
    def T(self) -> ndarray:  # noqa: N802
        return self.transpose()

    @property
    def flat(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-dimensional array")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"array({self.tolist()!r})"

    def __bool__(self) -> bool:
        return bool(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __contains__(self, x: object) -> bool:
        return x in self.items

    def item(self) -> Any:
        if len(self.items) != 1:
            raise ValueError(f"an array of shape {self.shape} is not a single number")
        return self.items[0]

    def tolist(self) -> Any:
        nested: Any = list(self.items)
        for axis in range(len(self.shape) - 1, 0, -1):
            n = self.shape[axis]
            nested = [nested[i * n : i * n + n] for i in range(size_of(self.shape[:axis]))]
        return nested if self.shape else self.items[0]

    def tobytes(self) -> bytes:
        return struct.pack(f"{len(self.items)}{FORMATS[self.dtype.kind]}", *self.items)

    # Shape

    def copy(self) -> ndarray:
        return ndarray(list(self.items), self.shape, self.dtype)

    def astype(self, kind: Any, copy: bool = True) -> ndarray:
        kind = dtype(kind)
        return ndarray(list(map(CONVERT[kind.kind], self.items)), self.shape, kind)

    def ravel(self) -> ndarray:
        return ndarray(list(self.items), (len(self.items),), self.dtype)

    def reshape(self, *shape: Any) -> ndarray:
        lengths = list(shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)
        if -1 in lengths:
            rest = size_of([n for n in lengths if n != -1])
            lengths[lengths.index(-1)] = len(self.items) // rest if rest else 0
        if size_of(lengths) != len(self.items):
            raise ValueError(f"cannot reshape array of size {len(self.items)} into shape {tuple(lengths)}")
        return ndarray(list(self.items), tuple(lengths), self.dtype)

    def transpose(self, *axes: Any) -> ndarray:
        order = list(axes[0] if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else axes)
        order = order or list(reversed(range(self.ndim)))
        strides, shape = strides_of(self.shape), tuple(self.shape[axis] for axis in order)
        positions = [0]
        for axis in order:
            positions = [p + i * strides[axis] for p in positions for i in range(self.shape[axis])]
        return ndarray([self.items[p] for p in positions], shape, self.dtype)

    def rows_along(self, axis: int | None) -> tuple[list[list[Any]], Shape]:
        """Return the lists of elements along an axis, and the shape of the other axes; for None, one list of all."""
        if axis is None:
            return [self.items], ()
        axis %= self.ndim
        moved = self.transpose([k for k in range(self.ndim) if k != axis] + [axis]) if axis != self.ndim - 1 else self
        n = self.shape[axis]
        rows = [moved.items[i * n : i * n + n] for i in range(size_of(moved.shape[:-1]))]
        return rows, tuple(moved.shape[:-1])

    # Elements

    def __getitem__(self, key: Any) -> Any:
        if type(key) is int and self.ndim == 1:
            return self.items[key]
        positions, shape = select(self.shape, key)
        if positions is None:
            return self.items[shape[0]]
        return ndarray([self.items[p] for p in positions], shape, self.dtype)

    def __setitem__(self, key: Any, given: Any) -> None:
        positions, shape = select(self.shape, key)
        if positions is None:
            positions, shape = [shape[0]], ()
        source = as_array(given)
        while source.ndim > len(shape) and source.shape[0] == 1:
            source = source.reshape(source.shape[1:])
        convert = CONVERT[self.dtype.kind]
        for p, q in zip(positions, broadcast_positions(source.shape, shape)):
            self.items[p] = convert(source.items[q])

    def take(self, indices: Any, axis: int | None = None) -> ndarray:
        key = indices if axis is None else (*[slice(None)] * (axis % self.ndim), indices)
        elements: ndarray = (self.ravel() if axis is None else self)[key]
        return elements

    # Reductions

    def reduced(
        self, function: Callable[[list[Any]], Any], axis: Any = None, keepdims: bool = False, kind: Any = None
    ) -> Any:
        rows, shape = self.rows_along(axis)
        if axis is None and not keepdims:
            return function(rows[0])
        if keepdims:
            shape = tuple(1 if axis is None or k == axis % self.ndim else n for k, n in enumerate(self.shape))
        return ndarray([function(row) for row in rows], shape, kind or self.dtype)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.reduced(all, axis, keepdims, bool)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.reduced(any, axis, keepdims, bool)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.reduced(sum, axis, keepdims, int if self.dtype.kind == "b" else self.dtype)

    def max(self, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        return self.reduced(lambda row: max(row) if initial is None else max(initial, *row), axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.reduced(min, axis, keepdims)

    def mean(self, axis: Any = None) -> Any:
        return self.reduced(lambda row: sum(row) / len(row), axis, False, float)

    def argmax(self, axis: Any = None) -> Any:
        return self.reduced(lambda row: row.index(max(row)), axis, False, int)

    def argmin(self, axis: Any = None) -> Any:
        return self.reduced(lambda row: row.index(min(row)), axis, False, int)

    def cumsum(self) -> ndarray:
        total, sums = 0, []
        for x in self.items:
            total += x
            sums.append(total)
        return ndarray(sums, (len(sums),), self.dtype)

    def sort(self) -> None:
        self.items = [x for row in self.rows_along(-1)[0] for x in sorted(row)]

    def argsort(self, axis: int = -1, kind: str = "stable") -> ndarray:
        from autograd.arrays.sorting import argsort

        return argsort(self, axis)

    def searchsorted(self, numbers: Any) -> Any:
        from autograd.arrays.sorting import searchsorted

        return searchsorted(self, numbers)

    def repeat(self, times: Any) -> ndarray:
        from autograd.arrays.sorting import repeat

        return repeat(self, times)

    def fill(self, x: Any) -> None:
        self.items[:] = [x] * len(self.items)

    # Arithmetic

    __add__, __radd__, __iadd__ = _operators(operator.add)
    __sub__, __rsub__, __isub__ = _operators(operator.sub)
    __mul__, __rmul__, __imul__ = _operators(operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = _operators(ieee.divide, float)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operators(operator.floordiv)
    __mod__, __rmod__, __imod__ = _operators(operator.mod)
    __pow__, __rpow__, __ipow__ = _operators(ieee.power)
    __and__, __rand__, __iand__ = _operators(operator.and_)
    __or__, __ror__, __ior__ = _operators(operator.or_)
    __xor__, __rxor__, __ixor__ = _operators(operator.xor)
    __eq__, __ne__, __lt__ = (_operators(f, bool)[0] for f in (operator.eq, operator.ne, operator.lt))
    __le__, __gt__, __ge__ = (_operators(f, bool)[0] for f in (operator.le, operator.gt, operator.ge))

    def __neg__(self) -> ndarray:
        return ndarray([-x for x in self.items], self.shape, self.dtype)

    def __abs__(self) -> ndarray:
        return ndarray([abs(x) for x in self.items], self.shape, self.dtype)

    def __invert__(self) -> ndarray:
        return ndarray([not x for x in self.items], self.shape, bool)


def as_array(x: Any, kind: Any = None) -> ndarray:
    """Convert a number, an array, or nested sequences of either to an array. Raises ValueError if they are ragged."""
    if isinstance(x, ndarray):
        return x if kind is None or x.dtype == dtype(kind) else x.astype(kind)
    shape, items = _unnested(x)
    guessed = dtype(kind) if kind is not None else kind_of(items)
    return ndarray(list(map(CONVERT[guessed.kind], items)), shape, guessed)


def _unnested(x: Any) -> tuple[Shape, list[Any]]:
    if isinstance(x, ndarray):
        return x.shape, x.items
    if isinstance(x, range):
        return (len(x),), list(x)
    if not isinstance(x, (list, tuple)):
        return (), [x]
    parts = [_unnested(item) for item in x]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise ValueError(f"the sequences have different lengths: shapes {sorted(shapes)}")
    inner = shapes.pop() if shapes else ()
    return (len(x), *inner), list(chain.from_iterable(items for _, items in parts))


def elementwise(function: Callable[..., Any], kind: Any, *operands: Any, out: ndarray | None = None) -> Any:
    """Apply a function to each element of operands that are broadcast to one shape.

    Args:
        kind: the result's kind; None for the widest of the operands' kinds.
        out: an array to write the result into.

    Raises:
        FloatingPointError: if finite numbers give inf or nan while `seterr` is set to "raise".
    """
    arrays = [as_array(x) for x in operands]
    shape = broadcast_shape([a.shape for a in arrays])
    rows = [a.items if a.shape == shape else [a.items[p] for p in broadcast_positions(a.shape, shape)] for a in arrays]
    items = list(map(function, *rows))
    if kind is None:
        kind = max((a.dtype for a in arrays), key=lambda d: RANK.get(d.kind, 3))
    if ieee.raises.get() and dtype(kind).kind == "f":
        ieee.refuse_new_infinities(items, rows)
    if out is not None:
        out.items[:] = items
        return out
    return ndarray(items, shape, kind) if shape or any(isinstance(x, ndarray) for x in operands) else items[0]


def isfinite(x: Any) -> Any:
    return elementwise(math.isfinite, bool, x)
