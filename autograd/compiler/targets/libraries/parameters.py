"""The parameters of a program as named arrays, each parameter in exactly one place.

Other libraries keep parameters as a dict of arrays, which their optimizers update separately. A parameter in two of
them, such as a tied weight, would become two numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.program import ArrayProgram
from autograd.reading import numbers_of
from autograd.updates import commit, setting
from autograd.value import Value


class Parameter(NamedTuple):
    """An array of parameters.

    Attributes:
        values: its elements, in row-major order.
    """

    name: str
    shape: tuple[int, ...]
    values: list[Value]

    def numbers(self, dtype: Any) -> NDArray[Any]:
        """Return the current numbers."""
        return np.array(numbers_of(self.values), dtype=dtype).reshape(self.shape)


def parameters_of(program: ArrayProgram, values: Sequence[Value]) -> list[Parameter]:
    """Return a program's arrays of parameters, in the order of its operations.

    Args:
        values: the vector of all parameters.
    """
    return [
        Parameter(operation.name, tuple(index.shape), [values[k] for k in index.reshape(-1).tolist()])
        for operation in program.operations
        if operation.kind == "parameter"
        for index in (operation.attribute.array,)
    ]


def assign(parameters: Iterable[Parameter], arrays: Mapping[str, Any]) -> None:
    """Write the numbers of arrays into Values, atomically.

    Args:
        arrays: NumPy arrays by name.

    Raises:
        ValueError: for a missing or unknown name, or a wrong shape.
    """
    parameters = list(parameters)
    names = [parameter.name for parameter in parameters]
    if set(names) != set(arrays):
        raise ValueError(f"expected the parameters {', '.join(names) or 'none'}; got {', '.join(arrays) or 'none'}")
    numbers: list[float] = []
    for name, shape, _ in parameters:
        array = np.asarray(arrays[name], dtype=float)
        if array.shape != shape:
            raise ValueError(f"{name} must be of shape {shape}, got {array.shape}")
        numbers += array.reshape(-1).tolist()
    commit(setting("data", [value for parameter in parameters for value in parameter.values], numbers))


def with_parameters_once(program: ArrayProgram) -> ArrayProgram:
    """Return the same program with each parameter in only one place of one array.

    The larger of two arrays keeps the shared parameters; the other reads them from it.

    >>> b = Builder()
    >>> w, first = b.parameter([[0, 1], [2, 3]], "w"), b.parameter([0, 4], "p")
    >>> print(with_parameters_once(b.program([b.reduce(w, "sum", [0]) * first])))
    w = parameter                                               (2, 2)
    p = parameter                                               (1,)
    v2 = reshape (w)                                            (4,)
    v3 = concatenate 0 (v2, p)                                  (5,)
    v4 = take [0, 4] (v3)                                       (2,)
    v5 = sum over (0,) (w)                                      (2,)
    v6 = mul (v5, v4)                                           (2,)
    return v6
    """
    indices = {at: o.attribute.array for at, o in enumerate(program.operations) if o.kind == "parameter"}
    kept = _owned(indices)
    if all(kept[at] is index for at, index in indices.items()):
        return program
    arrays = [(kept[at], program.operations[at].name) for at in indices if kept[at].size]
    return _reading(program, arrays)


def with_parameters_of(program: ArrayProgram, other: ArrayProgram) -> ArrayProgram:
    """Return the same program, reading its parameters from the arrays of another program.

    >>> b, c = Builder(), Builder()
    >>> other = c.program([c.parameter([[0, 1], [2, 3]], "w")])
    >>> print(with_parameters_of(b.program([b.parameter([1, 3], "p") * 2.0]), other))
    w = parameter                                               (2, 2)
    v1 = reshape (w)                                            (4,)
    v2 = take [1, 3] (v1)                                       (2,)
    2 = constant 2.0                                            ()
    v4 = mul (v2, 2)                                            (2,)
    return v4
    """
    return _reading(program, [(o.attribute.array, o.name) for o in other.operations if o.kind == "parameter"])


def _reading(program: ArrayProgram, arrays: Sequence[tuple[NDArray[Any], str]]) -> ArrayProgram:
    """Return the same program over other arrays of its parameters, given by elements and names."""
    builder = Builder()
    handles = [builder.parameter(index, name) for index, name in arrays]
    flat = [builder.reshape(handle, (index.size,)) for handle, (index, _) in zip(handles, arrays)]
    places: list[int] = []
    for kind, operands, attribute, _, name in program.operations:
        if kind != "parameter":
            places.append(builder.add(kind, tuple([places[k] for k in operands]), attribute, name))
            continue
        same = [handle for handle, (index, _) in zip(handles, arrays) if np.array_equal(index, attribute.array)]
        places.append((same or [_read(builder, attribute.array, [index for index, _ in arrays], flat)])[0].at)
    outputs, masks = ([Handle(builder, places[at]) for at in ats] for ats in (program.outputs, program.masks))
    layers = {places[at]: layer for at, layer in program.layers.items()}
    return builder.program(outputs, layers, masks)


def _owned(indices: Mapping[int, NDArray[Any]]) -> dict[int, NDArray[Any]]:
    """Return the elements that each array keeps: all, in its shape, or a vector of those that no larger array has."""
    taken: set[int] = set()
    kept = {}
    for at in sorted(indices, key=lambda at: -indices[at].size):
        elements = indices[at].reshape(-1).tolist()
        new = [k for k in dict.fromkeys(elements) if k not in taken]
        kept[at] = indices[at] if len(new) == len(elements) else np.array(new, dtype=np.int64)
        taken.update(new)
    return kept


def _read(builder: Builder, index: NDArray[Any], arrays: Sequence[NDArray[Any]], flat: Sequence[Handle]) -> Handle:
    """Return an array of parameters, read from the arrays that keep them."""
    wanted = set(index.reshape(-1).tolist())
    sources = [k for k, array in enumerate(arrays) if not wanted.isdisjoint(array.reshape(-1).tolist())]
    elements = [element for k in sources for element in arrays[k].reshape(-1).tolist()]
    place = {element: n for n, element in enumerate(elements)}
    positions = np.array([place[element] for element in index.reshape(-1).tolist()], dtype=np.int64)
    return builder.take(builder.concatenate([flat[k] for k in sources], 0), positions.reshape(index.shape))
