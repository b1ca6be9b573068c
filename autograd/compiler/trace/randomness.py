"""Detect that a function draws random numbers, by the states of the random generators that it can reach.

A program would repeat the number drawn while it was compiled for ever. A number that enters the graph differs from run
to run, but a coin can fall on the same side each time; the state of the generator changes all the same, be it a shared
generator or one that only the function knows.
"""

from __future__ import annotations

import functools
import itertools
import pickle
import random
from collections.abc import Callable, Iterable, Iterator
from types import BuiltinMethodType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autograd.arrays import np
from autograd.compiler import cost
from autograd.value import Constant, Traced, Value

_KINDS = (random.Random, np.random.RandomState, np.random.BitGenerator)  # NumPy's Generators draw from the last
_FOR_EVERYONE: tuple[Any, ...] = (random.random, np.random.random_sample)  # methods of the two that all modules share
_PLAIN = frozenset({float, int, bool, str, bytes, complex, type(None), Value, Constant, Traced, np.ndarray, np.float64})


def draws(function: Callable[..., Any], run: Callable[[], object]) -> bool:
    """Run a function, and tell whether it draws random numbers.

    If a state has changed meanwhile it runs again, as another thread may have drawn. What the operating system draws
    has no state that could be seen.
    """
    generators = [x for x in _reachable([function, *_FOR_EVERYONE]) if isinstance(x, _KINDS)]
    before = list(map(_state, generators))
    for _ in range(2):
        run()
        after = list(map(_state, generators))
        generators = [x for x, old, new in zip(generators, before, after) if old != new]
        before = [new for old, new in zip(before, after) if old != new]
        if not generators:
            return False
    return True


def _state(generator: Any) -> bytes:
    try:
        return pickle.dumps(generator.__getstate__())
    except Exception:  # one that has none, such as the operating system's, or a kind of somebody's own
        return b""


def _reachable(roots: Iterable[Any]) -> Iterator[Any]:
    """Everything that code can reach: by its names, in containers, as attributes and by methods of what it reaches."""
    stack, seen = list(roots), set()
    kept = []  # so that no other object takes the place of one that was seen
    while stack:
        x = stack.pop()
        if type(x) in _PLAIN or id(x) in seen:
            continue
        seen.add(id(x))
        kept.append(x)
        yield x
        stack += _within(x)


def _within(x: Any) -> list[Any]:
    if isinstance(x, FunctionType):
        return named(x)
    if isinstance(x, (MethodType, BuiltinMethodType)):
        return [x.__self__, getattr(x, "__func__", None)]
    if isinstance(x, functools.partial):
        return [x.func, *x.args, *x.keywords.values()]
    if isinstance(x, np.random.Generator):
        return [x.bit_generator]
    if isinstance(x, dict):
        return list(itertools.islice(x.values(), cost.MOST_ITEMS_SEARCHED))
    if isinstance(x, (list, tuple, set, frozenset)):
        return list(itertools.islice(x, cost.MOST_ITEMS_SEARCHED))
    if isinstance(x, type):
        return [] if x.__module__ == "builtins" else [y for y in vars(x).values() if isinstance(y, FunctionType)]
    if isinstance(x, ModuleType):
        return []
    attributes = getattr(x, "__dict__", {})
    return [*type(x).__mro__, *itertools.islice(attributes.values(), cost.MOST_ITEMS_SEARCHED)]


def named(function: FunctionType) -> list[Any]:
    """Everything that a function's code refers to: free variables, defaults, globals, and names of modules."""
    names = set(names_in(function.__code__))
    objects = [function.__globals__[name] for name in names if name in function.__globals__]
    for x in objects:  # which grows
        if isinstance(x, ModuleType):
            inner = (vars(x)[name] for name in names if name in vars(x))
            objects += [y for y in inner if not any(y is z for z in objects)]
    for cell in function.__closure__ or ():
        try:
            objects.append(cell.cell_contents)
        except ValueError:  # not yet assigned
            continue
    return [*objects, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
