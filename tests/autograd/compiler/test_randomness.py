"""Random draws behind the package's own functions, and the objects that are not searched for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import autograd
from autograd import Value, compile, primitive
from autograd.table import TABLE, lookup


class Watched(dict[str, random.Random]):
    """Generators by name, which notice a search of their values."""

    searched = False

    def values(self) -> Any:
        self.searched = True
        return super().values()


@pytest.fixture
def generators() -> Iterator[Watched]:
    """Yield generators for a primitive "coin", which only the table of primitives and this test know."""
    watched = Watched(coin=random.Random(0))

    def forward(x: float) -> float:
        return x if watched["coin"].random() < 100 else 2 * x

    primitive("coin", forward, lambda x, out: (1.0,))
    yield watched
    del TABLE["coin"]


def own(x: Any) -> Any:
    return autograd.exp(x) + autograd.where(x > 0, x, 1.0)


def test_a_primitive_that_a_function_does_not_use_is_not_searched(generators: Watched) -> None:
    program = compile(own, 1.0)
    assert not generators.searched
    assert program([0.0]).tolist() == [2.0]


class Draws:
    """An object that uses the primitive without a name that leads to it."""

    def __init__(self) -> None:
        self.node: Any = lookup("coin")(Value(1.0))

    def of_a_node(self, x: Any) -> Any:
        return self.node.primitive(x)

    def of_a_name(self, x: Any) -> Any:
        return lookup("coin")(x)

    def of_a_number(self, x: Any) -> Any:
        return x * lookup("coin")(1.0)

    def of_the_table(self, x: Any) -> Any:
        return x * TABLE["coin"](1.0)

    def of_a_derivative(self, x: Any) -> Any:
        return autograd.grad(lambda y: self.of_a_node(y) * y)(x)


@pytest.mark.parametrize("way", ["of_a_node", "of_a_name", "of_a_number", "of_the_table", "of_a_derivative"])
def test_a_primitive_that_draws_is_found_however_the_function_comes_by_it(generators: Watched, way: str) -> None:
    with pytest.raises(ValueError, match="draws random numbers"):
        compile(getattr(Draws(), way), 1.0)


@pytest.mark.usefixtures("generators")
def test_a_primitive_that_drew_before_the_function_runs_is_no_draw_of_the_function() -> None:
    node = lookup("coin")(Value(3.0))
    assert compile(lambda x: x + node, 1.0)(2.0) == 5.0


@pytest.mark.parametrize(
    "derived", [autograd.grad, autograd.value_and_grad, lambda f: lambda x: autograd.jvp(f, (x,), (1.0,))[1]]
)
def test_a_function_that_is_differentiated_draws(derived: Callable[[Any], Any]) -> None:
    generator = random.Random(1)
    f = derived(lambda x: x * x if generator.random() < 100 else x)
    with pytest.raises(ValueError, match="draws random numbers"):
        compile(f, 1.0)


def test_a_generator_of_a_module_that_an_outer_function_has_imported() -> None:
    def made() -> Callable[[Any], Any]:
        module: Any = ModuleType("module")
        module.coin = random.Random(2)
        return lambda x: x if module.coin.random() < 100 else 2 * x

    with pytest.raises(ValueError, match="draws random numbers"):
        compile(made(), 1.0)
