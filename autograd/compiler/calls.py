"""How the source calls primitives: by names, behind which stand functions of arrays, or of floats."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autograd.compiler.exact import ExactSymbol
from autograd.compiler.names import Names, sanitised
from autograd.compiler.symbols import ATOM, Symbol, own_expression, written
from autograd.compiler.targets.kernels import HELPERS, NUMPY, one_by_one
from autograd.compiler.trace.rule_state import reads_state
from autograd.primitives import TABLE, Primitive, Rule, logsumexp


class Calls:
    """The names of a source, and of what it calls.

    Attributes:
        names: all that are taken.
        constants: what the source refers to besides what it is given, by name.
        prelude: the definitions of functions that the primitives' array forms make.
    """

    def __init__(self) -> None:
        built_in = [primitive.name for primitive in NUMPY]
        self.names = Names([*HELPERS, *built_in, "forward", "backward", "input_gradients", "gradient", "saved", "n"])
        self.constants: dict[str, Any] = {}
        self.prelude: list[str] = []
        self._functions: dict[Primitive, str] = {}
        self._slopes: dict[Primitive, dict[str, Callable[..., float]]] = {}
        self._of_floats: dict[str, Callable[..., Any]] = {}  # what the helpers of `slopes_text` are for floats

    def symbol(self, text: str, width: int, binding: int = ATOM) -> Symbol:
        return Symbol(text, binding, width, self.call)

    def of_floats(self) -> dict[str, Callable[..., Any]]:
        """The functions called, as functions of floats: the table's rules themselves."""
        found: dict[str, Callable[..., Any]] = {name: p.forward for p, name in self._functions.items()}
        for slopes in self._slopes.values():
            found.update(slopes)
        return found | self._of_floats

    def derivatives(self, primitive: Primitive, inputs: Sequence[Any], out: Symbol) -> Sequence[Any]:
        """The local derivatives as source; of a rule made for floats alone, or that reads a state, number by number."""
        if not reads_state(primitive):
            try:
                return primitive.compiled_derivatives(*inputs, out)  # type: ignore[no-any-return]
            except (TypeError, ValueError, AttributeError):
                pass
        if primitive not in self._slopes:
            slopes = [partial(_slope, primitive, k) for k in range(len(inputs))]
            names = [self.names.plain(f"slope_of_{self._own(primitive)}") for _ in slopes]
            self._slopes[primitive] = dict(zip(names, slopes))
            self.constants.update({name: one_by_one(slope) for name, slope in zip(names, slopes)})
        arguments = ", ".join(map(written, (*inputs, out)))
        width = max(x.width for x in (*inputs, out) if isinstance(x, Symbol))
        return [self.symbol(f"{name}({arguments})", width) for name in self._slopes[primitive]]

    def slopes_text(self, primitive: Primitive, inputs: Sequence[Any], out: Symbol) -> str:
        """The call of what computes all local derivatives of a primitive of many operands."""
        given = inputs if primitive is logsumexp else [*inputs, out]
        name = "softmax" if primitive is logsumexp else "shares"
        self._of_floats[name] = partial(_all_slopes, primitive)
        return f"{name}({', '.join(map(written, given))})"

    def call(self, primitive: Primitive) -> str:
        """The name of a function for a primitive; its array form is found when it is first called for."""
        if primitive in self._functions:
            return self._functions[primitive]
        if primitive in NUMPY:
            name = self._functions[primitive] = primitive.name
            self.constants[name] = NUMPY[primitive]
            return name
        builtin = TABLE.get(primitive.name) is primitive and primitive.name.isidentifier()
        name = self._functions[primitive] = self.names.plain(
            sanitised(primitive.name) if builtin else self._own(primitive)
        )
        text = self._array_form(primitive)
        if text is not None and reads_state(primitive):
            self.constants[name] = one_by_one(primitive.forward)
        elif text is not None:
            self.prelude.append(text.replace("\0", name))
        elif primitive.array is not None:
            self.constants[name] = primitive.array
        else:
            self.constants[name] = one_by_one(primitive.forward)
        return name

    def _own(self, primitive: Primitive) -> str:
        return sanitised(primitive.name) or "function"

    def _array_form(self, primitive: Primitive) -> str | None:
        """The definition of a function for a primitive, where its rule is an expression that symbols go through."""
        found = own_expression(primitive, self._letters, Symbol)
        if found is None:
            return None
        letters, result = found
        return f"def \0({', '.join(letter.text for letter in letters)}):\n    return {result.text}"

    def _letters(self, rule: Rule) -> list[Symbol]:
        count = len(inspect.signature(rule).parameters)
        return [self.symbol(f"x{i + 1}" if count > 1 else "x", 1).of_kind(ExactSymbol) for i in range(count)]


def _all_slopes(primitive: Primitive, *numbers: float) -> tuple[float, ...]:
    if primitive is logsumexp:
        return primitive.local_derivatives(numbers, primitive.forward(*numbers))
    return primitive.local_derivatives(numbers[:-1], numbers[-1])


def _slope(primitive: Primitive, k: int, *inputs_and_out: float) -> float:
    return primitive.local_derivatives(inputs_and_out[:-1], inputs_and_out[-1])[k]
