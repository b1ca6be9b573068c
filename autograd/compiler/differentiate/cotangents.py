"""Accumulate the cotangents of an operation.

Cotangents of slices, which are padded with zeros, are added or concatenated before they are padded where possible.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from autograd.compiler import cost
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.operations import Padding
from autograd.compiler.names import Names


def total(parts: Sequence[Simplified], names: Names, base: str) -> Simplified:
    """Return the sum of the cotangents of one operation.

    Args:
        parts: the cotangents, in the order of addition.
        names: generates names for the partial sums of a very long sum.
        base: the base of these names.
    """
    return _sum(_joined(_merged(parts, names, base)), names, base)


def _sum(parts: Sequence[Simplified], names: Names, base: str) -> Simplified:
    counts: dict[int, int] = {}
    distinct: list[Simplified] = []
    for part in parts:
        if part.at not in counts:
            distinct.append(part)
        counts[part.at] = counts.get(part.at, 0) + 1
    terms = [float(counts[part.at]) * part for part in distinct]
    result: Simplified = terms[0]
    for n, term in enumerate(terms[1:], 1):
        if n % cost.TERMS_A_STATEMENT == 0:
            result = result.named(names.numbered(base))  # type: ignore[assignment]
        result = result + term
    return result


def _merged(parts: Sequence[Simplified], names: Names, base: str) -> list[Simplified]:
    """Add parts that are padded, or placed, in the same way before padding or placing them."""
    alike: dict[object, list[Simplified]] = {}
    for part in parts:
        operation = part.operation
        key: object = part.at
        if operation.kind in ("pad", "place") and not operation.name:
            key = (operation.kind, operation.attribute, part.builder.operand(part).shape)
        alike.setdefault(key, []).append(part)
    merged = []
    for first, *others in alike.values():
        if all(part.at == first.at for part in others):
            merged += [first, *others]
            continue
        inner = _sum([part.builder.operand(part) for part in (first, *others)], names, base)
        operation = first.operation
        merged.append(first.like(first.builder.add(operation.kind, (inner.at,), operation.attribute)))
    return merged


def _joined(parts: list[Simplified]) -> list[Simplified]:
    """Concatenate padded parts that are adjacent, if none overlap."""
    if len(parts) < 2:
        return parts
    paddings: list[Padding] = []
    for part in parts:
        operation = part.operation
        if operation.kind != "pad" or operation.name or operation.attribute.step != 1:
            return parts
        paddings.append(operation.attribute)
    if len({padding.axis for padding in paddings}) > 1:
        return parts
    order = sorted(range(len(parts)), key=lambda k: paddings[k].start)
    if any(paddings[a].stop > paddings[b].start for a, b in itertools.pairwise(order)):
        return parts
    joined = []
    while order:
        ends = (n for n in range(1, len(order)) if paddings[order[n - 1]].stop != paddings[order[n]].start)
        end = next(ends, len(order))
        run, order = order[:end], order[end:]
        first, last = run[0], run[-1]
        builder, (axis, start, _, _, length) = parts[first].builder, paddings[first]
        side_by_side = builder.concatenate([builder.operand(parts[k]) for k in run], axis)
        joined.append(Simplified.of(builder.pad(side_by_side, axis, start, paddings[last].stop, 1, length)))
    return joined
