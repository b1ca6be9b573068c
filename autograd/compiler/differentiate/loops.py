"""The derivative of a loop: a loop over the same steps in the opposite order, backpropagation through time.

A step of it is the vector-Jacobian product of a step of the loop: the body is differentiated by the same sweep as any
program, and the result divided in two. What the backward operations read of the forward ones, up to the next that has
a name, becomes an argument of the backward body; the forward loop writes it by step, unless it is an operand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.names import Names


class LoopEdge(NamedTuple):
    """A loop that is differentiated.

    Attributes:
        out: the loop in the new program.
        operands: what it reads.
        cotangents: of its results, by their number, where there is one.
        wanted: the places of the operands that a cotangent is asked of.
        names: where names come from.
    """

    out: Simplified
    operands: Sequence[Simplified]
    cotangents: Mapping[int, Simplified]
    wanted: Sequence[int]
    names: Names

    @property
    def loop(self) -> Loop:
        loop: Loop = self.out.operation.attribute
        return loop


class BodySweep(Protocol):
    """A reverse sweep, as `sweep.Sweep` does it."""

    builder: Builder

    def value(self, at: int) -> Simplified: ...

    def arrive(self, at: int, cotangent: Handle) -> None: ...

    def gradients(self) -> list[Any]: ...

    def name_results(self) -> None: ...


StartSweep = Callable[[ArrayProgram, Sequence[int], bool, Names], BodySweep]


class Input(NamedTuple):
    """An argument of the backward body.

    Attributes:
        at: its place in the program that the body is cut out of.
        operand: of the backward loop.
        stepping: how that is read by step; None where it is not.
    """

    at: int
    operand: Handle
    stepping: Stepping | None = None


class Output(NamedTuple):
    """The cotangent of an operand of a loop, as a step of the backward loop gives it out.

    Attributes:
        operand: its number.
        cotangent: in the program that the body is cut out of.
    """

    operand: int
    cotangent: Handle


def pull_back_loop(edge: LoopEdge, start_sweep: StartSweep) -> tuple[dict[int, Any], dict[int, str]]:
    """Add the backward loop; let the forward loop give out what that reads.

    Args:
        start_sweep: makes a sweep of a program, to some of its operations.

    Returns:
        The cotangents of operands, by the places of these, where they are not zero, and names for those of them that
        have none yet, by their places in the new program.
    """
    loop, builder = edge.loop, edge.out.builder
    wanted = _wanted(loop, edge.wanted)
    arguments, steppings = loop.arguments, loop.steppings
    sweep = start_sweep(loop.body, [arguments[k] for k in wanted], False, edge.names)
    forward = len(sweep.builder.operations)
    states, by_step = _seeded(edge, wanted, sweep)
    gradients = dict(zip(wanted, sweep.gradients()))
    carried = list(states.values())
    outputs: list[Output] = []
    for k in states:
        is_zero = not isinstance(gradients[k], Handle)
        outputs.append(Output(k, _zeros(sweep.builder, edge.operands[k]) if is_zero else gradients[k]))
    for k in [k for k in wanted if k >= loop.carried and steppings[k] is None]:
        if isinstance(gradients[k], Handle):
            total = _argument(edge, sweep, loop.body.operations[arguments[k]])
            carried.append(Input(total.at, _zeros(builder, edge.operands[k])))
            outputs.append(Output(k, total + gradients[k]))
    read = [k for k in wanted if steppings[k] is not None and isinstance(gradients[k], Handle)]
    outputs += [Output(k, gradients[k]) for k in read]
    inputs = [*carried, *_inputs(edge, sweep, forward, [x.cotangent.at for x in outputs], by_step)]
    sweep.name_results()
    body = _cut_out(sweep.builder, [x.cotangent.at for x in outputs], [x.at for x in inputs])
    backward = Loop(
        body,
        loop.steps,
        len(carried),
        tuple([x.stepping for x in inputs if x.stepping is not None]),
        tuple([stepping.reversed() for k in read if (stepping := steppings[k]) is not None]),
    )
    results = builder.loop(backward, [x.operand for x in inputs])
    parts = {x.operand: Simplified.of(result) for x, result in zip(outputs, results) if x.operand in edge.wanted}
    return parts, {x.at: f"d_{_name(edge, k)}" for k, x in parts.items()}


def _wanted(loop: Loop, operands: Collection[int]) -> list[int]:
    """Return operands, and the states that depend on them after some step."""
    wanted = set(operands)
    operations, arguments = loop.body.operations, loop.arguments
    while True:
        places = {arguments[k] for k in wanted}
        depends: list[bool] = []
        for at, operation in enumerate(operations):
            depends.append(at in places or any(depends[k] for k in operation.operands))
        reached = {k for k in range(loop.carried) if depends[loop.body.outputs[k]]} - wanted
        if not reached:
            return sorted(wanted)
        wanted |= reached


def _seeded(edge: LoopEdge, wanted: Sequence[int], sweep: BodySweep) -> tuple[dict[int, Input], list[Input]]:
    """Let cotangents arrive at the outputs of a body.

    Returns:
        Those of states, which are carried, by the number of the state; and those of what is written, read by step.
    """
    loop, body = edge.loop, edge.loop.body
    states = [k for k in wanted if k < loop.carried]
    seeded = set(edge.cotangents)
    while True:
        needed = body.needed([body.outputs[k] for k in seeded])
        reached = {k for k in states if loop.arguments[k] in needed} - seeded
        if not reached:
            break
        seeded |= reached
    carried, by_step = {}, []
    for k in sorted(seeded):
        output = body.operations[body.outputs[k]]
        if k >= loop.carried:
            cotangent = _argument(edge, sweep, output, "_t")
            stepping = loop.written[k - loop.carried].reversed()
            by_step.append(Input(cotangent.at, edge.cotangents[k], stepping))
        elif k in states:
            cotangent = _argument(edge, sweep, body.operations[loop.arguments[k]])
            last = edge.cotangents.get(k)
            carried[k] = Input(cotangent.at, _zeros(edge.out.builder, cotangent) if last is None else last)
        else:
            continue
        sweep.arrive(body.outputs[k], cotangent)
    return carried, by_step


def _inputs(
    edge: LoopEdge, sweep: BodySweep, forward: int, outputs: Sequence[int], by_step: Sequence[Input]
) -> list[Input]:
    """Return what outputs of the backward body need, carried cotangents aside: first what is read by step.

    Args:
        forward: how many operations of the sweep's program are the body's.
        by_step: cotangents.
    """
    loop, operations = edge.loop, sweep.builder.operations

    def is_value(at: int) -> bool:
        """Return whether this is an argument, or a named result of the forward pass."""
        operation = operations[at]
        of_loop = operation.kind == "result" and operation.operands[0] < forward
        return operation.kind == "argument" or bool(operation.name and (at < forward or of_loop))

    needed = _needed(operations, outputs, is_value)
    numbers = {sweep.value(at).at: k for k, at in enumerate(loop.arguments)}
    read, saved, same = [x for x in by_step if x.at in needed], list[int](), list[Input]()
    for at in sorted(filter(is_value, needed)):
        k = numbers.get(at)
        if k is not None and k >= loop.carried:
            stepping = loop.steppings[k]
            several = same if stepping is None else read
            several.append(Input(at, edge.operands[k], stepping and stepping.reversed()))
        elif at < forward or operations[at].kind == "result":
            saved.append(at)
    return [*read, *_saved(edge, sweep, saved), *same]


def _saved(edge: LoopEdge, sweep: BodySweep, places: Sequence[int]) -> list[Input]:
    """Let the loop write values of its body by step, where it does not yet."""
    loop, builder = edge.loop, edge.out.builder
    outputs = [sweep.value(at).at for at in loop.body.outputs]
    written = dict(zip(outputs[loop.carried :], range(len(loop.written))))
    more = [at for at in places if at not in written]
    written.update(zip(more, range(len(loop.written), len(loop.written) + len(more))))
    if more:
        body = _cut_out(sweep.builder, [*outputs, *more], [sweep.value(at).at for at in loop.arguments])
        in_order = Stepping(0, any(stepping.backward for stepping in loop.read[:1]))
        steppings = (*loop.written, *[in_order] * len(more))
        loop = replace(loop, body=body, written=steppings)
        builder.give_attribute(edge.out, loop)
    inputs = []
    for at in places:
        result = builder.result(edge.out, loop.carried + written[at])
        if not result.operation.name:
            result = result.named(edge.names.plain(f"{sweep.builder.operations[at].name or 'output'}_by_step"))
        inputs.append(Input(at, result, loop.written[written[at]].reversed()))
    return inputs


def _needed(operations: Sequence[Operation], outputs: Sequence[int], is_known: Callable[[int], bool]) -> set[int]:
    """Return the operations that some depend on, no further than to those that are known; both included."""
    needed, stack = set(outputs), list(outputs)
    while stack:
        at = stack.pop()
        if not is_known(at):
            new = set(operations[at].operands) - needed
            needed |= new
            stack += new
    return needed


def _cut_out(builder: Builder, outputs: Sequence[int], arguments: Sequence[int]) -> ArrayProgram:
    """Return the part of a program that computes some operations from others, which are its arguments."""
    operations, given = builder.operations, set(arguments)
    place = {at: k for k, at in enumerate(arguments)}
    part = [
        Operation("argument", (), (o.name, o.shape), o.shape, o.name) for o in map(operations.__getitem__, arguments)
    ]
    for at in sorted(_needed(operations, outputs, given.__contains__) - given):
        place[at] = len(part)
        operation = operations[at]
        part.append(operation._replace(operands=tuple([place[k] for k in operation.operands])))
    return ArrayProgram(tuple(part), tuple([place[at] for at in outputs]))


def _argument(edge: LoopEdge, sweep: BodySweep, of: Operation, suffix: str = "") -> Simplified:
    """Add an argument for the cotangent of a value of the body."""
    name = edge.names.plain(f"d_{of.name or 'output'}{suffix}")
    argument: Simplified = Simplified.of(sweep.builder.argument(name, of.shape))
    return argument


def _zeros(builder: Builder, like: Handle) -> Handle:
    return builder.broadcast(builder.constant(0.0), like.shape)


def _name(edge: LoopEdge, operand: int) -> str:
    """Return what an operand is called: in the program, or in the body."""
    loop = edge.loop
    return edge.operands[operand].operation.name or loop.body.operations[loop.arguments[operand]].name
