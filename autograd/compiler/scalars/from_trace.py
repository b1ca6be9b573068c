"""The first scalar program: the recorded graph, node by node."""

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
    """The program of a trace: every node an application or a leaf.

    What depends on constants alone is a constant, whose number the trace recorded: no rule is called again for it.
    Constants of the same number are one node. A mean is a sum and a division, which is what its rule computes.

    Args:
        trace: whose numbers have been read.
        parameters: the leaves that are parameters, whether the trace has them or not; its others that are no arguments
            are constants.
        differentiated: how many of the results, from the first on, have derivatives; all, if not given.
    """
    node_of = {leaf: i for i, leaf in trace.leaves.items()}
    count = (
        len(parameters)
        if not trace.tables
        else 1 + max([k for k, leaf in enumerate(parameters) if leaf in node_of], default=-1)
    )
    builder = Builder([len(nodes) for nodes in trace.arguments], count, table_parameters=len(parameters) - count)
    new = [DROPPED] * len(trace.primitives)  # which constants remain
    first = 0
    for nodes in trace.arguments:
        for place, i in enumerate(nodes, first):
            if i != UNUSED:
                new[i] = place
        first += len(nodes)
    for place, leaf in enumerate(parameters[:count], first):
        if leaf in node_of:
            new[node_of[leaf]] = place
    constants: dict[tuple[float, float], int] = {}

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
