"""The derivative table, apart from its accuracy.

Edges that no number of digits can express (signed zeros, infinities, nan), conventions at ties and poles, stable forms,
the operators that spell out the table's rules, and custom primitives.
"""

from __future__ import annotations

import math
import operator
import pickle
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
from autograd import Value, grad, no_grad
from autograd.primitives import TABLE, Primitive, lookup, primitive

pytestmark = pytest.mark.usefixtures("fifty_digits")


# Signed zeros, infinities, nan


@pytest.mark.parametrize(
    "name",
    ["sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "expm1", "log1p", "sqrt", "cbrt", "erf"],
)
def test_functions_through_the_origin_keep_the_sign_of_zero(name: str) -> None:
    assert TABLE[name](Value(-0.0)).data.hex() == "-0x0.0p+0"
    assert TABLE[name](Value(0.0)).data.hex() == "0x0.0p+0"


def test_atan2_where_the_sign_of_zero_counts() -> None:
    for y, x, angle in [
        (0.0, 1.0, 0.0),
        (-0.0, 1.0, -0.0),
        (0.0, -1.0, math.pi),
        (-0.0, -1.0, -math.pi),
        (0.0, 0.0, 0.0),
        (-0.0, 0.0, -0.0),
        (0.0, -0.0, math.pi),
        (-0.0, -0.0, -math.pi),
    ]:
        assert autograd.atan2(Value(y), Value(x)).data.hex() == angle.hex()


@pytest.mark.parametrize(
    ("name", "at_minus_infinity", "at_infinity"),
    [
        ("exp", 0.0, math.inf),
        ("expm1", -1.0, math.inf),
        ("log", None, math.inf),
        ("log1p", None, math.inf),
        ("log2", None, math.inf),
        ("log10", None, math.inf),
        ("sqrt", None, math.inf),
        ("cbrt", -math.inf, math.inf),
        ("sin", None, None),
        ("cos", None, None),
        ("tan", None, None),
        ("asin", None, None),
        ("acos", None, None),
        ("atan", -math.pi / 2, math.pi / 2),
        ("sinh", -math.inf, math.inf),
        ("cosh", math.inf, math.inf),
        ("tanh", -1.0, 1.0),
        ("asinh", -math.inf, math.inf),
        ("acosh", None, math.inf),
        ("atanh", None, None),
        ("sigmoid", 0.0, 1.0),
        ("softplus", 0.0, math.inf),
        ("relu", 0.0, math.inf),
        ("erf", -1.0, 1.0),
        ("abs", math.inf, math.inf),
        ("neg", math.inf, -math.inf),
        ("identity", -math.inf, math.inf),
    ],
)
def test_limits_at_infinity(name: str, at_minus_infinity: float | None, at_infinity: float | None) -> None:
    for x, limit in ((-math.inf, at_minus_infinity), (math.inf, at_infinity)):
        if limit is None:
            with pytest.raises(ValueError, match="inf"):
                TABLE[name](Value(x))
        else:
            assert TABLE[name](Value(x)).data == limit


def test_nan_goes_through_where_only_from_the_side_taken() -> None:
    assert math.isnan(autograd.where(True, Value(math.nan), 1.0).data)
    assert autograd.where(False, Value(math.nan), 1.0).data == 1.0


def test_nan_beside_infinity_goes_through_logsumexp() -> None:
    for values in ([math.inf, math.nan], [math.nan, math.inf]):
        assert math.isnan(autograd.logsumexp(map(Value, values)).data)


# Derivatives that are infinite or undefined


@pytest.mark.parametrize(
    ("name", "inputs", "derivatives"),
    [
        ("sqrt", [0.0], [math.inf]),
        ("cbrt", [0.0], [math.inf]),
        ("cbrt", [-0.0], [math.inf]),
        ("asin", [1.0], [math.inf]),
        ("asin", [-1.0], [math.inf]),
        ("acos", [1.0], [-math.inf]),
        ("acos", [-1.0], [-math.inf]),
        ("acosh", [1.0], [math.inf]),
        ("hypot", [0.0, 0.0], [math.nan, math.nan]),
        ("atan2", [0.0, 0.0], [math.nan, math.nan]),
        ("xlogy", [0.0, 0.0], [-math.inf, 0.0]),
        ("power", [0.0, 0.5], [math.inf, 0.0]),
        ("constant_power", [0.0, 0.5], [math.inf, 0.0]),
        ("power", [-2.0, 3.0], [12.0, math.nan]),  # at exponents close to an integer, there is no real value
        ("log", [5e-324], [math.inf]),
        ("div", [1.0, 5e-324], [math.inf, -math.inf]),
    ],
)
def test_infinite_derivatives_are_recorded_and_not_raised(
    name: str, inputs: list[float], derivatives: list[float]
) -> None:
    recorded = TABLE[name](*map(Value, inputs)).local_derivatives
    assert repr(list(recorded)) == repr(derivatives)


def test_a_derivative_that_overflows_does_not_spoil_the_one_beside_it() -> None:
    """The derivative of x^y w.r.t. the base overflows here; x^y log x, w.r.t. the exponent, does not."""
    x, y = 1e-300, -1.00390625
    to_base, to_exponent = (Value(x) ** Value(y)).local_derivatives
    assert to_base == -math.inf
    assert to_exponent == pytest.approx(float(mpf(x) ** mpf(y) * mp.log(mpf(x))), rel=1e-12)


# Conventions and stable forms that the documentation states


def test_zero_to_the_power_of_zero() -> None:
    """0⁰ is 1, like x⁰ for all x, with derivative 0 w.r.t. x; w.r.t. the exponent it has none, and 0 is recorded."""
    assert (Value(0.0) ** 0).data == 1.0
    assert (Value(0.0) ** 0).local_derivatives == (0.0, 0.0)
    assert (Value(0.0) ** Value(0.0)).data == 1.0
    assert (Value(0.0) ** Value(0.0)).local_derivatives == (0.0, 0.0)


def test_ties() -> None:
    for zero in (0.0, -0.0):
        assert bits(Value(zero).relu()) == ((0.0).hex(), (0.0).hex())
        assert abs(Value(zero)).local_derivatives == (0.0,)
    for rule in (autograd.maximum, autograd.minimum):
        tie = rule(Value(3.0), Value(3.0))
        assert (tie.data, tie.local_derivatives) == (3.0, (0.5, 0.5))


def test_stable_forms() -> None:
    assert Value(-1000.0).sigmoid().data == 0.0
    assert Value(1000.0).sigmoid().data == 1.0
    assert Value(-1000.0).softplus().data == 0.0
    assert Value(1000.0).softplus().data == 1000.0
    assert autograd.logsumexp([1e4, 1e4]) == 1e4 + math.log(2)
    assert autograd.logsumexp([-1e4, -1e4]) == -1e4 + math.log(2)
    assert autograd.logsumexp([1e308, -1e308]) == 1e308
    assert autograd.xlogy(0.0, 0.0) == 0.0


def test_primitives_of_numpy_numbers() -> None:
    """Floats keep their type; integers and bools act like Python's, and never truncate a result."""
    assert type(autograd.exp(np.float64(1.0))) is np.float64
    assert autograd.exp(np.float64(1.0)) == math.exp(1.0)
    single: Any = np.float32(1.0)
    one: Any = np.int64(1)
    true: Any = np.bool_(True)
    assert autograd.exp(single) == np.float32(math.exp(1.0))
    assert autograd.exp(one) == math.exp(1.0)
    assert autograd.maximum(one, 2.5) == 2.5
    assert autograd.where(true, 2.5, 0.0) == 2.5


def test_without_numpy_too_other_objects_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text: Any = "1.0"
    for numpy in (np, None):
        monkeypatch.setitem(sys.modules, "numpy", numpy)
        with pytest.raises(TypeError, match="exp expects numbers or Values, got an object of type str"):
            autograd.exp(text)


# The hot operators and functions spell out what the table says


def bits(node: Value) -> tuple[str, ...]:
    """Return the numbers of a node exactly: signed zeros differ, and nan equals nan."""
    return (node.data.hex(), *(derivative.hex() for derivative in node.local_derivatives))


def table_bits(entry: Primitive, inputs: Sequence[float]) -> tuple[str, ...]:
    out = entry.forward(*inputs)
    return (out.hex(), *(derivative.hex() for derivative in entry.local_derivatives(inputs, out)))


@pytest.mark.parametrize("name", ["add", "sub", "mul"])
@example(a=-0.0, b=0.0)
@example(a=0.0, b=-0.0)
@example(a=-0.0, b=-0.0)
@example(a=math.inf, b=math.nan)
@given(a=st.floats(), b=st.floats())
def test_hot_operators_agree_with_the_table_bit_for_bit(name: str, a: float, b: float) -> None:
    apply, expected = getattr(operator, name), table_bits(TABLE[name], (a, b))
    for left, right in ((Value(a), Value(b)), (Value(a), b), (a, Value(b))):
        node = apply(left, right)
        assert bits(node) == expected
        assert node.primitive is TABLE[name]


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=6), st.floats())
def test_dot_agrees_with_the_table_bit_for_bit(pairs: list[tuple[float, float]], bias: float) -> None:
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    expected = table_bits(TABLE["dot"], (*xs, *ys, bias))
    all_values = autograd.dot(map(Value, xs), map(Value, ys), Value(bias))
    mixed = autograd.dot(map(Value, xs), ys, Value(bias))
    for node in (all_values, mixed):
        assert isinstance(node, Value)
        assert bits(node) == expected
        assert node.primitive is TABLE["dot"]
    assert float(autograd.dot(xs, ys, bias)).hex() == expected[0]


@given(st.lists(st.floats(), min_size=1, max_size=6))
def test_sum_agrees_with_the_table_bit_for_bit(xs: list[float]) -> None:
    node = autograd.sum(map(Value, xs))
    assert isinstance(node, Value)
    assert bits(node) == table_bits(TABLE["sum"], xs)


# Custom primitives


@pytest.fixture
def own_name(request: pytest.FixtureRequest) -> str:
    """Return a name that no other test adds to the table."""
    name = f"own-{request.node.nodeid}"
    while name in TABLE:
        name += "'"
    return name


def test_a_primitive_of_ones_own_works_in_every_mode(own_name: str) -> None:
    """The rule of the cardinal sine is a plain formula; its derivatives up to the third agree with mpmath."""
    sinc = primitive(
        own_name,
        lambda x: math.sin(x) / x,
        lambda x, out: ((autograd.cos(x) - out) / x,),
        symbol="sinc",
        doc="sin(x) / x",
    )
    x = Value(1.25, "x")
    y = sinc(x)
    y.backward()
    truth = [mp.diff(lambda t: mp.sin(t) / t, mpf(1.25), order) for order in range(4)]

    assert sinc(1.25) == y.data == math.sin(1.25) / 1.25
    assert (y.op, sinc.__doc__, lookup(own_name)) == ("sinc", "sin(x) / x", sinc)
    assert x.grad == pytest.approx(float(truth[1]), rel=1e-13)
    assert grad(sinc)(1.25) == pytest.approx(float(truth[1]), rel=1e-13)
    assert grad(grad(sinc))(1.25) == pytest.approx(float(truth[2]), rel=1e-13)
    assert grad(grad(grad(sinc)))(1.25) == pytest.approx(float(truth[3]), rel=1e-12)
    with no_grad():
        assert sinc(x).parents == ()


def test_a_primitive_of_ones_own_with_two_inputs(own_name: str) -> None:
    ratio = primitive(own_name, lambda a, b: a / (a + b), lambda a, b, out: (b / (a + b) ** 2, -a / (a + b) ** 2))
    assert grad(ratio, (0, 1))(1.0, 3.0) == (3 / 16, -1 / 16)
    assert ratio(Value(1.0), 3).op == own_name


def test_fields_may_be_given_by_name_and_are_cautious_by_default(own_name: str) -> None:
    """Neither does a derivative of 0 say that the input was not selected, nor is a number proof against a nan input."""
    cube = primitive(name=own_name, forward=lambda x: x**3, derivatives=lambda x, out: (3 * x * x,))
    assert (cube.chooses, cube.hides_nan, cube.symbol) == (False, True, own_name)
    assert cube.compiled_derivatives is cube.machine_derivatives is cube.derivatives
    root = Value(0.0).sqrt()
    cube(root).backward()  # 0 times the infinite slope of the root
    assert math.isnan(root.parents[0].grad)


def test_derivatives_for_compiled_programs_are_those_for_machine_code_too() -> None:
    rules = [lambda x, out, factor=factor: (factor * x,) for factor in (1.0, 2.0, 3.0)]
    row = Primitive("square", lambda x: x * x, rules[0], compiled_derivatives=rules[1])
    assert (row.derivatives, row.compiled_derivatives, row.machine_derivatives) == (rules[0], rules[1], rules[1])
    assert not (row.chooses or row.hides_nan)
    row = Primitive("square", lambda x: x * x, rules[0], machine_derivatives=rules[2])
    assert (row.compiled_derivatives, row.machine_derivatives) == (rules[0], rules[2])


def test_a_function_of_a_float_raises_where_it_has_no_value() -> None:
    with pytest.raises(ValueError, match=r"domain|positive"):  # as `math.log` does, in the words of Python's version
        autograd.log(0.0)


@pytest.mark.parametrize("other", ["a", None, [1.0], np.zeros(2)], ids=repr)
def test_a_function_of_what_is_no_number_says_so(other: Any) -> None:
    with pytest.raises(TypeError, match="exp expects numbers or Values, got an object of type"):
        autograd.exp(other)


def test_a_comparison_of_numpy_numbers_is_a_number() -> None:
    is_positive: Any = np.float64(1.0) > 0
    assert autograd.where(is_positive, 2.0, 3.0) == 2.0


def test_a_rule_of_the_wrong_length_is_told(own_name: str) -> None:
    bad = primitive(own_name, lambda a, b: a + b, lambda a, b, out: (1.0,))
    with pytest.raises(TypeError, match=r"has 2 input\(s\).*tuple of 2 number\(s\); it returned \(1\.0,\)") as raised:
        bad(Value(1.0), 2.0)
    assert own_name in str(raised.value)


def test_a_rule_that_returns_no_tuple_is_told(own_name: str) -> None:
    bad = primitive(own_name, lambda x: x, lambda x, out: 1.0)
    with pytest.raises(TypeError, match=r"must return a tuple of 1 number\(s\); it returned 1\.0"):
        bad(Value(1.0))


def test_a_forward_rule_that_returns_no_number_is_told(own_name: str) -> None:
    bad = primitive(own_name, lambda x: "three", lambda x, out: (1.0,))
    with pytest.raises(TypeError, match="expected a real number, got 'three' of type str"):
        bad(Value(1.0))


def test_a_taken_name_is_told() -> None:
    with pytest.raises(ValueError, match="a primitive called 'exp' already"):
        primitive("exp", math.exp, lambda x, out: (out,))
    assert TABLE["exp"] is autograd.exp


def test_a_name_of_ones_own_can_be_given_again() -> None:
    """This happens if a notebook's cell runs again; nodes that were computed before keep the old entry."""
    try:
        first = primitive("given_again", lambda x: x * x, lambda x, out: (2 * x,))
        x = Value(3.0)
        old = first(x)
        second = primitive("given_again", lambda x: x * x * x, lambda x, out: (3 * x * x,))
        new = second(x)
        old.backward()
        assert (old.data, x.grad) == (9.0, 6.0)
        new.backward()
        assert (new.data, x.grad) == (27.0, 6.0 + 27.0)
        assert autograd.grad(autograd.grad(first))(3.0) == 2.0
        assert autograd.grad(autograd.grad(second))(3.0) == 18.0
        assert pickle.loads(pickle.dumps(second)) is second
    finally:
        del TABLE["given_again"]


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(KeyError, match="no primitive is called 'nothing of this name'"):
        lookup("nothing of this name")


def test_a_division_by_zero_in_a_rule_is_recorded_as_infinity(own_name: str) -> None:
    root = primitive(own_name, math.sqrt, lambda x, out: (0.5 / out,))
    assert root(Value(0.0)).local_derivatives == (math.inf,)


def test_a_rule_without_a_number_is_recorded_as_nan(own_name: str) -> None:
    def undefined(x: float, out: float) -> tuple[float]:
        raise ValueError("no derivative here")

    assert math.isnan(primitive(own_name, abs, undefined)(Value(1.0)).local_derivatives[0])


def test_a_rule_made_for_floats_alone_says_so_in_a_second_derivative(own_name: str) -> None:
    sine = primitive(own_name, math.sin, lambda x, out: (math.cos(x),))
    assert grad(sine)(1.0) == math.cos(1.0)
    with pytest.raises(TypeError, match=r"in place of math\.exp\(v\) write v\.exp\(\) or autograd\.exp\(v\)"):
        grad(grad(sine))(1.0)
