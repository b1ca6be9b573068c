"""Every primitive of the table against mpmath at 50 digits, over its whole domain.

A value must lie within 4 units in the last place of the truth. A derivative must lie within 4 units in the last place
of the largest term of its formula, since a sum of terms such as o - o² inevitably loses digits: `REFERENCES` states
the terms of each formula, and `EXCEPTIONS` is the complete list of cases, with reasons, where more units are allowed.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
from autograd import Value, grad, jacobian
from autograd.primitives import TABLE, Primitive

pytestmark = pytest.mark.usefixtures("fifty_digits")

Terms = Sequence[Any] | None  # the terms of a formula, numbers of 50 digits; None where the derivative is undefined

HUGE = sys.float_info.max
SMALLEST = 5e-324  # the smallest float above 0, and the unit in the last place of all subnormal numbers


# The truth


class Reference(NamedTuple):
    """The truth about one primitive, from mpmath and calculus. All rules take numbers of 50 digits.

    Attributes:
        value: from the inputs to the output.
        first: the terms of the derivative w.r.t. each input that has one.
        second: the same for the second derivatives, a row for each first derivative.
        defined: whether the inputs have a real value.
        argnums: the inputs that derivatives are taken w.r.t.
        inputs: the number of inputs.
        undefined: the error that is raised if there is no value.
        overflow: the error that is raised if the value is too large for a float; None if the value is inf, as with
            Python's operators and `math.hypot`.
    """

    value: Callable[..., Any]
    first: Callable[..., Sequence[Terms]]
    second: Callable[..., Sequence[Sequence[Terms]]]
    defined: Callable[..., bool]
    argnums: tuple[int, ...]
    inputs: int
    undefined: type[Exception] = ValueError
    overflow: type[Exception] | None = None


def everywhere(*_: Any) -> bool:
    return True


def unary(
    value: Callable[..., Any],
    first: Callable[..., Terms],
    second: Callable[..., Terms],
    defined: Callable[..., bool] = everywhere,
    overflow: type[Exception] | None = None,
) -> Reference:
    return Reference(value, lambda x: [first(x)], lambda x: [[second(x)]], defined, (0,), 1, overflow=overflow)


def binary(
    value: Callable[..., Any],
    first: Callable[..., Sequence[Terms]],
    second: Callable[..., Sequence[Sequence[Terms]]],
    defined: Callable[..., bool] = everywhere,
    undefined: type[Exception] = ValueError,
    overflow: type[Exception] | None = None,
) -> Reference:
    return Reference(value, first, second, defined, (0, 1), 2, undefined, overflow)


def flat(*_: Any) -> Sequence[Sequence[Terms]]:
    """Return the second derivatives of a linear or piecewise linear function."""
    return [[[mpf(0)], [mpf(0)]], [[mpf(0)], [mpf(0)]]]


def power_is_defined(x: Any, y: Any) -> bool:
    return bool(x > 0 or (x == 0 and y >= 0) or (x < 0 and y == mp.floor(y)))


def shifted_power(x: Any, y: Any, shift: int) -> Any:
    """Return x^(y - shift); the sign of a negative base's power needs the exact exponent, of up to 300 digits."""
    sign = -1 if x < 0 and (int(y) - shift) % 2 else 1
    return sign * abs(x) ** (y - shift)


def power_first(x: Any, y: Any) -> Sequence[Terms]:
    to_base = [y * shifted_power(x, y, 1)] if y != 0 else [mpf(0)]
    if x < 0:
        return [to_base, None]  # close to an integer exponent, there is no real value
    return [to_base, [x**y * mp.log(x)] if x > 0 else [mpf(0)]]


def power_second(x: Any, y: Any) -> Sequence[Sequence[Terms]]:
    if x <= 0 or leaves_the_floats(x, y):
        return [[None, None], [None, None]]
    mixed = [x ** (y - 1), y * x ** (y - 1) * mp.log(x)]
    return [[[y * (y - 1) * x ** (y - 2)], mixed], [mixed, [x**y * mp.log(x) ** 2]]]


def constant_power_second(x: Any, n: Any) -> Sequence[Sequence[Terms]]:
    if n in (0, 1):
        return [[[mpf(0)]]]
    return [[None if leaves_the_floats(x, n) else [n * (n - 1) * shifted_power(x, n, 2)]]]


def leaves_the_floats(x: Any, y: Any) -> bool:
    """Tell whether an intermediate power overflows, although the second derivative itself might not."""
    return math.inf in map(float, (abs(x) ** (y - 1), abs(x) ** (y - 2), 1 / abs(x)))


def choice(first_is_taken: Callable[[Any, Any], Any]) -> Callable[..., Sequence[Terms]]:
    def first(a: Any, b: Any) -> Sequence[Terms]:
        share = mpf(1) / 2 if a == b else mpf(bool(first_is_taken(a, b)))
        return [[share], [1 - share]]

    return first


def xlogy_first(x: Any, y: Any) -> Sequence[Terms]:
    return [[mp.log(y)], [x / y if x != 0 else mpf(0)]]


def cube_root(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


def arcsine_first(x: Any) -> Terms:
    return [1 / mp.sqrt((1 - x) * (1 + x))]


def arcsine_second(x: Any) -> Terms:
    return [x / ((1 - x) * (1 + x)) ** mpf(1.5)]


def acosh_second(x: Any) -> Terms:
    return [-x / ((x - 1) * (x + 1)) ** mpf(1.5)]


def atanh_second(x: Any) -> Terms:
    return [2 * x / ((1 - x) * (1 + x)) ** 2]


def hypot_second(x: Any, y: Any) -> Sequence[Sequence[Terms]]:
    h = mp.hypot(x, y)
    return [[[y**2 / h**3], [-x * y / h**3]], [[-x * y / h**3], [x**2 / h**3]]]


def atan2_first(y: Any, x: Any) -> Sequence[Terms]:
    return [[x / (x**2 + y**2)], [-y / (x**2 + y**2)]]


def atan2_second(y: Any, x: Any) -> Sequence[Sequence[Terms]]:
    r = x**2 + y**2
    return [[[-2 * x * y / r**2], [1 / r, -2 * x**2 / r**2]], [[-1 / r, 2 * y**2 / r**2], [2 * x * y / r**2]]]


def sigma(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def sigma_slope(x: Any) -> Any:
    return sigma(x) * sigma(-x)


def sigma_third(x: Any) -> Terms:
    return [sigma_slope(x) * mp.tanh(x / 2) ** 2, -sigma_slope(x) * mp.sech(x / 2) ** 2 / 2]


def bell(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-(x**2))


ONE = mpf(1)

REFERENCES = {
    "add": binary(lambda a, b: a + b, lambda a, b: [[ONE], [ONE]], flat),
    "sub": binary(lambda a, b: a - b, lambda a, b: [[ONE], [-ONE]], flat),
    "mul": binary(lambda a, b: a * b, lambda a, b: [[b], [a]], lambda a, b: [[[mpf(0)], [ONE]], [[ONE], [mpf(0)]]]),
    "div": binary(
        lambda a, b: a / b,
        lambda a, b: [[1 / b], [-a / b**2]],
        lambda a, b: [[[mpf(0)], [-1 / b**2]], [[-1 / b**2], [a / b**3, a / b**3]]],
        lambda a, b: b != 0,
        undefined=ZeroDivisionError,
    ),
    "neg": unary(lambda x: -x, lambda x: [-ONE], lambda x: [mpf(0)]),
    "identity": unary(lambda x: x, lambda x: [ONE], lambda x: [mpf(0)]),
    "power": binary(lambda x, y: x**y, power_first, power_second, power_is_defined, overflow=OverflowError),
    "constant_power": Reference(
        lambda x, n: x**n,
        lambda x, n: power_first(x, n)[:1],
        constant_power_second,
        power_is_defined,
        argnums=(0,),
        inputs=2,
        overflow=OverflowError,
    ),
    "where": Reference(
        lambda c, a, b: a if c else b,
        lambda c, a, b: [[mpf(bool(c))], [mpf(not c)]],
        flat,
        lambda c, a, b: True,
        argnums=(1, 2),
        inputs=3,
    ),
    "abs": unary(abs, lambda x: [mp.sign(x)], lambda x: [mpf(0)]),
    "maximum": binary(max, choice(operator.gt), flat),
    "minimum": binary(min, choice(operator.lt), flat),
    "exp": unary(mp.exp, lambda x: [mp.exp(x)], lambda x: [mp.exp(x)], overflow=OverflowError),
    "expm1": unary(mp.expm1, lambda x: [mp.exp(x)], lambda x: [mp.exp(x)], overflow=OverflowError),
    "log": unary(mp.log, lambda x: [1 / x], lambda x: [-1 / x**2], lambda x: x > 0),
    "log1p": unary(mp.log1p, lambda x: [1 / (1 + x)], lambda x: [-1 / (1 + x) ** 2], lambda x: x > -1),
    "log2": unary(
        lambda x: mp.log(x) / mp.log(2),
        lambda x: [1 / (x * mp.log(2))],
        lambda x: [-1 / (x**2 * mp.log(2))],
        lambda x: x > 0,
    ),
    "log10": unary(
        lambda x: mp.log(x) / mp.log(10),
        lambda x: [1 / (x * mp.log(10))],
        lambda x: [-1 / (x**2 * mp.log(10))],
        lambda x: x > 0,
    ),
    "xlogy": binary(
        lambda x, y: x * mp.log(y) if x != 0 else mpf(0),
        xlogy_first,
        lambda x, y: [[[mpf(0)], [1 / y]], [[1 / y], [-x / y**2]]],
        lambda x, y: y > 0 or (x == 0 and y == 0),
    ),
    "sqrt": unary(mp.sqrt, lambda x: [1 / (2 * mp.sqrt(x))], lambda x: [-1 / (4 * x * mp.sqrt(x))], lambda x: x >= 0),
    "cbrt": unary(cube_root, lambda x: [1 / (3 * cube_root(x) ** 2)], lambda x: [-2 / (9 * cube_root(x) ** 5)]),
    "hypot": binary(mp.hypot, lambda x, y: [[x / mp.hypot(x, y)], [y / mp.hypot(x, y)]], hypot_second),
    "sin": unary(mp.sin, lambda x: [mp.cos(x)], lambda x: [-mp.sin(x)]),
    "cos": unary(mp.cos, lambda x: [-mp.sin(x)], lambda x: [-mp.cos(x)]),
    "tan": unary(mp.tan, lambda x: [ONE, mp.tan(x) ** 2], lambda x: [2 * mp.tan(x), 2 * mp.tan(x) ** 3]),
    "asin": unary(mp.asin, arcsine_first, arcsine_second, lambda x: abs(x) <= 1),
    "acos": unary(
        mp.acos,
        lambda x: [-term for term in arcsine_first(x) or ()],
        lambda x: [-term for term in arcsine_second(x) or ()],
        lambda x: abs(x) <= 1,
    ),
    "atan": unary(mp.atan, lambda x: [1 / (1 + x**2)], lambda x: [-2 * x / (1 + x**2) ** 2]),
    "atan2": binary(mp.atan2, atan2_first, atan2_second),
    "sinh": unary(mp.sinh, lambda x: [mp.cosh(x)], lambda x: [mp.sinh(x)], overflow=OverflowError),
    "cosh": unary(mp.cosh, lambda x: [mp.sinh(x)], lambda x: [mp.cosh(x)], overflow=OverflowError),
    "tanh": unary(mp.tanh, lambda x: [mp.sech(x) ** 2], lambda x: [-2 * mp.tanh(x) * mp.sech(x) ** 2]),
    "asinh": unary(mp.asinh, lambda x: [1 / mp.sqrt(1 + x**2)], lambda x: [-x / mp.sqrt(1 + x**2) ** 3]),
    "acosh": unary(mp.acosh, lambda x: [1 / mp.sqrt((x - 1) * (x + 1))], acosh_second, lambda x: x >= 1),
    "atanh": unary(mp.atanh, lambda x: [1 / ((1 - x) * (1 + x))], atanh_second, lambda x: abs(x) < 1),
    "sigmoid": unary(sigma, lambda x: [sigma_slope(x)], lambda x: [-sigma_slope(x) * mp.tanh(x / 2)]),
    "sigmoid_slope": unary(sigma_slope, lambda x: [-sigma_slope(x) * mp.tanh(x / 2)], sigma_third),
    "tanh_slope": unary(
        lambda x: mp.sech(x) ** 2,
        lambda x: [-2 * mp.tanh(x) * mp.sech(x) ** 2],
        lambda x: [4 * mp.tanh(x) ** 2 * mp.sech(x) ** 2, -2 * mp.sech(x) ** 4],
    ),
    "softplus": unary(
        lambda x: max(x, 0) + mp.log1p(mp.exp(-abs(x))),
        lambda x: [sigma(x)],
        lambda x: [sigma_slope(x)],
    ),
    "relu": unary(lambda x: max(x, mpf(0)), lambda x: [mpf(x > 0)], lambda x: [mpf(0)]),
    "erf": unary(mp.erf, lambda x: [bell(x)], lambda x: [-2 * x * bell(x)]),
    "erfc": unary(
        lambda x: mp.erfc(x) if abs(x) < 100 else mpf(1 - mp.sign(x)),  # mpmath counts the digits of x²
        lambda x: [-bell(x)],
        lambda x: [2 * x * bell(x)],
    ),
    "exp2": unary(
        lambda x: mpf(2) ** x,
        lambda x: [mp.log(2) * mpf(2) ** x],
        lambda x: [mp.log(2) ** 2 * mpf(2) ** x],
        overflow=OverflowError,
    ),
}
WIDE = {"sum", "mean", "prod", "dot", "logsumexp", "max", "min", "norm", "fsum"}  # any number of inputs: tested below
ELSEWHERE = {  # primitives without a derivative, and derivatives that are rows: in test_numerics.py; test_math.py
    *("copysign", "fmod", "gamma", "lgamma", "lgamma_derivative", "remainder"),
    *("detach", "sqrt_slope", "cbrt_slope", "asin_slope", "atan_slope", "asinh_slope", "acosh_slope", "atanh_slope"),
    *("erf_slope", "ratio", "hypot_slope", "atan2_derivative", "power_derivative"),
    "entry_at",  # in test_compiler_lookups.py
}


# Exceptions from 4 units in the last place


class Allowance(NamedTuple):
    """An exception to the 4 units.

    Attributes:
        reason: an explanation.
        units: the number of units in the last place of the largest term.
        extra: a further absolute error, from the largest term and the inputs.
    """

    reason: str
    units: int = 4
    extra: Callable[..., Any] = lambda largest, *inputs: 0


Place = tuple[int, ...]  # () is the value, (i,) a first derivative, (i, j) a second one

VALUE: Place = ()
TO_FIRST: Place = (0,)
TO_SECOND: Place = (1,)
SECOND_DERIVATIVES: list[Place] = [(0, 0), (0, 1), (1, 0), (1, 1)]


def half_unit(number: Any) -> Any:
    return mpf(math.ulp(float(number))) / 2


EXCEPTIONS: dict[str, dict[Place, Allowance]] = {
    "div": {
        TO_SECOND: Allowance(
            "a quotient a/b that underflows has an error of half the smallest float, which a further 1/b multiplies",
            extra=lambda largest, a, b: SMALLEST / abs(b),
        ),
        (1, 1): Allowance(
            "five roundings of three divisions; and a quotient a/b that underflows has an error of half the smallest "
            "float, which a further 2/b² multiplies",
            units=8,
            extra=lambda largest, a, b: 2 * SMALLEST / b**2,
        ),
    },
    "tanh_slope": {
        (0, 0): Allowance("the third derivative of tanh: a difference of two products of four rounded factors", units=6)
    },
    "xlogy": {
        (1, 1): Allowance(
            "a quotient x/y that underflows has an error of half the smallest float, which a further 1/y multiplies",
            extra=lambda largest, x, y: SMALLEST / y,
        )
    },
}
RULE = Allowance("the rule")


# Comparing


def as_floats(terms: Terms) -> list[float]:
    return [float(term) for term in terms] if terms is not None else [math.nan]


def is_at_the_edge_of_overflow(truth: Any) -> bool:
    """Tell whether rounding decides if it is the largest float or inf."""
    return bool(abs(abs(truth) / HUGE - 1) < 2**-48)


def assert_close(name: str, place: Place, inputs: Sequence[float], actual: float, terms: Terms) -> None:
    """Check that the number is as close to the sum of the terms as the rule, or its exception, requires."""
    what = f"{name}{tuple(inputs)}, place {place}: {actual!r}"
    if terms is None:
        assert math.isnan(actual), f"{what} where there is no number"
        return
    truth = mp.fsum(terms)
    if is_at_the_edge_of_overflow(truth):
        return
    largest = max(abs(term) for term in terms)
    if math.isinf(float(truth)):
        assert actual == float(truth), f"{what}, not {float(truth)!r}"
        return
    allowance = EXCEPTIONS.get(name, {}).get(place, RULE)
    unit = math.ulp(float(largest))
    allowed = allowance.units * unit + allowance.extra(largest, *map(mpf, inputs))
    if mp.isinf(allowed):  # two infinite terms may cancel to anything
        return
    error = abs(actual - truth)
    assert error <= allowed, f"{what}, not {float(truth)!r}: {float(error / unit):.2f} units of the largest term off"


def has_value(reference: Reference, inputs: Sequence[float]) -> bool:
    """Tell whether the inputs have a value that a float can hold."""
    numbers = list(map(mpf, inputs))
    return reference.defined(*numbers) and math.isfinite(float(reference.value(*numbers)))


def check_value(name: str, inputs: Sequence[float]) -> None:
    reference, entry = REFERENCES[name], TABLE[name]
    numbers = list(map(mpf, inputs))
    if name == "atan2" and inputs[0] == 0:
        return  # mpmath has no signed zeros: see test_atan2_where_the_sign_of_zero_counts
    labelled = [Value(x, label) for x, label in zip(inputs, ("left", "right", "third"))]
    if not reference.defined(*numbers):
        assert_raises_naming_operands(entry, labelled, reference.undefined)
        return
    truth = reference.value(*numbers)
    if is_at_the_edge_of_overflow(truth):
        return
    if math.isinf(float(truth)) and reference.overflow is not None:
        assert_raises_naming_operands(entry, labelled, reference.overflow)
        return
    result = entry(*labelled)
    assert_close(name, VALUE, inputs, result.data, [truth])
    assert result.data.hex() == float(entry(*inputs)).hex(), "on floats it must compute what it computes on Values"


def assert_raises_naming_operands(entry: Primitive, inputs: Sequence[Value], kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised:
        entry(*inputs)
    assert type(raised.value) is kind
    message = str(raised.value)
    assert entry.symbol in message
    for x in inputs:
        assert f"{x.label} = {x.data!r}" in message


def check_first_derivatives(name: str, inputs: Sequence[float]) -> None:
    reference, entry = REFERENCES[name], TABLE[name]
    if not has_value(reference, inputs):
        return
    recorded = entry(*map(Value, inputs)).local_derivatives
    try:
        first = reference.first(*map(mpf, inputs))
    except ZeroDivisionError:
        assert not all(map(math.isfinite, recorded)), f"{name}{tuple(inputs)} has a pole, got {recorded}"
        return
    assert len(recorded) == reference.inputs
    for argnum, terms in zip(reference.argnums, first):
        assert_close(name, (argnum - reference.argnums[0],), inputs, recorded[argnum], terms)


def check_second_derivatives(name: str, inputs: Sequence[float]) -> None:
    """Check second derivatives if the value and all derivatives are finite, so that no inf or nan is involved."""
    reference, entry = REFERENCES[name], TABLE[name]
    numbers = list(map(mpf, inputs))
    if not has_value(reference, inputs):
        return
    try:
        first, second = reference.first(*numbers), reference.second(*numbers)
    except ZeroDivisionError:
        return
    if not all(math.isfinite(x) for terms in (*first, *(t for row in second for t in row)) for x in as_floats(terms)):
        return
    rows = jacobian(grad(entry, reference.argnums), reference.argnums)(*inputs)
    for i, j in product(range(len(second)), repeat=2):
        assert_close(name, (i, j), inputs, rows[i][j], second[i][j])


CHECKS = [check_value, check_first_derivatives, check_second_derivatives]

MAGNITUDES = [
    *(0.0, SMALLEST, sys.float_info.min, 1e-300, 1e-160, 1e-16, 1e-8, 0.1, 0.5),
    *(1 - 2**-53, 1.0, 1 + 2**-52, 1.5, math.pi / 2, 2.0, 3.0, 10.0, 20.0, 37.0, 100.0, 700.0),
    *(709.78, 745.2, 1e8, 1e16, 1e160, 1e300, HUGE),
]
FEWER_MAGNITUDES = [0.0, SMALLEST, 1e-300, 1e-9, 0.5, 1.0, 1 + 2**-52, 3.0, 100.0, 1e300]


def signed(magnitudes: Sequence[float]) -> list[float]:
    return [sign * x for x in magnitudes for sign in (1.0, -1.0)]


def grid(inputs: int) -> Iterator[tuple[float, ...]]:
    if inputs == 1:
        yield from ((x,) for x in signed(MAGNITUDES))
    elif inputs == 2:
        yield from product(signed(FEWER_MAGNITUDES), repeat=2)
        yield from ((x, x) for x in signed(MAGNITUDES))
    else:  # a condition and two numbers
        yield from product((0.0, 1.0), signed(FEWER_MAGNITUDES), signed(FEWER_MAGNITUDES))


near_one = st.builds(lambda sign, power: sign * (1 + 2.0**-power), st.sampled_from((1, -1)), st.integers(1, 52)) | (
    st.builds(lambda sign, power: sign * (1 - 2.0**-power), st.sampled_from((1, -1)), st.integers(1, 53))
)
numbers_of_all_sizes = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1, 1)
    | st.floats(-40, 40)
    | st.floats(-750, 750)
    | st.integers(-5, 5).map(float)
    | near_one
)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("check", CHECKS)
def test_on_a_grid(check: Callable[[str, Sequence[float]], None], name: str) -> None:
    for inputs in grid(REFERENCES[name].inputs):
        check(name, inputs)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("check", CHECKS)
@settings(max_examples=50)
@given(data=st.data())
def test_on_drawn_numbers(check: Callable[[str, Sequence[float]], None], name: str, data: st.DataObject) -> None:
    inputs = [data.draw(numbers_of_all_sizes) for _ in range(REFERENCES[name].inputs)]
    if name == "where":
        inputs[0] = float(inputs[0] > 0)
    check(name, inputs)


def test_every_primitive_of_the_table_has_a_reference(run_python: Callable[..., str]) -> None:
    """The table is read in a fresh process, where no test has added a primitive."""
    table = run_python("import autograd, nn; from autograd.primitives import TABLE; print(*TABLE)").split()
    assert set(table) == {*REFERENCES, *WIDE, *ELSEWHERE}


INTERIOR_POINTS: dict[str, list[tuple[float, ...]]] = {
    "acosh": [(1.25,), (7.0,)],
    **{name: [(0.3,), (6.5,)] for name in ("log", "log2", "log10", "sqrt")},
    **{name: [(0.7, 1.3), (2.5, 0.4)] for name in ("power", "constant_power", "xlogy")},
}


@pytest.mark.parametrize("name", REFERENCES)
def test_the_formulas_of_the_references_are_the_derivatives_of_their_values(name: str) -> None:
    """This guards against mistakes in this file: mpmath differentiates the values itself."""
    reference = REFERENCES[name]
    default = [(1.0, 0.7, -0.3)[-reference.inputs :], (0.0, -0.25, 0.6)[-reference.inputs :]]
    for inputs in INTERIOR_POINTS.get(name, default):
        point = tuple(map(mpf, inputs))
        for i, argnum in enumerate(reference.argnums):
            order = [0] * reference.inputs
            order[argnum] += 1
            assert mp.almosteq(
                mp.fsum(reference.first(*point)[i] or ()), mp.diff(reference.value, point, tuple(order)), 1e-25, 1e-25
            )
            for j, other in enumerate(reference.argnums):
                orders = order.copy()
                orders[other] += 1
                expected = mp.diff(reference.value, point, tuple(orders))
                assert mp.almosteq(mp.fsum(reference.second(*point)[i][j] or ()), expected, 1e-20, 1e-20)


# Properties of all primitives


@pytest.mark.parametrize("name", [*(name for name in REFERENCES if name != "where"), *sorted(WIDE)])
def test_nan_goes_through_every_primitive(name: str) -> None:
    inputs = REFERENCES[name].inputs if name in REFERENCES else 3
    for position in range(inputs):
        numbers = [0.75] * inputs
        numbers[position] = math.nan
        assert math.isnan(TABLE[name](*map(Value, numbers)).data)


@pytest.mark.parametrize("name", [*(name for name in REFERENCES if REFERENCES[name].inputs > 1), *sorted(WIDE)])
def test_a_value_among_numpy_numbers_gives_a_value(name: str) -> None:
    inputs = REFERENCES[name].inputs if name in REFERENCES else 3
    numbers = [1.0, 0.75, 0.5][:inputs]
    expected = TABLE[name](*map(Value, numbers))
    for position in range(inputs):
        mixed: list[Any] = list(map(np.float64, numbers))
        mixed[position] = Value(numbers[position])
        node = TABLE[name](*mixed)
        assert type(node) is Value
        assert (node.data, node.local_derivatives) == (expected.data, expected.local_derivatives)
        assert [parent.is_constant for parent in node.parents] == [i != position for i in range(inputs)]


# Nodes of many parents

moderate = st.floats(-1e150, 1e150) | st.floats(-1, 1)
lists_of_numbers = st.lists(moderate, min_size=1, max_size=20)
lists_of_pairs = st.lists(st.tuples(moderate, moderate), min_size=1, max_size=20)


def assert_sum_is_close(actual: float, terms: Sequence[Any]) -> None:
    """Allow for n - 1 additions, each with an error of half a unit of the sum of magnitudes, since terms may cancel."""
    magnitude = mp.fsum(map(abs, terms))
    allowed = max(4, len(terms)) * math.ulp(float(magnitude))
    assert abs(actual - mp.fsum(terms)) <= allowed


@given(lists_of_numbers)
def test_sum(xs: list[float]) -> None:
    node = autograd.sum(map(Value, xs))
    assert isinstance(node, Value)
    assert_sum_is_close(node.data, list(map(mpf, xs)))
    assert node.local_derivatives == (1.0,) * len(xs)
    assert jacobian(grad(autograd.sum))(xs) == [[0.0] * len(xs)] * len(xs)


@given(lists_of_pairs, moderate)
def test_dot(pairs: list[tuple[float, float]], bias: float) -> None:
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    node = autograd.dot(map(Value, xs), map(Value, ys), Value(bias))
    assert isinstance(node, Value)
    assert_sum_is_close(node.data, [mpf(bias), *(mpf(x) * mpf(y) for x, y in pairs)])
    assert node.local_derivatives == (*ys, *xs, 1.0)


@given(st.lists(st.tuples(moderate, moderate), min_size=1, max_size=4))
def test_second_derivatives_of_dot(pairs: list[tuple[float, float]]) -> None:
    """∂²(x·y)/∂xᵢ∂yⱼ is 1 where i = j, and all others are 0."""
    n = len(pairs)
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    rows = jacobian(grad(autograd.dot, (0, 1)), (0, 1))(xs, ys)
    identity = [[float(i == j) for j in range(n)] for i in range(n)]
    nothing = [[0.0] * n] * n
    for i in range(n):
        assert rows[0][i] == (nothing[i], identity[i])
        assert rows[1][i] == (identity[i], nothing[i])


logits = st.lists(st.floats(-1e4, 1e4) | st.floats(-3, 3), min_size=1, max_size=8)


@example([0.0, -40.0])
@given(logits)
def test_logsumexp(xs: list[float]) -> None:
    """Two differences amplify rounding: the largest input plus the logarithm, and input - output in exp."""
    node = autograd.logsumexp(map(Value, xs))
    assert isinstance(node, Value)
    *others, largest = map(mpf, sorted(xs))
    logarithm = mp.log1p(mp.fsum(mp.exp(x - largest) for x in others))
    truth = largest + logarithm
    unit = mpf(math.ulp(float(max(abs(largest), logarithm))))
    assert abs(node.data - truth) <= 4 * unit

    shares = [mp.exp(mpf(x) - truth) for x in xs]
    conditions = [5 * unit + math.ulp(float(mpf(x) - truth)) for x in xs]
    for recorded, share, condition in zip(node.local_derivatives, shares, conditions):
        assert abs(recorded - share) <= 4 * math.ulp(float(share)) + share * condition

    rows = jacobian(grad(autograd.logsumexp))(xs)
    for i, j in product(range(len(xs)), repeat=2):
        truth = shares[i] * ((i == j) - shares[j])
        largest_term = shares[i] if i == j else shares[i] * shares[j]
        allowed = 4 * math.ulp(float(largest_term)) + largest_term * (conditions[i] + conditions[j])
        assert abs(rows[i][j] - truth) <= allowed


@given(st.floats(allow_nan=False))
def test_logsumexp_of_one_number_is_the_number(x: float) -> None:
    assert autograd.logsumexp([x]) == x
