"""Parameters as named arrays for other libraries: each in one place, and written back all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import Value
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.libraries.parameters import Parameter, assign, parameters_of, with_parameters_once

VECTOR = np.array([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])


def sums_of(*indices: Any) -> ArrayProgram:
    """The sums of arrays of parameters, with names p0, p1, ..."""
    builder = Builder()
    arrays = [builder.parameter(index, f"p{k}") for k, index in enumerate(indices)]
    return builder.program([builder.reduce(array, "sum", [0]) for array in arrays]).verify()


def named(program: ArrayProgram) -> dict[str, Any]:
    return {o.name: o.attribute.array.tolist() for o in program.operations if o.kind == "parameter"}


def test_arrays_without_shared_parameters_stay() -> None:
    program = sums_of([[0, 1], [2, 3]], [4, 5])
    assert with_parameters_once(program) is program


@pytest.mark.parametrize("indices", [([0, 4], [[0, 1], [2, 3]]), ([[0, 1], [2, 3]], [0, 4]), ([1, 0], [0, 1, 2])])
def test_the_larger_array_keeps_what_two_share(indices: Any) -> None:
    program = sums_of(*indices)
    once = with_parameters_once(program).verify()
    larger = max(range(len(indices)), key=lambda k: np.size(indices[k]))
    arrays = named(once)
    assert arrays[f"p{larger}"] == np.array(indices[larger]).tolist()
    elements = [k for array in arrays.values() for k in np.ravel(array).tolist()]
    assert sorted(elements) == sorted({k for index in indices for k in np.ravel(index).tolist()})
    for before, after in zip(program.evaluate({}, VECTOR), once.evaluate({}, VECTOR)):
        assert np.array_equal(before, after)


def test_numbers_are_written_into_the_parameters() -> None:
    values = [Value(x) for x in VECTOR.tolist()]
    matrix, vector = parameters_of(sums_of([[0, 1], [2, 3]], [5, 4]), values)
    assert (matrix.name, matrix.shape, vector.numbers(float).tolist()) == ("p0", (2, 2), [13.0, 11.0])
    assign([matrix, vector], {"p1": [1.0, 2.0], "p0": np.arange(4.0).reshape(2, 2)})
    assert [v.data for v in values] == [0.0, 1.0, 2.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("names", "arrays", "message"),
    [
        (["w"], {}, "^expected the parameters w; got none$"),
        ([], {"w": [1.0], "b": [1.0]}, "^expected the parameters none; got w, b$"),
        (["w", "b"], {"w": [1.0]}, "^expected the parameters w, b; got w$"),
        (["w"], {"w": [1.0, 2.0]}, r"^w must be of shape \(1,\), got \(2,\)$"),
    ],
)
def test_other_arrays_are_refused(names: list[str], arrays: dict[str, Any], message: str) -> None:
    parameters = [Parameter(name, (1,), [Value(3.0)]) for name in names]
    with pytest.raises(ValueError, match=message):
        assign(parameters, arrays)
    assert all(parameter.values[0].data == 3.0 for parameter in parameters)
