"""Detect whether a function draws random numbers, by the states of the random generators that it can reach.

A compiled program would forever repeat the number drawn while it was compiled. Comparing runs does not suffice: a coin
can fall on the same side each time. But the state of the generator changes, whether it is shared or private.

The code of libraries is not searched: they draw from generators that they are given and from the shared ones, and one
of their names leads to thousands of others. This package's table of primitives would lead to everything that users have
ever registered.
"""

from __future__ import annotations

import functools
import itertools
import pickle
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import BuiltinMethodType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autograd.arrays import np
from autograd.compiler import cost
from autograd.primitives import TABLE, Primitive, lookup
from autograd.table import OURS
from autograd.value import Constant, Traced, Value

_KINDS = (random.Random, np.random.RandomState, np.random.BitGenerator)  # NumPy's Generators draw from the last
_SHARED_METHODS: tuple[Any, ...] = (random.random, np.random.random_sample)  # methods of the two global generators
_PLAIN = frozenset({float, int, bool, str, bytes, complex, type(None), Value, Constant, Traced, np.ndarray, np.float64})
_LIBRARIES = sys.stdlib_module_names | {"autograd", "jax", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "torch"}


def draws(function: Callable[..., Any], run: Callable[[], Iterable[Primitive | None]]) -> bool:
    """Run a function; return whether it draws random numbers.

    If a state has changed, the function runs again, since another thread may have drawn. It also runs again if it used
    primitives whose rules reach generators that were not watched. The operating system's generator has no state to
    observe.

    Args:
        run: runs the function and returns the primitives that it used.
    """
    seen: dict[int, Any] = {}
    generators = _generators([function, *_SHARED_METHODS], seen)
    before = list(map(_state, generators))
    used = set(run())
    suspects = [*_changed(generators, before), *_generators(used, seen)]
    if not suspects:
        return False
    before = list(map(_state, suspects))
    run()
    return bool(_changed(suspects, before))


def _changed(generators: Sequence[Any], before: Sequence[bytes]) -> list[Any]:
    return [generator for generator, state in zip(generators, before) if _state(generator) != state]


def _state(generator: Any) -> bytes:
    try:
        return pickle.dumps(generator.__getstate__())
    except Exception:  # no state, as of the operating system's generator, or a user-defined kind
        return b""


def _generators(roots: Iterable[Any], seen: dict[int, Any]) -> list[Any]:
    """Return the generators that code can reach, except through objects already seen.

    Code reaches the objects that it names, and from each object its items, attributes and methods.

    Args:
        seen: the objects searched before, by id; holding them keeps their ids unique. Updated.
    """
    stack, generators = list(roots), []
    while stack:
        x = stack.pop()
        if type(x) in _PLAIN or id(x) in seen:
            continue
        seen[id(x)] = x
        if isinstance(x, _KINDS):
            generators.append(x)
        stack += _within(x)
    return generators


def _within(x: Any) -> list[Any]:
    if x is lookup:
        return [TABLE[name] for name in TABLE.keys() - OURS]
    if isinstance(x, FunctionType):
        return captured(x) if _is_of_library(x) else named(x)
    if isinstance(x, Primitive) and x.name in OURS and TABLE[x.name] is x:
        return []
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
        return [] if _is_of_library(x) else [y for y in vars(x).values() if isinstance(y, FunctionType)]
    if isinstance(x, ModuleType):
        return []
    attributes = getattr(x, "__dict__", {})
    return [*type(x).__mro__, *itertools.islice(attributes.values(), cost.MOST_ITEMS_SEARCHED)]


def _is_of_library(x: FunctionType | type) -> bool:
    return str(x.__module__).partition(".")[0] in _LIBRARIES


def captured(function: FunctionType) -> list[Any]:
    """Return the values of a function's free variables that have one."""
    contents = []
    for cell in function.__closure__ or ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # not yet assigned
            continue
    return contents


def named(function: FunctionType) -> list[Any]:
    """Return all objects that a function's code refers to: free variables, defaults, globals, and names in modules."""
    names = set(names_in(function.__code__))
    objects = [function.__globals__[name] for name in names if name in function.__globals__]
    objects += captured(function)
    for x in objects:  # grows during the iteration
        if isinstance(x, ModuleType):
            inner = (vars(x)[name] for name in names if name in vars(x))
            objects += [y for y in inner if not any(y is z for z in objects)]
    return [*objects, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
