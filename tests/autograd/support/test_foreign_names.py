"""Names from other libraries raise an error with the name used here; their numbers are accepted."""

from __future__ import annotations

import copy
import importlib
import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

import micrograd.engine
import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from autograd.support import remedies

TABLES = [remedies.OF_VALUES, remedies.OF_VALUE_ARGUMENTS, remedies.OF_BACKWARD,
          remedies.OF_TRANSFORMS, remedies.OF_PACKAGE]  # fmt: skip

torch = pytest.importorskip("torch", reason="PyTorch, from which names and numbers come, is not installed")


def test_every_attribute_of_a_micrograd_value_is_there_or_answered() -> None:
    theirs = [name for name in dir(micrograd.engine.Value(1.0)) if not name.startswith("__")]
    v = Value(1.0)
    for name in theirs:
        if not hasattr(v, name):
            with pytest.raises(AttributeError, match=rf"^Value has no '{name}': .*v\.\w+.*$"):
                getattr(v, name)


@pytest.mark.parametrize("name", ["item", "tolist", "numpy", "requires_grad", "grad_fn", "is_leaf", "to", "clone"])
def test_attributes_of_a_tensor_are_answered(name: str) -> None:
    assert hasattr(torch.tensor(1.0), name)
    with pytest.raises(AttributeError, match=f"Value has no '{name}': "):
        getattr(Value(1.0), name)


@pytest.mark.parametrize("name", ["Tensor", "tensor", "Variable", "Function", "backward", "elementwise_grad", "jit"])
def test_names_of_other_packages_are_answered(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"module 'autograd' has no attribute '{name}': .*(autograd|loss)\.\w+"):
        getattr(autograd, name)


def test_a_name_that_nobody_has_is_as_everywhere() -> None:
    with pytest.raises(AttributeError, match=r"^'Value' object has no attribute 'nobody'$"):
        Value(1.0).nobody  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'autograd' has no attribute 'nobody'$"):
        autograd.nobody  # type: ignore[attr-defined]  # noqa: B018


def test_every_name_in_a_remedy_is_one_that_there_is() -> None:
    owners: dict[str, Any] = {"v": Value(1.0), "loss": Value(1.0), "autograd": autograd, "nn": nn}
    owners |= {"model": nn.MLP(1, [1]), "optimizer": nn.SGD([Value(1.0)])}
    named = [pair for table in TABLES for text in table.values() for pair in re.findall(r"\b([a-z]+)\.(\w+)", text)]
    assert len(named) > 60
    for owner, name in named:
        if owner in owners:
            assert hasattr(owners[owner], name), f"{owner}.{name}"


def test_foreign_names_are_not_offered() -> None:
    v = Value(1.0)
    offered = dir(v)
    assert {"data", "grad", "parents", "backward", "exp"} <= set(offered)
    assert all(hasattr(v, name) for name in offered)
    assert not hasattr(v, "item")
    assert getattr(v, "_prev", None) is None


def test_assigning_to_a_foreign_name_is_refused_where_it_would_do_nothing() -> None:
    with pytest.raises(AttributeError, match=r"'requires_grad': .*autograd\.no_grad"):
        Value(1.0).requires_grad = False  # type: ignore[attr-defined]


class Named(Value):
    """A user's subclass, with its own attributes under foreign names."""

    def __init__(self, data: float, name: str) -> None:
        super().__init__(data)
        self.name = name

    def item(self) -> float:
        return self.data


def test_a_class_of_ones_own_may_have_such_attributes() -> None:
    named = Named(2.0, "x")
    assert (named.name, named.item()) == ("x", 2.0)
    assert "name" in dir(named)
    assert pickle.loads(pickle.dumps(named)).name == "x"
    assert copy.deepcopy(named).name == "x"
    del named.name
    with pytest.raises(AttributeError, match=r"Named has no 'name': v\.label"):
        named.name  # noqa: B018
    with pytest.raises(AttributeError, match="Named has no 'name'"):
        del named.name


IMPORTS = {
    "import autograd.numpy as np": "import numpy as np",
    "from autograd import numpy as np": "import numpy as np",
    "import autograd.numpy.random as npr": "import numpy as np",
    "import autograd.scipy.stats.norm as norm": "autograd.primitive",
    "from autograd.misc.optimizers import adam": "nn.Adam",
    "from autograd.test_util import check_grads": "autograd.check_gradient",
    "from autograd.extend import primitive, defvjp": "autograd.primitive",
    "from autograd import elementwise_grad as egrad": "autograd.grad(f)(x) for x in xs",
    "from autograd import Tensor": "autograd.Value(2.0)",
    "from autograd import jit, vmap": "autograd.compile(f, *examples)",
    "from autograd.engine import Value": "from autograd import Value",
    "from autograd.functional import jacobian": "jacobian",
    "from autograd import nn": "import nn",
    "import nn.functional as F": "autograd.relu",
    "from nn import Module, Linear": "nn.Layer(nin, nout",
    "from nn.optim import SGD": "nn.SGD",
}


@pytest.mark.parametrize("line", IMPORTS)
def test_imports_of_other_packages_are_answered(line: str) -> None:
    package, name = re.findall(r"\b(autograd|nn)(?:\.| import (?:Module, )?)(\w+)", line)[0]
    with pytest.raises(ModuleNotFoundError) as raised:
        exec(line, {})
    assert str(raised.value).startswith(f"lucidgrad's package {package!r} has no {name!r}: ")
    assert IMPORTS[line] in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("line", ["import autograd.nobody", "from autograd import nobody"])
def test_an_import_of_what_nobody_has_fails_as_everywhere(line: str) -> None:
    with pytest.raises(ImportError, match=r"^(No module named 'autograd\.nobody'|cannot import name 'nobody' from)"):
        exec(line, {})


def test_what_looks_for_a_foreign_module_before_it_imports_it_may_go_on() -> None:
    """Libraries that also support HIPS/autograd try `import autograd.numpy`, and expect this error."""
    assert not hasattr(autograd, "numpy")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("autograd.numpy")
    assert "autograd.numpy" not in sys.modules
    assert importlib.import_module("numpy") is np


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: Value(2.0).backward(retain_graph=True), r"Value\.backward has no argument 'retain_graph': .*leave it out"),  # type: ignore[call-arg]
    (lambda: Value(2.0).backward(create_graph=True), r"'create_graph': .*autograd\.grad"),  # type: ignore[call-arg]
    (lambda: Value(2.0, requires_grad=True), r"Value has no argument 'requires_grad': .*Value\(2\.0\)"),  # type: ignore[arg-type]
    (lambda: Value(2.0, _children=(), _op="+"), "Value has no argument '_children': .*arithmetic"),  # type: ignore[arg-type]
    (lambda: Value(2.0, colour="red"), "Value has no argument 'colour'$"),  # type: ignore[arg-type]
    (lambda: autograd.grad(lambda x: x, argnum=0), "grad has no argument 'argnum': it is called argnums"),  # type: ignore[call-overload]
    (lambda: autograd.jacobian(lambda x: x, argnum=0), "jacobian has no argument 'argnum'"),  # type: ignore[call-arg]
    (lambda: autograd.value_and_grad(lambda x: x, argnum=0), "value_and_grad has no argument 'argnum'"),  # type: ignore[call-overload]
    (lambda: autograd.hessian(lambda x: x, argnum=0), "hessian has no argument 'argnum'"),  # type: ignore[call-overload]
    (lambda: autograd.grad(Value(2.0), Value(1.0)), r"grad expects a function.*call y\.backward\(\)"),  # type: ignore[call-overload]
    (lambda: autograd.hessian(3.0), r"hessian expects a function, and returns a function; got 3\.0$"),  # type: ignore[call-overload]
]


@pytest.mark.parametrize(("call", "message"), CALLS, ids=[message for _, message in CALLS])
def test_foreign_arguments_are_answered(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


# Gradients of None


def test_clearing_a_gradient_with_none_is_as_in_pytorch() -> None:
    ours, theirs = Value(3.0), torch.tensor(3.0, requires_grad=True)
    for x in (ours, theirs):
        for _ in range(2):
            (x * x).backward()
        x.grad = None
        (x * x * x).backward()
    assert ours.grad == theirs.grad.item() == 27.0


def test_what_reads_a_gradient_of_none_takes_it_for_zero() -> None:
    w, twin = Value(1.0), Value(1.0)
    for v, cleared in ((w, None), (twin, 0.0)):
        optimizer = nn.SGD([v], 0.1, momentum=0.5)
        for _ in range(2):
            (v**2).backward()
            optimizer.step()
            v.grad = cleared  # type: ignore[assignment]
            optimizer.step()
    assert w.data == twin.data
    program = autograd.compile(lambda x: w * x, 2.0)
    w.grad = None  # type: ignore[assignment]
    program.backward(2.0)
    assert w.grad == 2.0
    w.grad = None  # type: ignore[assignment]
    assert "grad=None" in repr(w)
    assert "<svg" in autograd.draw(w * 2).svg


def test_a_backward_that_fails_leaves_none_where_it_was() -> None:
    x = Value(1.0)
    y = x * 2
    y.local_derivatives = ("no number", 1.0)  # type: ignore[assignment]
    x.grad = None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        y.backward()
    assert x.grad is None


# Numbers


NUMBERS = [np.float64(2), np.array(2.0), np.array(2), np.array([2.0]), np.array([[2]], dtype=np.int8),
           torch.tensor(2.0), torch.tensor([2.0]), torch.tensor([[2]]),
           torch.tensor(2.0, requires_grad=True)]  # fmt: skip


@pytest.mark.parametrize("two", NUMBERS, ids=lambda two: f"{type(two).__name__}{getattr(two, 'shape', '')}")
def test_a_number_in_an_array_or_tensor_is_taken(two: Any) -> None:
    v = Value(two)
    assert (v.data, type(v.data)) == (2.0, float)


@pytest.mark.parametrize("two", [np.array(2.0), np.array(2), torch.tensor(2.0)])
def test_arithmetic_takes_what_has_no_axes(two: Any) -> None:
    v = Value(3.0)
    for result in (v * two, two * v, two - v, two / v, v**two, v - two):
        assert isinstance(result, Value)
    assert ((v * two).data, (two - v).data, (v**two).data) == (6.0, -1.0, 9.0)


@pytest.mark.parametrize(
    "several",
    [[2.0], np.array([]), np.array([1.0, 2.0]), torch.tensor([1.0, 2.0]), np.array("2"), np.array(["2"]), np.array(1j),
     np.array([1j]), np.array(None), np.array(Value(2.0)), np.array([Value(2.0)]), np.datetime64("2020-01-01"),
     np.array(np.timedelta64(3, "ns"))],
)  # fmt: skip
def test_what_is_no_one_real_number_is_refused(several: Any) -> None:
    with pytest.raises(TypeError, match="expected a real number"):
        Value(several)


def test_a_tensor_with_a_gradient_of_its_own_is_not_mixed_in_silently() -> None:
    with pytest.raises(TypeError):
        Value(3.0) * torch.tensor(2.0, requires_grad=True)


def test_arrays_with_axes_still_become_arrays_of_values() -> None:
    products = Value(3.0) * np.array([1.0, 2.0])
    assert [v.data for v in products] == [3.0, 6.0]
    assert (Value(3.0) * np.array([2.0])).shape == (1,)
