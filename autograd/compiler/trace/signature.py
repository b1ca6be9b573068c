"""The arguments of a program: their names and shapes, and conversion to arrays with one row per sample."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from autograd.arrays import HAVE_NUMPY, NDArray, np
from autograd.compiler.names import sanitised
from autograd.nested import flatten
from autograd.operands import as_float, beyond_table
from autograd.value import Value

Array = NDArray[Any]

ANY_NUMBER = 2**62
"""Replaces the table's length for an integer that is only compared."""


def shape_of(structure: Any) -> tuple[int, ...] | None:
    """Return the shape of a nested sequence as an array; None if it is ragged."""
    if isinstance(structure, np.ndarray):
        return tuple(structure.shape)
    if not isinstance(structure, (list, tuple)):
        return ()
    shapes = {shape_of(item) for item in structure}
    if len(shapes) > 1 or None in shapes:
        return None
    inner = shapes.pop() if shapes else ()
    return (len(structure), *inner) if inner is not None else None


def argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """Return the names of a function's arguments, from its signature where possible, else `x1`, `x2`, ...

    >>> argument_names(lambda image, target: image * target, 2)
    ['image', 'target']
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [sanitised(plain[i]) if i < len(plain) and sanitised(plain[i]) else f"x{i + 1}" for i in range(count)]


class Argument(NamedTuple):
    """An argument of a program. It is called with one sample, shaped like the example, or with a batch, samples first.

    Attributes:
        name: its name in error messages.
        example: the example that it was compiled with.
        shape: the example's shape; None if it is ragged.
        size: the count of its numbers.
        lengths: for an argument of indices, the length of the table that each indexes, or ANY_NUMBER; None for an
            argument of numbers.
    """

    name: str
    example: Any
    shape: tuple[int, ...] | None
    size: int
    lengths: Array | None = None

    def with_indices(self, lengths: Mapping[int, int]) -> Argument:
        """Return this argument with indices at these places, into tables of these lengths; unchanged if none."""
        if not lengths:
            return self
        return self._replace(lengths=np.array([lengths.get(k, ANY_NUMBER) for k in range(self.size)]))

    def read(self, given: Any, dtype: Any) -> tuple[Array, bool]:
        """Return the numbers with one row per sample, and whether they were a batch.

        Raises:
            ValueError: for another shape, or ragged samples.
            TypeError: for anything but real numbers; for indices, anything but integers.
            IndexError: for an index that is out of range.
        """
        if self.lengths is not None:
            return self._read_indices(given)
        if type(given) is np.ndarray and given.dtype is dtype and given.shape[1:] == self.shape and given.ndim:
            return given if given.ndim == 2 else given.reshape(len(given), self.size), True
        if type(given) is float and self.shape == ():  # fast path for calls in a loop over time
            return np.array(given, dtype, ndmin=2), False
        if self.shape is None:
            numbers, batched = self._read_ragged(given)
            return np.array(numbers, dtype=dtype), batched
        array = _as_array(given)
        if array.dtype.kind == "O":
            array = self._of_objects(array, given)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{self.name} must hold real numbers, got an array of {array.dtype}")
        rows, batched = self.as_rows(array)
        with np.errstate(over="ignore"):  # out of float32's range gives inf, which the caller reports
            return rows.astype(dtype, copy=False), batched

    def as_rows(self, array: Any) -> tuple[Any, bool]:
        """Return an array, of any library, with one row per sample, and whether it was a batch.

        Raises:
            ValueError: if the shape is neither the example's nor that after an axis of samples.
        """
        shape = tuple(array.shape)
        if self.shape is None or (shape != self.shape and shape[1:] != self.shape):
            raise ValueError(f"{self.name} must be {self._expected()}; got one of shape {shape}")
        batched = len(shape) > len(self.shape)
        return array.reshape((shape[0] if batched else 1, self.size)), batched

    def _read_indices(self, given: Any) -> tuple[Array, bool]:
        """Return indices with one row per sample, after a range check."""
        if self.shape is None:
            numbers, batched = self._read_ragged(given)
            rows = _as_array(numbers)
        else:
            rows, batched = self.as_rows(_as_array(given))
        self.refuse_beyond_tables(rows, batched)
        return rows, batched

    def refuse_beyond_tables(self, rows: Any, batched: bool, is_known: bool = True) -> None:
        """Check that indices, one row per sample, are integers within their tables.

        Args:
            is_known: whether their numbers are known; if not, only their dtype is checked.

        Raises:
            TypeError: if they are not integers.
            IndexError: for an index that is out of range, naming the sample.
        """
        if rows.dtype.kind not in "iu":
            raise TypeError(f"{self.name} is used as an index, so it must hold integers; got {rows.dtype}")
        assert self.lengths is not None
        wrong = (rows < 0) | (rows >= self.lengths) if is_known else np.zeros(1, dtype=bool)
        if wrong.any() and (wrong := wrong & (self.lengths != ANY_NUMBER)).any():
            sample, k = (int(places[0]) for places in np.nonzero(wrong))
            where = f"sample {sample}: " if batched else ""
            raise IndexError(f"{where}{self.labels()[k]} is {beyond_table(rows[sample, k], self.lengths[k])}")

    def _of_objects(self, array: NDArray[Any], given: Any) -> Array:
        """Convert an array of objects: fractions, integers of any size, and other real numbers of Python."""
        if any(isinstance(x, Value) for x in array.flat):
            raise TypeError(f"{self.name} must hold numbers, got Values: pass their numbers, v.data")
        try:
            return np.array([as_float(x) for x in array.flat]).reshape(array.shape)
        except (TypeError, OverflowError):
            raise ValueError(f"{self.name} must hold real numbers, {self._expected()}; got {_short(given)}") from None

    def _expected(self) -> str:
        if self.shape == ():
            return "a number, or an array with one number per sample"
        return (
            f"of shape {self.shape} for one sample, or (samples, {', '.join(map(str, self.shape or ()))}) for several"
        )

    def _read_ragged(self, given: Any) -> tuple[list[list[Any]], bool]:
        wanted = _lengths(self.example)
        if _lengths(given) == wanted:
            return [flatten(given, self.name)[0]], False
        if isinstance(given, Sequence) and given and all(_lengths(sample) == wanted for sample in given):
            return [flatten(sample, self.name)[0] for sample in given], True
        raise ValueError(f"{self.name} must be nested like its example, or a list of such samples; got {_short(given)}")

    def labels(self) -> list[str]:
        """Return a name for each number: x for a single one, x[1] or x[1][0] in a sequence, its position if ragged."""
        if self.shape is None:
            return [f"{self.name}, number {k}" for k in range(self.size)]
        return [self.name + "".join(f"[{k}]" for k in place) for place in np.ndindex(*self.shape)]

    def shaped(self, columns: Array, batched: bool) -> Any:
        """Return columns, one for each of the argument's numbers, in the argument's shape."""
        rebuild = None if self.shape is not None else flatten(self.example, self.name)[1]
        return shaped(columns, self.shape, rebuild, batched)


def shaped(columns: Any, shape: tuple[int, ...] | None, rebuild: Any, batched: bool, as_numbers: bool = True) -> Any:
    """Return columns as an array of a shape, after the axis of samples; or nested by `rebuild`.

    Args:
        rebuild: nests numbers if the shape is None.
        as_numbers: whether one sample's numbers are returned as Python numbers instead of 0-dimensional arrays.
    """
    if shape == () and batched:
        return columns[:, 0]
    if shape is None:
        numbers: Iterator[Any] = iter(columns.T if batched else columns[0].tolist() if as_numbers else columns[0])
        return rebuild(numbers)
    if batched and len(shape) == 1:
        return columns
    array = columns.reshape((columns.shape[0], *shape) if batched else shape)
    return array if batched or shape or not as_numbers else array.item()


class BatchReader:
    """Reads the arguments of calls as rows.

    Args:
        arguments: the program's arguments.
        dtype: the dtype of all numbers.
    """

    def __init__(self, arguments: Sequence[Argument], dtype: Any) -> None:
        self._arguments, self._dtype = arguments, dtype
        of_rows = [argument.lengths is None and argument.shape == (argument.size,) for argument in arguments]
        self._takes_rows = bool(of_rows) and all(of_rows)
        self._recent: list[tuple[int, ...]] | None = None  # the shapes of the latest batch of rows

    def __call__(self, given: Sequence[Any]) -> tuple[list[Array], bool, int]:
        """Return all arguments as rows, whether they were batches, and the number of samples.

        Raises:
            ModuleNotFoundError: without NumPy.
            TypeError: for too many or too few arguments.
            ValueError: if their batch sizes differ.
        """
        if not HAVE_NUMPY:
            raise ModuleNotFoundError(
                "a compiled program runs on NumPy's arrays, and NumPy is not installed: pip install numpy. Where that "
                "is impossible, as in the browser, print the program's source, and run the function node by node",
                name="numpy",
            )
        if self._takes_rows and self._are_rows(given):
            return list(given), True, len(given[0])
        return read_together(self._arguments, given, lambda argument, x: argument.read(x, self._dtype))

    def _are_rows(self, given: Sequence[Any]) -> bool:
        """Return whether these are rows already: a fast path for training."""
        ndarray, dtype, shapes = np.ndarray, self._dtype, []
        for x in given:
            if type(x) is not ndarray or x.dtype is not dtype:
                return False
            shapes.append(x.shape)
        if shapes == self._recent:
            return True
        samples = shapes[0][0] if shapes and shapes[0] else 0
        if not samples or shapes != [(samples, argument.size) for argument in self._arguments]:
            return False
        self._recent = shapes
        return True


def read_together(
    arguments: Sequence[Argument], given: Sequence[Any], read: Callable[[Argument, Any], tuple[Any, bool]]
) -> tuple[list[Any], bool, int]:
    """Return all arguments as rows, in arrays of any library; see `BatchReader`.

    Args:
        read: returns one argument as rows, and whether it was a batch.
    """
    if len(given) != len(arguments):
        raise TypeError(f"the program takes {len(arguments)} argument(s), got {len(given)}")
    rows: list[Any] = []
    kinds: list[bool] = []
    for argument, x in zip(arguments, given):
        array, batched = read(argument, x)
        rows.append(array)
        kinds.append(batched)
    if len(set(kinds)) > 1:
        one = arguments[kinds.index(False)].name
        raise ValueError(f"{one} is one sample, but others are batches: all arguments must have the same batch size")
    lengths = {int(array.shape[0]) for array in rows}
    if len(lengths) > 1:
        sizes = ", ".join(f"{array.shape[0]} of {a.name}" for a, array in zip(arguments, rows))
        raise ValueError(f"all arguments must have the same batch size, got {sizes}")
    (samples,) = lengths or {1}
    if samples == 0:
        raise ValueError("a batch must hold at least one sample, got none")
    return rows, set(kinds) == {True}, samples


def refuse_unless_flat(name: str, vector: Array, size: int, dtype: np.dtype[Any]) -> None:
    """Raise unless this is a contiguous vector of this size: views of another would be out of bounds, or copies."""
    if not isinstance(vector, np.ndarray):
        raise TypeError(f"{name} must be a NumPy vector, got {type(vector).__name__}")
    if vector.shape != (size,) or vector.dtype != dtype or not vector.flags.c_contiguous:
        contiguous = "" if vector.flags.c_contiguous else ", not contiguous"
        raise ValueError(
            f"{name} must be a contiguous vector of {size} numbers of {dtype}, one for each of the program's "
            f"parameters; got shape {vector.shape}, {vector.dtype}{contiguous}"
        )


def _as_array(given: Any) -> Array:
    """Return an array; for ragged rows, an array of None."""
    try:
        return np.asarray(given)
    except ValueError:
        return np.asarray(None)


def _lengths(structure: Any) -> Any:
    if isinstance(structure, np.ndarray):
        return _lengths(structure.tolist())
    return [_lengths(item) for item in structure] if isinstance(structure, (list, tuple)) else 0


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."
