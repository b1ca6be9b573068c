"""Numbers assigned to `data` are checked when they are used: floats and ints are fine, anything else is a mistake."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value


def leaf(data: Any) -> Value:
    w = Value(1.0, "w")
    w.data = data
    return w


def of_the_slip() -> Value:
    """Make the mistake `w.data = w - 0.1 * w.grad`."""
    w = Value(1.0, "w")
    w.grad = 2.0
    w.data = w - 0.1 * w.grad  # type: ignore[assignment]
    return w


def of_an_operator_chain() -> Value:
    w = of_the_slip()
    w.data = w.data * 2
    return w


SLIPS: dict[str, Callable[[], Value]] = {
    "a Value": of_the_slip,
    "a Value of a Value": of_an_operator_chain,
    "a constant": lambda: leaf(autograd.Constant(2.0)),
    "float32": lambda: leaf(np.float32(0.1)),
    "float16": lambda: leaf(np.float16(0.1)),
    "longdouble": lambda: leaf(np.longdouble(0.1)),
    "int64": lambda: leaf(np.int64(3)),
    "uint8": lambda: leaf(np.uint8(250)),
    "bool_": lambda: leaf(np.bool_(True)),
    "an array of one": lambda: leaf(np.array([2.0])),
    "an array without axes": lambda: leaf(np.array(2.0)),
}

USES: dict[str, Callable[[Value], Any]] = {
    "+": lambda w: w + 1.0,
    "+ on the right": lambda w: 1.0 + w,
    "+ Value": lambda w: Value(2.0) + w,
    "-": lambda w: w - 1.0,
    "- on the right": lambda w: 1.0 - w,
    "*": lambda w: w * 2.0,
    "* itself": lambda w: w * w,
    "* Value": lambda w: Value(2.0) * w,
    "/": lambda w: w / 2.0,
    "/ on the right": lambda w: 1.0 / w,
    "**": lambda w: w**2,
    "** on the right": lambda w: 2**w,
    "neg": lambda w: -w,
    "abs": abs,
    "exp": lambda w: w.exp(),
    "relu": lambda w: w.relu(),
    "sigmoid": autograd.sigmoid,
    "maximum": lambda w: autograd.maximum(w, 1.0),
    "where": lambda w: autograd.where(True, 1.0, w),
    "sum": lambda w: autograd.sum([Value(1.0), w]),
    "the built-in sum": lambda w: sum([Value(1.0), w]),
    "dot": lambda w: autograd.dot([w], [2.0]),
    "dot of Values": lambda w: autograd.dot([Value(1.0), w], [Value(2.0), Value(3.0)], Value(1.0)),
    "bias of dot": lambda w: autograd.dot([Value(1.0)], [Value(2.0)], w),
    "mean": lambda w: autograd.mean([w, 1.0]),
    "prod": lambda w: autograd.prod([w, 2.0]),
    "logsumexp": lambda w: autograd.logsumexp([w, 1.0]),
    "softmax": lambda w: autograd.softmax([w, 1.0]),
    "<": lambda w: w < 5,
    ">=": lambda w: Value(1.0) >= w,
    "==": lambda w: w == 0.8,
    "bool": bool,
    "format": lambda w: f"{w:.3f}",
    "detach": lambda w: w.detach(),
    "grad": lambda w: autograd.grad(lambda x: x * x)(w),
    "grad of what it is in": lambda w: autograd.grad(lambda x: x * w)(1.0),
    "jvp": lambda w: autograd.jvp(lambda x: x * x, (w,), (1.0,)),
    "hessian": lambda w: autograd.hessian(lambda p: p[0] * p[1])([w, 2.0]),
    "check_gradient": lambda w: autograd.check_gradient(lambda x: x * x, w),
    "compile": lambda w: autograd.compile(lambda x: w * x, 1.0),
    "compile with it as parameter": lambda w: autograd.compile(lambda x: x * 2, 1.0, parameters=[w])(1.0),
    "draw": autograd.draw,
    "explain": lambda w: autograd.explain(w, w),
    "step_through": autograd.step_through,
    "summary": autograd.summary,
    "first_nonfinite": autograd.first_nonfinite,
    "no_grad": lambda w: autograd.no_grad()(lambda: w * 2.0)(),
    "an optimizer": lambda w: nn.SGD([w]).step(),
}


@pytest.mark.filterwarnings("ignore:overflow encountered")  # NumPy warns of 250 * 250 before the engine sees it
@pytest.mark.parametrize("use", USES.values(), ids=list(USES))
@pytest.mark.parametrize("slip", SLIPS.values(), ids=list(SLIPS))
def test_the_next_use_of_what_is_no_number_names_the_slip(
    slip: Callable[[], Value], use: Callable[[Value], Any]
) -> None:
    w = slip()
    with pytest.raises(TypeError, match=r"w\.data (is a Value, not a number|must be a float)") as caught:
        use(w)
    if isinstance(w.data, Value):
        assert "w.data -= 0.1 * w.grad" in str(caught.value)
    else:
        assert type(w.data).__name__ in str(caught.value)
        assert "w.data = float(x)" in str(caught.value)


@pytest.mark.parametrize("data", [None, "3", b"3", [1.0], Decimal(1), 2 + 0j, object()], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("use", USES.values(), ids=list(USES))
def test_what_cannot_even_be_added_is_a_type_error_too(data: Any, use: Callable[[Value], Any]) -> None:
    with pytest.raises(TypeError):
        use(leaf(data))


def test_the_message_calls_a_node_without_a_label_v() -> None:
    w = Value(1.0)
    w.data = w - 1  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"write `v\.data -= 0\.1 \* v\.grad`|Write `v\.data -= 0\.1 \* v\.grad`"):
        w + 1


def test_a_node_of_the_slip_can_be_shown_by_repr() -> None:
    """Users find the mistake by looking at the node."""
    assert repr(of_the_slip()).startswith("Value(data=Value(data=0.8")


@pytest.mark.parametrize("slip", SLIPS.values(), ids=list(SLIPS))
def test_models_with_the_slip_neither_predict_nor_learn_nor_are_saved(
    slip: Callable[[], Value], tmp_path: Path
) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    model.layers[0].neurons[1].bias.data = slip().data
    message = r"(layers\.0\.neurons\.1\.bias|v)\.data (is a Value|must be a float)"
    uses: list[Callable[[], Any]] = [
        lambda: model([1.0, 2.0]),
        lambda: nn.predict(model, [[1.0, 2.0]]),
        lambda: nn.fit(model, [[1.0, 2.0]], [1.0], epochs=1, progress=False),
        lambda: nn.fit(model, [[1.0, 2.0]], [1.0], epochs=1, progress=False, engine="compiled"),
        lambda: nn.save(model, tmp_path / "model.safetensors"),
        lambda: model.state_dict(),
        lambda: nn.draw(model),
        lambda: nn.Adam(model.parameters()).step(),
    ]
    for use in uses:
        with pytest.raises(TypeError, match=message):
            use()
    assert list(tmp_path.iterdir()) == []


def test_a_compiled_program_notices_the_slip_made_after_it_was_compiled() -> None:
    w = Value(2.0, "w")
    program = autograd.compile(lambda x: w * x, 1.0)
    for slip in SLIPS.values():
        w.data = slip().data
        for call in (program, program.value_and_grad):
            with pytest.raises(TypeError, match=r"w\.data (is a Value|must be a float)"):
                call(3.0)
    w.data = 5
    assert program(3.0) == 15.0


class Celsius(float):
    """A named subclass of float."""


NUMBERS: list[Any] = [3, 0, -2, True, 2**60, np.float64(0.3), np.float64(-1e300), Celsius(1.5), 10**300]


@pytest.mark.parametrize("data", NUMBERS, ids=lambda x: repr(x)[:20])
def test_floats_of_all_kinds_and_ints_compute_as_the_float_that_they_equal(data: Any) -> None:
    w, plain = leaf(data), Value(float(data), "w")

    def uses(v: Value) -> list[Any]:
        nodes = [v + 1.5, 1.5 - v, v * 0.25, v - v, v + v, -v, v.tanh(), v / 3, autograd.dot([v, v], [2.0, 0.5], v)]
        nodes += [autograd.sum([v, v]), autograd.maximum(v, 0.5), v.detach(), abs(v)]
        return [*nodes, v > 1, v == 3, bool(v), f"{v:.3e}"]

    for result, expected in zip(uses(w), uses(plain), strict=True):
        assert type(result) is type(expected)
        if isinstance(result, Value):
            assert type(result.data) is float
            assert result.data.hex() == expected.data.hex()
            assert (*map(float, result.local_derivatives),) == expected.local_derivatives
        else:
            assert result == expected


def test_numpys_arithmetic_does_not_come_in_with_its_float() -> None:
    """Python's arithmetic raises an error where NumPy's warns and continues with inf."""
    w = leaf(np.float64(0.0))
    with pytest.raises(ZeroDivisionError):
        1 / w
    w.data = np.float64(1000.0)
    with pytest.raises(OverflowError):
        w.exp()
    w.data = np.float64(3.0)
    (w * w * w).backward()
    assert type(w.grad) is float
    assert w.grad == 27.0


def test_integers_that_no_float_holds_are_an_overflow() -> None:
    w = leaf(10**400)
    uses: list[Callable[[], Any]] = [lambda: w + 1.0, lambda: w * w, w.exp, lambda: autograd.dot([w], [1.0])]
    for use in uses:
        with pytest.raises(OverflowError):
            use()


def test_fractions_are_refused_where_the_result_would_be_one() -> None:
    w = leaf(Fraction(1, 3))
    uses: list[Callable[[], Any]] = [lambda: w * w, w.exp, lambda: autograd.sum([w])]
    for use in uses:
        with pytest.raises(TypeError, match=r"w\.data must be a float, got Fraction"):
            use()


@pytest.mark.parametrize("data", [2, True, Fraction(1, 2)])
def test_derivatives_of_products_are_floats_whatever_was_assigned(data: Any) -> None:
    products: list[Callable[[Value], Value]] = [
        *(lambda w: w * 3.0, lambda w: 3.0 * w, lambda w: w * w, lambda w: Value(3.0) * w)
    ]
    for multiply in products:
        w = leaf(data)
        if isinstance(data, Fraction):
            with pytest.raises(TypeError, match=r"w\.data must be a float, got Fraction"):
                multiply(w)
        else:
            assert all(type(x) is float for x in multiply(w).local_derivatives)


def test_integer_weights_train_save_and_load_as_floats(tmp_path: Path) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    for parameter in model.parameters():
        parameter.data = 1 if parameter.label.endswith("bias") else parameter.data
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        parameter.data = float(parameter.data)
    nn.save(model, tmp_path / "model.safetensors")
    loaded = nn.load(tmp_path / "model.safetensors")
    assert all(type(p.data) is float for p in loaded.parameters())
    assert loaded.state_dict() == other.state_dict()
    assert all(type(x) is float for x in model.state_dict().values())
    for network in (model, other):
        nn.fit(network, [[0, 1], [1, 0]], [0, 1], epochs=3, seed=0, progress=False)
    assert model.state_dict() == other.state_dict()


# Primitives of other things than numbers


class WithApply:
    """Like objects of pandas, it has a method called apply."""

    def apply(self, *args: Any) -> Any:
        raise AssertionError("this is no Value")


class Everything:
    """An object that has every attribute."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self


def others() -> dict[str, Any]:
    objects: dict[str, Any] = {
        "an object with apply": WithApply(),
        "an object with everything": Everything(),
        "an array": np.array([1.0, 2.0]),
        "an array of objects": np.array([Value(1.0)], dtype=object),
        "a list": [1.0],
        "a type": float,
        "Value itself": Value,
    }
    makers: dict[str, Callable[[Any], list[Any]]] = {
        "pandas": lambda module: [module.Series([1.0, 2.0]), module.DataFrame({"apply": [1.0]})],
        "polars": lambda module: [module.Series([1.0, 2.0]), module.DataFrame({"a": [1.0]})],
        "torch": lambda module: [module.nn.Linear(1, 1), module.ones(2)],
        "sympy": lambda module: [module.Symbol("x"), module.Function("f")],
        "unittest.mock": lambda module: [module.MagicMock(), module.Mock()],
    }
    for name, make in makers.items():
        try:
            module = __import__(name, fromlist=["*"])
        except ImportError:
            continue
        objects |= {f"{name}'s {type(x).__name__} {k}": x for k, x in enumerate(make(module))}
    return objects


@pytest.mark.parametrize("one", [np.array([2.0]), np.array([[2]]), np.array(2.0), np.float32(2)], ids=repr)
def test_arrays_of_one_element_are_numbers(one: Any) -> None:
    assert Value(one).data == 2.0
    assert autograd.maximum(Value(1.0), one).data == 2.0


@pytest.mark.parametrize("other", others().values(), ids=list(others()))
def test_primitives_refuse_what_is_no_number(other: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: autograd.exp(other),
        lambda: autograd.relu(other),
        lambda: autograd.hypot(1.0, other),
        lambda: autograd.hypot(other, Value(1.0)),
        lambda: autograd.maximum(Value(1.0), other),
        lambda: autograd.sum([other]),
        lambda: autograd.sum([Value(1.0), other]),
        lambda: autograd.dot([other], [1.0]),
        lambda: autograd.where(True, other, 1.0),
        lambda: autograd.primitive("mine", lambda x: x, lambda x, out: (1.0,))(other),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"expect(s|ed) (numbers or Values|a real number)"):
            call()
