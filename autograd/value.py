"""The Value: a number that remembers how it was computed."""

from __future__ import annotations

import sys
from collections import deque
from itertools import repeat
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, Never, SupportsFloat, cast

from autograd import primitives, recording
from autograd.graph import topological_order
from autograd.numpy_values.numpy_methods import NumPyMethods
from autograd.primitives import Primitive
from autograd.reading import number_of
from autograd.support import foreign_names
from autograd.table import Operand

_new = object.__new__
_ADD, _SUB, _MUL = primitives.add, primitives.sub, primitives.mul  # graphs are made of these: no look-up for each


def as_float(number: Any) -> float:
    """A real number as a float: Python's or NumPy's, a 0-dimensional array, a tensor of one element.

    Raises:
        TypeError: for anything else, a Value included.
    """
    if isinstance(number, (float, int, Real)):
        return float(number)
    if (element := _only_element(number)) is not None:
        return float(element)
    raise TypeError(f"expected a real number, got {number!r} of type {type(number).__name__}")


class Value(NumPyMethods, Operand):
    """A number, together with the numbers it was computed from and its derivative to each of them.

    Arithmetic on Values makes new Values, and so a graph. `backward()` walks that graph from its end to its
    beginning and leaves in `grad` of every node the derivative of the end to that node.

    Comparisons, `==` included, compare the numbers; hashing goes by identity, so that sets and dicts of Values hold
    nodes. A Value is false where its number is 0.

    Attributes:
        data: the number, a float.
        grad: the derivative of what `backward()` was called on to this node; assigning None is assigning 0.
        label: a name, for people.
        parents: the Values that this one was computed from; empty for a leaf.
        local_derivatives: ∂self/∂parent as a float for each parent, recorded when the node was made.
        primitive: the row of the derivative table that made the node; None for a leaf.
        is_constant: whether it is a number that was wrapped (see `Constant`).

    Raises:
        TypeError: if `data` is not a real number; one of NumPy's or of a tensor is.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> c = a * b
    >>> c.parents == (a, b), c.local_derivatives
    (True, (-3.0, 2.0))
    >>> c.backward()
    >>> a.grad, b.grad
    (-3.0, 2.0)
    """

    __slots__ = ("data", "grad", "label", "local_derivatives", "parents", "primitive")

    is_constant: bool = False

    def __init__(self, data: SupportsFloat, label: str = "", **foreign: Never) -> None:
        if foreign:
            foreign_names.refuse_arguments("Value", foreign, foreign_names.OF_VALUE_ARGUMENTS)
        self.data: float = as_float(data)
        self.grad: float = 0.0
        self.label: str = label
        self.parents: tuple[Value, ...] = ()
        self.local_derivatives: tuple[float, ...] = ()
        self.primitive: Primitive | None = None

    @property
    def op(self) -> str:
        """The symbol of the operation that made this node; "" for a leaf."""
        return self.primitive.symbol if self.primitive else ""

    @staticmethod
    def apply(primitive: Primitive, inputs: tuple[Value | float, ...]) -> Value:
        """Compute a primitive of numbers and Values, and record the node. Any row of the table comes through here.

        Raises:
            ValueError, OverflowError, ZeroDivisionError: where the value is undefined, naming operation and operands.
        """
        for x in inputs:
            if not isinstance(x, Value):
                inputs = tuple([x if isinstance(x, Value) else Constant(x) for x in inputs])
                break
        parents: tuple[Value, ...] = inputs  # type: ignore[assignment]
        numbers = [parent.data for parent in parents]
        for x in numbers:
            if x.__class__ is not float:
                numbers = [number_of(parent) for parent in parents]
                break
        try:
            data = primitive.forward(*numbers)
        except (ArithmeticError, ValueError) as error:
            if not recording.differentiating.get():
                raise _undefined(primitive, parents, error) from None
            data = primitive.ieee_value(numbers)
        if type(data) is not float:
            data = as_float(data)
        return _node(data, parents, primitive.local_derivatives(numbers, data), primitive)

    @foreign_names.explain_arguments(foreign_names.OF_BACKWARD)
    def backward(self, gradient: float = 1.0) -> None:
        """Leave in `grad` of every node the derivative of this Value to it, times `gradient`.

        Leaves accumulate: what is found is added to the `grad` they have, so that calling twice doubles it. Interior
        nodes are overwritten. An exception in mid-pass, Ctrl-C included, leaves every `grad` as it was.

        What `where`, relu, maximum and the like did not take receives exactly nothing, even where a derivative on the
        way is infinite: `where(x > 0, x.sqrt(), 0.0)` has derivative 0 at 0. But 0 * x.sqrt() has nan there.

        >>> a = Value(3.0)
        >>> (a * a).backward()
        >>> a.grad
        6.0
        """
        gradient = as_float(gradient)
        order = topological_order(self)  # leaves first
        before = [node.grad for node in order]
        try:
            for node in order:
                node.grad = 0.0
            self.grad = gradient
            for node in reversed(order):
                if not node.parents:
                    break
                gradient = node.grad
                derivatives = node.local_derivatives
                if gradient == 0.0 and isfinite(sum(derivatives)):
                    continue  # as behind a relu that is off: zeros to add, and no 0 × inf to make nan
                i = 0  # counted by hand: for the two edges of most nodes, a zip costs as much as the sums
                for parent in node.parents:
                    parent.grad += derivatives[i] * gradient  # the chain rule
                    i += 1  # noqa: SIM113
            for node in order:
                if node.grad != node.grad:
                    _skip_what_was_not_taken(order)
                    break
                if node.parents:
                    break
            for node, accumulated in zip(order, before):
                if node.parents:
                    break
                if accumulated is not None:
                    node.grad += accumulated
        except BaseException:
            deque(map(setattr, order, repeat("grad"), before), maxlen=0)  # in one call of C, so all or none
            raise

    def detach(self) -> Value:
        """The same number as a constant, cut off from the graph.

        In a function that is compiled it is a node without a derivative, so that its number is not frozen.
        """
        if recording.ever_traced and not self.is_constant and recording.tracer.get() is not None:
            return primitives.detached(self)
        constant = Constant(number_of(self))
        constant.label = self.label
        return constant

    # Operators. Addition, subtraction and multiplication spell out what the table says, since graphs are made of them.

    def __add__(self, other: Value | float) -> Value:
        if not isinstance(other, Value) and (other := _constant(other)) is None:
            return NotImplemented
        data = self.data + other.data
        if data.__class__ is not float:
            return Value.apply(_ADD, (self, other))
        return _node(data, (self, other), (1.0, 1.0), _ADD)

    def __radd__(self, other: float) -> Value:
        if type(other) is int and other == 0:  # where the built-in sum starts
            return self
        return NotImplemented if (constant := _constant(other)) is None else constant + self

    def __sub__(self, other: Value | float) -> Value:
        if not isinstance(other, Value) and (other := _constant(other)) is None:
            return NotImplemented
        data = self.data - other.data
        if data.__class__ is not float:
            return Value.apply(_SUB, (self, other))
        return _node(data, (self, other), (1.0, -1.0), _SUB)

    def __rsub__(self, other: float) -> Value:
        return NotImplemented if (constant := _constant(other)) is None else constant - self

    def __mul__(self, other: Value | float) -> Value:
        if not isinstance(other, Value) and (other := _constant(other)) is None:
            return NotImplemented
        a, b = self.data, other.data
        data = a * b
        if data.__class__ is not float or a.__class__ is not b.__class__:  # an int, say, is no derivative as it is
            return Value.apply(_MUL, (self, other))
        return _node(data, (self, other), (b, a), _MUL)

    def __rmul__(self, other: float) -> Value:
        return NotImplemented if (constant := _constant(other)) is None else constant * self

    def __truediv__(self, other: Value | float) -> Value:
        if (divisor := _constant(other)) is None:
            return NotImplemented
        return primitives.div(self, divisor)

    def __rtruediv__(self, other: float) -> Value:
        return NotImplemented if (constant := _constant(other)) is None else constant / self

    def __pow__(self, other: Value | float) -> Value:
        if (exponent := _constant(other)) is None:
            return NotImplemented
        rule = primitives.constant_power if isinstance(exponent, Constant) else primitives.power
        return rule(self, exponent)

    def __rpow__(self, other: float) -> Value:
        return NotImplemented if (constant := _constant(other)) is None else constant**self

    def __neg__(self) -> Value:
        return primitives.neg(self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return primitives.absolute(self)

    def __eq__(self, other: object) -> bool:
        if recording.ever_traced and (condition := recording.compared("==", self, other)) is not None:
            return condition  # type: ignore[no-any-return]
        return number_of(self) == _number(other)

    def __ne__(self, other: object) -> bool:
        if recording.ever_traced and (condition := recording.compared("!=", self, other)) is not None:
            return condition  # type: ignore[no-any-return]
        return number_of(self) != _number(other)

    def __lt__(self, other: Value | float) -> bool:
        if recording.ever_traced and (condition := recording.compared("<", self, other)) is not None:
            return condition  # type: ignore[no-any-return]
        return number_of(self) < _number(other)

    def __le__(self, other: Value | float) -> bool:
        if recording.ever_traced and (condition := recording.compared("<=", self, other)) is not None:
            return condition  # type: ignore[no-any-return]
        return number_of(self) <= _number(other)

    def __gt__(self, other: Value | float) -> bool:
        if recording.ever_traced and (condition := recording.compared(">", self, other)) is not None:
            return condition  # type: ignore[no-any-return]
        return number_of(self) > _number(other)

    def __ge__(self, other: Value | float) -> bool:
        if recording.ever_traced and (condition := recording.compared(">=", self, other)) is not None:
            return condition  # type: ignore[no-any-return]
        return number_of(self) >= _number(other)

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...
    else:
        __hash__ = object.__hash__  # in C: sets of nodes are made all the time

    def __bool__(self) -> bool:
        if recording.ever_traced and not self.is_constant and (tracer := recording.tracer.get()) is not None:
            tracer.refuse(
                "bool() of a Value", "choose with autograd.where(condition, a, b) in place of if, and, or, not"
            )
        return number_of(self) != 0

    def __float__(self) -> Never:
        if recording.ever_traced and (tracer := recording.tracer.get()) is not None:
            tracer.refuse(
                "float() of a Value, or a conversion to an array of floats",
                "compute with the Value itself: v.exp() or autograd.exp(v), and likewise for the other functions",
            )
        raise TypeError(
            "float() of a Value would drop its gradient without a word. For the number write v.data; in place of "
            "math.exp(v) write v.exp() or autograd.exp(v), and likewise for the other functions"
        )

    def __copy__(self) -> Value:
        from autograd.copying import shallow_copy

        return shallow_copy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        from autograd.copying import deep_copy

        return deep_copy(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        from autograd.copying import reduce

        return reduce(self, protocol)

    def __repr__(self) -> str:
        details = f", op={self.op!r}" if self.op else ""
        details += f", label={self.label!r}" if self.label else ""
        return f"{type(self).__name__}(data={self.data!r}, grad={self.grad!r}{details})"

    def __format__(self, spec: str) -> str:
        return format(number_of(self), spec) if spec else str(self)

    # The table's functions of one number, as methods: `v.exp()` is `autograd.exp(v)`.
    exp: Primitive = primitives.exp
    expm1: Primitive = primitives.expm1
    log: Primitive = primitives.log
    log1p: Primitive = primitives.log1p
    log2: Primitive = primitives.log2
    log10: Primitive = primitives.log10
    sqrt: Primitive = primitives.sqrt
    cbrt: Primitive = primitives.cbrt
    sin: Primitive = primitives.sin
    cos: Primitive = primitives.cos
    tan: Primitive = primitives.tan
    asin: Primitive = primitives.asin
    acos: Primitive = primitives.acos
    atan: Primitive = primitives.atan
    sinh: Primitive = primitives.sinh
    cosh: Primitive = primitives.cosh
    tanh: Primitive = primitives.tanh
    asinh: Primitive = primitives.asinh
    acosh: Primitive = primitives.acosh
    atanh: Primitive = primitives.atanh
    sigmoid: Primitive = primitives.sigmoid
    softplus: Primitive = primitives.softplus
    relu: Primitive = primitives.relu
    erf: Primitive = primitives.erf
    exp2: Primitive = primitives.exp2
    erfc: Primitive = primitives.erfc
    gamma: Primitive = primitives.gamma
    lgamma: Primitive = primitives.lgamma


class Constant(Value):
    """A number that was wrapped because it met a Value: a leaf that nobody asks the derivative to."""

    __slots__ = ()

    data: float = vars(Value)["data"]  # the slot itself, which `overriding.py` leaves alone
    is_constant: bool = True


class Traced(Value):
    """A node of the graph that `compile` records: a Value, whose number `overriding.py` leaves alone."""

    __slots__ = ()

    data: float = vars(Value)["data"]


recording.Counter.kind = Traced


def _skip_what_was_not_taken(order: list[Value]) -> None:
    """Run the backward pass again, to the edges alone along which something flows.

    For the gradients that came out as nan: a choice hands 0 to what it did not take, and 0 × inf is nan.
    """
    for node in order[:-1]:
        node.grad = 0.0
    reached = {order[-1]}
    for node in reversed(order):
        if node not in reached:
            continue
        chooses = node.primitive is not None and node.primitive.chooses
        for parent, derivative in zip(node.parents, node.local_derivatives):
            if not (chooses and derivative == 0.0):
                parent.grad += derivative * node.grad
                reached.add(parent)


def _node(data: float, parents: tuple[Value, ...], local_derivatives: tuple[float, ...], primitive: Primitive) -> Value:
    kind = Value
    if recording.ever_paused and (state := recording.paused.get()) is not False:
        if state is True or state.count():
            return Constant(data)
        if state.is_trace:
            kind = state.kind
    node = _new(kind)  # around __init__, which is for leaves: graphs are made of millions of these
    node.data = data
    node.grad = 0.0
    node.label = ""
    node.parents = parents
    node.local_derivatives = local_derivatives
    node.primitive = primitive
    return node


def _constant(number: Any) -> Any:
    """A Value as it is, a real number as a Constant, None for anything else."""
    if isinstance(number, Value):
        return number
    if isinstance(number, (float, int, Real)):
        return Constant(cast(float, number))
    element = None if getattr(number, "requires_grad", False) else _only_element(number)
    return None if element is None or number.ndim else Constant(element)  # an array with axes is arrays' own affair


def _only_element(number: Any) -> float | None:
    """The real number in an array of no dimension or a tensor of one element; None for anything else."""
    alone = getattr(number, "ndim", None) == 0 or (callable(getattr(number, "numel", None)) and number.numel() == 1)
    if not alone or getattr(getattr(number, "dtype", None), "kind", "f") not in "biuf":
        return None
    element = number.item()
    return float(element) if isinstance(element, (float, int, Real)) else None


def _number(other: Any) -> float:
    """What a comparison compares with: a number as Python's own, so that a bool comes of it, or else as it is."""
    if isinstance(other, Value):
        return number_of(other)
    return float(other) if isinstance(other, (float, Real)) and not isinstance(other, int) else cast(float, other)


def _undefined(primitive: Primitive, parents: tuple[Value, ...], error: Exception) -> Exception:
    """The error of a forward rule, with the operation and its operands named."""
    operands = [f"{parent.label} = {parent.data!r}" if parent.label else repr(parent.data) for parent in parents[:4]]
    if len(parents) > 4:
        operands.append(f"and {len(parents) - 4} more")
    if len(parents) == 2 and not primitive.symbol.isidentifier():
        formula = f"({operands[0]}) {primitive.symbol} ({operands[1]})"
    else:
        formula = f"{primitive.symbol}({', '.join(operands)})"
    kinds = (ZeroDivisionError, OverflowError, ArithmeticError, ValueError)
    kind = next(kind for kind in kinds if isinstance(error, kind))
    return kind(f"{formula} has no finite real value: {error}")


foreign_names.explain_attributes(Value, foreign_names.OF_VALUES)

if sys.platform == "emscripten":
    from autograd.support.releasing import release_in_turn

    release_in_turn(Value)
