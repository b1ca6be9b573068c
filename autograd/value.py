"""The Value: a number that remembers how it was computed."""

from __future__ import annotations

import operator
import sys
from numbers import Real
from typing import TYPE_CHECKING, Any, Never, SupportsFloat, cast

from autograd import primitives, recording
from autograd.backward_pass import run_backward
from autograd.methods import Functions, comparison
from autograd.numpy_values.numpy_methods import NumPyMethods
from autograd.operands import as_float, only_element, undefined
from autograd.reading import number_of
from autograd.support.foreign_names import explain_arguments, explain_attributes, refuse_arguments
from autograd.support.remedies import OF_BACKWARD, OF_VALUE_ARGUMENTS, OF_VALUES
from autograd.table import Operand, Primitive

_new = object.__new__
_ADD, _SUB, _MUL = primitives.add, primitives.sub, primitives.mul  # the hot operators: avoids an attribute look-up


class Value(Functions, NumPyMethods, Operand):
    """A number, the numbers it was computed from, and its derivative with respect to each of them.

    Arithmetic on Values makes new Values, which form a graph. `backward()` walks that graph from its root to its
    leaves, and stores in the `grad` of every node the derivative of the root with respect to that node.

    Comparisons, including `==`, compare the numbers; hashing is by identity, so sets and dicts of Values hold nodes.
    A Value is false if its number is 0.

    Attributes:
        data: the number, a float.
        grad: the derivative of the root of `backward()` with respect to this node, summed in leaves; None counts as 0.
        label: a name to show to people.
        parents: the Values that this one was computed from; empty for a leaf.
        local_derivatives: ∂self/∂parent as a float for each parent, recorded when the node was made.
        primitive: the row of the derivative table that made the node; None for a leaf.
        is_constant: True for a plain number that was wrapped (see `Constant`).

    Raises:
        TypeError: if `data` is not a real number. NumPy scalars and one-element tensors are accepted.

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
            refuse_arguments("Value", foreign, OF_VALUE_ARGUMENTS)
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
        """Apply any primitive of the table to numbers and Values, and record the node.

        Raises:
            ValueError, OverflowError, ZeroDivisionError: if the value is undefined; names the operation and operands.
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
                raise undefined(primitive, parents, error) from None
            data = primitive.ieee_value(numbers)
        if type(data) is not float:
            data = as_float(data)
        return _node(data, parents, primitive.local_derivatives(numbers, data), primitive)

    @explain_arguments(OF_BACKWARD)
    def backward(self, gradient: float = 1.0) -> None:
        """Store in the `grad` of every node the derivative of this Value with respect to it, times `gradient`.

        Leaves accumulate: the derivative is added to their `grad`, so calling twice doubles it. Interior nodes are
        overwritten. If the pass is interrupted by an exception, including Ctrl-C, every `grad` is restored.

        An operand that `where`, relu, maximum and the like did not select receives no gradient, even if a derivative
        along the path is infinite: `where(x > 0, x.sqrt(), 0.0)` has derivative 0 at 0. But 0 * x.sqrt() has nan there.

        >>> a = Value(3.0)
        >>> (a * a).backward()
        >>> a.grad
        6.0
        """
        run_backward(self, as_float(gradient))

    def detach(self) -> Value:
        """Return the same number as a constant, detached from the graph.

        While a function is compiled, return a node without a derivative instead, so that its number is not frozen.
        """
        if recording.ever_traced and not self.is_constant and recording.tracer.get() is not None:
            return primitives.detached(self)
        constant = Constant(number_of(self))
        constant.label = self.label
        return constant

    # Operators. Addition, subtraction and multiplication are the hot ones, so they inline their row of the table.

    def __add__(self, other: Value | float) -> Value:
        if not isinstance(other, Value) and (other := _constant(other)) is None:
            return NotImplemented
        data = self.data + other.data
        if data.__class__ is not float:
            return Value.apply(_ADD, (self, other))
        return _node(data, (self, other), (1.0, 1.0), _ADD)

    def __radd__(self, other: float) -> Value:
        if type(other) is int and other == 0:  # the start value of the built-in sum
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
        if data.__class__ is not float or a.__class__ is not b.__class__:  # derivatives must be floats, not ints
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

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...
        def __eq__(self, other: object) -> bool: ...
        def __lt__(self, other: Value | float) -> bool: ...
        def __le__(self, other: Value | float) -> bool: ...
        def __gt__(self, other: Value | float) -> bool: ...
        def __ge__(self, other: Value | float) -> bool: ...
    else:
        __hash__ = object.__hash__  # in C, because sets of nodes are common
        __eq__, __ne__, __lt__ = map(comparison, ("==", "!=", "<"), (operator.eq, operator.ne, operator.lt))
        __le__, __gt__, __ge__ = map(comparison, ("<=", ">", ">="), (operator.le, operator.gt, operator.ge))

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
            "float() of a Value would silently drop its gradient. For the number write v.data; in place of "
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


class Constant(Value):
    """A literal operand, wrapped as a leaf that has no gradient."""

    __slots__ = ()

    data: float = vars(Value)["data"]  # the slot itself: `overriding.py` does not replace it
    is_constant: bool = True


class Traced(Value):
    """A node of the graph that `compile` records: a Value whose number `overriding.py` does not replace."""

    __slots__ = ()

    data: float = vars(Value)["data"]


recording.Counter.kind = Traced


def _node(data: float, parents: tuple[Value, ...], local_derivatives: tuple[float, ...], primitive: Primitive) -> Value:
    kind = Value
    if recording.ever_changed:
        if (counter := recording.counter.get()) is not None:
            counter.count()
            kind = counter.kind
        if recording.paused.get():
            return Constant(data)
    node = _new(kind)  # bypasses __init__, for speed: a graph can have millions of nodes
    node.data = data
    node.grad = 0.0
    node.label = ""
    node.parents = parents
    node.local_derivatives = local_derivatives
    node.primitive = primitive
    return node


def _constant(number: Any) -> Any:
    """Return a Value unchanged, a real number as a Constant, and None for anything else."""
    if isinstance(number, Value):
        return number
    if isinstance(number, (float, int, Real)):
        return Constant(cast(float, number))
    element = None if getattr(number, "requires_grad", False) else only_element(number)
    return None if element is None or number.ndim else Constant(element)  # NumPy handles arrays that have axes


explain_attributes(Value, OF_VALUES)

if sys.platform == "emscripten":
    from autograd.support.releasing import release_in_turn

    release_in_turn(Value)
