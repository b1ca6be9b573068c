"""Name groups by users' labels where they are identifiers, else as textbooks do."""

from __future__ import annotations

from collections.abc import Collection

from autograd import primitives
from autograd.compiler.names import Names, sanitised, stem
from autograd.compiler.recover.groups import (
    CONSTANT,
    Application,
    Choice,
    Concatenation,
    Group,
    Grouping,
    LookUps,
    Reduction,
    RunningSum,
    SumOfProducts,
)
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.sums.blocks import Matrix, Rows, View

_POWERS = {2.0: "square", 3.0: "cube", -1.0: "inverse"}


def group_names(grouping: Grouping, names: Names) -> tuple[list[str], dict[int, int]]:
    """Name the groups in order.

    Args:
        names: generates unused names.

    Returns:
        The name of each group; and the layer's number for the groups that are layers of a network, by their source.
    """
    layers: dict[int, int] = {}
    outputs, labels = set(grouping.scalars.outputs), grouping.scalars.labels
    chosen = []
    for group in grouping.groups:
        label = stem({labels.get(i, "") for i in group.members if i >= 0})
        activated = _activated(group)
        if isinstance(group, Repetition):
            chosen.append("")
            continue
        if _is_layer(group):
            layer = layers[group.source] = 1 + len(layers)
            chosen.append(names.numbered(label or "z", layer))
        elif activated in layers:
            chosen.append(names.numbered(label or "a", layers[activated]))
        elif len(group.members) == 1 and group.members[0] in outputs:
            chosen.append(names.plain(label or ("loss" if grouping.scalars.single else "y")))
        else:
            chosen.append(names.numbered(label or _base(group)))
    return chosen, layers


def _is_layer(group: Group) -> bool:
    return isinstance(group, SumOfProducts) and any(isinstance(block, Matrix) for block in group.blocks)


def _activated(group: Group) -> int:
    """Return the source to which a group applies a unary function elementwise; CONSTANT for other groups."""
    if not isinstance(group, Application) or len(group.operands) != 1:
        return CONSTANT
    (operand,) = group.operands
    return operand.source if isinstance(operand, View) else CONSTANT


def parameter_name(names: Names, labels: Collection[str], role: str, layer: int | None, single: bool) -> str:
    """Name an array of parameters by its labels, else by its role: "w", "b" or "p".

    Args:
        single: whether it has one parameter, whose label is used unchanged.
    """
    label = next(iter(labels))
    if single and label and sanitised(label) == label:
        return names.plain(label)
    return names.numbered(stem(labels) or role, layer)


def _base(group: Group) -> str:
    """Return the base name of a group without a label: its function, `s` for a sum, `e` for a difference, else `y`."""
    match group:
        case Concatenation():
            return "joined"
        case RunningSum():
            return "sums"
        case LookUps():
            return "rows"
        case Repetition() | LoopResult():
            return "states"
        case Choice():
            return "chosen"
        case Application(primitive=primitive) if primitive is primitives.constant_power:
            exponent = group.operands[1]
            return _POWERS.get(exponent, "power") if isinstance(exponent, float) else "powers"
        case Application() | Reduction():
            return "quotient" if group.primitive is primitives.div else sanitised(group.primitive.name) or "f"
        case SumOfProducts():
            return _base_of_sum(group)


def _base_of_sum(group: SumOfProducts) -> str:
    if len(group.blocks) == 1 and isinstance(group.blocks[0], Rows) and group.blocks[0].left.positions.shape[1] > 1:
        return "s"
    signs = {b.coefficients for b in group.blocks if isinstance(b, Rows) and isinstance(b.coefficients, float)}
    return "e" if len(group.blocks) == 2 and signs == {1.0, -1.0} else "y"
