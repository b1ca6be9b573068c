"""Layouts of unrolled programs: the number that each operation is, or reads, told by the program itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.operations import N
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.targets.straight_line.layout import Element, Layout, lay_out
from autograd.compiler.trace.comparisons import COMPARISONS


def elements(layout: Layout, references: list[int]) -> list[tuple[str, int] | int]:
    """The array and number of each element; the place of an operation."""
    read = [(layout.element(reference), reference) for reference in references]
    return [reference if element is None else (element.array, element.at) for element, reference in read]


def test_structural_operations_are_references() -> None:
    builder = Builder()
    x, y = builder.argument("x", 3), builder.argument("y", 2)
    w = builder.parameter([4, 2], "w")
    last = builder.slice(x, 1, 2, 3)
    both = builder.concatenate([last, y], 1)
    of_w = builder.broadcast(builder.slice(w, 0, 1, 2), (N, 1))
    product = last * of_w
    number = builder.constant(2.0)
    doubled = builder.guard(product, 0) * number
    mask = builder.apply(COMPARISONS[">"], last, 0.5)
    program = builder.program([builder.concatenate([doubled, of_w, both], 1)], masks=[mask]).verify()
    layout = lay_out(program)
    places = {operation.name: at for at, operation in enumerate(program.operations)}
    assert elements(layout, layout.results[0]) == [doubled.at, ("p", 2), ("x", 2), ("x", 3), ("x", 4)]
    assert [layout.references[at] for at in (product.at, number.at)] == [product.at, number.at]
    assert layout.element(layout.references[last.at]) == Element("x", 2, places["x"])
    assert layout.element(layout.references[of_w.at]) == Element("p", 2, places["w"])
    assert (layout.arguments, layout.first_backward) == (5, len(program.operations))
    assert layout.element(len(program.operations) - 1) is None
    assert layout.order == [product.at, doubled.at], "not the condition, which no result depends on"


def test_gradients_that_are_zero_have_no_numbers() -> None:
    builder = Builder()
    x, y = builder.argument("x", 2), builder.argument("y", 2)
    product = builder.slice(x, 1, 0, 1) * builder.slice(x, 1, 1, 2)
    backward = to_arguments(builder.program([product]).verify(), 1, unrolled=True)
    layout = lay_out(backward)
    values, of_x, of_y = layout.results
    assert (len(values), len(of_x), of_y) == (1, 2, [])
    seeds = [at for at, operation in enumerate(backward.operations) if operation.name == "gradient"]
    assert layout.first_backward == seeds[0] == len(builder.program([product]).operations)
    assert layout.element(layout.references[seeds[0]]) == Element("seeds", 0, seeds[0])
    assert y.shape == (N, 2)


def test_derivatives_of_one_operation_are_its_elements() -> None:
    builder = Builder()
    w = builder.parameter(range(3), "w")
    columns = [builder.broadcast(builder.slice(w, 0, k, k + 1), (N, 1)) for k in range(3)]
    total = builder.apply(primitives.logsumexp, *columns)
    backward = to_parameters(builder.program([total]).verify(), 1, unrolled=True)
    layout = lay_out(backward)
    (at,) = [at for at, operation in enumerate(backward.operations) if operation.kind == "slopes"]
    assert at in layout.order
    assert [layout.element(reference) for reference in layout.slopes(at)] == [
        Element("slopes", k, at) for k in range(3)
    ]
    assert [element for element in layout.elements if element.array == "slopes"] == [
        Element("slopes", k, at) for k in range(3)
    ]
    assert len(layout.results[1]) == 3


@pytest.mark.parametrize(("function", "axis"), [("max", 0), ("sum", 1)])
def test_other_reductions_than_sums_over_samples_are_refused(function: Any, axis: int) -> None:
    builder = Builder()
    x = builder.argument("x", 3)
    program = builder.program([builder.reduce(x, function, [axis])])
    assert np.ndim(program.evaluate({"x": np.ones((2, 3))})[0]) == 1
    with pytest.raises(ValueError, match="straight-line code does not support reduce"):
        lay_out(program)


def test_an_argument_without_numbers_has_no_references() -> None:
    builder = Builder()
    nothing, x = builder.argument("nothing", 0), builder.argument("x", 1)
    layout = lay_out(builder.program([builder.concatenate([nothing, x, nothing], 1)]).verify())
    assert elements(layout, layout.results[0]) == [("x", 0)]
