"""Plan a program."""

from __future__ import annotations

from typing import Any

from autograd.arrays import np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.nests import Nest, Target
from autograd.compiler.targets.native.nodes import Buffer
from autograd.compiler.targets.native.planning.fusion import needed
from autograd.compiler.targets.native.planning.kinds import add_all
from autograd.compiler.targets.native.planning.phases import Phase, has_samples, phases
from autograd.compiler.targets.native.planning.plan import Machine, Plan
from autograd.compiler.targets.native.planning.reading import every
from autograd.compiler.targets.native.planning.scope import Scope
from autograd.compiler.targets.native.writing.code import extents, row_major


def plan_of(program: ArrayProgram, dtype: np.dtype[Any], machine: Machine) -> Plan:
    """Return the plan of a program.

    Raises:
        UnwritableError: if machine code does not support one of its operations.
    """
    used = needed(program)
    given = [at for at, o in enumerate(program.operations) if o.kind in ("argument", "index")]
    given += [at for at, o in enumerate(program.operations) if o.kind == "parameter"]
    shapes = [program.operations[at].shape for at in (*given, *program.outputs)]
    chosen = phases(program, used) if not any(has_samples(shape[1:]) for shape in shapes) else None
    plan = Plan(machine, chosen is not None)
    buffers: dict[int, Buffer] = {}
    for at in given:
        kind, _, attribute, shape, name = program.operations[at]
        place = plan.slot(kind, name if kind == "parameter" else attribute[0], shape)
        buffers[at] = Buffer(place, row_major(extents(shape)), kind == "index")
    places = [plan.slot("result", str(k), program.operations[at].shape) for k, at in enumerate(program.outputs)]
    copied = []
    own: dict[int, int] = {}
    for k, at in enumerate(program.outputs):
        is_own = program.operations[at].kind not in ("argument", "index", "parameter", "constant", "reshape", "guard")
        if is_own and program.operations[at].kind != "result" and at not in own:
            own[at] = k
            buffers[at] = Buffer(places[k], row_major(extents(program.operations[at].shape)))
        else:
            copied.append(k)
    scope = Scope(plan, program, list(own), buffers, chosen, dtype)
    add_all(scope)
    for k in copied:
        at = program.outputs[k]
        lengths = row_major(extents(program.operations[at].shape))
        late = "after" if scope.phase(at) == "sum" else scope.phase(at)
        _copy_late(scope, at, Buffer(places[k], lengths), late)
    return plan


def _copy_late(scope: Scope, at: int, to: Buffer, phase: Phase) -> None:
    lengths = extents(scope.operations[at].shape)
    node = scope.reader(len(lengths)).read(at, every(len(lengths)))
    scope.plan.items[phase].append(Nest(lengths, node, Target(to.place, to.strides)))
