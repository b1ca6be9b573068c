"""Flatten nested sequences and arrays of numbers into a list, and rebuild them in the same shape."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

from autograd.value import Value

Rebuild = Callable[[Iterator[Any]], Any]


def flatten(structure: Any, name: str) -> tuple[list[Any], Rebuild]:
    """Return the numbers in a structure, and a function that builds the same structure from an iterator of numbers.

    Args:
        structure: a number or Value, or a list, tuple or NumPy array of structures, to any depth.
        name: the structure's name in errors, such as "argument x".

    Raises:
        TypeError: if it contains anything else; the message says where.
    """
    if isinstance(structure, (Value, float, int, Real)):
        return [structure], next
    if _is_array(structure):
        return _flatten_array(structure, name)
    if not isinstance(structure, (list, tuple)):
        raise TypeError(
            f"{name} must be a number, or a (nested) list, tuple or array of numbers; "
            f"got {structure!r} of type {type(structure).__name__}"
        )
    parts = [flatten(item, f"{name}[{i}]") for i, item in enumerate(structure)]

    def rebuild(numbers: Iterator[Any]) -> Any:
        return _like(structure, [rebuild_item(numbers) for _, rebuild_item in parts])

    return [number for numbers, _ in parts for number in numbers], rebuild


def names(structure: Any, name: str) -> list[str]:
    """Return a name for each number of a structure, in the order of `flatten`: `x[0][1]`, or `x[0, 1]` in an array."""
    if _is_array(structure):
        import numpy

        return [f"{name}[{', '.join(map(str, index))}]" if index else name for index in numpy.ndindex(structure.shape)]
    if isinstance(structure, (list, tuple)):
        return [inner for i, item in enumerate(structure) for inner in names(item, f"{name}[{i}]")]
    return [name]


def nest(outer: Any, inner: Any, number: Callable[[int, int], Any]) -> Any:
    """Build a structure like the outer one, with each of its numbers replaced by a structure like the inner one.

    Args:
        outer, inner: structures that hold their numbers' positions in the order of `flatten`, 0, 1, 2, ...
        number: returns the number for position i of the outer and j of the inner structure. Two arrays are combined
            into one array, with the outer one's axes first.
    """
    if isinstance(outer, (list, tuple)):
        return _like(outer, [nest(item, inner, number) for item in outer])
    if isinstance(inner, (list, tuple)):
        return _like(inner, [nest(outer, item, number) for item in inner])
    if not _is_array(outer) and not _is_array(inner):
        return number(outer, inner)
    rows, row_shape = (outer.ravel(), outer.shape) if _is_array(outer) else ([outer], ())
    columns, column_shape = (inner.ravel(), inner.shape) if _is_array(inner) else ([inner], ())
    return _array([number(int(i), int(j)) for i in rows for j in columns], row_shape + column_shape)


def _like(sequence: Any, items: list[Any]) -> Any:
    """Return the items as a sequence of the same type; a named tuple is built by its `_make`."""
    return getattr(type(sequence), "_make", type(sequence))(items)


def _is_array(structure: Any) -> bool:
    numpy = sys.modules.get("numpy")  # a caller that passes an array has imported NumPy
    return numpy is not None and isinstance(structure, numpy.ndarray)


def _array(numbers: list[Any], shape: tuple[int, ...]) -> Any:
    """Return an array of floats, or of Values if any number is a Value."""
    import numpy

    if any(isinstance(x, Value) for x in numbers):
        from autograd.numpy_values.value_arrays import ValueArray

        objects = numpy.empty(len(numbers), dtype=object)
        objects[:] = numbers
        return objects.reshape(shape).view(ValueArray)
    return numpy.array(numbers, dtype=float).reshape(shape)


def _flatten_array(array: Any, name: str) -> tuple[list[Any], Rebuild]:
    shape = array.shape
    numbers = array.ravel().tolist()
    for number, where in zip(numbers, names(array, name)):
        if not isinstance(number, (Value, float, int, Real)):
            raise TypeError(f"{where} must be a number, got {number!r} of type {type(number).__name__}")

    def rebuild(others: Iterator[Any]) -> Any:
        return _array([next(others) for _ in numbers], shape)

    return numbers, rebuild
