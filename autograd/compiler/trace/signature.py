"""The arguments of a program: their names, their shapes, and what they are called with as rows of one sample each."""

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
"""In the place of a table's length, for an integer that is only compared."""


def shape_of(structure: Any) -> tuple[int, ...] | None:
    """The shape of a nested sequence as an array; None where it is ragged."""
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
    """Names for a function's arguments, from its signature where that has them, else `x1`, `x2`, ...

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
    """An argument: like its example, or a batch, with one axis more, samples first.

    Attributes:
        name: for errors.
        example: what it was compiled with.
        shape: of the example; None where it is ragged.
        size: how many numbers it holds.
        lengths: of an argument of indices, for each the length of the table that it chooses from, or ANY_NUMBER; None
            for an argument of numbers.
    """

    name: str
    example: Any
    shape: tuple[int, ...] | None
    size: int
    lengths: Array | None = None

    def with_indices(self, lengths: Mapping[int, int]) -> Argument:
        """Return the argument as one of indices: at these places, into tables of these lengths. If there are any."""
        if not lengths:
            return self
        return self._replace(lengths=np.array([lengths.get(k, ANY_NUMBER) for k in range(self.size)]))

    def read(self, given: Any, dtype: Any) -> tuple[Array, bool]:
        """The numbers as rows of one sample each, and whether it was a batch of samples.

        Raises:
            ValueError: for another shape, or ragged samples.
            TypeError: for anything but real numbers; for indices, anything but integers.
            IndexError: for an index that is in no table.
        """
        if self.lengths is not None:
            return self._read_indices(given)
        if type(given) is np.ndarray and given.dtype is dtype and given.shape[1:] == self.shape and given.ndim:
            return given if given.ndim == 2 else given.reshape(len(given), self.size), True
        if type(given) is float and self.shape == ():  # as in a loop over time, where every microsecond counts
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
        with np.errstate(over="ignore"):  # what float32 does not hold is inf there, of which the caller makes an error
            return rows.astype(dtype, copy=False), batched

    def as_rows(self, array: Any) -> tuple[Any, bool]:
        """Return an array, of whatever library, as rows of one sample each, and whether it was a batch of samples.

        Raises:
            ValueError: for another shape than the example's, or one axis more.
        """
        shape = tuple(array.shape)
        if self.shape is None or (shape != self.shape and shape[1:] != self.shape):
            raise ValueError(f"{self.name} must be {self._expected()}; got one of shape {shape}")
        batched = len(shape) > len(self.shape)
        return array.reshape((shape[0] if batched else 1, self.size)), batched

    def _read_indices(self, given: Any) -> tuple[Array, bool]:
        """Indices as they are, row by row; each is in its table."""
        if self.shape is None:
            numbers, batched = self._read_ragged(given)
            rows = _as_array(numbers)
        else:
            rows, batched = self.as_rows(_as_array(given))
        self.refuse_beyond_tables(rows, batched)
        return rows, batched

    def refuse_beyond_tables(self, rows: Any, batched: bool, is_known: bool = True) -> None:
        """Check the indices that the argument is called with, a row a sample.

        Args:
            is_known: whether their numbers are known; else only their dtype is checked.

        Raises:
            TypeError: for what are no integers.
            IndexError: for an index that is in no table, naming the sample.
        """
        if rows.dtype.kind not in "iu":
            raise TypeError(f"{self.name} is used as an index, so that it must hold integers; got {rows.dtype}")
        assert self.lengths is not None
        wrong = (rows < 0) | (rows >= self.lengths) if is_known else np.zeros(1, dtype=bool)
        if wrong.any() and (wrong := wrong & (self.lengths != ANY_NUMBER)).any():
            sample, k = (int(places[0]) for places in np.nonzero(wrong))
            where = f"sample {sample}: " if batched else ""
            raise IndexError(f"{where}{self.labels()[k]} is {beyond_table(rows[sample, k], self.lengths[k])}")

    def _of_objects(self, array: NDArray[Any], given: Any) -> Array:
        """Fractions, whole numbers of any size, and what else is a real number to Python."""
        if any(isinstance(x, Value) for x in array.flat):
            raise TypeError(f"{self.name} must hold numbers, got Values: give their numbers, v.data")
        try:
            return np.array([as_float(x) for x in array.flat]).reshape(array.shape)
        except (TypeError, OverflowError):
            raise ValueError(f"{self.name} must hold real numbers, {self._expected()}; got {_short(given)}") from None

    def _expected(self) -> str:
        if self.shape == ():
            return "a number, or an array of one number a sample"
        return (
            f"of shape {self.shape} for one sample, or (samples, {', '.join(map(str, self.shape or ()))}) for several"
        )

    def _read_ragged(self, given: Any) -> tuple[list[list[Any]], bool]:
        wanted = _lengths(self.example)
        if _lengths(given) == wanted:
            return [flatten(given, self.name)[0]], False
        if isinstance(given, Sequence) and given and all(_lengths(sample) == wanted for sample in given):
            return [flatten(sample, self.name)[0] for sample in given], True
        raise ValueError(f"{self.name} must be nested as its example is, or a list of such; got {_short(given)}")

    def labels(self) -> list[str]:
        """A name for each of its numbers: x for a single one, x[1] or x[1][0] in a sequence, by its place if ragged."""
        if self.shape is None:
            return [f"{self.name}, number {k}" for k in range(self.size)]
        return [self.name + "".join(f"[{k}]" for k in place) for place in np.ndindex(*self.shape)]

    def shaped(self, columns: Array, batched: bool) -> Any:
        """Rows of numbers, one for each of the argument's, in the argument's shape."""
        rebuild = None if self.shape is not None else flatten(self.example, self.name)[1]
        return shaped(columns, self.shape, rebuild, batched)


def shaped(columns: Any, shape: tuple[int, ...] | None, rebuild: Any, batched: bool, as_numbers: bool = True) -> Any:
    """Rows of numbers as an array of a shape behind the samples' axis; or nested as `rebuild` does it.

    Args:
        rebuild: nests numbers, where the shape is None.
        as_numbers: whether numbers of one sample are Python's; else they are arrays without axes.
    """
    if shape == () and batched:
        return columns[:, 0]
    if shape is None:
        numbers: Iterator[Any] = iter(columns.T if batched else columns[0].tolist() if as_numbers else columns[0])
        return rebuild(numbers)
    array = columns.reshape((columns.shape[0], *shape) if batched else shape)
    return array if batched or shape or not as_numbers else array.item()


def read_batch(arguments: Sequence[Argument], given: Sequence[Any], dtype: Any) -> tuple[list[Array], bool, int]:
    """All arguments as rows, whether they were batches, and how many samples there are.

    Raises:
        TypeError: for too many or too few arguments.
        ValueError: where they are not of the same number of samples.
    """
    if not HAVE_NUMPY:
        raise ModuleNotFoundError(
            "a compiled program runs on NumPy's arrays, and NumPy is not installed: pip install numpy. Where there is "
            "none, as in the browser, the program's source can be read, and the function run node by node",
            name="numpy",
        )
    if given and _are_rows(arguments, given, dtype):
        return list(given), True, len(given[0])
    return read_together(arguments, given, lambda argument, x: argument.read(x, dtype))


def read_together(
    arguments: Sequence[Argument], given: Sequence[Any], read: Callable[[Argument, Any], tuple[Any, bool]]
) -> tuple[list[Any], bool, int]:
    """All arguments as rows of whatever library; see `read_batch`.

    Args:
        read: makes rows of one argument, and tells whether it was a batch.
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
        raise ValueError(f"{one} is one sample, where others are batches: give as many samples of each argument")
    lengths = {int(array.shape[0]) for array in rows}
    if len(lengths) > 1:
        told = ", ".join(f"{array.shape[0]} of {a.name}" for a, array in zip(arguments, rows))
        raise ValueError(f"a batch has as many samples of each argument, got {told}")
    (samples,) = lengths or {1}
    if samples == 0:
        raise ValueError("a batch must hold at least one sample, got none")
    return rows, set(kinds) == {True}, samples


def _are_rows(arguments: Sequence[Argument], given: Sequence[Any], dtype: Any) -> bool:
    """Tell whether these are rows already, as in training, where every microsecond counts."""
    samples = len(given[0]) if type(given[0]) is np.ndarray and given[0].ndim else 0
    for argument, x in zip(arguments, given):
        if type(x) is not np.ndarray or x.dtype is not dtype:
            return False
        shape = x.shape
        if len(shape) != 2 or shape[0] != samples or shape[1:] != argument.shape:
            return False
    return samples > 0 and len(given) == len(arguments)


def refuse_unless_flat(name: str, vector: Array, size: int, dtype: np.dtype[Any]) -> None:
    """Raise for what is no contiguous vector of a size: views of it would go beyond its memory, or lie in a copy."""
    if not isinstance(vector, np.ndarray):
        raise TypeError(f"{name} must be a vector of NumPy's, got {type(vector).__name__}")
    if vector.shape != (size,) or vector.dtype != dtype or not vector.flags.c_contiguous:
        contiguous = "" if vector.flags.c_contiguous else ", not contiguous"
        raise ValueError(
            f"{name} must be a contiguous vector of {size} numbers of {dtype}, one for each of the program's "
            f"parameters; got shape {vector.shape}, {vector.dtype}{contiguous}"
        )


def _as_array(given: Any) -> Array:
    """An array; of rows that are no array, one of None."""
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
