"""Write instructions that evaluate an expression at one or several neighbouring places of a nest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autograd.compiler.targets.native.nests import Strided, Target
from autograd.compiler.targets.native.nodes import Applied, Leaf, Looked, Node, Number, Place, axes_of
from autograd.compiler.targets.native.writing.code import ONE, Code, Extent
from autograd.compiler.targets.native.writing.lanes import Lanes

Position = tuple[str, int]
"""A place along an axis: a register or 0, plus a constant."""

START: Position = ("0", 0)


class Evaluator:
    """Evaluates expressions in a function that has an index for each axis of a nest.

    A result is reused in its block and in inner ones.

    Args:
        address: returns a register with the address of an array's element.

    Attributes:
        positions: the current place along each axis.
    """

    def __init__(self, code: Code, lanes: Lanes, axes: int, address: Callable[[Place, tuple[int, int]], str]) -> None:
        self.code: Code = code
        self.lanes: Lanes = lanes
        self.positions: list[Position] = [START] * axes
        self._address = address
        self._known: list[dict[Any, str]] = [{}]
        self._axes: dict[int, tuple[Node, frozenset[int]]] = {}  # holds the nodes, so that their ids stay unique
        self._kept: list[Any] = []  # for the same reason

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Forget the results computed in this context at its end, since their block may not dominate later ones."""
        self._known.append({})
        yield
        self._known.pop()

    @contextmanager
    def at(self, axis: int, position: Position) -> Iterator[None]:
        """Set the place along an axis in this context."""
        before = self.positions[axis]
        self.positions[axis] = position
        yield
        self.positions[axis] = before

    def axes(self, node: Node) -> frozenset[int]:
        """Return the axes along which a node varies."""
        if id(node) not in self._axes:
            self._axes[id(node)] = node, axes_of(node)
        return self._axes[id(node)][1]

    def vector(self, node: Node, axis: int, width: int) -> str:
        """Return the values at this many places along an axis, starting at the current one."""
        if axis not in self.axes(node):
            scalar = self._scalar(node)
            return (
                scalar if width == 1 else self._once(("splat", scalar, width), lambda: self.lanes.splat(scalar, width))
            )
        if width == 1:
            return self._scalar(node)
        return self._once(self._key(node, axis, width), lambda: self._vector(node, axis, width))

    def hoist(self, node: Node, axes: Sequence[int]) -> None:
        """Compute subexpressions that do not vary along these axes, ahead of loops over them."""
        if isinstance(node, Number):
            return
        if self.axes(node).isdisjoint(axes):
            self._scalar(node)
        elif isinstance(node, Applied):
            for operand in node.operands:
                self.hoist(operand, axes)

    def store(self, target: Target, value: str, axis: int, width: int) -> None:
        """Store values at a target, or add them to it."""
        kind = self.lanes.type(width)
        is_looked = any(axis in self.axes(x.position) for x in target.looked)
        if width == 1 or (target.strides[axis] == ONE and not is_looked):
            pointer = self.pointer(target)
            for condition in self.missed(target.looked):
                value = self.lanes.choose_all(condition, self.lanes.number(0.0, width), value, width)
            if target.adds or target.is_sum:
                old = self.code.value(f"load {kind}, ptr {pointer}, align {self._align}")
                if target.is_sum:
                    old = self.lanes.choose_all("%later", old, self.lanes.number(0.0, width), width)
                value = self.lanes.arithmetic("fadd", old, value, width)
            self.code.do(f"store {kind} {value}, ptr {pointer}, align {self._align}")
            return
        for lane in range(width):
            with self._moved(axis, lane):
                self.store(target, self.lanes.lane(value, lane, width), axis, 1)

    def pointer(self, leaf: Strided, size: str = "") -> str:
        """Return the address of an element."""
        size = size or self.lanes.element
        registers = tuple([register if s.factor else "0" for (register, _), s in zip(self.positions, leaf.strides)])
        base = self._once(("base", id(leaf), registers), lambda: self._base(leaf, registers, size), leaf)
        offsets = [(s, constant) for (_, constant), s in zip(self.positions, leaf.strides) if s.factor and constant]
        known = sum(s.factor * constant for s, constant in offsets if not s.power)
        for stride, constant in offsets:
            if stride.power:
                base = self._element(base, self.code.size(stride * constant), size)
        base = self._element(base, str(known), size) if known else base
        for looked in leaf.looked:
            index = self._integer(looked.position)
            if looked.may_miss:
                index = self._clamped(index)
            base = self._element(base, self._times(index, looked.stride), size)
        return base

    def missed(self, looked: Sequence[Looked]) -> list[str]:
        """Return the conditions under which an index is negative, so that the element reads as 0."""
        return [self.code.value(f"icmp slt i64 {self._integer(x.position)}, 0") for x in looked if x.may_miss]

    @property
    def _align(self) -> int:
        return 8 if self.lanes.element == "double" else 4

    @contextmanager
    def _moved(self, axis: int, lane: int) -> Iterator[None]:
        register, constant = self.positions[axis]
        with self.at(axis, (register, constant + lane)):
            yield

    def _key(self, node: Node, axis: int, width: int) -> tuple[Any, ...]:
        places = tuple([self.positions[k] for k in sorted(self.axes(node))])
        return "value", id(node), places, width, axis if width > 1 else -1

    def _once(self, key: Any, compute: Callable[[], str], kept: Any = None) -> str:
        for known in self._known:
            if key in known:
                return known[key]
        result = compute()
        self._known[-1][key] = result
        if kept is not None:
            self._kept.append(kept)
        return result

    def _scalar(self, node: Node) -> str:
        if isinstance(node, Number):
            return self.lanes.number(node.value)
        return self._once(self._key(node, -1, 1), lambda: self._one(node))

    def _one(self, node: Node) -> str:
        if isinstance(node, Applied):
            return self.lanes.apply(node.primitive, [self._scalar(x) for x in node.operands], 1)
        assert isinstance(node, Leaf)
        if node.is_integer:
            return self.code.value(f"sitofp i64 {self._integer(node)} to {self.lanes.element}")
        value = self.code.value(f"load {self.lanes.element}, ptr {self.pointer(node)}")
        for condition in self.missed(node.looked):
            value = self.lanes.choose(condition, self.lanes.number(0.0), value, 1)
        return value

    def _vector(self, node: Node, axis: int, width: int) -> str:
        if isinstance(node, Applied):
            return self.lanes.apply(node.primitive, [self.vector(x, axis, width) for x in node.operands], width)
        assert isinstance(node, Leaf)
        is_looked = any(axis in self.axes(x.position) for x in node.looked)
        if node.is_integer or is_looked or node.strides[axis] != ONE:
            scalars = []
            for lane in range(width):
                with self._moved(axis, lane):
                    scalars.append(self._one(node))
            return self.lanes.build(scalars)
        kind = self.lanes.type(width)
        value = self.code.value(f"load {kind}, ptr {self.pointer(node)}, align {self._align}")
        for condition in self.missed(node.looked):
            value = self.lanes.choose_all(condition, self.lanes.number(0.0, width), value, width)
        return value

    def _integer(self, leaf: Leaf) -> str:
        key = "integer", id(leaf), tuple([self.positions[k] for k in sorted(self.axes(leaf))])
        return self._once(key, lambda: self._loaded_integer(leaf))

    def _loaded_integer(self, leaf: Leaf) -> str:
        value = self.code.value(f"load i64, ptr {self.pointer(leaf, 'i64')}")
        for condition in self.missed(leaf.looked):
            value = self.code.value(f"select i1 {condition}, i64 -1, i64 {value}")
        return value

    def _clamped(self, index: str) -> str:
        is_missing = self.code.value(f"icmp slt i64 {index}, 0")
        return self.code.value(f"select i1 {is_missing}, i64 0, i64 {index}")

    def _base(self, leaf: Strided, registers: Sequence[str], size: str) -> str:
        pointer = self._address(leaf.place, leaf.start)
        for stride, register in zip(leaf.strides, registers):
            if register != "0":
                pointer = self._element(pointer, self._times(register, stride), size)
        return pointer

    def _times(self, register: str, stride: Extent) -> str:
        if stride == ONE:
            return register
        return self.code.value(f"mul nsw i64 {register}, {self.code.size(stride)}")

    def _element(self, pointer: str, offset: str, size: str) -> str:
        return self.code.value(f"getelementptr {size}, ptr {pointer}, i64 {offset}")
