"""Detect whether the rules of a user's primitive read mutable state, such as a context variable.

Traced into an expression, such a rule would freeze the state that it read at compile time, so it is called for each
element instead. The names in its code are followed through functions, closures, modules and other primitives.
Immutable objects and functions of their arguments alone are not state; everything else counts as state. A named plain
number is a constant of the program, as it is in the compiled function, unless a function of the same module declares
the name `global` and assigns it.
"""

from __future__ import annotations

import dis
import functools
import math
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autograd.arrays import np
from autograd.compiler.trace.randomness import captured, named, names_in
from autograd.primitives import TABLE, Primitive, Rule
from autograd.recording import tracing
from autograd.table import OURS
from autograd.transforms import grad

_PLAIN = (int, float, complex, str, bytes, type(None), type(...), range)
_STATELESS = frozenset({"autograd", "builtins", "cmath", "functools", "itertools", "math", "numpy", "operator"})
_LOOKUPS = frozenset({"eval", "exec", "getattr", "globals", "input", "open", "vars", "__import__"})
"""Builtin functions that reach objects without naming them."""


def reads_state(primitive: Primitive) -> bool:
    """Return whether a primitive's forward or derivative rule may give different results for the same numbers."""
    stack: list[Any] = [primitive]
    seen: dict[int, Any] = {}
    while stack:
        x = stack.pop()
        if id(x) in seen:
            continue
        seen[id(x)] = x  # keeps x alive, so that its id stays unique
        if (inner := _within(x)) is None:
            return True
        stack += inner
    return False


def _within(x: Any) -> list[Any] | None:
    """Return the objects that an object refers to; None if it is, or may be, state."""
    if isinstance(x, (*_PLAIN, ModuleType)) or (type(x).__module__ == "numpy" and not isinstance(x, np.ndarray)):
        return []
    if isinstance(x, Primitive):
        if x.name in OURS and TABLE[x.name] is x:
            return []
        return [x.forward, x.array, x.machine, x.derivatives, x.compiled_derivatives, x.machine_derivatives]
    if isinstance(x, FunctionType):
        return _within_function(x)
    if isinstance(x, MethodType):
        return [x.__self__, x.__func__]
    if isinstance(x, BuiltinFunctionType) and not isinstance(x.__self__, ModuleType):
        return [x.__self__]
    if isinstance(x, functools.partial):
        return [x.func, *x.args, *x.keywords.values()]
    if isinstance(x, (tuple, frozenset)):
        return list(x)
    return [] if isinstance(x, (BuiltinFunctionType, type)) and _is_stateless(x.__module__) else None


def _is_stateless(module: str | None) -> bool:
    return str(module).lstrip("_").partition(".")[0] in _STATELESS


def _within_function(function: FunctionType) -> list[Any] | None:
    if _is_stateless(function.__module__):  # but it may wrap a user's function
        return captured(function)
    names = set(names_in(function.__code__))
    neighbours = [x for x in list(function.__globals__.values()) if isinstance(x, FunctionType)]
    users = [x.__code__ for x in neighbours if not names.isdisjoint(names_in(x.__code__))]
    if any(step == "STORE_GLOBAL" and name in names for code in users for step, name in _steps(code)):
        return None
    steps = _steps(function.__code__)
    if any(("STORE_DEREF", name) in steps for name in function.__code__.co_freevars):
        return None
    imported = [name for step, name in steps if step == "IMPORT_NAME"]
    if names & (_LOOKUPS - function.__globals__.keys()) or not all(map(_is_stateless, imported)):
        return None
    return named(function)


def _steps(code: CodeType) -> set[tuple[str, str]]:
    """Return the opcodes and operands of the instructions of a function and of its inner functions."""
    steps = {(step.opname, str(step.argval)) for step in dis.get_instructions(code)}
    return steps.union(*[_steps(x) for x in code.co_consts if isinstance(x, CodeType)])


def slopes_of(primitive: Primitive) -> Rule:
    """Return the derivative rule of a primitive that reads state, in which each derivative is a node."""

    def rule(*inputs_and_out: Any) -> tuple[Any, ...]:
        *inputs, _ = inputs_and_out
        return tuple(_slope(primitive, place)(*inputs) for place in range(len(inputs)))

    return rule


@functools.cache  # so that all traces share the same primitives
def _slope(primitive: Primitive, place: int) -> Primitive:
    """Return the derivative with respect to an operand as a primitive, whose rules are called at each run, too."""

    def forward(*inputs: float) -> float:
        return primitive.local_derivatives(inputs, primitive.forward(*inputs))[place]

    def slope(*inputs: Any) -> Any:
        return primitive.derivatives(*inputs, primitive(*inputs))[place]

    def derivatives(*inputs_and_out: float) -> tuple[float, ...]:
        *inputs, _ = map(float, inputs_and_out)  # fails for Values and symbols
        try:
            with tracing(None):
                return grad(slope, tuple(range(len(inputs))))(*inputs)
        except TypeError:  # a rule that takes only floats
            return (math.nan,) * (len(inputs_and_out) - 1)

    return Primitive(f"slope of {primitive.name}", forward, derivatives, hides_nan=True)
