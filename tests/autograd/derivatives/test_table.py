"""Each row of the derivative table is complete; rows that lack a form are listed here, with the reason."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, compile, grad, primitive, where
from autograd.compiler.differentiate.rules import recorded
from autograd.compiler.program import Program
from autograd.compiler.targets import kernels, references
from autograd.compiler.targets.kernels import named_function, one_by_one
from autograd.table import OURS, TABLE, Primitive, Slope, row
from nn.cli.expressions import FUNCTIONS

Thin = Callable[[str], AbstractContextManager[None]]

ROWS = sorted(OURS)

ORDERS = "how often it differentiates is among its inputs, and decides which formula it is"
DERIVATIVES_OF_ANY_ORDER = ("power_derivative", "atan2_derivative", "lgamma_derivative")
NUMBER_BY_NUMBER = {
    "erf": "NumPy has no error function",
    "erfc": "NumPy has no error function",
    "gamma": f"its derivative does: {ORDERS}",
    "lgamma": f"its derivative does: {ORDERS}",
    **dict.fromkeys(DERIVATIVES_OF_ANY_ORDER, ORDERS),
}
"""Rows that emitted source calls number by number, and why."""

NO_MACHINE_CODE = {
    "gamma": "C has no derivatives of the gamma function",
    "lgamma": "C has no derivatives of the gamma function",
    "fsum": "C has no sum that is rounded once",
    **dict.fromkeys(DERIVATIVES_OF_ANY_ORDER, ORDERS),
}
"""Rows with which a program runs as Python, and why."""

ELSEWHERE: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "abs": abs,
    "power": lambda a, b: a**b,
    "constant_power": lambda a: a**2.5,
    "sum": lambda *xs: autograd.sum(xs),
    "mean": lambda *xs: autograd.mean(xs),
    "prod": lambda *xs: autograd.prod(xs),
    "dot": lambda *xs: autograd.dot(xs[:1], xs[1:2], xs[2]),
    "max": lambda *xs: autograd.max(xs),
    "min": lambda *xs: autograd.min(xs),
    "logsumexp": lambda *xs: autograd.logsumexp(xs),
    "where": lambda c, a, b: where(c > 0, a, b),
    "norm": lambda *xs: autograd.math.hypot(*xs),
    "fsum": lambda *xs: autograd.math.fsum(xs),
}
"""Rows that are not exported directly, and the operations that express them."""

INTERNAL = {
    "detach",
    "identity",
    "ratio",
    "entry_at",
    *(name for name in ROWS if name.endswith(("_slope", "_derivative"))),
}
"""Rows that other rows are made of, and the one that `autograd.take` leaves in compiled programs."""


def inputs_of(name: str) -> int:
    """Count the operands of a primitive; three for one that takes any number."""
    parameters = inspect.signature(TABLE[name].derivatives).parameters.values()
    return 3 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(parameters) - 1


def function_of(name: str) -> Callable[..., Any]:
    return ELSEWHERE.get(name, TABLE[name])


def compiled(thin: Thin, way: str, function: Callable[..., Any], name: str) -> Program:
    count = len(inspect.signature(function).parameters) if name == "constant_power" else inputs_of(name)
    with thin(way):
        return compile(function, *[1.5 if name.startswith("acosh") else 0.5] * count)


# Required parts of a row


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_what_it_computes(name: str) -> None:
    doc = TABLE[name].__doc__
    assert doc
    assert doc.endswith(".")


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_exported_and_a_method(name: str) -> None:
    entry = TABLE[name]
    if name in INTERNAL:
        assert name not in autograd.__all__
    elif name in ELSEWHERE:
        count = 1 if name == "constant_power" else inputs_of(name)
        assert ELSEWHERE[name](*[Value(0.5 + k) for k in range(count)]).primitive is entry
    else:
        assert name in autograd.__all__, f"autograd/__init__.py does not export {name}"
        assert getattr(autograd, name) is entry
        assert FUNCTIONS[name] is entry, f"expressions do not know {name}"
        if inputs_of(name) == 1:
            assert inspect.getattr_static(Value, name, None) is entry, f"Value has no method {name}"


def test_rows_that_go_number_by_number_are_known(thin: Thin, monkeypatch: pytest.MonkeyPatch) -> None:
    """All other rows, and their derivatives, are array operations in emitted source."""
    called = set[object]()

    def recorded(forward: Callable[..., float]) -> Callable[..., Any]:
        called.add(forward)
        return one_by_one(forward)

    monkeypatch.setattr(references, "one_by_one", recorded)
    slow = set()
    for name in ROWS:
        called.clear()
        program = compiled(thin, "arrays", function_of(name), name)
        assert "def forward" in program.source + program.input_gradients_source
        slow |= {name} if called else set()
    assert slow == set(NUMBER_BY_NUMBER)


def test_rows_without_machine_code_are_known(thin: Thin) -> None:
    """All other rows, and their derivatives, become machine code that computes the same as Values."""
    without = set()
    for name in ROWS:
        function = function_of(name)
        program = compiled(thin, "machine code", function, name)
        count = 1 if name == "constant_power" else inputs_of(name)
        for first in (1.5, 2.5) if name.startswith("acosh") else (0.5, -0.75):
            numbers = (first, 0.25, 1.0, 1.0)[:count]
            values = list(map(Value, numbers))
            try:
                result = function(*values)
            except ValueError:  # such as the logarithm of a negative number
                continue
            result.backward()
            expected = [result.data, *(v.grad for v in values)]
            if all(map(math.isfinite, expected)):
                value, slopes = program.value_and_grad(*numbers)
                np.testing.assert_allclose([value, *np.atleast_1d(slopes)], expected, rtol=1e-14)
        without |= set() if "run as machine code" in str(program) else {name}
    assert without == set(NO_MACHINE_CODE)


# A row's claims about its numbers

SPECIAL = (0.0, -0.0, 5e-324, -1e-310, 1e-200, -1e-20, 0.25, -0.5, 1.0, -1.0, 2.0, -3.0, math.pi / 2, 20.0, -40.0)
LARGE = (709.78, -709.79, 710.47, -745.2, 1e15, -1e16, 1e154, -1e200, 1.7e308, -1.7e308, math.inf, -math.inf)
NUMBERS = (*SPECIAL, *LARGE)
FEW = (0.0, -0.0, 5e-324, 0.25, -1.0, 2.0, -3.0, 709.0, -1e16, 1e200, -1.7e308, math.inf, -math.inf)


def points(name: str, others: Sequence[float] = ()) -> list[tuple[float, ...]]:
    """Draw numbers from the whole domain and beyond: no row raises for any of them when it computes arrays.

    Args:
        others: further numbers that an input may be.
    """
    if name == "where":  # its condition is 0 or 1
        return list(itertools.product((0.0, 1.0), (*FEW, *others), (*FEW, *others)))
    if name == "constant_power":  # its exponent is known, and 0 is folded earlier
        return list(itertools.product((*NUMBERS, *others), (-2.0, 0.5, 1.0, 2.5, 3.0)))
    if name == "entry_at":  # its index is a small integer, or not in the table
        return list(itertools.product((*FEW, *others), (*FEW, *others), (0.0, 1.0, 2.0, -1.0, 0.5)))
    if name == "lgamma_derivative":
        return list(itertools.product((*NUMBERS, *others), (1.0, 2.0, 3.0)))
    if name in DERIVATIVES_OF_ANY_ORDER:  # their orders are small integers
        return list(itertools.product((*FEW, *others), (*FEW, *others), (0.0, 1.0, 2.0), (0.0, 1.0, 2.0)))
    count = inputs_of(name)
    return list(itertools.product((*(NUMBERS if count < 3 else FEW), *others), repeat=count))


COMPUTED_OTHERWISE = ("sum", "dot", "constant_power", *DERIVATIVES_OF_ANY_ORDER)
"""Rows that are contractions, or whose rules ask what number an input is."""

Column = np.ndarray[Any, Any]


def value_by_arrays(name: str, columns: Sequence[Column]) -> Column:
    """Compute values by emitted source, or one by one for rows that are called for each number."""
    entry = TABLE[name]
    known, definition = named_function(entry), references.own_expression(entry)
    if known is not None:
        return np.asarray(known(*columns))
    if definition is None:
        return np.array([entry.ieee_value(numbers) for numbers in zip(*columns)])
    names = [operation.name for operation in definition.operations if operation.kind == "argument"]
    return definition.evaluate(dict(zip(names, [x[:, None] for x in columns])))[0][:, 0]


def derivatives_by_arrays(name: str, columns: Sequence[Column], out: Column) -> list[Column]:
    """Compute derivatives by emitted source, a column for each input."""
    entry = TABLE[name]
    if entry.reduces:
        return list(kernels.HELPERS[entry.reduces](*columns, *([out] if entry.chooses else [])))
    rule = recorded(entry, (None,) * len(columns))
    assert rule is not None
    values = [*columns, out]

    def read(at: int | None, number: float) -> Column:
        return np.full(len(out), number) if at is None else values[at]

    for step, operands in rule.steps:
        values.append(kernels.array_function(step)(*[read(*operand) for operand in operands]))
    return [read(*result) for result in rule.results]


def computed(name: str, others: Sequence[float] = ()) -> Iterator[tuple[tuple[float, ...], float, tuple[float, ...]]]:
    """Yield inputs, values and local derivatives, as the engine and as compiled programs compute them."""
    entry, inputs = TABLE[name], points(name, others)
    with np.errstate(all="ignore"):
        for numbers in inputs:
            out = entry.ieee_value(numbers)
            yield numbers, out, entry.local_derivatives(numbers, out)
        if name in COMPUTED_OTHERWISE:
            return
        columns = list(np.array(inputs).T)
        values = value_by_arrays(name, columns)
        slopes = zip(*derivatives_by_arrays(name, columns, values))
        yield from zip(inputs, values.tolist(), slopes)


IS_IN_CLASS: dict[Slope, Callable[[float, float], bool]] = {
    Slope.NONE: lambda slope, out: slope == 0,
    Slope.FINITE: lambda slope, out: math.isfinite(slope),
    Slope.BOUNDED: lambda slope, out: math.isfinite(slope) or math.isnan(out),
    Slope.LIKE_VALUE: lambda slope, out: math.isfinite(slope) or not math.isfinite(out),
    Slope.SINGULAR: lambda slope, out: True,
}


@pytest.mark.parametrize("name", ROWS)
def test_local_derivatives_are_what_the_row_says(name: str) -> None:
    is_in_class = IS_IN_CLASS[TABLE[name].slope]
    wrong = [
        (numbers, out, slopes)
        for numbers, out, slopes in computed(name, [math.nan])
        if not all(is_in_class(slope, out) for slope in slopes[name == "where" :])
    ]
    assert not wrong


@pytest.mark.parametrize("name", ROWS)
def test_values_keep_infinity_and_show_nan_where_the_row_says_so(name: str) -> None:
    entry = TABLE[name]
    for numbers, out, _ in computed(name, [math.nan]):
        for place in entry.keeps_infinity:
            assert math.isfinite(numbers[place]) or not math.isfinite(out), numbers
        if not entry.hides_nan and any(map(math.isnan, numbers)):
            assert math.isnan(out), numbers


# Results of arrays and machine code

ORDINARY = (0.25, -0.5, 1.0, 1.5, 2.0, -3.0)


@pytest.mark.parametrize("name", [name for name in ROWS if name not in COMPUTED_OTHERWISE])
def test_rules_of_arrays_are_those_of_floats(name: str) -> None:
    """The rules for floats are compared with mpmath elsewhere."""
    entry, inputs = TABLE[name], list(itertools.product(ORDINARY, repeat=inputs_of(name)))
    outs = [entry.ieee_value(numbers) for numbers in inputs]
    slopes = [entry.local_derivatives(numbers, out) for numbers, out in zip(inputs, outs)]
    has_number = np.isfinite(outs) & np.isfinite(slopes).all(axis=1)
    columns = list(np.array(inputs).T)
    if name == "acosh_slope":  # below 1, where acosh has no value, one of the two rules has a number for its slope
        has_number &= columns[0] > 1
    with np.errstate(all="ignore"):
        values = value_by_arrays(name, columns)
        derivatives = np.array(derivatives_by_arrays(name, columns, values)).T
    assert has_number.any()
    np.testing.assert_allclose(values[has_number], np.array(outs)[has_number], rtol=1e-14)
    np.testing.assert_allclose(derivatives[has_number], np.array(slopes)[has_number], rtol=1e-12, atol=1e-15)


# One more row


@pytest.fixture
def extended_table() -> Iterator[Callable[..., Primitive]]:
    """Return a function that adds rows like the package's own, for the duration of a test."""
    names = []

    def add(*args: Any, **fields: Any) -> Primitive:
        entry = row(*args, **fields)
        names.append(entry.name)
        return entry

    yield add
    for name in names:
        del TABLE[name]
        OURS.remove(name)


def test_a_row_alone_makes_a_function_an_array_operation_and_machine_code(
    extended_table: Callable[..., Primitive], thin: Thin, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubled = extended_table(
        "doubled",
        math.exp2,
        lambda x, out: (math.log(2) * out,),
        doc="2 to the power of x.",
        array="exp2",
        machine="exp2",
        slope=Slope.LIKE_VALUE,
    )

    def f(x: Any, y: Any) -> Any:
        return where(x > 0, doubled(x * y), x)

    value, slopes = 2.0**1.5, (2.0**1.5 * math.log(2) * 3.0, 2.0**1.5 * math.log(2) * 0.5)
    x, y = Value(0.5), Value(3.0)
    f(x, y).backward()
    assert (f(x, y).data, x.grad, y.grad) == (value, *slopes)
    assert grad(grad(doubled))(0.0) == pytest.approx(math.log(2) ** 2)

    monkeypatch.setattr(references, "one_by_one", None)  # it is not called
    for way in ("arrays", "machine code", "Python"):
        with thin(way):
            program = compile(f, 0.25, 0.25)
        result = program.value_and_grad(0.5, 3.0)
        assert (result[0], *result[1]) == pytest.approx((value, *slopes), rel=1e-15)
        assert way == "arrays" or f"run as {way}" in str(program)
        assert "doubled(" in program.source
    with thin("arrays"):
        assert compile(f, 0.25, 0.25)([0.5, -0.5], [3.0, 3.0]).tolist() == [value, -0.5]
        source = compile(lambda exp2, f=doubled: f(exp2), 0.25).source
    assert "def forward(exp21):" in source  # an argument does not hide the function


def test_a_row_that_is_an_expression_needs_no_names(extended_table: Callable[..., Primitive], thin: Thin) -> None:
    logcosh = extended_table(
        "logcosh",
        lambda x: abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2),
        lambda x, out: (autograd.tanh(x),),
        doc="The logarithm of cosh(x), without overflow.",
        array=lambda x: abs(x) + autograd.log1p(autograd.exp(-2 * abs(x))) - math.log(2),
    )
    for way in ("arrays", "machine code", "Python"):
        with thin(way):
            program = compile(lambda x: logcosh(x) * x, 0.25)
        for x in (800.0, -0.3):
            value = x * logcosh(x)
            assert program.value_and_grad(x) == pytest.approx((value, logcosh(x) + x * math.tanh(x)), rel=1e-14)
        assert "def logcosh(x):" in program.source
        assert way == "arrays" or f"run as {way}" in str(program)


def test_what_a_row_says_of_its_derivatives_spares_masks(extended_table: Callable[..., Primitive], thin: Thin) -> None:
    sources = []
    for name, slope in (("gauss", Slope.BOUNDED), ("gauss2", Slope.SINGULAR)):
        bell = extended_table(
            name, lambda x: autograd.exp(-x * x), lambda x, out: (-2 * x * out,), doc="exp(-x²).", slope=slope
        )
        with thin("arrays"):
            sources.append(compile(lambda x, f=bell: autograd.maximum(f(x), x), 0.25).input_gradients_source)
    assert ["where(" in source for source in sources] == [False, True]


# Custom primitives


@pytest.fixture
def own_name(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"own {request.node.name}"
    yield name
    TABLE.pop(name, None)


def test_ones_own_may_name_functions_of_numpy_and_of_c(own_name: str, thin: Thin) -> None:
    own = primitive(own_name, math.exp2, lambda x, out: (math.log(2) * out,), array="exp2", machine="exp2")
    for way in ("arrays", "machine code", "Python"):
        with thin(way):
            program = compile(lambda x: own(x) * x, 0.25)
        value, slope = program.value_and_grad(1.5)
        assert value == pytest.approx(2.0**1.5 * 1.5, rel=1e-15)
        assert slope == pytest.approx(2.0**1.5 * (1 + 1.5 * math.log(2)), rel=1e-15)
        assert way == "arrays" or f"run as {way}" in str(program)


def test_a_name_that_numpy_does_not_know_is_told(own_name: str, thin: Thin) -> None:
    own = primitive(own_name, lambda x: x if x > 0 else 0.0, lambda x, out: (1.0,), array="ramp")
    with thin("arrays"), pytest.raises(ValueError, match="names 'ramp' as its form for arrays, but NumPy has no"):
        compile(lambda x: own(x) * x, 0.25)


@pytest.mark.parametrize(
    ("machine", "message"),
    [("system", "names 'system' as its form for machine code, but math.h has no"), ("pow", "has 1 input.*takes 2")],
)
def test_a_name_that_c_does_not_know_is_told(machine: str, message: str, own_name: str, thin: Thin) -> None:
    own = primitive(own_name, lambda x: x if x > 0 else 0.0, lambda x, out: (1.0,), machine=machine)
    with thin("machine code"), pytest.raises(ValueError, match=message):
        compile(lambda x: own(x) * x, 0.25)
