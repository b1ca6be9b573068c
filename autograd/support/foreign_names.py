"""Names from other libraries of the family, and what they are called here: one line, in an error.

A name that somebody brings along from micrograd, PyTorch or JAX is no attribute and no argument here. Instead of
"has no attribute", the error says what to write. Nothing else comes of it: `hasattr` is false, `dir` does not list it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Never, TypeVar

__all__ = [
    "OF_BACKWARD",
    "OF_PACKAGE",
    "OF_TRANSFORMS",
    "OF_VALUES",
    "OF_VALUE_ARGUMENTS",
    "F",
    "ForeignName",
    "explain_arguments",
    "explain_attributes",
    "missing",
    "refuse_arguments",
]

F = TypeVar("F", bound=Callable[..., Any])

_GRADIENT = "v.grad is set to 0 by `v.grad = 0.0`, for a whole model by model.zero_grad() or optimizer.zero_grad()"
_NUMBER = "v.data is the number"
_ONE_FLOAT = "a Value is one Python float, v.data, on the processor"

OF_VALUES = {
    # micrograd
    "_prev": "v.parents is a tuple of the nodes it was computed from, in order",
    "_op": "v.op is the symbol of its operation",
    "_backward": "v.local_derivatives holds the derivative to each parent; v.backward() walks through the graph",
    # microgpt
    "_children": "v.parents is a tuple of the nodes it was computed from, in order",
    "_local_grads": "v.local_derivatives holds the derivative to each parent",
    # PyTorch and others
    "item": _NUMBER,
    "tolist": _NUMBER,
    "numpy": _NUMBER,
    "value": _NUMBER,
    "shape": _ONE_FLOAT,
    "dtype": _ONE_FLOAT,
    "device": _ONE_FLOAT,
    "to": _ONE_FLOAT,
    "cpu": _ONE_FLOAT,
    "cuda": _ONE_FLOAT,
    "gradient": "v.grad is the derivative of what backward() was called on to v",
    "children": "v.parents is a tuple of the nodes it was computed from, in order",
    "name": "v.label is its name",
    "requires_grad": "every Value has a gradient; autograd.no_grad() records no graph, v.detach() is a constant",
    "requires_grad_": "every Value has a gradient; autograd.no_grad() records no graph, v.detach() is a constant",
    "is_leaf": "a leaf has no parents: `not v.parents`",
    "grad_fn": "v.op is the symbol of its operation, v.parents are its operands",
    "retain_grad": "every node keeps its gradient",
    "register_hook": "after backward() every node has its gradient in v.grad, and its edges in v.local_derivatives",
    "zero_grad": _GRADIENT,
    "zero_": _GRADIENT,
    "clone": "nodes are never changed by arithmetic, so that v itself will do; copy.copy(v) is another leaf or node",
    "pow": "write v**n",
    "square": "write v**2",
    "abs": "write abs(v)",
    "mul": "write a * b",
    "add": "write a + b",
    "matmul": "autograd.dot(xs, ys) is a sum of products",
    "clamp": "write autograd.minimum(autograd.maximum(v, low), high)",
    "softmax": "autograd.softmax takes the list of Values",
    "sum": "a Value is one number; autograd.sum takes a list of Values",
    "mean": "a Value is one number; autograd.mean takes a list of Values",
    "max": "a Value is one number; autograd.max takes a list of Values",
    "min": "a Value is one number; autograd.min takes a list of Values",
    "reshape": _ONE_FLOAT,
    "view": _ONE_FLOAT,
}

OF_VALUE_ARGUMENTS = {
    "requires_grad": "every Value has a gradient; write Value(2.0)",
    "dtype": "a Value is one Python float; write Value(2.0)",
    "device": "a Value is one Python float; write Value(2.0)",
    "name": "write Value(2.0, label='x')",
    "value": "the number is called data: write Value(2.0)",
    "grad": "it is 0 at first; assign to v.grad for another",
    "_children": "nodes are made by arithmetic, or by autograd.primitive for an operation of your own",
    "_op": "nodes are made by arithmetic, or by autograd.primitive for an operation of your own",
}

OF_BACKWARD = {
    "retain_graph": "a graph is kept as long as somebody holds it, so leave it out; leaves accumulate at each call",
    "create_graph": "derivatives of derivatives come from autograd.grad, which nests: grad(grad(f))(2.0)",
    "inputs": "every leaf receives its gradient; autograd.grad(f, argnums=...) gives those you ask for",
    "grad_tensors": "the derivative to start from is called gradient: v.backward(2.0)",
}

OF_TRANSFORMS = {
    "argnum": "it is called argnums here, and takes an integer or a tuple of them",
    "has_aux": "autograd.compile has has_aux; here return the one number, and compute the rest apart",
    "create_graph": "derivatives nest as they are: grad(grad(f))(2.0)",
    "retain_graph": "each call records a graph of its own; leave it out",
    "inputs": "write grad(f)(x), which returns the derivative to x",
}

OF_PACKAGE = {
    "numpy": "NumPy's own functions take Values: write import numpy",
    "Tensor": "autograd.Value is a number with a gradient; arrays of them are lists",
    "tensor": "autograd.Value(2.0) is a number with a gradient; arrays of them are lists",
    "Variable": "autograd.Value(2.0) is a number with a gradient",
    "Function": "autograd.primitive(name, forward, derivatives) adds an operation of your own",
    "backward": "write loss.backward()",
    "vjp": "autograd.value_and_grad and loss.backward(gradient) go backward; autograd.jvp goes forward",
    "elementwise_grad": "write [autograd.grad(f)(x) for x in xs]",
    "make_vjp": "autograd.value_and_grad(f), or loss.backward(gradient)",
    "make_jvp": "autograd.jvp(f, primals, tangents)",
    "hvp": "autograd.hessian_vector_product(f, x, vector)",
    "gradcheck": "autograd.check_gradient(f, *args)",
    "jit": "autograd.compile(f, *examples), which also makes it run on batches",
    "vmap": "autograd.compile(f, *examples) makes a program that runs on batches",
    "pow": "write v**n",
    "abs": "write abs(v)",
    "add": "write a + b",
    "mul": "write a * b",
    "matmul": "autograd.dot(xs, ys) is a sum of products",
    "enable_grad": "autograd.no_grad() is left at the end of its block, after which everything is recorded again",
}


class ForeignName:
    """A name that a class does not have, with a line that says what it is called here.

    Raises:
        AttributeError: when it is read. Also when it is assigned to an object of this package, where it would have no
            effect; a class of yours, or one that derives from ours, may well have an attribute of that name.
    """

    name: str
    remedy: str
    home: str

    def __init__(self, name: str, remedy: str, home: str) -> None:
        self.name, self.remedy, self.home = name, remedy, home

    def __get__(self, instance: Any, owner: type) -> Any:
        own = getattr(instance, "__dict__", {})
        if self.name in own:
            return own[self.name]
        raise self._error(owner)

    def __set__(self, instance: Any, value: Any) -> None:
        own = getattr(instance, "__dict__", None)
        if own is None or type(instance).__module__.partition(".")[0] == self.home:
            raise self._error(type(instance))
        own[self.name] = value

    def __delete__(self, instance: Any) -> None:
        if getattr(instance, "__dict__", {}).pop(self.name, self) is self:
            raise self._error(type(instance))

    def _error(self, owner: type) -> AttributeError:
        return AttributeError(f"{owner.__name__} has no {self.name!r}: {self.remedy}")


def explain_attributes(kind: type, remedies: Mapping[str, str]) -> None:
    """Let objects of a class answer to foreign names with a remedy, unless the class has such an attribute itself."""
    for name, remedy in remedies.items():
        if not hasattr(kind, name):
            setattr(kind, name, ForeignName(name, remedy, kind.__module__.partition(".")[0]))
    setattr(kind, "__dir__", _names_that_are_there)  # noqa: B010  # which mypy would take for an assignment to a method


def _names_that_are_there(self: object) -> list[str]:
    own = getattr(self, "__dict__", {})
    return [n for n in object.__dir__(self) if n in own or not isinstance(_of_class(type(self), n), ForeignName)]


def _of_class(kind: type, name: str) -> Any:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def explain_arguments(remedies: Mapping[str, str]) -> Callable[[F], F]:
    """Decorate a function, so that a foreign keyword raises a TypeError with a remedy.

    >>> @explain_arguments({"lr": "it is called learning_rate here"})
    ... def descend(learning_rate=0.1):
    ...     return learning_rate
    >>> descend(lr=1.0)
    Traceback (most recent call last):
        ...
    TypeError: descend has no argument 'lr': it is called learning_rate here
    """

    def decorate(function: F) -> F:
        name = function.__qualname__.removesuffix(".__init__")

        @wraps(function)
        def explained(*args: Any, **kwargs: Any) -> Any:
            if kwargs and not remedies.keys().isdisjoint(kwargs):
                refuse_arguments(name, kwargs, remedies)
            return function(*args, **kwargs)

        return explained  # type: ignore[return-value]

    return decorate


def refuse_arguments(function: str, given: Mapping[str, Any], remedies: Mapping[str, str]) -> Never:
    """Raise the TypeError for arguments that a function does not have, with the remedy for the first that has one."""
    foreign = next((name for name in given if name in remedies), next(iter(given)))
    remedy = f": {remedies[foreign]}" if foreign in remedies else ""
    raise TypeError(f"{function} has no argument {foreign!r}{remedy}")


def missing(module: str, name: str, remedies: Mapping[str, str]) -> AttributeError:
    """The error of a module that lacks a name, with the remedy for a foreign one."""
    remedy = f": {remedies[name]}" if name in remedies else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{remedy}")
