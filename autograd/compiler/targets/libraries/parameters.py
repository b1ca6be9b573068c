"""The parameters of a program as arrays with names, in which each parameter stands once.

Outside, parameters are no vector but a dict of arrays, which an optimizer of another library changes one by one. A
parameter that stood in two of them, as tied weights can, would become two numbers.
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
        values: its elements, row by row.
    """

    name: str
    shape: tuple[int, ...]
    values: list[Value]

    def numbers(self, dtype: Any) -> NDArray[Any]:
        """Return the numbers as they are now."""
        return np.array(numbers_of(self.values), dtype=dtype).reshape(self.shape)


def parameters_of(program: ArrayProgram, values: Sequence[Value]) -> list[Parameter]:
    """Return the arrays of parameters of a program, in the order of its operations.

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
    """Write the numbers of arrays into Values: all of them, or none.

    Args:
        arrays: by name, of NumPy.

    Raises:
        ValueError: for a name that is missing or unknown, and for another shape.
    """
    parameters = list(parameters)
    names = [parameter.name for parameter in parameters]
    if set(names) != set(arrays):
        raise ValueError(f"the parameters are {', '.join(names) or 'none'}; got {', '.join(arrays) or 'none'}")
    numbers: list[float] = []
    for name, shape, _ in parameters:
        array = np.asarray(arrays[name], dtype=float)
        if array.shape != shape:
            raise ValueError(f"{name} must be of shape {shape}, got {array.shape}")
        numbers += array.reshape(-1).tolist()
    commit(setting("data", [value for parameter in parameters for value in parameter.values], numbers))


def with_parameters_once(program: ArrayProgram) -> ArrayProgram:
    """Return the same program, in which no parameter stands in two arrays, or twice in one.

    The larger of two arrays keeps what they have in common; the other is read from it.

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
    kept = _kept(indices)
    if all(kept[at] is index for at, index in indices.items()):
        return program
    builder = Builder()
    arrays = {at: builder.parameter(kept[at], program.operations[at].name) for at in indices if kept[at].size}
    flat = {at: builder.reshape(array, (kept[at].size,)) for at, array in arrays.items()}
    places: list[Any] = []
    for at, operation in enumerate(program.operations):
        if operation.kind != "parameter":
            operands = tuple([places[k] for k in operation.operands])
            places.append(builder.add(operation.kind, operands, operation.attribute, operation.name))
        elif kept[at] is indices[at]:
            places.append(arrays[at].at)
        else:
            places.append(_read(builder, indices[at], {k: kept[k] for k in arrays}, flat).at)
    handles = [Handle(builder, places[at]) for at in program.outputs]
    layers = {places[at]: layer for at, layer in program.layers.items()}
    return builder.program(handles, layers, [Handle(builder, places[at]) for at in program.masks])


def _kept(indices: Mapping[int, NDArray[Any]]) -> dict[int, NDArray[Any]]:
    """Return what each array keeps: all in its shape, or as a vector what no larger one has."""
    taken: set[int] = set()
    kept = {}
    for at in sorted(indices, key=lambda at: -indices[at].size):
        elements = indices[at].reshape(-1).tolist()
        new = [k for k in dict.fromkeys(elements) if k not in taken]
        kept[at] = indices[at] if len(new) == len(elements) else np.array(new, dtype=np.int64)
        taken.update(new)
    return kept


def _read(
    builder: Builder, index: NDArray[Any], kept: Mapping[int, NDArray[Any]], flat: Mapping[int, Handle]
) -> Handle:
    """Return an array of parameters, read from those that keep them."""
    wanted = set(index.reshape(-1).tolist())
    sources = [at for at in kept if not wanted.isdisjoint(kept[at].reshape(-1).tolist())]
    elements = [k for at in sources for k in kept[at].reshape(-1).tolist()]
    place = {k: n for n, k in enumerate(elements)}
    positions = np.array([place[k] for k in index.reshape(-1).tolist()], dtype=np.int64).reshape(index.shape)
    return builder.take(builder.concatenate([flat[at] for at in sources], 0), positions)
