"""`check_engine` on engines that are broken in the ways in which people break theirs."""

from __future__ import annotations

import gc
import math
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

import autograd
from autograd import EngineReport, Value, check_engine
from autograd.teaching import engine_rungs_walk
from autograd.teaching.engine_bench import Bench

SOON = 0.5  # seconds, for programs that never end

# The exception that stops them may hit a callback in their thread that hypothesis has registered with the collector.
never_ends = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Good:
    """An engine as people write it after micrograd, without its flaws. The broken ones below change one thing each."""

    def __init__(self, data: Any, parents: Any = ()) -> None:
        self.data, self.grad, self.parents = data, 0.0, parents
        self._backward: Callable[[], Any] = lambda: None

    def wrap(self, other: Any) -> Any:
        return other if hasattr(other, "data") else type(self)(other)

    def __add__(self, other: Any) -> Any:
        other = self.wrap(other)
        out = type(self)(self.data + other.data, (self, other))

        def _backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other: Any) -> Any:
        other = self.wrap(other)
        out = type(self)(self.data * other.data, (self, other))

        def _backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, n: Any) -> Any:
        return self.unary(self.data**n, lambda out: n * self.data ** (n - 1))

    def unary(self, data: float, derivative: Callable[[Any], float]) -> Any:
        out = type(self)(data, (self,))

        def _backward() -> None:
            self.grad += derivative(out) * out.grad

        out._backward = _backward
        return out

    def __neg__(self) -> Any:
        return self * -1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __truediv__(self, other: Any) -> Any:
        return self * self.wrap(other) ** -1

    def __rtruediv__(self, other: Any) -> Any:
        return other * self**-1

    def order(self) -> list[Any]:
        topo, visited, stack = [], set(), [(self, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                topo.append(node)
            elif id(node) not in visited:
                visited.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
        return topo

    def backward(self) -> None:
        topo = self.order()
        for node in topo:
            if node.parents:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(topo):
            node._backward()


def lacking(method: str, name: str) -> type[Any]:
    return type(name, (), {key: value for key, value in vars(Good).items() if key != method})


def outcomes(report: EngineReport) -> dict[str, str]:
    return {rung.name: rung.outcome for rung in report.rungs}


def test_a_good_engine_passes() -> None:
    report = check_engine(Good)
    assert report.passed
    assert bool(report)
    assert report.score == 1.0
    assert report.first_failure is None
    assert report.engine == "Good"
    skipped = {"exp", "log", "tanh", "sigmoid", "relu"}
    assert {rung.name for rung in report.rungs if rung.outcome == "skipped"} == skipped
    assert {rung.explanation for rung in report.rungs if rung.outcome == "passed"} == {""}
    assert str(report).startswith("Good passes all 24 rungs.\n  ok  number, plus, times,")
    assert repr(report) == str(report)


def test_lucidgrads_value_passes_all_of_it() -> None:
    report = check_engine(Value)
    assert report.passed, report
    assert set(outcomes(report).values()) == {"passed"}
    assert not any(rung.explanation for rung in report.rungs)


def test_micrograd_gets_what_it_deserves() -> None:
    engine = pytest.importorskip("micrograd.engine", reason="micrograd is not installed")
    report = check_engine(engine.Value)
    assert [rung.name for rung in report.rungs if rung.outcome == "failed"] == ["second backward", "deep"]
    assert report.score == pytest.approx(23 / 25)
    assert report.first_failure is not None
    assert "gave a.grad = 70, expected 35" in report.first_failure.explanation
    assert "the second was added to it" in report.first_failure.explanation
    assert "Walk the graph with a list as a stack" in report.rungs[-1].explanation


# The test of each engine says what is wrong with it.


class TakesNothing(Good):
    def __init__(self) -> None:
        super().__init__(0.0)


class NoGrad:
    def __init__(self, data: float) -> None:
        self.data = data


class GradNone(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(data, parents)
        self.grad: Any = None


class OnTheClass(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(data, parents)
        del self.data
        OnTheClass.data = data


class AddsInPlace(Good):
    def __add__(self, other: Any) -> Any:
        self.data += other.data
        return self


class GivesANumber(Good):
    def __add__(self, other: Any) -> Any:
        return self.data + other.data


class ForgetsToReturn(Good):
    def __add__(self, other: Any) -> Any:
        type(self)(self.data + other.data, (self, other))


class NoOperators:
    def __init__(self, data: float) -> None:
        self.data, self.grad = data, 0.0


class AddsNodes(NoGrad):
    grad = 0.0

    def __add__(self, other: Any) -> Any:
        return AddsNodes(self.data + other)


class DataIsANode(Good):
    def __add__(self, other: Any) -> Any:
        return type(self)(type(self)(self.data + other.data), (self, other))


class MultipliesByAdding(Good):
    __mul__ = Good.__add__


class ForgetsParents(Good):
    def __mul__(self, other: Any) -> Any:
        return type(self)(self.data * other.data)


class CopiesParents(Good):
    def __add__(self, other: Any) -> Any:
        return type(self)(self.data + other.data, (type(self)(self.data), type(self)(other.data)))


class NoBackward:
    def __init__(self, data: float, parents: Any = ()) -> None:
        self.data, self.grad, self.parents = data, 0.0, parents

    def __add__(self, other: Any) -> Any:
        return NoBackward(self.data + other.data, (self, other))

    def __mul__(self, other: Any) -> Any:
        return NoBackward(self.data * other.data, (self, other))


class NotSeeded(Good):
    def backward(self) -> None:
        for node in reversed(self.order()):
            node._backward()


class LeavesCannotBeCalled(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(data, parents)
        self._backward: Any = None


class ComparesAndCannotBeHashed(Good):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Good) and bool(self.data == other.data)

    def backward(self) -> None:
        visited = set()
        for node in self.order():
            visited.add(node)


class NothingPrepared(Good):
    def __add__(self, other: Any) -> Any:
        return type(self)(self.data + other.data, (self, other))


class BindsLate(Good):
    """Closures made in a loop, which all see the last parent."""

    def __add__(self, other: Any) -> Any:
        out = type(self)(self.data + other.data, (self, other))
        steps: list[Callable[[], None]] = []
        for parent in out.parents:
            steps.append(lambda: setattr(parent, "grad", parent.grad + out.grad))  # noqa: B023, PERF401
        out._backward = lambda: [step() for step in steps]
        return out


class OwnNumber(Good):
    def __mul__(self, other: Any) -> Any:
        out = super().__mul__(other)

        def _backward() -> None:
            self.grad += self.data * out.grad
            other.grad += other.data * out.grad

        out._backward = _backward
        return out


class NoChainRule(Good):
    def __mul__(self, other: Any) -> Any:
        out = super().__mul__(other)

        def _backward() -> None:
            self.grad += other.data
            other.grad += self.data

        out._backward = _backward
        return out


class OneStepOnly(Good):
    def backward(self) -> None:
        self.grad = 1.0
        self._backward()


class OrderOfCreation(Good):
    def backward(self) -> None:
        self.grad = 1.0
        for node in self.order():
            node._backward()


class MulAssigns(Good):
    def __mul__(self, other: Any) -> Any:
        other = self.wrap(other)
        out = super().__mul__(other)

        def _backward() -> None:
            self.grad = other.data * out.grad
            other.grad = self.data * out.grad

        out._backward = _backward
        return out


class AddAssigns(Good):
    def __add__(self, other: Any) -> Any:
        other = self.wrap(other)
        out = super().__add__(other)

        def _backward() -> None:
            self.grad = out.grad
            other.grad = out.grad

        out._backward = _backward
        return out


class NoVisitedSet(Good):
    def backward(self) -> None:
        topo = []

        def build(node: Any) -> None:
            for parent in node.parents:
                build(parent)
            topo.append(node)

        build(self)
        self.grad = 1.0
        for node in reversed(topo):
            node._backward()


class DepthFirst(Good):
    """An engine that recurses into each parent at once, as if the graph were a tree."""

    def backward(self) -> None:
        self.grad = 1.0
        self.walk()

    def walk(self) -> None:
        self._backward()
        for parent in self.parents:
            parent.walk()


class VisitedButTooEarly(Good):
    def backward(self) -> None:
        visited = set()

        def walk(node: Any) -> None:
            visited.add(node)
            node._backward()
            for parent in node.parents:
                if parent not in visited:
                    walk(parent)

        self.grad = 1.0
        walk(self)


class BreadthFirst(Good):
    def backward(self) -> None:
        self.grad = 1.0
        queue = [self]
        for node in queue:
            node._backward()
            queue += [parent for parent in dict.fromkeys(node.parents) if parent not in queue]


class EqualIsTheSame(Good):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Good) and bool(self.data == other.data)

    def __hash__(self) -> int:
        return hash(self.data)

    def order(self) -> list[Any]:
        topo, visited = [], set()

        def build(node: Any) -> None:
            if node not in visited:
                visited.add(node)
                for parent in node.parents:
                    build(parent)
                topo.append(node)

        build(self)
        return topo


class EqualIsTheSameFromTheRight(EqualIsTheSame):
    """The parents in reverse order, as an engine that keeps them in a set may visit them by chance."""

    def order(self) -> list[Any]:
        topo, visited = [], set()

        def build(node: Any) -> None:
            if node not in visited:
                visited.add(node)
                for parent in reversed(node.parents):
                    build(parent)
                topo.append(node)

        build(self)
        return topo


class WayByWay:
    """A correct but exponentially slow engine, which passes on each gradient as soon as it arrives."""

    def __init__(self, data: float, parents: Any = (), derivatives: Any = ()) -> None:
        self.data, self.grad, self.parents, self.derivatives = data, 0.0, parents, derivatives

    def __add__(self, other: Any) -> Any:
        return WayByWay(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> Any:
        return WayByWay(self.data * other.data, (self, other), (other.data, self.data))

    def backward(self, gradient: float = 1.0) -> None:
        self.grad += gradient
        for parent, derivative in zip(self.parents, self.derivatives):
            parent.backward(gradient * derivative)


class NoConstants(Good):
    def wrap(self, other: Any) -> Any:
        return other


NoRmul = lacking("__rmul__", "NoRmul")


NoRadd = lacking("__radd__", "NoRadd")


class RmulCallsItself(Good):
    def __rmul__(self, other: Any) -> Any:
        return other * self


class RaddOfZero(Good):
    def __radd__(self, other: Any) -> Any:
        return self + other if other else NotImplemented


class IaddInPlace(Good):
    def __iadd__(self, other: Any) -> Any:
        self.data += self.wrap(other).data
        return self


NoNeg = lacking("__neg__", "NoNeg")


class NegLosesItsSign(Good):
    def __neg__(self) -> Any:
        return self.unary(-self.data, lambda out: 1.0)


NoSub = lacking("__sub__", "NoSub")


class SubLosesItsSign(Good):
    def __sub__(self, other: Any) -> Any:
        out = self + self.wrap(other)
        out.data = self.data - self.wrap(other).data
        return out


class RsubTurned(Good):
    def __rsub__(self, other: Any) -> Any:
        return self - other


class PowWithoutMinusOne(Good):
    def __pow__(self, n: Any) -> Any:
        return self.unary(self.data**n, lambda out: n * self.data**n)


class PowWithoutFactor(Good):
    def __pow__(self, n: Any) -> Any:
        return self.unary(self.data**n, lambda out: self.data ** (n - 1))


class PowDivides(Good):
    def __pow__(self, n: Any) -> Any:
        return self.unary(self.data**n, lambda out: n * out.data / self.data)


def division(derivative: Callable[[float, float], float]) -> type[Good]:
    class Divides(Good):
        def __truediv__(self, other: Any) -> Any:
            other = self.wrap(other)
            out = type(self)(self.data / other.data, (self, other))

            def _backward() -> None:
                self.grad += out.grad / other.data
                other.grad += derivative(self.data, other.data) * out.grad

            out._backward = _backward
            return out

    return Divides


class RtruedivTurned(Good):
    def __rtruediv__(self, other: Any) -> Any:
        return self / other


class Tanh(Good):
    """An engine whose derivative of tanh uses the input instead of the output."""

    def tanh(self) -> Any:
        return self.unary(math.tanh(self.data), lambda out: 1 - self.data**2)


class Sigmoid(Good):
    def sigmoid(self) -> Any:
        return self.unary(1 / (1 + math.exp(-self.data)), lambda out: 1 - out.data**2)


class Relu(Good):
    def relu(self) -> Any:
        return self.unary(max(0.0, self.data), lambda out: 1.0)


class Exp(Good):
    def exp(self) -> Any:
        return self.unary(math.exp(self.data), lambda out: self.data)


class Log(Good):
    def log(self) -> Any:
        return self.unary(math.log10(self.data), lambda out: 1 / self.data)


class DefaultIsMadeOnce(Good):
    def sort(self, topo: list[Any] = [], visited: set[Any] = set()) -> list[Any]:  # noqa: B006
        for node in super().order():
            if node not in visited:
                visited.add(node)
                topo.append(node)
        return topo

    def backward(self) -> None:
        self.grad = 1.0
        for node in reversed(self.sort()):
            node._backward()


class PilesUp(Good):
    def backward(self) -> None:
        self.grad = 1.0
        for node in reversed(self.order()):
            node._backward()


class VisitedForEver(Good):
    visited = False

    def order(self) -> list[Any]:
        topo = [node for node in super().order() if not node.visited]
        for node in topo:
            node.visited = bool(node.parents)
        return topo


class Recursive(Good):
    def order(self) -> list[Any]:
        topo, visited = [], set()

        def build(node: Any) -> None:
            if node not in visited:
                visited.add(node)
                for parent in node.parents:
                    build(parent)
                topo.append(node)

        build(self)
        return topo


class CalledAtOnce(Good):
    def __add__(self, other: Any) -> Any:
        out = super().__add__(other)
        out._backward = out._backward()
        return out


class MulCalledAtOnce(Good):
    def __mul__(self, other: Any) -> Any:
        out = super().__mul__(other)
        out._backward = out._backward()
        return out


class CalledAtOnceAndPassedOver(CalledAtOnce):
    def backward(self) -> None:
        self.grad = 1.0
        for node in reversed(self.order()):
            if node._backward:
                node._backward()


class Float32(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(np.float32(data), parents)


class Float32Gradients(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(data, parents)
        self.grad = np.float32(0.0)  # type: ignore[assignment]


class Float32InDisguise(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(float(np.float32(data)), parents)


class WholeNumbers(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(int(data), parents)


class Rounded(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(round(data, 4), parents)


class Positive(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(abs(data), parents)


class SeedAdds(Good):
    def backward(self) -> None:
        self.grad += 1.0
        for node in reversed(self.order()):
            node._backward()


class Differences(Good):
    """An engine whose derivative of exp is approximated."""

    def exp(self) -> Any:
        return self.unary(math.exp(self.data), lambda out: (math.exp(self.data + 1e-7) - out.data) / 1e-7)


class KeptWithSelf(Good):
    def __mul__(self, other: Any) -> Any:
        out = super().__mul__(other)
        self._backward, out._backward = out._backward, self._backward
        return out


class WithoutParents(Good):
    def unary(self, data: float, derivative: Callable[[Any], float]) -> Any:
        out = super().unary(data, derivative)
        out.parents = ()
        return out


class RoundAndRound(Good):
    def __sub__(self, other: Any) -> Any:
        return self - other


class NoGradYet(Good):
    def __init__(self, data: Any, parents: Any = ()) -> None:
        super().__init__(data, parents)
        if not parents:
            del self._backward


class NoParentsTaken(Good):
    def __init__(self, data: Any) -> None:
        super().__init__(data)


class MathOfANode(Good):
    def tanh(self) -> Any:
        return self.unary(math.tanh(self), lambda out: 1 - out.data**2)  # type: ignore[arg-type]


class SubParents(Good):
    """An engine whose subtraction remembers only one operand."""

    def __sub__(self, other: Any) -> Any:
        other = self.wrap(other)
        out = type(self)(self.data - other.data, (self,))

        def _backward() -> None:
            self.grad += out.grad
            other.grad -= out.grad

        out._backward = _backward
        return out


class ReluOfTheGradient(Good):
    """An engine with the rule of guided backpropagation."""

    def relu(self) -> Any:
        out = type(self)(max(0.0, self.data), (self,))

        def _backward() -> None:
            self.grad += max(0.0, out.grad) * (self.data > 0)

        out._backward = _backward
        return out


def forgets(function: str, value: Callable[[float], float], derivative: Callable[[float], float]) -> type[Good]:
    """Make an engine with a function that does not multiply by the gradient of its result."""

    def method(self: Good) -> Any:
        out = type(self)(value(self.data), (self,))

        def _backward() -> None:
            self.grad += derivative(self.data)

        out._backward = _backward
        return out

    return type(f"Forgets{function.strip('_').capitalize()}", (Good,), {function: method})


def assigns(function: str, value: Callable[[float], float], derivative: Callable[[float], float]) -> type[Good]:
    """Make an engine with a function that assigns a gradient instead of adding to it."""

    def method(self: Good) -> Any:
        out = type(self)(value(self.data), (self,))

        def _backward() -> None:
            self.grad = derivative(self.data) * out.grad

        out._backward = _backward
        return out

    return type(f"Assigns{function.strip('_').capitalize()}", (Good,), {function: method})


UNARY: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "exp": (math.exp, math.exp),
    "log": (math.log, lambda x: 1 / x),
    "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    "relu": (lambda x: max(0.0, x), lambda x: float(x > 0)),
    "__neg__": (lambda x: -x, lambda x: -1.0),
}


@pytest.mark.parametrize("function", UNARY)
def test_the_gradient_of_the_result_is_asked_for_and_added(function: str) -> None:
    rung = {"__neg__": "negative"}.get(function, function)
    for made, says in (
        (forgets, f"in `{function}`, is the local derivative multiplied by the gradient of the result, `out.grad`?"),
        (assigns, f"does `{function}` assign the gradient instead of adding to it? Write `self.grad += ...`"),
    ):
        report = check_engine(made(function, *UNARY[function]))
        assert report.first_failure is not None
        assert report.first_failure.name == rung
        assert says in report.first_failure.explanation


BROKEN = [
    (CalledAtOnce, "seed", "`out._backward = _backward()` calls the function at once and keeps its result"),
    (MulCalledAtOnce, "times gradient", "Write `out._backward = _backward`, without the parentheses"),
    (CalledAtOnceAndPassedOver, "plus gradient", "(without parentheses, which would call it at once)"),
    (Float32, "number", "a number of type float32, which has 7 digits, where Python's float has 16"),
    (Float32Gradients, "number", "left in the `grad` of it a number of type float32"),
    (
        Float32InDisguise,
        "number",
        "to a few digits of the 16 that a float has. Is something rounded, as by `round` or float32",
    ),
    (WholeNumbers, "number", "data = 0, expected 0.333333333: is it converted to an integer, as by `int` or `round`?"),
    (Rounded, "number", "Is something rounded"),
    (Positive, "number", "`Positive(-2.0)` has data = 2, expected -2: the sign is lost"),
    (SeedAdds, "second backward", "left d.grad = 2, expected 1, since dd/dd = 1 each time: let backward() set it"),
    (Differences, "exp", "or is a derivative only approximated, by a difference?"),
    (KeptWithSelf, "times", "replaced the `_backward` of a: the backward step is stored on the result"),
    (WithoutParents, "power", "are the operands among its parents, as in `WithoutParents(..., (self,))`?"),
    (RoundAndRound, "minus", "The calls there are circular"),
    (NoGradYet, "seed", "A NoGradYet made of a number has no `_backward`: set it in `__init__`"),
    (NoParentsTaken, "plus", "`def __init__(self, data, parents=()):`"),
    (MathOfANode, "tanh", "The functions of `math` take numbers: give them `self.data`"),
    (SubParents, "minus", "gave b.grad = 0, expected 2: the gradient stopped at the result of `__sub__`"),
    (ReluOfTheGradient, "relu", "`k * a.relu()`"),
    (TakesNothing, "number", "`def __init__(self, data):`"),
    (NoGrad, "number", "write `self.grad = 0.0` in `__init__`"),
    (GradNone, "number", "None, expected a number: start with 0.0"),
    (OnTheClass, "number", "kept on the class instead of on `self`"),
    (NoOperators, "plus", "Define `__add__`"),
    (AddsInPlace, "plus", "`a + b` changed a.data from 2 to 7: an operation makes a new AddsInPlace"),
    (GivesANumber, "plus", "gave the plain number 7.0, expected a GivesANumber"),
    (ForgetsToReturn, "plus", "without `return out`"),
    (AddsNodes, "plus", "There float meets AddsNodes: take the number of an operand from its `data`"),
    (
        DataIsANode,
        "plus",
        "left in the `data` of its result a DataIsANode, expected a number: compute with the numbers",
    ),
    (MultipliesByAdding, "times", "`a * b` gave data = 7, expected 10: does `__mul__` add?"),
    (ForgetsParents, "parents", "`parents` do not contain a: keep both operands"),
    (CopiesParents, "parents", "not copies"),
    (NoBackward, "seed", "Define `backward(self)`"),
    (NotSeeded, "seed", "left c.grad = 0, expected 1"),
    (LeavesCannotBeCalled, "seed", "A leaf needs a function that does nothing"),
    (ComparesAndCannotBeHashed, "seed", "`__hash__ = object.__hash__`"),
    (NothingPrepared, "plus gradient", "nothing reached the operands"),
    (BindsLate, "plus gradient", "gave a.grad = 0, expected 1: all of it went to one operand"),
    (OwnNumber, "times gradient", "each operand got its own number, but ∂(ab)/∂a = b"),
    (NoChainRule, "chain", "multiplied by the gradient of the result, `out.grad`"),
    (OneStepOnly, "chain", "the gradient stopped at the last operation"),
    (OrderOfCreation, "chain", "visit them in reverse"),
    (
        MulAssigns,
        "used twice",
        "`a * a` gave a.grad = 3, expected 6: does `__mul__` assign the gradient instead of add",
    ),
    (
        AddAssigns,
        "used twice",
        "`a + a` gave a.grad = 1, expected 2: does `__add__` assign the gradient instead of add",
    ),
    (NoVisitedSet, "diamond", "too much. Is a node gone through more than once"),
    (DepthFirst, "diamond", "too much. Is a node gone through more than once"),
    (VisitedButTooEarly, "diamond", "too little. Does a node pass on its gradient before"),
    (BreadthFirst, "diamond", "too little. Does a node pass on its gradient before"),
    (EqualIsTheSame, "twins", "two nodes that hold the same number are still two"),
    (EqualIsTheSameFromTheRight, "twins", "two nodes that hold the same number are still two"),
    (NoConstants, "constant right", "A plain number was asked for its `data`: wrap numbers first"),
    (NoRmul, "constant left", "`3 * a` raised TypeError"),
    (NoRmul, "constant left", "Python asks NoRmul for `__rmul__`: define it"),
    (NoRadd, "constant left", "Python asks NoRadd for `__radd__`: define it, which the built-in sum needs too"),
    (RmulCallsItself, "constant left", "`__rmul__` seems to call itself"),
    (RaddOfZero, "sum", "for it begins with 0 + ..."),
    (IaddInPlace, "in place", "`c = a; c += b; c = c + a` changed a.data from 2 to 7"),
    (NoNeg, "negative", "Define `__neg__`"),
    (NegLosesItsSign, "negative", "the sign is lost in the backward step"),
    (NoSub, "minus", "Define `__sub__`"),
    (SubLosesItsSign, "minus", "`a - b` gave b.grad = 1, expected -1: the sign of b is lost"),
    (RsubTurned, "minus", "`3 - a` gave data = -1, expected 1: this is a − 3"),
    (PowWithoutMinusOne, "power", "`a ** 3` gave a.grad = 375, expected 75: this is n aⁿ"),
    (PowWithoutFactor, "power", "the factor n is missing"),
    (PowDivides, "power", "At a = 0, n aⁿ / a has no value"),
    (division(lambda a, b: a / b**2), "divided", "gave b.grad = 0.1875, expected -0.1875: look at the sign"),
    (division(lambda a, b: -1 / b**2), "divided", "the factor a is missing"),
    (division(lambda a, b: -a / b), "divided", "the square is missing"),
    (RtruedivTurned, "divided", "this is a / 2. `__rtruediv__(self, other)` is called with the left operand"),
    (Exp, "exp", "exp is its own derivative"),
    (Log, "log", "the natural logarithm"),
    (Tanh, "tanh", "this is 1 − a², but with t = tanh(a), the derivative is 1 − t²"),
    (Sigmoid, "sigmoid", "this is the derivative of tanh"),
    (Relu, "relu", "nothing where a < 0"),
    (DefaultIsMadeOnce, "second graph", "`def build(v, visited=set())` makes it once"),
    (PilesUp, "second backward", "gave a.grad = 70, expected 35: a * b, inside the graph, still held"),
    (VisitedForEver, "second backward", "Does each node remember for ever that it has been visited?"),
    (Recursive, "deep", "RecursionError"),
    (Recursive, "deep", "Walk the graph with a list as a stack"),
]


@pytest.mark.parametrize(("engine", "rung", "says"), BROKEN, ids=lambda case: getattr(case, "__name__", None))
def test_the_first_failure_is_found_and_explained(engine: type, rung: str, says: str) -> None:
    report = check_engine(engine, up_to=rung)
    assert report.first_failure is not None
    assert report.first_failure.name == rung, report
    assert says in report.first_failure.explanation
    assert report.rungs[-1] == report.first_failure
    assert says.split()[0] in str(report)
    assert not report
    assert 0 <= report.score < 1


def test_a_failure_does_not_end_the_climb() -> None:
    report = check_engine(MulAssigns)
    failed = [rung.name for rung in report.rungs if rung.outcome == "failed"]
    assert (failed[0], report.rungs[-1].name, report.rungs[-1].outcome) == ("used twice", "deep", "passed")
    assert report.score == pytest.approx(1 - len(failed) / 24)
    assert check_engine(BindsLate).score < check_engine(MulAssigns).score < 1


def test_a_leaf_may_start_anew() -> None:
    """Some engines reset the gradients of leaves; a remark explains the consequences."""

    class Overwrites(Good):
        def backward(self) -> None:
            topo = self.order()
            for node in topo:
                node.grad = 0.0
            self.grad = 1.0
            for node in reversed(topo):
                node._backward()

    report = check_engine(Overwrites)
    assert report.passed
    assert "Remark on 'second backward'. A second backward() overwrites" in str(report)


def test_functions_that_overflow_are_remarked_on() -> None:
    class Naive(Good):
        def tanh(self) -> Any:
            t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
            return self.unary(t, lambda out: 1 - out.data**2)

    report = check_engine(Naive)
    assert report.passed
    assert "At a = 1000, `a.tanh()` should be 1: the formula overflows" in str(report)


def test_an_engine_in_the_making() -> None:
    report = check_engine(NoBackward, up_to="parents")
    assert report.passed
    assert [rung.name for rung in report.rungs] == ["number", "plus", "times", "parents"]
    assert str(report).startswith("NoBackward passes all 4 rungs.")
    assert check_engine(NoBackward, up_to="seed").score == 4 / 5


def test_what_is_no_engine_is_the_callers_mistake() -> None:
    with pytest.raises(TypeError, match=r"expects the class itself, as in check_engine\(MyValue\); got .* Value"):
        check_engine(Value(3.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there is no rung 'paren'; there are: number, plus"):
        check_engine(Value, up_to="paren")


def test_a_function_that_makes_nodes_will_do() -> None:
    assert check_engine(lambda x: Good(x)).engine == "<lambda>"


def test_micrograds_name_for_the_parents_will_do() -> None:
    class Named(NoGrad):
        def __init__(self, data: float, parents: Any = ()) -> None:
            super().__init__(data)
            self.grad, self._prev = 0.0, set(parents)

        def __add__(self, other: Any) -> Any:
            return Named(self.data + other.data, (self, other))

        def __mul__(self, other: Any) -> Any:
            return Named(self.data * other.data, (self, other))

    assert check_engine(Named, up_to="parents").passed


@never_ends
def test_walking_way_by_way_is_stopped() -> None:
    report = check_engine(WayByWay, seconds=SOON)
    assert report.first_failure is not None
    assert report.first_failure.name == "sharing"
    assert "took longer than 0.5 s and was stopped: is every path through the graph walked" in str(
        report.first_failure.explanation
    )
    assert outcomes(report)["constant right"] == "failed"  # later rungs were tried, too


@never_ends
def test_loops_that_never_end_are_stopped() -> None:
    before = threading.active_count()

    class Loops(Good):
        def backward(self) -> None:
            node = self
            while node is not None:
                node.grad = 1.0

    report = check_engine(Loops, seconds=SOON)
    assert report.first_failure is not None
    assert report.first_failure.name == "seed"
    assert "is there a loop that never ends?" in report.first_failure.explanation
    results = outcomes(report)
    assert (results["plus gradient"], results["times gradient"], results["deep"]) == ("failed", "not run", "not run")
    assert "??  times gradient, chain" in str(report)
    assert report.score == 4 / 24
    assert threading.active_count() == before


@never_ends
def test_a_loop_that_catches_everything_is_stopped_in_the_end() -> None:
    class Stubborn(Good):
        caught = 0

        def __add__(self, other: Any) -> Any:
            while Stubborn.caught < 3:
                try:
                    while True:
                        pass
                except BaseException:
                    Stubborn.caught += 1

    report = check_engine(Stubborn, up_to="plus", seconds=SOON)
    assert report.first_failure is not None
    assert "took longer" in report.first_failure.explanation


class BadError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def raises(error: BaseException) -> Callable[..., Any]:
    def method(*_: Any) -> Any:
        raise error

    return method


@pytest.mark.parametrize(
    "error", [SystemExit(3), BadError(), MemoryError(), RuntimeError("x" * 10_000), GeneratorExit()]
)
def test_whatever_is_raised_is_reported(error: BaseException) -> None:
    class Raises(Good):
        __add__ = raises(error)

    report = check_engine(Raises, up_to="parents")
    assert report.first_failure is not None
    assert report.first_failure.name == "plus"
    assert f"`a + b` raised {type(error).__name__}" in report.first_failure.explanation
    assert "(in method, line " in report.first_failure.explanation
    assert len(report.first_failure.explanation) < 400


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("7", "a str, expected a number"),
        ([7.0], "a list, expected a number"),
        (7 + 0j, "a complex, expected a number"),
        (10**400, "raised OverflowError"),
        (math.nan, "gave data = nan, expected 7"),
    ],
)
def test_results_of_strange_types_are_reported(data: Any, says: str) -> None:
    class Strange(Good):
        def __add__(self, other: Any) -> Any:
            return SimpleNamespace(data=data, grad=0.0)

    report = check_engine(Strange, up_to="plus")
    assert report.first_failure is not None
    assert says in report.first_failure.explanation


@never_ends
@pytest.mark.parametrize("engine", [MagicMock, MagicMock(), int, lambda x: None, type, object, dict])
def test_what_is_no_engine_at_all_is_reported(engine: Any) -> None:
    report = check_engine(engine, seconds=0.1)
    assert not report.passed
    assert str(report)


def test_numpys_and_whole_numbers_are_numbers() -> None:
    assert check_engine(lambda x: Good(np.float64(x)), up_to="chain").passed
    assert check_engine(lambda x: Good(np.array(x)), up_to="chain").passed
    assert check_engine(lambda x: Good(int(x) if x == int(x) else x), up_to="power").passed


def test_a_raised_recursion_limit_hides_no_recursion() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 100_000)
    try:
        report = check_engine(Recursive)
        assert report.first_failure is not None
        assert report.first_failure.name == "deep"
        assert sys.getrecursionlimit() == before + 100_000
    finally:
        sys.setrecursionlimit(before)


def test_an_engine_that_raises_the_limit_itself_is_cleaned_up_after() -> None:
    before = sys.getrecursionlimit()

    class Raises(Good):
        def __add__(self, other: Any) -> Any:
            sys.setrecursionlimit(before + 1000)
            return super().__add__(other)

    assert check_engine(Raises, up_to="plus").passed
    assert sys.getrecursionlimit() == before


def test_without_threads_there_is_no_limit_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", raises(RuntimeError("can't start new thread")))
    assert check_engine(Good).passed


def test_a_chain_is_freed_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Freed recursively, a chain would need as much stack as it is long, and a browser has little."""
    inside, deepest = 0, 0

    class Plain:
        """An engine without cycles, in which a node is freed with its last reference, and its parents inside that."""

        def __init__(self, data: float, parents: Any = ()) -> None:
            self.data, self.grad, self.parents = float(data), 0.0, parents

        def __add__(self, other: Any) -> Any:
            return type(self)(self.data + other.data, (self, other))

        def __del__(self) -> None:
            nonlocal inside, deepest
            inside += 1
            deepest = max(deepest, inside)
            self.parents = ()
            inside -= 1

        def backward(self) -> None:
            raise ValueError("not yet")

    class Recursive(Plain):
        def backward(self) -> None:
            for parent in self.parents:
                parent.backward()

    for engine, error in ((Plain, ValueError), (Recursive, RecursionError)):
        with pytest.raises(error):
            engine_rungs_walk.deep(Bench(engine, "Plain"))
        gc.collect()
        assert deepest < 5, "here the interpreter ends such a descent after 25"
    monkeypatch.setattr(engine_rungs_walk, "IN_A_BROWSER", True)
    monkeypatch.setattr(engine_rungs_walk, "DEPTH", 2000)
    report = check_engine(Good)
    assert report.passed
    assert "In a browser only 2,000 operations in a row are tried" in report.rungs[-1].explanation


def test_a_class_is_graded() -> None:
    scores = {engine.__name__: check_engine(engine).score for engine in (Good, Recursive, NotSeeded)}
    assert sorted(scores, key=lambda name: -scores[name]) == ["Good", "Recursive", "NotSeeded"]


def test_every_rung_is_named_in_the_docstring() -> None:
    assert check_engine.__doc__ is not None
    words = " ".join(check_engine.__doc__.split())
    listed = words[words.index('"number"') : words.index("seconds: the time limit")]
    assert [name for i, name in enumerate(listed.split('"')) if i % 2] == [
        rung.name for rung in check_engine(Value).rungs
    ]


def test_it_is_imported_when_it_is_first_asked_for(run_python: Callable[..., str]) -> None:
    source = (
        "import autograd, sys; print('autograd.teaching.engine_check' in sys.modules, autograd.check_engine.__name__)"
    )
    assert run_python(source) == "False check_engine\n"
    assert {"EngineReport", "check_engine"} <= set(autograd.__all__)
