"""Names in emitted source: index arrays, constant arrays, and functions for primitives."""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Data, Placement, listed
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.names import Names, names_of, sanitised
from autograd.compiler.targets.kernels import named_function, one_by_one
from autograd.compiler.targets.lookup_kernels import Scatter
from autograd.compiler.targets.notation import is_operator
from autograd.compiler.trace.rule_state import reads_state
from autograd.primitives import TABLE, Primitive
from autograd.table import OURS

_SLOPE = "slope_of_"


class References:
    """Names for the objects that a source refers to, assigned at the first reference.

    Attributes:
        names: generates unused names.
        constants: the objects, besides arguments, that the source refers to, by name.
        notes: comments on these objects.
        definitions: functions that the source defines, by name, as programs of their arguments.
    """

    def __init__(self, program: ArrayProgram) -> None:
        self.names: Names = names_of(program)
        self.constants: dict[str, Any] = {}
        self.notes: list[str] = []
        self.definitions: dict[str, ArrayProgram] = {}
        self._known: dict[object, str] = {}

    def note(self, text: str) -> None:
        """Add a comment, unless it exists already."""
        if text not in self.notes:
            self.notes.append(text)

    def positions(self, index: Data) -> str:
        """Return the name of an index array."""
        return self._named(("i", index), "i", index.array, f"positions, {listed(index.array.shape)}")

    def numbers(self, data: Data) -> str:
        """Return the name of a constant array."""
        return self._named(("c", data), "c", data.array, f"constants, {listed(data.array.shape)}")

    def number(self, x: float) -> str:
        """Return the name of a number as a 0-dimensional array."""
        key = ("number", repr(x))
        if key not in self._known:
            name = self._known[key] = self.names.numbered("number")
            self.constants[name] = np.array(x)
        return self._known[key]

    def scatter(self, placement: Placement) -> str:
        """Return the name of a function that scatter-adds columns by an index."""
        index, width = placement.positions.array.reshape(-1), placement.length
        key = ("scatter", placement.positions, width)
        if key not in self._known:
            note = f"adds its {index.size} columns into {width}"
            name = self._named(key, "scatter", index, note)
            self.constants[name] = Scatter(index, width)
        return self._known[key]

    def _named(self, key: object, base: str, array: NDArray[Any], note: str) -> str:
        if key not in self._known:
            name = self._known[key] = self.names.numbered(base)
            self.constants[name] = array
            self.note(f"{name}: {note}{f' = {array.tolist()}' if array.size <= 12 else ''}")
        return self._known[key]

    def local(self, key: Hashable, name: str) -> str:
        """Return the name of a variable, one for each key."""
        if key not in self._known:
            self._known[key] = self.names.plain(name)
        return self._known[key]

    def function(self, primitive: Primitive) -> str:
        """Return the name of a function for a primitive.

        It is the function that the table's row names, if any; else the source defines it, if the primitive's rule is an
        expression; else it is the primitive's array form, or its rule, called number by number.
        """
        if primitive in self._known:
            return self._known[primitive]
        function = named_function(primitive)
        is_reserved = function is not None and primitive.name in OURS
        name = self._known[primitive] = primitive.name if is_reserved else self.names.plain(_base(primitive))
        if function is not None:
            self.constants[name] = function
            return name
        definition = own_expression(primitive)
        if definition is None:
            self.constants[name] = primitive.array or one_by_one(primitive.forward)
        elif reads_state(primitive):
            self.constants[name] = one_by_one(primitive.forward)
        else:
            self._define(name, definition)
        return name

    def functions(self) -> dict[str, Primitive]:
        """Return the primitives of the named functions, by name."""
        return {name: primitive for primitive, name in self._known.items() if isinstance(primitive, Primitive)}

    def _define(self, name: str, definition: ArrayProgram) -> None:
        """Add a definition, after those of the functions that it calls."""
        needed = definition.needed(definition.outputs)
        for at, operation in enumerate(definition.operations):
            if at in needed and operation.kind == "apply" and not is_operator(operation.attribute.primitive):
                self.function(operation.attribute.primitive)
        self.definitions[name] = definition


def own_expression(primitive: Primitive) -> ArrayProgram | None:
    """Return the rule of a primitive as a program of the rule's arguments; None if it is not an expression.

    >>> from autograd import primitives
    >>> print(own_expression(primitives.relu))
    x = argument                                                (n, 1)
    0 = constant 0.0                                            ()
    v2 = maximum (x, 0)                                         (n, 1)
    return v2
    """
    for rule in (primitive.array, primitive.forward):
        if not callable(rule):
            continue
        builder = Builder()
        try:
            parameters = inspect.signature(rule).parameters.values()
            if any(p.kind is p.VAR_POSITIONAL for p in parameters):
                continue  # variadic
            count = len(parameters)
            names = [f"x{k + 1}" if count > 1 else "x" for k in range(count)]
            result = rule(*[builder.argument(name, 1) for name in names])
        except (TypeError, ValueError, AttributeError):
            continue
        if isinstance(result, Handle):
            return builder.program([result])
    return None


def _base(primitive: Primitive) -> str:
    """Return the preferred name of a function for a primitive."""
    prefix = _SLOPE if primitive.name.startswith(_SLOPE) else ""
    own = primitive.name.removeprefix(prefix)
    if TABLE.get(primitive.name) is primitive and own.isidentifier():
        return sanitised(own)
    return prefix + (sanitised(own) or "function")
