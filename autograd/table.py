"""The rows of the derivative table, and the table itself.

The rows are in `arithmetic.py`, `exponentials.py`, `trigonometry.py`, `special.py` and `slopes.py`; `primitive` adds a
user's own. A row holds everything the engine, the compiler and its targets need to know about a primitive.
`tests/autograd/derivatives/test_table.py` checks each row, and reports what is missing elsewhere, such as a method of
Value.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Sequence
from enum import IntEnum, auto
from numbers import Real
from types import MethodType
from typing import TYPE_CHECKING, Any, ParamSpec, overload

from autograd import recording

if TYPE_CHECKING:
    from autograd.value import Value

Rule = Callable[..., Any]
Fields = ParamSpec("Fields")

TABLE: dict[str, Primitive] = {}
OURS: set[str] = set()  # the names of the package's own rows: users' primitives cannot reuse them


class Slope(IntEnum):
    """A class of local derivatives, by the values they can take."""

    NONE = auto()  # always 0
    FINITE = auto()  # always finite
    BOUNDED = auto()  # nan if the node is nan, else finite
    LIKE_VALUE = auto()  # finite if the node's value is
    WEIGHT = auto()  # finite if the node's value is, and exempt from masks: a factor in a weighted sum
    SINGULAR = auto()  # can be infinite or nan even if the node's value is finite


class Operand:
    """The base class of non-numeric operands: a Value, or the compiler's stand-in for one."""

    __slots__ = ()

    apply: Callable[..., Any]  # called with (primitive, inputs); this operand is among the inputs


class Primitive:
    """One row of the table. A call with floats returns a float; a call with any Value among them returns a Value.

    Attributes:
        name: the operation's name in errors and in the table.
        symbol: the name that pictures and `Value.op` show; defaults to `name`.
        forward: computes the output's number from the inputs' numbers.
        derivatives: computes from `(*inputs, out)` a tuple of local derivatives ∂out/∂input, one for each input.
        array: the forward rule for arrays, if different: a function of arrays, an expression, or the name of a
            function of NumPy or of the compiler's `kernels.py`. None if `forward` also works for arrays.
        machine: the forward rule for machine code, if different: an expression, or the name of a C library function or
            of an instruction in the compiler's `instructions.py`.
        chooses: True if a local derivative of 0 means that the input was not selected. Such an input receives no
            gradient, not even 0 × inf.
        reduces: for a primitive that reduces any number of inputs along an axis of an array, the name of the function
            in the compiler's `kernels.py` that computes all its derivatives together; "" for others. The primitive's
            name is then also a kind of reduction in array programs.
        compiled_derivatives: the derivative rule for compiled programs: an expression that does not branch on numbers,
            and that the compiled source shows. If it differs from `derivatives`, it is the less accurate of the two.
        machine_derivatives: for a reduction, the derivative rule for machine code, if different.
        slope: the class of the local derivatives. A class that is too high is safe, but costs needless masks.
        keeps_infinity: the positions of inputs whose infinity or nan always makes the output infinite or nan.
        hides_nan: True if the output can be a number although an input is nan.
    """

    name: str
    forward: Rule
    derivatives: Rule
    symbol: str
    array: Rule | str | None
    machine: Rule | str | None
    chooses: bool
    reduces: str
    slope: Slope
    keeps_infinity: Collection[int]
    hides_nan: bool

    def __init__(
        self,
        name: str,
        forward: Rule,
        derivatives: Rule,
        symbol: str = "",
        doc: str | None = None,
        array: Rule | str | None = None,
        *,
        machine: Rule | str | None = None,
        chooses: bool = False,
        reduces: str = "",
        compiled_derivatives: Rule | None = None,
        machine_derivatives: Rule | None = None,
        slope: Slope = Slope.SINGULAR,
        keeps_infinity: Collection[int] = (),
        hides_nan: bool = False,
    ) -> None:
        self.name, self.forward, self.derivatives, self.symbol = name, forward, derivatives, symbol or name
        self.array, self.machine, self.chooses, self.reduces = array, machine, chooses, reduces
        self.compiled_derivatives: Rule = compiled_derivatives or derivatives
        self.machine_derivatives: Rule = machine_derivatives or self.compiled_derivatives
        self.slope, self.keeps_infinity, self.hides_nan = slope, keeps_infinity, hides_nan
        self.__doc__ = doc

    @overload
    def __call__(self, *inputs: float) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, *inputs: Value | float) -> Value: ...
    def __call__(self, *inputs: Any) -> Any:
        kind = float
        for x in inputs:
            if type(x) is not float:
                if isinstance(x, Operand):
                    return x.apply(self, inputs)
                kind = self._kind(x, kind)
        try:
            out = self.forward(*inputs)
        except (ArithmeticError, ValueError):
            if not recording.differentiating.get():
                raise
            out = self.ieee_value(inputs)
        return out if kind is float else kind(out)

    def _kind(self, x: Any, kind: type[float]) -> type[float]:
        """Return the result's type, given its type without x: a NumPy float keeps its type and IEEE arithmetic."""
        if isinstance(x, float):
            return type(x) if kind is float else kind
        if isinstance(x, (int, Real)) or _is_numpys_bool(x):
            return kind
        raise TypeError(
            f"{self.name} expects numbers or Values, got an object of type {type(x).__name__}; call it with each "
            f"element of a list, array or series"
        )

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Primitive: ...
    @overload
    def __get__(self, instance: Value, owner: Any = None) -> Callable[..., Value]: ...
    def __get__(self, instance: Value | None, owner: Any = None) -> Any:
        """Let a class body say `exp = primitives.exp`, after which `v.exp()` is `primitives.exp(v)`."""
        return self if instance is None else MethodType(self, instance)

    def local_derivatives(self, inputs: Sequence[float], out: float) -> tuple[float, ...]:
        """Compute the local derivatives; infinite or undefined ones are inf or nan rather than an exception."""
        try:
            derivatives = self.derivatives(*inputs, out)
        except (ArithmeticError, ValueError):
            derivatives = self._ieee_derivatives(inputs, out)
        if type(derivatives) is not tuple or len(derivatives) != len(inputs):
            raise TypeError(
                f"primitive {self.name!r} has {len(inputs)} input(s), so its derivatives must return a tuple of "
                f"{len(inputs)} number(s); it returned {derivatives!r}"
            )
        return derivatives

    def _ieee_derivatives(self, inputs: Sequence[float], out: float) -> Any:
        """Evaluate the rule in IEEE arithmetic, where 1/0 is inf; return nan if it raises even then."""
        from autograd.arrays import ieee_float
        from autograd.arrays.errors import ignoring_errors

        def derivatives() -> Any:
            with recording.derivatives_never_raise():
                return tuple(map(float, self.derivatives(*map(ieee_float, inputs), ieee_float(out))))

        try:
            return ignoring_errors(derivatives)
        except (ArithmeticError, ValueError):
            return (math.nan,) * len(inputs)

    def ieee_value(self, inputs: Sequence[float]) -> float:
        """Compute the value in IEEE arithmetic, where log 0 is -inf and sqrt(-1) is nan; used for derivatives."""
        from autograd.arrays import ieee_float, np
        from autograd.arrays.errors import ignoring_errors

        function = getattr(np, self.array, None) if isinstance(self.array, str) else None
        try:
            return float(ignoring_errors(function or self.forward, *map(ieee_float, inputs)))
        except (ArithmeticError, ValueError):
            return math.nan

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return lookup, (self.name,)


def _is_numpys_bool(x: Any) -> bool:
    """Tell whether x is the result of comparing NumPy floats."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.bool_)


def lookup(name: str) -> Primitive:
    """Return the primitive of this name. Raises KeyError, with advice, if the table has none."""
    if name not in TABLE:
        raise KeyError(f"no primitive is called {name!r}: import the module that defines it first")
    return TABLE[name]


def _added(make: Callable[Fields, Primitive]) -> Callable[Fields, Primitive]:
    def row(*args: Fields.args, **fields: Fields.kwargs) -> Primitive:
        entry = make(*args, **fields)
        TABLE[entry.name] = entry
        OURS.add(entry.name)
        return entry

    return row


row = _added(Primitive)
"""Add one of the package's own rows to the table. Takes the arguments of `Primitive`."""


def primitive(
    name: str,
    forward: Rule,
    derivatives: Rule,
    *,
    symbol: str = "",
    doc: str | None = None,
    array: Rule | str | None = None,
    machine: Rule | str | None = None,
    chooses: bool = False,
    compiled_derivatives: Rule | None = None,
) -> Primitive:
    """Add a primitive of your own to the table.

    It then works on floats, on Values, and in derivatives of any order, provided that its rules use only operators and
    functions of this package, which accept Values (`autograd.cos`, not `math.cos`).

    Args:
        name: the primitive's name. You may define a name of your own again, for example by rerunning a notebook cell:
            the new entry replaces the old one, but existing nodes and functions keep the old one.
        forward: computes the output from `(*inputs)`, which are floats. The value is undefined where it raises.
        derivatives: computes from `(*inputs, out)` a tuple of local derivatives, one for each input.
        symbol: the name that `Value.op` shows; defaults to `name`.
        doc: one line that says what it computes.
        array: for compiled programs, the forward rule on arrays: a function such as `numpy.exp`; the name of a NumPy
            function (`"exp"`), which is looked up when a program is compiled; or an expression of this package's
            functions that does not branch. It is needed only for speed, and only if `forward` branches on its input or
            calls functions that accept only floats (`math.erf`): such a rule runs element by element. So does a rule
            that reads mutable state, such as a context variable or an attribute.
        machine: for programs that run as machine code, likewise: the name of a function of C's math.h (`"erfc"`), or
            an expression. If no rule is either of these, such a program runs as Python.
        chooses: whether it selects among its inputs, as `where` and `maximum` do. An input whose local derivative is 0
            was then not selected, and receives no gradient, even if its own derivative is infinite.
        compiled_derivatives: for compiled programs, if `derivatives` branches on numbers for accuracy: the same
            derivatives as an expression that does not branch.

    Returns:
        A function of floats or Values.

    Raises:
        ValueError: if one of this package's primitives has that name.

    >>> from autograd import Value, grad, sigmoid
    >>> swish = primitive(
    ...     "swish", lambda x: x * sigmoid(x), lambda x, out: (sigmoid(x) + out * (1 - sigmoid(x)),))
    >>> x = Value(0.0)
    >>> swish(x).backward()
    >>> x.grad, grad(grad(swish))(0.0)
    (0.5, 0.5)
    """
    if name in OURS:
        raise ValueError(f"the table has a primitive called {name!r} already: choose another name")
    entry = TABLE[name] = Primitive(
        name,
        forward,
        derivatives,
        symbol,
        doc,
        array,
        machine=machine,
        chooses=chooses,
        compiled_derivatives=compiled_derivatives,
        hides_nan=True,
    )
    return entry
