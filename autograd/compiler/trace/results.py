"""Convert between columns, one per number that the function returns, and the structure that users see."""

from __future__ import annotations

from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.trace.signature import shape_of, shaped
from autograd.nested import flatten

Array = NDArray[Any]


class Results:
    """The structure of a function's results, and the number of differentiated ones.

    Args:
        structure: the result of the traced run.
        has_aux: whether it is a pair of a Value and auxiliary values, which are returned but not differentiated.

    Attributes:
        count: the number of results.
        differentiated: the number of differentiated ones, which come first.
        has_aux: as given.
        shape: the shape of the results (with `has_aux`, of the auxiliary ones) as an array; None if ragged.

    Raises:
        TypeError: if `has_aux` is set and the structure is not such a pair.
    """

    shape: tuple[int, ...] | None

    def __init__(self, structure: Any, has_aux: bool) -> None:
        if has_aux and not _is_pair_of_one_and_others(structure):
            raise TypeError("with has_aux, the function must return a pair: one Value, and auxiliary Values")
        name = "the function's result"
        numbers, rebuild = flatten(structure, name)
        self.count: int = len(numbers)
        self.differentiated: int = 1 if has_aux else self.count
        self._structure = rebuild(iter([0.0] * self.count))  # plain numbers, which do not keep the graph alive
        self.has_aux = has_aux
        shown = self._structure[1] if has_aux else self._structure
        self.shape, self._rebuild = shape_of(shown), flatten(shown, name)[1]

    def refuse_several(self, remedy: str) -> None:
        """Raise TypeError if several results are differentiated."""
        if self.differentiated > 1:
            raise TypeError(f"the function returns several numbers: {remedy}")

    def shaped(self, outputs: Any, batched: bool, as_numbers: bool = True) -> Any:
        """Return columns in the function's structure: arrays with a row per sample, or the numbers of one sample.

        Args:
            outputs: an array of any library.
            as_numbers: as in `signature.shaped`.
        """
        if not self.has_aux:
            return shaped(outputs, self.shape, self._rebuild, batched, as_numbers)
        rest = shaped(outputs[:, 1:], self.shape, self._rebuild, batched, as_numbers)
        return outputs[:, 0] if batched else shaped(outputs[:, :1], (), next, batched, as_numbers), rest

    def read_gradients(self, gradients: Any, samples: int, batched: bool, dtype: Any) -> Array:
        """Return the cotangents of the results, given in the results' structure, with a column for each.

        Raises:
            ValueError: if their structure or shape differs, or they are not finite.
        """
        shape = (samples,) if batched else ()
        try:
            flat = [np.asarray(x, dtype) for x in _parts(gradients, self._structure, len(shape))]
        except (TypeError, ValueError):
            flat = []
        if len(flat) != self.differentiated or any(x.shape != shape for x in flat):
            raise ValueError("gradients must be shaped like the program's result for these arguments")
        columns = np.stack([x.reshape(samples) for x in flat], axis=1)
        if not np.isfinite(columns).all():
            raise ValueError(f"gradients must be finite, got {columns[~np.isfinite(columns)][0]}")
        return columns


def _is_pair_of_one_and_others(structure: Any) -> bool:
    return isinstance(structure, (list, tuple)) and len(structure) == 2 and shape_of(structure[0]) == ()


def _parts(gradients: Any, structure: Any, axes: int) -> list[Any]:
    """Return the gradient of each result, after this many sample axes; an empty list if the shape does not match."""
    shape = shape_of(structure)
    if shape is None:
        return _numbers(gradients, structure)
    array = np.asarray(gradients)
    if array.shape[axes:] != shape:
        return []
    flat = array.reshape(*array.shape[:axes], -1)
    return [flat[..., k] for k in range(flat.shape[-1])]


def _numbers(gradients: Any, structure: Any) -> list[Any]:
    """Return the gradients of results with a ragged structure, in which each number has a separate array."""
    if not isinstance(structure, (list, tuple)):
        return [gradients]
    if not isinstance(gradients, (list, tuple, np.ndarray)) or len(gradients) != len(structure):
        return []
    return [part for g, s in zip(gradients, structure) for part in _numbers(g, s)]
