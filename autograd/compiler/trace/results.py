"""Convert between columns, one for each number that the function returns, and the structure that users see."""

from __future__ import annotations

from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.trace.signature import shape_of, shaped
from autograd.nested import flatten

Array = NDArray[Any]


class Results:
    """The structure of a function's results, and which of them are differentiated.

    Args:
        structure: what the function returned while it was traced.
        has_aux: whether that is a pair of a Value and others that are only handed out.

    Attributes:
        count: how many numbers there are.
        differentiated: how many of them, from the first on, have derivatives.
        has_aux: as given.
        shape: of the results as an array, those that are only handed out where there are such; None where ragged.

    Raises:
        TypeError: where `has_aux` is said of something else than such a pair.
    """

    shape: tuple[int, ...] | None

    def __init__(self, structure: Any, has_aux: bool) -> None:
        if has_aux and not _is_pair_of_one_and_others(structure):
            raise TypeError("with has_aux, the function returns a pair: one Value, and auxiliary Values")
        name = "the function's result"
        numbers, rebuild = flatten(structure, name)
        self.count: int = len(numbers)
        self.differentiated: int = 1 if has_aux else self.count
        self._structure = rebuild(iter([0.0] * self.count))  # which does not keep the graph in memory
        self.has_aux = has_aux
        shown = self._structure[1] if has_aux else self._structure
        self.shape, self._rebuild = shape_of(shown), flatten(shown, name)[1]

    def refuse_several(self, remedy: str) -> None:
        """Raise TypeError where several numbers have derivatives."""
        if self.differentiated > 1:
            raise TypeError(f"the function returns several numbers: {remedy}")

    def shaped(self, outputs: Any, batched: bool, as_numbers: bool = True) -> Any:
        """Columns in the structure that the function returns: arrays of a row a sample, or numbers of one sample.

        Args:
            outputs: an array of whatever library.
            as_numbers: as that of `signature.shaped`.
        """
        if not self.has_aux:
            return shaped(outputs, self.shape, self._rebuild, batched, as_numbers)
        rest = shaped(outputs[:, 1:], self.shape, self._rebuild, batched, as_numbers)
        return shaped(outputs[:, :1], (), next, batched, as_numbers), rest

    def read_gradients(self, gradients: Any, samples: int, batched: bool, dtype: Any) -> Array:
        """The derivatives to the results, given in their structure, as a column for each.

        Raises:
            ValueError: where they are nested or shaped in another way, or not finite.
        """
        shape = (samples,) if batched else ()
        try:
            flat = [np.asarray(x, dtype) for x in _parts(gradients, self._structure, len(shape))]
        except (TypeError, ValueError):
            flat = []
        if len(flat) != self.differentiated or any(x.shape != shape for x in flat):
            raise ValueError("gradients must be shaped like what calling the program with these arguments gives")
        columns = np.stack([x.reshape(samples) for x in flat], axis=1)
        if not np.isfinite(columns).all():
            raise ValueError(f"gradients must be finite, got {columns[~np.isfinite(columns)][0]}")
        return columns


def _is_pair_of_one_and_others(structure: Any) -> bool:
    return isinstance(structure, (list, tuple)) and len(structure) == 2 and shape_of(structure[0]) == ()


def _parts(gradients: Any, structure: Any, axes: int) -> list[Any]:
    """The gradients to each of the results, behind as many axes of samples; nothing for what has another shape."""
    shape = shape_of(structure)
    if shape is None:
        return _numbers(gradients, structure)
    array = np.asarray(gradients)
    if array.shape[axes:] != shape:
        return []
    flat = array.reshape(*array.shape[:axes], -1)
    return [flat[..., k] for k in range(flat.shape[-1])]


def _numbers(gradients: Any, structure: Any) -> list[Any]:
    """The gradients to results of an uneven structure, where each number has an array of its own."""
    if not isinstance(structure, (list, tuple)):
        return [gradients]
    if not isinstance(gradients, (list, tuple, np.ndarray)) or len(gradients) != len(structure):
        return []
    return [part for g, s in zip(gradients, structure) for part in _numbers(g, s)]
