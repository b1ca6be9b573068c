"""`autograd.math` against Python's `math` on numbers, and against mpmath on derivatives."""

from __future__ import annotations

import fractions
import inspect
import itertools
import math as python_math
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd
from autograd import Value, compile, grad, math
from autograd.derivatives import gamma_formulas

pytestmark = pytest.mark.usefixtures("fifty_digits")

NAMES = [name for name in dir(python_math) if not name.startswith("_")]
FUNCTIONS = [name for name in NAMES if callable(getattr(python_math, name))]

# Names and signatures


def test_every_name_of_math_is_here() -> None:
    assert set(math.__all__) == set(NAMES)
    namespace: dict[str, Any] = {}
    exec("from autograd.math import *", namespace)
    assert set(NAMES) <= set(namespace)
    assert "math" not in autograd.__all__, "it would hide Python's"
    for name in set(NAMES) - set(FUNCTIONS):
        assert repr(getattr(math, name)) == repr(getattr(python_math, name))


def test_it_is_an_attribute_of_the_package(run_python: Callable[..., str]) -> None:
    assert run_python("import autograd; print(autograd.math.floor(2.5))") == "2\n"
    assert run_python("import math, autograd; from autograd import *; print(math.sin.__module__)") == "math\n"


def signature(function: Any) -> str | None:
    try:
        return str(inspect.signature(function))
    except ValueError:
        return None  # Python's documentation describes it in words


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_look_like_those_of_math(name: str) -> None:
    ours, theirs = getattr(math, name), getattr(python_math, name)
    assert ours.__name__ == name
    assert signature(ours) == signature(theirs)
    assert ours.__doc__.startswith(theirs.__doc__)
    assert pickle.loads(pickle.dumps(ours)) is ours


# Numbers

SOME = (
    0.0,
    -0.0,
    0.5,
    -2.5,
    3,
    7,
    -4,
    1e300,
    5e-324,
    python_math.inf,
    -python_math.inf,
    python_math.nan,
    10**400,
    True,
)
ARGUMENTS: dict[str, list[tuple[Any, ...]]] = {
    "dist": [([1, 2.5, 3], [0.1, 4, -1]), ((1,), (2,)), ([], []), ([1], [1, 2]), ((x for x in [1, 2]), [3, 4])],
    "fsum": [([0.1] * 10,), ([1e308, 1e308],), ([],), (iter([1, 2, 0.5]),), (3,), (["a"],)],
    "prod": [([2, 3, 4],), ([],), ([0.5, 3],), (iter([2, 5]),), ("ab",), (3,)],
    "hypot": [(), (3.0,), (3, 4), (1, 2, 3), (1e200, 1e200, 1), ("a",)],
    "sumprod": [([1, 2], [3.5, 4]), ([1], [1, 2]), ([], [])],
    "fma": [(2.0, 3.0, 4.0), (1e308, 10.0, -1e308)],
    "gcd": [(12, 18), (), (5,), (1.5, 2)],
    "lcm": [(4, 6), (), (1.5,)],
    "ldexp": [(0.75, 3), (1.0, 2000), (1.0, -2000), (5e-324, 1074), (1.0, 2.0)],
    "isclose": [(1.0, 1.0 + 1e-10), (1, 1.1), (python_math.nan, python_math.nan), (python_math.inf, python_math.inf)],
    "log": [*((x,) for x in SOME), (8, 2), (10**400, 10), (2.0, 0.0), (2.0, 1.0), (fractions.Fraction(1, 3), 3)],
    "perm": [(5, 2), (5,), (5, None), (2.5, 1), (-1, 1)],
}


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return the exact number and type that a function returns, or the error that it raises."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        return type(error), str(error)
    return repr(result), type(result)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_of_numbers_it_computes_what_math_does(name: str) -> None:
    ours, theirs = getattr(math, name), getattr(python_math, name)
    count = 0 if name in ARGUMENTS else len(inspect.signature(theirs).parameters)
    for args in ARGUMENTS.get(name) or [*itertools.product(SOME, repeat=count), ("a",) * count, ()]:
        if name in ("factorial", "comb", "perm") and any(type(x) is int and x > 1000 for x in args):
            continue
        again = [tuple(xs) if hasattr(xs, "__next__") else xs for xs in args]
        given = [iter(xs) if hasattr(x, "__next__") else xs for x, xs in zip(args, again)]
        assert outcome(ours, *given) == outcome(theirs, *again), args


def test_keywords_are_those_of_math() -> None:
    assert math.prod([2, 3], start=10) == 60
    assert math.isclose(1.0, 1.5, rel_tol=0.5)
    assert math.isclose(a=1.0, b=1.25, abs_tol=0.25, rel_tol=0.0)
    x = Value(3.0)
    assert (math.prod([x, 2], start=10).data, math.prod([2.0], start=x).data) == (60.0, 6.0)
    assert math.isclose(x, Value(3.3), rel_tol=Value(0.1))
    assert not math.isclose(x, 3.3)


# Values

INTEGERS_ONLY = {"comb", "factorial", "gcd", "isqrt", "lcm", "perm"}
PLAIN = {"ceil", "floor", "trunc", "ulp", "isclose", "isfinite", "isinf", "isnan"}
DIFFERENTIABLE: dict[str, tuple[Callable[..., Any], list[tuple[float, ...]]]] = {
    "acos": (mp.acos, [(0.3,), (-0.9,)]),
    "acosh": (mp.acosh, [(1.5,), (30.0,)]),
    "asin": (mp.asin, [(0.3,), (-0.9,)]),
    "asinh": (mp.asinh, [(0.3,), (-20.0,)]),
    "atan": (mp.atan, [(0.3,), (-20.0,)]),
    "atan2": (mp.atan2, [(0.3, -2.0), (-1.0, 5.0)]),
    "atanh": (mp.atanh, [(0.3,), (-0.9,)]),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [(0.3,), (-20.0,)]),
    "copysign": (lambda x, y: abs(x) * mp.sign(y), [(2.0, -3.0), (-2.0, -0.5), (2.0, 5.0)]),
    "cos": (mp.cos, [(0.3,), (-20.0,)]),
    "cosh": (mp.cosh, [(0.3,), (-20.0,)]),
    "degrees": (mp.degrees, [(0.3,), (-20.0,)]),
    "erf": (mp.erf, [(0.3,), (-2.0,)]),
    "erfc": (mp.erfc, [(0.3,), (-2.0,), (5.5,), (20.0,)]),
    "exp": (mp.exp, [(0.3,), (-20.0,)]),
    "exp2": (lambda x: mpf(2) ** x, [(0.3,), (-20.0,)]),
    "expm1": (mp.expm1, [(0.3,), (-1e-9,)]),
    "fabs": (abs, [(0.3,), (-20.0,)]),
    "fma": (lambda x, y, z: x * y + z, [(0.3, 1.5, -2.0)]),
    "fmod": (lambda x, y: x - y * int(x / y), [(7.5, 2.0), (-7.5, 2.0), (0.3, -0.1), (1e9, 3.0)]),
    "gamma": (mp.gamma, [(0.3,), (5.0,), (-0.5,), (-3.7,), (100.5,)]),
    "hypot": (
        lambda *xs: mp.norm(xs),
        [(3.0,), (3.0, -4.0), (2.0, -3.0, 6.0), (0.0, 0.0, -2.0), (1e200, 2e200, -2e200)],
    ),
    "ldexp": (lambda x, i: x * mpf(2) ** int(i), [(0.3, 5), (-1.5, -1030), (1e-320, 1100)]),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))), [(0.3,), (5.0,), (-0.5,), (-3.7,), (1e5,), (1e-9,)]),
    "log": (lambda x, base=mp.e: mp.log(x) / mp.log(base), [(0.3,), (20.0,), (8.0, 2.0), (0.3, 10.0)]),
    "log10": (mp.log10, [(0.3,), (20.0,)]),
    "log1p": (mp.log1p, [(0.3,), (-1e-9,)]),
    "log2": (lambda x: mp.log(x, 2), [(0.3,), (20.0,)]),
    "pow": (lambda x, y: x**y, [(0.3, 2.5), (20.0, -3.0)]),
    "radians": (mp.radians, [(0.3,), (-20.0,)]),
    "remainder": (lambda x, y: x - y * mp.nint(x / y), [(7.5, 2.0), (-7.5, 2.0), (0.3, -0.2), (1e9, 3.0)]),
    "sin": (mp.sin, [(0.3,), (-20.0,)]),
    "sinh": (mp.sinh, [(0.3,), (-20.0,)]),
    "sqrt": (mp.sqrt, [(0.3,), (20.0,)]),
    "tan": (mp.tan, [(0.3,), (-20.0,)]),
    "tanh": (mp.tanh, [(0.3,), (-2.0,)]),
}
OF_SEQUENCES = {"dist", "fsum", "prod", "sumprod"}
IN_TWO_PARTS = {"frexp", "modf", "nextafter"}


def test_every_function_is_tried_below() -> None:
    tried = {*INTEGERS_ONLY, *PLAIN, *DIFFERENTIABLE, *OF_SEQUENCES, *IN_TWO_PARTS}
    assert set(FUNCTIONS) <= tried


@pytest.mark.parametrize("name", sorted(set(DIFFERENTIABLE) & set(FUNCTIONS)))
def test_values_and_derivatives_of_first_and_second_order(name: str) -> None:
    """Values equal those of `math`, including `log` with a base and `pow`."""
    reference, points = DIFFERENTIABLE[name]
    function = getattr(math, name)
    for point in points:
        values: list[Any] = [Value(x) if i == 0 or name != "ldexp" else x for i, x in enumerate(point)]
        result = function(*values)
        assert type(result) is Value
        assert result.data == getattr(python_math, name)(*point)
        result.backward()
        for i in range(1 if name == "ldexp" else len(point)):
            orders = tuple(int(k == i) for k in range(len(point)))
            first = derivative(reference, point, orders)
            assert values[i].grad == pytest.approx(first, rel=1e-14, abs=1e-300), (point, i)
            if name in ("hypot", "ldexp") and max(map(abs, point)) > 1e100:
                continue
            second = derivative(reference, point, tuple(2 * k for k in orders))
            slope = grad(grad(lambda x, i=i, point=point: function(*point[:i], x, *point[i + 1 :])))
            assert slope(point[i]) == pytest.approx(second, rel=1e-12, abs=1e-14), (point, i)


def derivative(reference: Callable[..., Any], point: tuple[float, ...], orders: tuple[int, ...]) -> float:
    """Return a derivative by differences of mpmath's values of 50 digits."""
    scale = max(1, *(abs(mpf(x)) for x in point))
    return float(mp.diff(reference, tuple(map(mpf, point)), orders, h=mpf(10) ** -20 * scale if scale > 1e9 else None))


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_derivatives_of_lgamma_of_any_order(order: int) -> None:
    """They are polygamma functions, to a few units in the last place of the largest term, even near poles."""
    function: Any = math.lgamma
    for _ in range(order):
        function = grad(function)
    chance = random.Random(0)
    points = [*(chance.uniform(0, 30) for _ in range(15)), *(chance.uniform(-30, 0) for _ in range(15))]
    for x in [*points, 1.4616321449683622, 1e-12, -1e-12, 1e6, -2 + 1e-9, -0.5, -4.5]:
        truth = mp.psi(order - 1, mpf(x))
        largest = max(abs(truth), abs(mp.psi(order - 1, 1 - mpf(x))) if x < 0 else 0, mpf(1) if order == 1 else 0)
        assert abs(function(x) - truth) <= 1e-14 * largest, x


def test_bernoulli_numbers() -> None:
    assert tuple(float(mp.bernoulli(2 * k)) for k in range(1, 10)) == gamma_formulas.BERNOULLI


INF, NAN = python_math.inf, python_math.nan


@pytest.mark.parametrize(
    ("x", "order", "slope"),
    [
        *((INF, 1, INF), (INF, 2, 0.0), (INF, 5, 0.0), (NAN, 1, NAN), (-INF, 1, NAN), (-INF, 2, NAN)),
        *((0.0, 1, NAN), (-0.0, 2, NAN), (-1.0, 1, NAN), (-3.0, 2, NAN)),
        *((1.0, 0, 0.0), (3.0, 0, float(mp.log(2))), (0.0, 0, INF)),
        *((1.0, 1, float(mp.psi(0, 1))), (1.0, 2, float(mp.psi(1, 1))), (1e-200, 2, INF), (1e-200, 3, -INF)),
    ],
)
def test_derivatives_of_lgamma_at_edges(x: float, order: int, slope: float) -> None:
    """At the ends and poles they are infinite or nan; order 0 is log |Γ(x)| itself, and there is no pole at 1."""
    assert gamma_formulas.lgamma_derivative(x, order) == pytest.approx(slope, rel=1e-15, nan_ok=True)


def test_gamma_and_its_logarithm_in_ieee_arithmetic() -> None:
    for x, value in ((5.0, 24.0), (200.0, INF), (1e-320, INF), (-1e-320, -INF), (0.0, NAN), (-3.0, NAN)):
        assert gamma_formulas.gamma(x) == pytest.approx(value, nan_ok=True)
    for x, value in ((3.0, float(mp.log(2))), (1e308, INF), (0.0, INF), (-3.0, INF)):
        assert gamma_formulas.lgamma(x) == pytest.approx(value, rel=1e-15)


def test_gamma_says_how_its_derivative_is_computed() -> None:
    assert "ψ" in (math.gamma.__doc__ or "")
    assert "recurrence" in (math.lgamma.__doc__ or "")
    assert "reflection" in (math.lgamma.__doc__ or "")


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -7.0])
def test_at_the_poles_of_gamma_a_value_raises_as_math_does(x: float) -> None:
    for function in (math.gamma, math.lgamma):
        with pytest.raises(ValueError, match="no finite real value"):
            function(Value(x))


def test_functions_of_sequences() -> None:
    p: list[Any] = [Value(1.0), Value(2.5), 3.0]
    q: list[Any] = [0.1, Value(4.0), -1.0]
    distance = math.dist(p, q)
    assert distance.data == python_math.dist([1.0, 2.5, 3.0], [0.1, 4.0, -1.0])
    distance.backward()
    assert p[0].grad == pytest.approx(0.9 / distance.data)
    assert q[1].grad == pytest.approx(1.5 / distance.data)
    with pytest.raises(ValueError, match="same number of dimensions, got 3 and 1"):
        math.dist(p, [1.0])
    tenths = [Value(0.1) for _ in range(10)]
    total = math.fsum(iter(tenths))
    assert total.data == 1.0
    cancelling = [Value(x) for x in (1e200, 1e100, 1.0, -1e200, -1e100)]  # exact in no Python's sum
    assert math.fsum(cancelling).data == 1.0 != autograd.sum(cancelling).data
    total.backward()
    assert [x.grad for x in tenths] == [1.0] * 10
    factors = [Value(2.0), Value(0.0), Value(-3.0)]
    math.prod(factors).backward()
    assert [x.grad for x in factors] == [0.0, -6.0, 0.0]
    assert math.prod(np.array(factors)).data == 0.0
    if hasattr(python_math, "sumprod"):
        assert math.sumprod(factors, [1.0, 2.0, 3.0]).data == -7.0


@pytest.mark.parametrize("name", sorted(PLAIN - {"isclose"}))
@pytest.mark.parametrize("x", [2.5, -2.5, 3.0, -0.0, 1e300])
def test_steps_and_questions_give_plain_numbers(name: str, x: float) -> None:
    assert outcome(getattr(math, name), Value(x)) == outcome(getattr(python_math, name), x)


@pytest.mark.parametrize("x", [python_math.inf, python_math.nan])
def test_questions_of_numbers_that_are_not_finite(x: float) -> None:
    for name in ("isfinite", "isinf", "isnan", "floor"):
        value = Value(0.0)
        value.data = x
        assert outcome(getattr(math, name), value) == outcome(getattr(python_math, name), x)


def test_what_comes_in_two_parts() -> None:
    for x in (2.75, -2.75, 0.0, 1e-300, -1e300):
        value = Value(x)
        mantissa, exponent = math.frexp(value)
        assert (mantissa.data, exponent) == python_math.frexp(x)
        fraction, whole = math.modf(value)
        assert (repr(fraction.data), whole) == (repr(python_math.modf(x)[0]), python_math.modf(x)[1])
        (mantissa + fraction).backward()
        assert value.grad == 2.0**-exponent + 1.0
        after = math.nextafter(value, 1e308)
        assert after.data == python_math.nextafter(x, 1e308)
        assert grad(lambda x: math.nextafter(x, 1.0))(x) == 1.0
    infinite = Value(0.0)
    infinite.data = -python_math.inf
    assert repr(math.modf(infinite)[0].data) == "-0.0"
    assert math.nextafter(infinite, 0.0).data == -1.7976931348623157e308
    assert math.nextafter(1.0, Value(2.0)).data == 1.0 + 2**-52


@pytest.mark.parametrize("name", sorted(INTEGERS_ONLY))
def test_functions_of_whole_numbers_take_no_values(name: str) -> None:
    with pytest.raises(TypeError, match=rf"math.{name} has no derivative and takes no Values"):
        getattr(math, name)(*[Value(3.0)] * (2 if name == "comb" else 1))


# Compiled


def everything(x: Any, y: Any) -> Any:
    """Sum all functions that have a derivative, for numbers between 0 and 1."""
    one = [name for name, (_, points) in DIFFERENTIABLE.items() if len(points[0]) == 1 and name != "hypot"]
    results = [getattr(math, name)(1 + x if name == "acosh" else x) for name in one]
    two = ("atan2", "copysign", "fmod", "hypot", "pow", "remainder")
    results += [getattr(math, name)(x, y) for name in two]
    results += [math.log(x, 2), math.log(x, 1 + y), math.hypot(x, y, 2.0), math.dist([x, 1.0, y], [y, x, 3.0])]
    results += [math.fsum([x, y, 0.1]), math.prod([x, y, x]), math.ldexp(x, 3), x - math.fmod(x, 0.25)]
    return math.fsum([math.sin(k * result) for k, result in enumerate(results, start=1)])


def test_everything_with_a_derivative_compiles() -> None:
    program = compile(everything, 0.4, 0.3)
    for point in ((0.31, 0.62), (0.83, 0.17)):
        values = [Value(x) for x in point]
        result = everything(*values)
        result.backward()
        cost, slopes = program.value_and_grad(*point)
        assert cost == pytest.approx(result.data, rel=1e-12)
        assert slopes == pytest.approx(tuple(value.grad for value in values), rel=1e-11)


@pytest.mark.parametrize("name", sorted(PLAIN | IN_TWO_PARTS))
def test_what_would_freeze_a_number_is_refused_while_compiling(name: str) -> None:
    def f(x: Any) -> Any:
        result = getattr(math, name)(x, 0.25) if name in ("isclose", "nextafter") else getattr(math, name)(x)
        return x * (result[1] if isinstance(result, tuple) else result)

    with pytest.raises(TypeError, match=rf"test_math.py, line \d+.*math.{name} of a Value would freeze.*Instead, "):
        compile(f, 0.5)
    constant = Value(0.5).detach()
    assert compile(lambda x: x * getattr(math, name)(0.5, 0.25) if name in ("isclose", "nextafter") else x, 0.5)
    assert math.floor(constant) == 0


def test_rules_of_ones_own_may_be_written_with_it() -> None:
    half_life = autograd.primitive("half_life", lambda x: math.exp2(-x), lambda x, out: (-math.log(2) * math.exp2(-x),))
    try:
        assert grad(grad(half_life))(1.5) == pytest.approx(python_math.log(2) ** 2 * 2**-1.5)
        assert compile(lambda x: half_life(x) * x, 0.5)([1.0, 3.0]).tolist() == [0.5, 0.375]
    finally:
        del autograd.primitives.TABLE["half_life"]
