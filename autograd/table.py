"""The rows of the derivative table, and the table itself.

The rows stand in `arithmetic.py`, `exponentials.py`, `trigonometry.py`, `special.py` and `slopes.py`; `primitive` adds
one of a user's own. All that is known of a primitive stands in its row: what the engine, the compiler and its targets
need of it, they read there. `tests/autograd/derivatives/test_table.py` checks each row, and names what is missing
elsewhere, such as a method of Value.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Sequence
from enum import IntEnum
from numbers import Real
from types import MethodType
from typing import TYPE_CHECKING, Any, ParamSpec, overload

from autograd import recording

if TYPE_CHECKING:
    from autograd.value import Value

Rule = Callable[..., Any]
Fields = ParamSpec("Fields")

TABLE: dict[str, Primitive] = {}
OURS: set[str] = set()  # the names of the package's own rows, which no user's primitive can take


class Slope(IntEnum):
    """A class of local derivatives, by the numbers that they can be."""

    NONE = 0  # 0, always
    FINITE = 1  # finite, always
    BOUNDED = 2  # nan where the node is nan, else finite
    LIKE_VALUE = 3  # finite where the node's value is
    WEIGHT = 4  # likewise, and exempt: a factor in a weighted sum
    SINGULAR = 5  # infinite or nan even where the node's value is finite


class Operand:
    """The base of what primitives take besides numbers: a Value, or its stand-in while a program is compiled."""

    __slots__ = ()

    apply: Callable[..., Any]  # (primitive, inputs), where this operand is among the inputs


class Primitive:
    """One row of the table. Calling it computes: floats give a float, and any Value among them gives a Value.

    Attributes:
        name: what the operation is called, in errors and in the table.
        symbol: what a picture and `Value.op` show; the name, if not given.
        forward: the inputs' numbers to the output's number.
        derivatives: `(*inputs, out)` to one local derivative ∂out/∂input for each input, as a tuple.
        array: the forward rule for arrays, where it is another: a function of arrays, or an expression; or the name of
            NumPy's function, or of one in the compiler's `kernels.py`. None where `forward` says it all.
        machine: the forward rule for machine code, where it is another: an expression; or the name of the C library's
            function, or of an instruction in the compiler's `instructions.py`.
        chooses: whether a local derivative of 0 means that the input was not taken. Such an input receives nothing at
            all, not even 0 × inf.
        reduces: for what arrays compute of any number of inputs along an axis, the name of the function in the
            compiler's `kernels.py` that gives all its derivatives together; "" for others. The primitive's own name is
            then a kind of reduction of array programs.
        compiled_derivatives: the derivative rule of compiled programs: an expression that does not branch on numbers,
            and that their source shows. Where it is another than `derivatives`, that one keeps digits which this loses.
        machine_derivatives: where it reduces, that of machine code, if it is another.
        slope: what the local derivatives can be. Any class that is too high is right, and costs needless masks.
        keeps_infinity: the places of the inputs which, where infinite or nan, make the output so.
        hides_nan: whether the output can be a number though an input is nan.
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
        """The type of the result, given that of the inputs before x: NumPy's float stays one, with IEEE arithmetic."""
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
        """The local derivatives as numbers: inf or nan where they are infinite or undefined, never an exception."""
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
        """The same rule in IEEE arithmetic, where 1/0 is inf; nan where the rule has no number even so."""
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
        """The value in IEEE arithmetic, where log 0 is -inf and the square root of -1 is nan: for derivatives."""
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
    """Tell whether x came of a comparison of NumPy's floats."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.bool_)


def lookup(name: str) -> Primitive:
    """The primitive of this name. Raises KeyError with advice where the table has none."""
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
"""Add a row of the package's own to the table. It takes what `Primitive` takes."""


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

    It then works in every mode: on floats, on Values, and in derivatives of any order, provided that its rules are
    made of operators and of functions of this package, which take Values too (`autograd.cos`, not `math.cos`).

    Args:
        name: what to call it. A name of your own may be given again, as a notebook's cell does that is run again: the
            new entry takes the old one's place, which nodes and functions that have it keep.
        forward: `(*inputs)` to the output, for floats. Where it raises, the value is undefined.
        derivatives: `(*inputs, out)` to a tuple of local derivatives, one for each input.
        symbol: what `Value.op` shows; the name, if not given.
        doc: one line on what it computes.
        array: for compiled programs, the forward rule on arrays: a function such as `numpy.exp`, or the name of
            NumPy's (`"exp"`), which is looked up when a program is compiled; or an expression of this package's
            functions that does not branch. Needed only for speed, and only where `forward` calls what takes floats
            alone (`math.erf`) or branches on its input; it is then run number by number. So is a rule that reads what
            can change, such as a context variable or an attribute.
        machine: for programs that run as machine code, likewise: the name of a function of C's math.h (`"erfc"`), or
            an expression. Where neither this nor another rule is one, such a program runs as Python.
        chooses: whether it chooses among its inputs, as `where` and `maximum` do: an input whose local derivative is
            0 was not taken then, and receives exactly nothing, even where its own derivative is infinite.
        compiled_derivatives: for compiled programs, where `derivatives` branches on numbers for the sake of digits:
            the same as an expression that does not.

    Returns:
        A function of floats or Values.

    Raises:
        ValueError: if a primitive of this package has the name.

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
