"""Correct engines in the styles that people write; `test_engine_mutants.py` breaks them, one change at a time."""

from __future__ import annotations

import math
from typing import Any


class Longhand:
    """An engine after micrograd, with a closure for each operation, none of which is made of others."""

    def __init__(self, data: Any, parents: Any = ()) -> None:
        self.data = data
        self.grad: Any = 0.0
        self.parents = parents
        self._backward: Any = lambda: None

    def __add__(self, other: Any) -> Any:
        other = other if isinstance(other, type(self)) else type(self)(other)
        out = type(self)(self.data + other.data, (self, other))

        def _backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other: Any) -> Any:
        other = other if isinstance(other, type(self)) else type(self)(other)
        out = type(self)(self.data * other.data, (self, other))

        def _backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __sub__(self, other: Any) -> Any:
        other = other if isinstance(other, type(self)) else type(self)(other)
        out = type(self)(self.data - other.data, (self, other))

        def _backward() -> None:
            self.grad += out.grad
            other.grad -= out.grad

        out._backward = _backward
        return out

    def __truediv__(self, other: Any) -> Any:
        other = other if isinstance(other, type(self)) else type(self)(other)
        out = type(self)(self.data / other.data, (self, other))

        def _backward() -> None:
            self.grad += out.grad / other.data
            other.grad += -self.data / other.data**2 * out.grad

        out._backward = _backward
        return out

    def __pow__(self, n: Any) -> Any:
        out = type(self)(self.data**n, (self,))

        def _backward() -> None:
            self.grad += n * self.data ** (n - 1) * out.grad

        out._backward = _backward
        return out

    def __neg__(self) -> Any:
        out = type(self)(-self.data, (self,))

        def _backward() -> None:
            self.grad -= out.grad

        out._backward = _backward
        return out

    def __radd__(self, other: Any) -> Any:
        out = type(self)(other + self.data, (self,))

        def _backward() -> None:
            self.grad += out.grad

        out._backward = _backward
        return out

    def __rmul__(self, other: Any) -> Any:
        out = type(self)(other * self.data, (self,))

        def _backward() -> None:
            self.grad += other * out.grad

        out._backward = _backward
        return out

    def __rsub__(self, other: Any) -> Any:
        out = type(self)(other - self.data, (self,))

        def _backward() -> None:
            self.grad += -out.grad

        out._backward = _backward
        return out

    def __rtruediv__(self, other: Any) -> Any:
        out = type(self)(other / self.data, (self,))

        def _backward() -> None:
            self.grad += -other / self.data**2 * out.grad

        out._backward = _backward
        return out

    def exp(self) -> Any:
        out = type(self)(math.exp(self.data), (self,))

        def _backward() -> None:
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self) -> Any:
        out = type(self)(math.log(self.data), (self,))

        def _backward() -> None:
            self.grad += 1 / self.data * out.grad

        out._backward = _backward
        return out

    def tanh(self) -> Any:
        out = type(self)(math.tanh(self.data), (self,))

        def _backward() -> None:
            self.grad += (1 - out.data**2) * out.grad

        out._backward = _backward
        return out

    def sigmoid(self) -> Any:
        out = type(self)(1 / (1 + math.exp(-self.data)), (self,))

        def _backward() -> None:
            self.grad += out.data * (1 - out.data) * out.grad

        out._backward = _backward
        return out

    def relu(self) -> Any:
        out = type(self)(self.data if self.data > 0 else 0.0, (self,))

        def _backward() -> None:
            self.grad += (self.data > 0) * out.grad

        out._backward = _backward
        return out

    def backward(self) -> None:
        order: list[Any] = []
        visited = set()
        stack: list[Any] = [(self, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                order.append(node)
            elif node not in visited:
                visited.add(node)
                stack.append((node, True))
                for parent in node.parents:
                    stack.append((parent, False))  # noqa: PERF401
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


class Compact:
    """An engine after micrograd, with a set of parents, and operators made of a few others."""

    def __init__(self, data: Any, _children: Any = (), _op: str = "") -> None:
        self.data = data
        self.grad: Any = 0
        self._backward: Any = lambda: None
        self._prev = set(_children)
        self._op = _op

    def __add__(self, other: Any) -> Any:
        other = other if isinstance(other, Compact) else Compact(other)
        out = Compact(self.data + other.data, (self, other), "+")

        def _backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other: Any) -> Any:
        other = other if isinstance(other, Compact) else Compact(other)
        out = Compact(self.data * other.data, (self, other), "*")

        def _backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, other: Any) -> Any:
        out = Compact(self.data**other, (self,), f"**{other}")

        def _backward() -> None:
            self.grad += (other * self.data ** (other - 1)) * out.grad

        out._backward = _backward
        return out

    def relu(self) -> Any:
        out = Compact(0 if self.data < 0 else self.data, (self,), "ReLU")

        def _backward() -> None:
            self.grad += (out.data > 0) * out.grad

        out._backward = _backward
        return out

    def tanh(self) -> Any:
        return (self * 2).sigmoid() * 2 - 1

    def sigmoid(self) -> Any:
        return ((-self).exp() + 1) ** -1

    def exp(self) -> Any:
        out = Compact(math.exp(self.data), (self,), "exp")

        def _backward() -> None:
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def backward(self) -> None:
        order, visited = [], set()
        stack = [self]
        while stack:
            node = stack[-1]
            visited.add(node)
            waiting = [child for child in node._prev if child not in visited]
            if waiting:
                stack.extend(waiting)
            else:
                order.append(stack.pop())
        order = list(dict.fromkeys(order))
        for v in order:
            if v._prev:
                v.grad = 0
        self.grad = 1
        for v in reversed(order):
            v._backward()

    def __neg__(self) -> Any:
        return self * -1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __truediv__(self, other: Any) -> Any:
        return self * other**-1

    def __rtruediv__(self, other: Any) -> Any:
        return other * self**-1


class Stored:
    """An engine that stores local derivatives as numbers, with the chain rule in one place."""

    def __init__(self, data: Any, parents: Any = (), slopes: Any = ()) -> None:
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes

    def lift(self, x: Any) -> Any:
        return x if isinstance(x, Stored) else Stored(x)

    def __add__(self, other: Any) -> Any:
        other = self.lift(other)
        return Stored(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> Any:
        other = self.lift(other)
        return Stored(self.data * other.data, (self, other), (other.data, self.data))

    def __sub__(self, other: Any) -> Any:
        other = self.lift(other)
        return Stored(self.data - other.data, (self, other), (1.0, -1.0))

    def __truediv__(self, other: Any) -> Any:
        other = self.lift(other)
        quotient = self.data / other.data
        return Stored(quotient, (self, other), (1.0 / other.data, -quotient / other.data))

    def __pow__(self, n: Any) -> Any:
        return Stored(self.data**n, (self,), (n * self.data ** (n - 1),))

    def __neg__(self) -> Any:
        return Stored(-self.data, (self,), (-1.0,))

    def __radd__(self, other: Any) -> Any:
        return self.lift(other) + self

    def __rmul__(self, other: Any) -> Any:
        return self.lift(other) * self

    def __rsub__(self, other: Any) -> Any:
        return self.lift(other) - self

    def __rtruediv__(self, other: Any) -> Any:
        return self.lift(other) / self

    def exp(self) -> Any:
        y = math.exp(self.data)
        return Stored(y, (self,), (y,))

    def log(self) -> Any:
        return Stored(math.log(self.data), (self,), (1.0 / self.data,))

    def tanh(self) -> Any:
        t = math.tanh(self.data)
        return Stored(t, (self,), (1.0 - t * t,))

    def sigmoid(self) -> Any:
        s = 1.0 / (1.0 + math.exp(-self.data))
        return Stored(s, (self,), (s * (1.0 - s),))

    def relu(self) -> Any:
        return Stored(max(0.0, self.data), (self,), (1.0 if self.data > 0.0 else 0.0,))

    def backward(self) -> None:
        users = {self: 0}
        queue = [self]
        for node in queue:
            for parent in node.parents:
                if parent not in users:
                    users[parent] = 0
                    queue.append(parent)
                users[parent] += 1
        for node in queue:
            if node.parents:
                node.grad = 0.0
        self.grad = 1.0
        ready = [self]
        while ready:
            node = ready.pop()
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
                users[parent] -= 1
                if users[parent] == 0:
                    ready.append(parent)
