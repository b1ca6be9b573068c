"""The derivative of a loop: a loop over the same steps in reverse order (backpropagation through time).

Each of its steps is the vector-Jacobian product of a step of the loop: the body is differentiated by the same sweep as
any program, and the result is divided in two. Forward values that backward operations read become arguments of the
backward body; the forward loop writes them by step, unless they are operands (see `forward_values`). The gradients of
loop-invariant operands are sums over all steps, computed after the loop where possible (see `over_steps`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Batch, Operation, Slice
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.forward_values import ForwardValues, Input, Inputs, cut_out
from autograd.compiler.differentiate.over_steps import ByStep, Summand, sum_over_steps, summands
from autograd.compiler.names import Names


class LoopEdge(NamedTuple):
    """A loop to differentiate.

    Attributes:
        out: the loop in the new program.
        operands: its operands.
        cotangents: the cotangents of its results, by number.
        wanted: the places of the operands whose cotangents are requested.
        names: generates unused names.
        sums_after: whether sums over steps are computed after the loop.
    """

    out: Simplified
    operands: Sequence[Simplified]
    cotangents: Mapping[int, Simplified]
    wanted: Sequence[int]
    names: Names
    sums_after: bool = True

    @property
    def loop(self) -> Loop:
        loop: Loop = self.out.operation.attribute
        return loop


class BodySweep(Protocol):
    """The interface of `sweep.Sweep`."""

    builder: Builder

    def value(self, at: int) -> Simplified: ...

    def arrive(self, at: int, cotangent: Handle) -> None: ...

    def gradients(self) -> list[Any]: ...

    def name_results(self) -> None: ...


StartSweep = Callable[[ArrayProgram, Sequence[int], Names], BodySweep]


NO_OPERAND = -1


class Output(NamedTuple):
    """An output of a step of the backward loop: the cotangent of an operand, or a value.

    Attributes:
        operand: the operand's number; NO_OPERAND for a value that only sums after the loop read.
        cotangent: its handle in the program from which the body is extracted.
    """

    operand: int
    cotangent: Handle


def pull_back_loop(edge: LoopEdge, start_sweep: StartSweep) -> tuple[dict[int, Any], dict[int, str]]:
    """Add the backward loop, and extend the forward loop to write the values that it reads.

    Args:
        start_sweep: creates a sweep of a program with respect to some of its operations.

    Returns:
        The nonzero cotangents of operands, by the operands' places, and names for the unnamed ones, by their places in
        the new program.
    """
    return _BackwardLoop(edge, start_sweep).parts()


class _BackwardLoop:
    """Builds the backward loop of a loop."""

    def __init__(self, edge: LoopEdge, start_sweep: StartSweep) -> None:
        self._edge, self._loop = edge, edge.loop
        wanted = _wanted(self._loop, edge.wanted)
        arguments = self._loop.arguments
        self._sweep = sweep = start_sweep(self._loop.body, [arguments[k] for k in wanted], edge.names)
        forward = len(sweep.builder.operations)
        states, self._cotangents = _seeded(edge, wanted, sweep)
        self._gradients = dict(zip(wanted, sweep.gradients()))
        self._values = ForwardValues(edge.out, edge.operands, edge.names, sweep.builder, forward, sweep.value)
        self._carried: list[Input] = list(states.values())
        self._outputs: list[Output] = []
        for k in states:
            is_zero = not isinstance(self._gradients[k], Handle)
            self._outputs.append(Output(k, _zeros(sweep.builder, edge.operands[k]) if is_zero else self._gradients[k]))
        self._written: list[tuple[Output, Stepping]] = []  # places count in the direction of the forward loop
        self._sums = self._divided([k for k in wanted if isinstance(self._gradients[k], Handle)])

    def _divided(self, wanted: Sequence[int]) -> dict[int, list[Summand]]:
        """Divide the cotangents of operands into carried ones, written ones, and sums after the loop.

        Returns:
            The sums, by the numbers of the operands.
        """
        sums = {}
        operations = self._sweep.builder.operations
        for k in [k for k in wanted if k >= self._loop.carried]:
            gradient, stepping = self._gradients[k], self._loop.steppings[k]
            if stepping is not None:
                self._written.append((Output(k, gradient), stepping))
            elif self._edge.sums_after and (several := summands(operations, gradient.at)):
                sums[k] = several
            else:
                total = _argument(self._edge, self._sweep, operations[self._sweep.value(self._loop.arguments[k]).at])
                self._carried.append(Input(total.at, _zeros(self._edge.out.builder, self._edge.operands[k])))
                self._outputs.append(Output(k, total + gradient))
        return sums

    def parts(self) -> tuple[dict[int, Any], dict[int, str]]:
        """Add the loop; return the cotangents of operands, and names for results."""
        edge = self._edge
        from_forward = set[int]()
        for summand in [summand for several in self._sums.values() for summand in several]:
            for at, stepping in self._factors(summand):
                if stepping is None:
                    from_forward.add(at)
                else:
                    self._write(at, stepping)
        outputs = [*self._outputs, *(output for output, _ in self._written)]
        inputs = self._values.inputs([x.cotangent.at for x in outputs], from_forward, self._cotangents)
        results = self._added(inputs)
        parts: dict[int, Any] = {}
        for output, result in zip(outputs, results):
            if output.operand in edge.wanted:
                parts[output.operand] = Simplified.of(result)
        names = {x.at: f"d_{_name(edge, k)}" for k, x in parts.items()}
        by_step = results[len(self._outputs) :]
        for k, several in self._sums.items():
            total: Any = 0.0
            for summand in several:
                total = total + sum_over_steps(summand, self._arrays(summand, inputs, by_step))
            parts[k] = total
        return parts, names

    def _factors(self, summand: Summand) -> list[tuple[int, Stepping | None]]:
        """Return the values of a summand, each with the axis along which the backward loop writes it, if it does."""
        of_forward = next((at for at in summand.operands[::-1] if self._values.differs_by_step(at)), None)
        if len(summand.operands) < 2 or of_forward is None:
            return [(at, self._values.in_order) for at in summand.operands]
        stepping = self._values.stepping_of(of_forward)
        return [(at, None if at == of_forward else stepping) for at in summand.operands]

    def _write(self, at: int, stepping: Stepping) -> None:
        """Let the backward loop write a value, unless it already does in this order of steps."""
        if self._place(at, stepping) is not None:
            return
        value = Handle(self._sweep.builder, at)
        if value.operation.kind not in ("argument", "constant") and not value.operation.name:
            value.named(self._edge.names.numbered("d_part"))
        axis = min(stepping.axis, len(value.shape))
        self._written.append((Output(NO_OPERAND, value), stepping._replace(axis=axis)))

    def _place(self, at: int, stepping: Stepping) -> tuple[int, Slice | None] | None:
        """Return the written array, and the part of it, that holds a value in this order of steps."""
        inside = None
        for n, (output, own) in enumerate(self._written):
            if own.backward != stepping.backward:
                continue
            if output.cotangent.at == at:
                return n, None
            joined = output.cotangent.operation
            if inside is None and joined.kind == "concatenate" and at in joined.operands:
                axis = joined.attribute
                lengths = [self._sweep.builder.operations[k].shape[axis] for k in joined.operands]
                if not any(isinstance(length, Batch) for length in lengths):
                    first = joined.operands.index(at)
                    start = sum(lengths[:first])
                    inside = n, Slice(axis, start, start + lengths[first], 1)
        return inside

    def _arrays(self, summand: Summand, inputs: Inputs, by_step: Sequence[Handle]) -> list[ByStep]:
        """Return the values of a summand at all steps."""
        arrays = []
        for at, stepping in self._factors(summand):
            if stepping is None:
                arrays.append(inputs.by_step[at])
                continue
            place = self._place(at, stepping)
            assert place is not None
            n, part = place
            output, own = self._written[n]
            array = by_step[n]
            if part is not None:
                array = array.builder.slice(array, part.axis + (part.axis >= own.axis), *part[1:])
                arrays.append(ByStep(Simplified.of(array), own))
                continue
            if output.operand == NO_OPERAND and not array.operation.name:
                name = self._sweep.builder.operations[at].name or "d_part"
                array = array.named(self._edge.names.plain(f"{name}_by_step"))
            arrays.append(ByStep(Simplified.of(array), own))
        return arrays

    def _added(self, inputs: Inputs) -> list[Handle]:
        """Add the loop; return its results except for carried forward values."""
        self._sweep.name_results()
        cotangents = [x.cotangent.at for x in self._outputs]
        written = [output.cotangent.at for output, _ in self._written]
        carried = [*self._carried, *inputs.carried]
        given = [*carried, *inputs.given]
        loop = Loop(
            cut_out(self._sweep.builder, [*cotangents, *inputs.before, *written], [x.at for x in given]),
            self._loop.steps,
            len(carried),
            tuple([x.stepping for x in inputs.given if x.stepping is not None]),
            tuple([stepping.reversed() for _, stepping in self._written]),
        )
        results = self._edge.out.builder.loop(loop, [x.operand for x in given])
        return [*results[: len(cotangents)], *results[len(carried) :]]


def _wanted(loop: Loop, operands: Collection[int]) -> list[int]:
    """Return operands, and the states that depend on them after any number of steps."""
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
    """Seed the cotangents of a body's outputs.

    Returns:
        The cotangents of states, which are carried, by the number of the state; and those of written arrays, which are
        read by step.
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


def _argument(edge: LoopEdge, sweep: BodySweep, of: Operation, suffix: str = "") -> Simplified:
    """Add an argument for the cotangent of a value of the body."""
    name = edge.names.plain(f"d_{of.name or 'output'}{suffix}")
    argument: Simplified = Simplified.of(sweep.builder.argument(name, of.shape))
    return argument


def _zeros(builder: Builder, like: Handle) -> Handle:
    return builder.broadcast(builder.constant(0.0), like.shape)


def _name(edge: LoopEdge, operand: int) -> str:
    """Return the name of an operand, in the program or in the body."""
    loop = edge.loop
    return edge.operands[operand].operation.name or loop.body.operations[loop.arguments[operand]].name
