"""Convert the recorded graph to a scalar program, node by node."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograd import primitives
from autograd.compiler.scalars.builder import DROPPED, Builder
from autograd.compiler.scalars.lookups import look_ups
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.trace.tracing import UNUSED, Trace
from autograd.value import Value


def from_trace(trace: Trace, parameters: Sequence[Value], differentiated: int | None = None) -> ScalarProgram:
    """Return the program of a trace, in which every node is an application or a leaf.

    A node that depends only on constants becomes a constant with the recorded number; its rule is not called again.
    Equal constants share a node. A mean becomes a sum and a division, as its rule computes it.

    Args:
        trace: a trace after `read`.
        parameters: the leaves that are parameters, whether or not the trace contains them; its other leaves, except
            arguments, are constants.
        differentiated: the number of differentiated results, which come first; by default all.
    """
    count = len(parameters) if not trace.tables else _count_of_nodes(trace, parameters)
    builder = Builder([len(nodes) for nodes in trace.arguments], count, table_parameters=len(parameters) - count)
    new = _numbered_leaves(trace, parameters[:count])
    constants: dict[tuple[float, float], int] = {}  # those that are read

    def constant(number: float) -> int:
        key = number, math.copysign(1.0, number)
        if key not in constants:
            constants[key] = builder.constant(number)
        return constants[key]

    application = builder.application
    chosen = look_ups(trace, parameters)
    opcode_of = {p: builder.opcode(chosen.get(p, p)) for p in dict.fromkeys(trace.primitives) if p}
    end = 0
    for i, (primitive, count) in enumerate(zip(trace.primitives, trace.counts)):
        if primitive is None:
            continue
        start, end = end, end + count
        operands = trace.operands[start:end]
        row = [new[k] for k in operands]
        if DROPPED in row:
            if max(row) == DROPPED:
                continue
            row = [constant(trace.numbers[k]) if new[k] == DROPPED else new[k] for k in operands]
        if primitive is primitives.mean_:
            total = application(builder.opcode(primitives.sum_), row)
            new[i] = application(builder.opcode(primitives.div), [total, constant(float(count))])
        else:
            new[i] = application(opcode_of[primitive], row)
    labels = {new[i]: label for i, label in trace.labels.items() if new[i] != DROPPED}
    outputs = [constant(trace.numbers[i]) if new[i] == DROPPED else new[i] for i in trace.outputs]
    return builder.program(outputs, differentiated=differentiated, single=trace.single, labels=labels)


def _count_of_nodes(trace: Trace, parameters: Sequence[Value]) -> int:
    """Return the number of parameters up to the last one that is a node; only look-ups read the others."""
    nodes = set(trace.leaves.values())
    return 1 + max([k for k, leaf in enumerate(parameters) if leaf in nodes], default=-1)


def _numbered_leaves(trace: Trace, parameters: Sequence[Value]) -> list[int]:
    """Return the number of each node in the program: arguments, then parameters; all others are DROPPED so far."""
    node_of = {leaf: i for i, leaf in trace.leaves.items()}
    new = [DROPPED] * len(trace.primitives)
    first = 0
    for nodes in trace.arguments:
        for place, i in enumerate(nodes, first):
            if i != UNUSED:
                new[i] = place
        first += len(nodes)
    for place, leaf in enumerate(parameters, first):
        if leaf in node_of:
            new[node_of[leaf]] = place
    return new
