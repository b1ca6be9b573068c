"""Write applications of primitives to numbers as equivalent Python expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograd import primitives
from autograd.compiler.targets.expressions import Expressions
from autograd.compiler.targets.notation import INFIX, Notation, comparison
from autograd.compiler.targets.references import References
from autograd.compiler.targets.text import ATOM, POWER, Text, infix, literal, negated
from autograd.primitives import Primitive

MOST_PRECISE = 1000
"""The least exponent written as a float: `**` with an integer computes a repeated product."""


def application(
    primitive: Primitive, operands: Sequence[Text], exponent: float | None, call: Callable[[Primitive], str]
) -> Text:
    """Return a primitive applied to expressions.

    Args:
        exponent: the exponent of a power, if it is a known number.
        call: returns the name of the function for a primitive.

    >>> application(primitives.mul, [Text("a"), Text("b + c", 5)], None, lambda primitive: primitive.name).text
    'a * (b + c)'
    """
    if primitive in INFIX:
        return infix(INFIX[primitive], *operands)
    if comparison(primitive):
        return infix("*", literal(1.0), condition(primitive, operands))
    if primitive is primitives.neg:
        return negated(operands[0])
    if primitive is primitives.identity:
        return operands[0]
    if primitive is primitives.constant_power and exponent is not None:
        if exponent == 1.0:
            return operands[0]
        if exponent.is_integer() and abs(exponent) < MOST_PRECISE:
            return Text(f"{operands[0].within(ATOM)} ** {int(exponent)}", POWER)
        primitive = primitives.power
    return Text(f"{call(primitive)}({', '.join([operand.text for operand in operands])})")


def condition(primitive: Primitive, operands: Sequence[Text]) -> Text:
    """Return a comparison as a bool."""
    return infix(comparison(primitive), *operands)


def slopes(primitive: Primitive, operands: Sequence[Text]) -> Text:
    """Return the derivatives of a variadic primitive; its value is the last operand."""
    texts = [operand.text for operand in (operands if primitive.chooses else operands[:-1])]
    return Text(f"{primitive.reduces}({', '.join(texts)})")


def definition(references: References, name: str) -> str:
    """Return the definition of a function for a primitive."""
    program = references.definitions[name]
    arguments = ", ".join(o.name for o in program.operations if o.kind == "argument")
    (result,) = program.outputs
    text = Expressions(Notation(program), references).read(result).text
    return f"def {name}({arguments}):\n    return {text}"
