"""The Value: arithmetic, the backward pass, and the semantics that users rely on."""

from __future__ import annotations

import base64
import copy
import gc
import math
import operator
import pickle
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Constant, Value, compile, no_grad, primitive, topological_order
from autograd.compiler.trace.tracing import FreezingError
from autograd.primitives import TABLE

# 3 as Python and NumPy spell it
THREES = [3, 3.0, Fraction(3), np.float64(3), np.float32(3), np.int64(3), np.uint8(3)]

# An operator, and the derivatives of its result w.r.t. its left and right operands, from a calculus book
BINARY_OPERATORS: list[tuple[Callable[[Any, Any], Any], Callable[[float, float], tuple[float, float]]]] = [
    (operator.add, lambda a, b: (1.0, 1.0)),
    (operator.sub, lambda a, b: (1.0, -1.0)),
    (operator.mul, lambda a, b: (b, a)),
    (operator.truediv, lambda a, b: (1 / b, -a / b**2)),
    (operator.pow, lambda a, b: (b * a ** (b - 1), a**b * math.log(a))),
]


def kind(number: object) -> str:
    return type(number).__name__


# Leaves


@pytest.mark.parametrize("three", [*THREES, np.float16(3)], ids=kind)
def test_data_is_a_float_whatever_number_it_was(three: Any) -> None:
    assert type(Value(three).data) is float
    assert Value(three).data == 3.0


def test_a_leaf_begins_with_nothing_behind_it() -> None:
    v = Value(2.5, "v")
    assert (v.data, v.grad, v.label, v.parents, v.local_derivatives, v.op) == (2.5, 0.0, "v", (), (), "")
    assert v.primitive is None
    assert not v.is_constant


def test_a_node_remembers_how_it_was_computed() -> None:
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    assert c.data == -6.0
    assert c.parents[0] is a
    assert c.parents[1] is b
    assert c.local_derivatives == (-3.0, 2.0)
    assert c.op == "*"


def test_data_grad_and_label_can_be_assigned() -> None:
    v = Value(1.0)
    v.data, v.grad, v.label = 2.0, 3.0, "renamed"
    assert (v.data, v.grad, v.label) == (2.0, 3.0, "renamed")


@pytest.mark.parametrize("make", [lambda: Value(1.0), lambda: Constant(1.0), lambda: Value(1.0) + 1])
def test_values_have_slots_and_no_dict(make: Callable[[], Value]) -> None:
    node = make()
    assert not hasattr(node, "__dict__")
    with pytest.raises(AttributeError):
        node.gradient = 1.0  # type: ignore[attr-defined]


# Operators


@pytest.mark.parametrize(("apply", "derivatives"), BINARY_OPERATORS)
def test_operators_on_two_values(
    apply: Callable[[Any, Any], Any], derivatives: Callable[[float, float], tuple[float, float]]
) -> None:
    a, b = Value(2.0), Value(3.0)
    node = apply(a, b)
    node.backward()
    assert node.data == apply(2.0, 3.0)
    assert (a.grad, b.grad) == pytest.approx(derivatives(2.0, 3.0), rel=1e-15)


@pytest.mark.parametrize("three", THREES, ids=kind)
@pytest.mark.parametrize(("apply", "derivatives"), BINARY_OPERATORS)
def test_operators_on_a_value_and_a_number(
    apply: Callable[[Any, Any], Any], derivatives: Callable[[float, float], tuple[float, float]], three: Any
) -> None:
    v = Value(2.0)
    right = apply(v, three)
    left = apply(three, v)
    assert type(right) is Value
    assert type(left) is Value
    assert (right.data, left.data) == (apply(2.0, 3.0), apply(3.0, 2.0))
    assert right.local_derivatives[0] == pytest.approx(derivatives(2.0, 3.0)[0], rel=1e-15)
    assert left.local_derivatives[1] == pytest.approx(derivatives(3.0, 2.0)[1], rel=1e-15)


@pytest.mark.parametrize("three", THREES, ids=kind)
@pytest.mark.parametrize("apply", [apply for apply, _ in BINARY_OPERATORS])
def test_wrapped_numbers_are_marked_as_constants_and_leaves_are_not(
    apply: Callable[[Any, Any], Any], three: Any
) -> None:
    v = Value(2.0)
    for node in (apply(v, three), apply(three, v)):
        (constant,) = (parent for parent in node.parents if parent is not v)
        assert constant.is_constant
        assert isinstance(constant, Constant)
        assert constant.data == 3.0
        assert not v.is_constant
        assert not node.is_constant


def test_unary_operators() -> None:
    for x in (2.0, -2.0):
        v = Value(x)
        assert ((-v).data, (-v).local_derivatives) == (-x, (-1.0,))
        assert (abs(v).data, abs(v).local_derivatives) == (2.0, (x / 2,))
        assert +v is v


def test_in_place_operators_make_new_nodes() -> None:
    a = before = Value(2.0)
    a += 1
    a *= 3
    assert (a.data, before.data) == (9.0, 2.0)
    a.backward()
    assert before.grad == 3.0


METHODS = [
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "softplus", "relu", "erf"),
]


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_the_functions_of_the_package(name: str) -> None:
    x = 1.5 if name == "acosh" else 0.5
    method, function = getattr(Value(x), name)(), getattr(autograd, name)(Value(x))
    assert (method.data, method.local_derivatives) == (function.data, function.local_derivatives)
    assert method.primitive is function.primitive
    assert method.op == name


def test_the_expression_of_micrograds_readme() -> None:
    """The README of karpathy/micrograd gives 24.7041, 138.8338 and 645.5773."""
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert (f"{g.data:.4f}", f"{a.grad:.4f}", f"{b.grad:.4f}") == ("24.7041", "138.8338", "645.5773")


def test_built_in_sum_leaves_no_spurious_node() -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    total = sum([a, b, c])
    assert isinstance(total, Value)
    assert total.data == 6.0
    assert {*topological_order(total)} == {a, b, c, total, total.parents[0]}
    assert sum([a]) is a


def test_zero_that_is_not_where_sum_starts_is_a_number_like_others() -> None:
    v = Value(2.0)
    assert (v + 0).parents[0] is v
    assert (0.0 + v).parents[1] is v


# NumPy's object arrays


def test_arrays_of_values_times_numbers() -> None:
    v, w = Value(2.0), Value(5.0)
    z = np.array([v, w]) @ [3.0, 4.0]
    assert isinstance(z, Value)
    z.backward()
    assert (z.data, v.grad, w.grad) == (26.0, 3.0, 4.0)


@pytest.mark.parametrize("value_first", [True, False])
def test_a_value_times_an_array_goes_element_by_element(value_first: bool) -> None:
    v = Value(2.0)
    array: Any = np.array([3.0, 4.0])
    products = v * array if value_first else array * v
    assert products.shape == (2,)
    assert [product.data for product in products] == [6.0, 8.0]
    products.sum().backward()
    assert v.grad == 7.0


def test_numpy_functions_of_arrays_of_values() -> None:
    values = np.array([Value(0.5), Value(2.0)])
    for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh"):
        nodes = getattr(np, name)(values)
        assert [node.data for node in nodes] == pytest.approx([getattr(math, name)(x) for x in (0.5, 2.0)], rel=1e-15)
        assert [node.op for node in nodes] == [name, name]
    assert [node.data for node in np.abs(-values)] == [0.5, 2.0]
    assert (values > 1).tolist() == [False, True]
    assert values.sum().data == 2.5
    assert values.mean().data == 1.25


def test_matrix_products_of_arrays_of_values() -> None:
    """The function is y = W x, with ∂y₀/∂W₀ⱼ = xⱼ."""
    weights = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    inputs = np.array([5.0, 6.0])
    outputs = weights @ inputs
    assert [output.data for output in outputs] == [17.0, 39.0]
    outputs[0].backward()
    assert [[w.grad for w in row] for row in weights] == [[5.0, 6.0], [0.0, 0.0]]


# The backward pass


def test_a_value_used_twice_collects_both_paths() -> None:
    x = Value(3.0)
    y = x * x + x
    y.backward()
    assert x.grad == 7.0  # 2x + 1


@given(st.floats(-2, 2), st.floats(-2, 2), st.integers(2, 5))
def test_calling_backward_again_adds_to_leaves_and_overwrites_interior_nodes(x: float, y: float, times: int) -> None:
    a, b = Value(x), Value(y)
    inner = a * b
    end = inner.tanh() + a
    end.backward()
    once = (a.grad, b.grad)
    interior = (inner.grad, end.grad)
    for _ in range(times - 1):
        end.backward()
    assert (inner.grad, end.grad) == interior
    if times in (2, 4):  # exactly, since doubling loses no digit
        assert (a.grad, b.grad) == (times * once[0], times * once[1])
    assert (a.grad, b.grad) == pytest.approx((times * once[0], times * once[1]), rel=1e-15)


def test_leaves_accumulate_over_different_graphs() -> None:
    x = Value(3.0)
    (x * 2).backward()
    (x * 5).backward()
    assert x.grad == 7.0


def test_interior_nodes_do_not_pile_up_where_graphs_share_them() -> None:
    """If interior gradients of an earlier pass stayed, the second pass would count them again."""
    x = Value(2.0)
    shared = x * x
    (shared * 3).backward()
    (shared * 5).backward()
    assert shared.grad == 5.0
    assert x.grad == 3 * 4.0 + 5 * 4.0


def test_backward_of_a_leaf_is_one() -> None:
    x = Value(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


@pytest.mark.parametrize("gradient", [2.5, -1, np.float64(0.5)])
def test_the_gradient_argument_scales_all_gradients(gradient: float) -> None:
    x, y = Value(3.0), Value(4.0)
    product = x * y
    product.backward(gradient=gradient)
    assert (x.grad, y.grad, product.grad) == (4.0 * gradient, 3.0 * gradient, gradient)


@pytest.mark.parametrize("gradient", ["1", None, 1j, Value(1.0)], ids=kind)
def test_a_gradient_that_is_no_number_is_refused(gradient: Any) -> None:
    x = Value(3.0)
    y = x * x
    with pytest.raises(TypeError, match="expected a real number"):
        y.backward(gradient)
    assert (x.grad, y.grad) == (0.0, 0.0)


class Interrupted:
    """A derivative during whose multiplication the user presses Ctrl-C."""

    def __mul__(self, gradient: float) -> float:
        raise KeyboardInterrupt


@pytest.mark.parametrize(("derivative", "error"), [("no number", TypeError), (Interrupted(), KeyboardInterrupt)])
def test_an_exception_in_mid_pass_changes_no_gradient(derivative: Any, error: type[BaseException]) -> None:
    x, w, b = Value(2.0), Value(3.0), Value(4.0)
    broken = x * w
    inner = broken + b
    end = inner * inner
    end.backward()
    nodes = topological_order(end)
    before = [node.grad for node in nodes]
    broken.local_derivatives = (1.0, derivative)
    with pytest.raises(error):
        end.backward()
    assert [node.grad for node in nodes] == before


def test_infinite_and_undefined_gradients_flow_as_ieee_arithmetic_has_them() -> None:
    x = Value(0.0)
    root = x.sqrt()
    root.backward()
    assert x.grad == math.inf
    y = Value(0.0)
    (y.sqrt() * 0).backward()  # 0 times inf
    assert math.isnan(y.grad)


def test_nothing_flows_to_the_only_leaf_of_a_graph_that_was_not_taken() -> None:
    x = Value(0.0)
    (-x.sqrt()).relu().backward()  # the slope of sqrt is infinite at 0, and relu is off
    assert x.grad == 0.0


# Comparisons and hashing

COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("compare", COMPARISONS)
@given(a=st.floats(), b=st.floats())
def test_comparisons_compare_the_numbers_and_return_bools(
    compare: Callable[[Any, Any], Any], a: float, b: float
) -> None:
    expected = compare(a, b)
    for left, right in ((Value(a), Value(b)), (Value(a), b), (a, Value(b)), (Value(a), np.float64(b))):
        assert compare(left, right) is expected


@pytest.mark.parametrize("three", THREES, ids=kind)
@pytest.mark.parametrize("compare", COMPARISONS)
def test_comparisons_with_numbers_of_all_kinds(compare: Callable[[Any, Any], Any], three: Any) -> None:
    assert compare(Value(2.0), three) is compare(2.0, 3.0)
    assert bool(compare(three, Value(2.0))) is compare(3.0, 2.0)


def test_integers_beyond_the_floats_compare_exactly() -> None:
    v = Value(2.0**53)
    assert v != 2**53 + 1
    assert v < 10**400
    assert v == 2**53


def test_a_value_equals_nothing_that_is_no_number() -> None:
    v = Value(3.0)
    for other in ("3.0", None, [3.0]):
        assert (v == other) is False
        assert (v != other) is True
    with pytest.raises(TypeError):
        v < "3"  # type: ignore[operator]  # noqa: B015


def test_hashing_goes_by_identity() -> None:
    a, b = Value(3.0), Value(3.0)
    assert a == b
    assert hash(a) != hash(b)
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    number = hash(a)
    a.data = 4.0
    assert hash(a) == number


def test_a_value_is_false_where_its_number_is_zero() -> None:
    assert [bool(Value(x)) for x in (0.0, -0.0, 1e-300, math.nan)] == [False, False, True, True]


def test_values_can_be_sorted() -> None:
    values = [Value(x) for x in (3.0, 1.0, 2.0)]
    assert [v.data for v in sorted(values)] == [1.0, 2.0, 3.0]
    assert max(values) is values[0]


# Operations that would silently drop the gradient


@pytest.mark.parametrize(
    "drop",
    [float, math.exp, math.sqrt, math.sin, complex, lambda v: np.array([v], dtype=float), lambda v: np.float64(v)],
    ids=["float", "exp", "sqrt", "sin", "complex", "array", "float64"],
)
def test_functions_that_would_drop_the_gradient_raise_with_advice(drop: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"drop its gradient.*v\.data.*autograd\.exp\(v\)"):
        drop(Value(1.0))


@pytest.mark.parametrize("drop", [int, round, math.floor, math.trunc, lambda v: v // 1, lambda v: v % 1])
def test_functions_that_round_have_no_gradient_and_raise(drop: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        drop(Value(1.0))


def test_detach_cuts_off_the_graph() -> None:
    x = Value(3.0, "x")
    constant = (x * x).detach()
    assert (constant.data, constant.parents) == (9.0, ())
    assert constant.is_constant
    assert x.detach().label == "x"
    (constant * x).backward()
    assert x.grad == 9.0  # not 27, which is 3x²


# Text


def test_only_while_a_function_is_traced_a_value_refuses_to_be_a_condition_and_detaches_as_a_node() -> None:
    """The detached number is then not that of the trace: the derivative of x · detach(x) is detach(x)."""
    assert compile(lambda x: x * x.detach(), 1.0).value_and_grad(3.0) == (9.0, 3.0)
    assert compile(lambda x: x * 2 if Constant(1.0) else x, 1.0)(3.0) == 6.0
    assert compile(lambda x: x * Constant(5.0).detach().data, 1.0)(3.0) == 15.0
    for drop, message in ((bool, r"bool\(\) of a Value"), (float, r"float\(\) of a Value, or a conversion")):
        with pytest.raises(FreezingError, match=message):
            compile(lambda x, drop=drop: x * drop(x), 1.0)
    x = Value(2.0)
    assert bool(x) is True
    assert (x.detach().parents, x.detach().is_constant) == ((), True)
    with pytest.raises(TypeError, match="would silently drop its gradient"):
        float(x)


def test_what_a_primitive_of_ones_own_computes_is_a_float() -> None:
    own = primitive("own_of_whole_numbers", lambda x: round(x), lambda x, out: (0.0,))
    try:
        assert repr(own(Value(2.4)).data) == "2.0"
    finally:
        del TABLE["own_of_whole_numbers"]


def test_repr_says_what_a_beginner_asks() -> None:
    x = Value(2.0, "x")
    y = x * x
    y.backward()
    assert repr(x) == "Value(data=2.0, grad=4.0, label='x')"
    assert repr(y) == "Value(data=4.0, grad=1.0, op='*')"
    assert repr(Value(-0.5)) == "Value(data=-0.5, grad=0.0)"
    assert repr(y.detach()) == "Constant(data=4.0, grad=0.0)"
    assert str(x) == repr(x) == f"{x}"


@pytest.mark.parametrize("spec", [".3f", "e", "+.1g", ">12.4f", "%"])
def test_format_formats_the_number(spec: str) -> None:
    assert format(Value(math.pi), spec) == format(math.pi, spec)


# Copies


def example_graph() -> tuple[Value, Value, Value]:
    """Return x, a node that two others share, and the end."""
    x = Value(2.0, "x")
    shared = x * 3
    return x, shared, (shared.exp() + shared) * x


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda graph: pickle.loads(pickle.dumps(graph, protocol))


COPIES = [copy.deepcopy, *map(pickled, range(2, pickle.HIGHEST_PROTOCOL + 1))]


@pytest.mark.parametrize("duplicate", COPIES)
def test_copies_keep_numbers_structure_and_sharing(duplicate: Callable[[Any], Any]) -> None:
    x, shared, end = example_graph()
    end.backward()
    x2, shared2, end2 = duplicate((x, shared, end))
    originals, duplicates = topological_order(end), topological_order(end2)
    assert len(originals) == len(duplicates)
    assert {*originals}.isdisjoint(duplicates)
    position = {node: i for i, node in enumerate(originals)}
    position2 = {node: i for i, node in enumerate(duplicates)}
    assert (position2[x2], position2[shared2]) == (position[x], position[shared])
    for node, node2 in zip(originals, duplicates):
        assert [position[p] for p in node.parents] == [position2[p] for p in node2.parents]
        assert type(node) is type(node2)
        assert node.primitive is node2.primitive
        for name in ("data", "grad", "label", "local_derivatives", "op", "is_constant"):
            assert getattr(node, name) == getattr(node2, name)


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_copy_goes_backward_by_itself(duplicate: Callable[[Any], Any]) -> None:
    x, _, end = example_graph()
    x2, _, end2 = duplicate((x, _, end))
    end2.backward()
    assert x.grad == 0.0
    end.backward()
    assert x2.grad == x.grad


def test_a_pickle_can_be_read_in_another_process(run_python: Callable[..., str]) -> None:
    x, _, end = example_graph()
    end.backward()
    text = base64.b64encode(pickle.dumps((x, end))).decode()
    source = f"""
import base64, pickle
x, end = pickle.loads(base64.b64decode({text!r}))
x.grad = 0.0
end.backward()
print(repr((end.data, x.grad)))
"""
    assert run_python(source).strip() == repr((end.data, x.grad))


def test_a_shallow_copy_has_the_same_parents() -> None:
    x = Value(2.0)
    y = x * x
    assert copy.copy(y).parents[0] is x


# No cycles


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Switch the cyclic collector off, after it has run."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    yield
    if enabled:
        gc.enable()


def test_graphs_are_freed_by_reference_counting_alone(no_collector: None) -> None:
    x = Value(2.0)
    y = autograd.dot([x, x.sigmoid()], [x, 3.0], bias=x**2).tanh()
    y.backward()
    with no_grad():
        x.exp()
    del x, y
    assert gc.collect() == 0


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (lambda v: v.log(), ValueError),
        (lambda v: v / 0, ZeroDivisionError),
        (lambda v: (v * 1e4).cosh(), OverflowError),
        (lambda v: v + "a", TypeError),
        (float, TypeError),
    ],
)
def test_failed_operations_leave_no_cycles(
    fail: Callable[[Value], object], error: type[Exception], no_collector: None
) -> None:
    failed = False
    try:
        fail(Value(-1.0) * 2)
    except error:
        failed = True
    assert failed
    assert gc.collect() == 0


def test_transforms_leave_no_cycles(no_collector: None) -> None:
    def f(x: Any, y: Any) -> Any:
        return autograd.sin(x) * y

    weight = Value(3.0)
    autograd.grad(f)(1.0, weight).backward()  # type: ignore[attr-defined]  # a Value, as the weight is
    autograd.hessian(lambda p: f(*p))([1.0, 2.0])
    autograd.jvp(f, (1.0, 2.0), (1.0, 0.0))
    del weight
    assert gc.collect() == 0


# Bad input


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("3", TypeError),
        (b"3", TypeError),
        (None, TypeError),
        (3j, TypeError),
        ([3.0], TypeError),
        (np.array([3.0, 4.0]), TypeError),
        (Value(3.0), TypeError),
        (object, TypeError),
        (10**400, OverflowError),
        (Fraction(10**400), OverflowError),
    ],
    ids=lambda x: kind(x) if not isinstance(x, type) else "",
)
def test_what_is_no_real_number_is_refused(data: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Value(data)


def test_the_refusal_says_what_was_given() -> None:
    with pytest.raises(TypeError, match="expected a real number, got 'three' of type str"):
        Value("three")  # type: ignore[arg-type]


@pytest.mark.parametrize("other", ["a", None, 1j, [1.0], {}], ids=kind)
@pytest.mark.parametrize("apply", [apply for apply, _ in BINARY_OPERATORS])
def test_operators_refuse_what_is_no_real_number(apply: Callable[[Any, Any], Any], other: Any) -> None:
    v = Value(2.0)
    with pytest.raises(TypeError):
        apply(v, other)
    with pytest.raises(TypeError):
        apply(other, v)


@pytest.mark.parametrize("apply", [apply for apply, _ in BINARY_OPERATORS])
def test_operators_refuse_integers_beyond_the_floats(apply: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(OverflowError):
        apply(Value(2.0), 10**400)


@pytest.mark.parametrize("bad", ["a", None, 1j], ids=kind)
def test_functions_refuse_what_is_no_real_number(bad: Any) -> None:
    v = Value(2.0)
    for call in (
        lambda: autograd.sum([v, bad]),
        lambda: autograd.dot([v], [bad]),
        lambda: autograd.dot([v], [v], bad),
        lambda: autograd.maximum(v, bad),
        lambda: autograd.where(True, bad, v),
        lambda: autograd.logsumexp([v, bad]),
        lambda: autograd.exp(bad),
        lambda: autograd.hypot(v, bad),
    ):
        with pytest.raises(TypeError):
            call()


def test_nan_and_infinity_are_numbers() -> None:
    assert math.isnan((Value(math.nan) + 1).data)
    assert (Value(math.inf) * 2).data == math.inf


@pytest.mark.parametrize(
    ("compute", "error", "message"),
    [
        (lambda a, b: a / b, ZeroDivisionError, r"\(numerator = -1\.0\) / \(zero = 0\.0\)"),
        (lambda a, b: a.log(), ValueError, r"log\(numerator = -1\.0\)"),
        (lambda a, b: a**0.5, ValueError, r"\(numerator = -1\.0\) \*\* \(0\.5\)"),
        (lambda a, b: b**a, ValueError, r"\(zero = 0\.0\) \*\* \(numerator = -1\.0\)"),
        (lambda a, b: 1 / b, ZeroDivisionError, r"\(1\.0\) / \(zero = 0\.0\)"),
        (lambda a, b: (a - 999).cosh(), OverflowError, r"cosh\(-1000\.0\)"),
        (lambda a, b: autograd.math.fmod(a, b), ValueError, r"fmod\(numerator = -1\.0, zero = 0\.0\)"),
    ],
)
def test_undefined_values_raise_with_operation_and_operands_named(
    compute: Callable[[Value, Value], Value], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        compute(Value(-1.0, "numerator"), Value(0.0, "zero"))


@pytest.mark.parametrize(
    ("count", "named", "more"), [(3, 3, ""), (4, 4, ""), (5, 4, "and 1 more"), (9, 4, "and 5 more")]
)
def test_of_many_operands_an_error_names_four_and_counts_the_others(count: int, named: int, more: str) -> None:
    with pytest.raises(OverflowError) as caught:
        autograd.math.fsum([Value(1e308) for _ in range(count)])
    assert str(caught.value).count("1e+308") == named
    assert more in str(caught.value)
    assert bool(more) == ("more" in str(caught.value))


@pytest.mark.parametrize(
    ("data", "is_several"), [([1.0, 2.0], True), ((1.0,), True), (np.array([1.0, 2.0]), True), ("12", False)], ids=str
)
def test_who_gives_several_numbers_is_told_that_a_value_is_one(data: Any, is_several: bool) -> None:
    with pytest.raises(TypeError) as caught:
        Value(data)
    assert ("a list of Values" in str(caught.value)) == is_several


class Scalar:
    """An array of one element, of an unknown library."""

    ndim, size = 0, 1

    def item(self) -> float:
        return 2.0


def test_an_array_of_one_element_is_a_number_whatever_its_library() -> None:
    other: Any = Scalar()
    assert (Value(3.0) * other).data == (other * Value(3.0)).data == 6.0
    assert Value(other).data == 2.0


@pytest.mark.parametrize("missing", ["ndim", "size", "item"])
def test_what_lacks_an_attribute_of_arrays_is_no_number(missing: str) -> None:
    attributes = {"ndim": 0, "size": 1, "item": lambda self: 2.0}
    del attributes[missing]
    other: Any = type("Other", (), attributes)()
    with pytest.raises(TypeError, match=r"expected a real number, got .* of type Other"):
        Value(other)


def test_a_primitive_may_be_applied_to_numbers_alone() -> None:
    product = Value.apply(TABLE["mul"], (2.0, 3.0))
    assert (product.data, product.local_derivatives) == (6.0, (3.0, 2.0))
    assert all(type(parent) is Constant for parent in product.parents)


def test_only_in_a_browser_nodes_are_freed_in_turn() -> None:
    """It would slow down all other platforms."""
    assert hasattr(Value, "__del__") == (sys.platform == "emscripten")
