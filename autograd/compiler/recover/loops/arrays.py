"""Turn loops of scalars into loops over arrays: states become arrays, as do the numbers that are read by step.

The enclosing program determines which read numbers belong together; the body determines it for results: those of one
kind and depth form one array. The body is then recovered like any program.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import CONSTANT, PARAMETERS, Grouping, Places, single_views
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.loops.mixed import read_in_one_place
from autograd.compiler.recover.loops.repetitions import LoopResult, Operand, Repetition
from autograd.compiler.recover.sums.blocks import View
from autograd.compiler.scalars.builder import Builder, renumbered
from autograd.compiler.scalars.depths import depths
from autograd.compiler.scalars.loops.repeat import Arrays, Repeat
from autograd.compiler.scalars.nodes import CONSTANT as NUMBER
from autograd.compiler.scalars.nodes import SUM
from autograd.compiler.scalars.program import ScalarProgram

OneArray = Callable[[Positions, bool], Operand]
"""Reads nodes as elements of one array, concatenated if necessary, with each node once or as often as it is read."""

RecoverBody = Callable[[ScalarProgram, Sequence[bool]], Grouping]
"""Recovers a body, given which of its arguments have a row for each sample."""


class Arrangement(NamedTuple):
    """The scalars in each array of a loop.

    Attributes:
        states, written: the numbers of the body's outputs in each array; written ones are counted separately.
        read: likewise for numbers read by step.
        same: likewise for loop-invariant numbers.
        weights: the loop-invariant numbers that are parameters.
    """

    states: list[list[int]]
    written: list[list[int]]
    read: list[list[int]]
    same: list[list[int]]
    weights: list[int]


def repetition(
    repeat: Repeat,
    operands: Sequence[int],
    places: Callable[[], Places],
    one_array: OneArray,
    recover_body: RecoverBody,
    new_source: Callable[[], int],
) -> tuple[Repetition, Arrangement]:
    """Return the group of a loop, and the arrangement of its results.

    Args:
        operands: the nodes that it reads.
        places: returns the current places of nodes.
        new_source: numbers the group, after all of its operands have numbers.
    """
    initial, read, same = (np.array(nodes, dtype=np.int64) for nodes in repeat.split(operands))
    by_step = read.reshape(repeat.steps, repeat.read)
    arrangement = _arranged(repeat, (initial, by_step, same), places())
    once = repeat.arrays is not None and repeat.arrays.are_all_known
    constant = [one_array(same[part], once) for part in arrangement.same]
    at = places()
    of_read = [at.source[by_step[:, part]] for part in arrangement.read]
    batched = [bool((np.array(at.batched)[x] & (x != CONSTANT)).any()) for x in of_read]
    batched += [isinstance(x, View) and at.batched[x.source] for x in constant]
    sources = at.source[initial].tolist()
    from_samples = [source != CONSTANT and at.batched[source] for source in sources]
    for tries in itertools.count(1):
        body = _body(repeat, arrangement)
        first = [any(from_samples[k] for k in part) for part in arrangement.states]
        is_batched = _with_states(body, [*first, *batched], len(first))
        grouping = recover_body(body, is_batched)
        as_computed = arrangement._replace(
            states=_as_computed(arrangement.states, body, grouping),
            read=_as_read(arrangement.read, 1 + len(arrangement.states), grouping),
        )
        if as_computed == arrangement or tries == cost_of_loops.MOST_ARRANGEMENTS:
            break
        arrangement = as_computed
    arrays = [_by_step(one_array, by_step[:, part], once) for part in arrangement.read]
    states = [one_array(initial[part], once) for part in arrangement.states]
    weights = at.position[same[arrangement.weights]]
    results = iter(body.outputs)
    outputs = [tuple([i for _, i in zip(part, results)]) for part in (*arrangement.states, *arrangement.written)]
    operands_of = tuple(states), tuple(arrays), tuple(constant)
    source = new_source()
    return Repetition(
        source, (), any(is_batched), repeat.steps, *operands_of, weights, grouping, tuple(outputs)
    ), arrangement


def results(
    group: Repetition, arrangement: Arrangement, repeat: Repeat, nodes: Mapping[int, int], source: int
) -> list[LoopResult]:
    """Return the arrays of a loop with at least one read element.

    Args:
        nodes: the nodes of its results, by the results' numbers.
        source: the number of the first array.
    """
    arrays: list[LoopResult] = []
    states, written = len(arrangement.states), repeat.written
    for number, part in enumerate((*arrangement.states, *arrangement.written)):
        by_step = number >= states
        every = range(repeat.steps) if by_step else range(1)
        first = repeat.states if by_step else 0
        members = tuple([nodes.get(first + t * written + k, PADDING) for t in every for k in part])
        if any(i != PADDING for i in members):
            batched = _is_batched(group, number)
            arrays.append(LoopResult(source + len(arrays), members, batched, group.source, number, by_step))
    return arrays


def _is_batched(group: Repetition, number: int) -> bool:
    """Return whether a result of a loop has a row for each sample."""
    body: Grouping = group.body
    if number < len(group.states):
        return body.batched[1 + number]
    sources = {int(body.source[i]) for i in group.outputs[number]} - {CONSTANT}
    return any(body.batched[source] for source in sources)


def _by_step(one_array: OneArray, nodes: Positions, once: bool) -> Operand:
    operand = one_array(nodes.reshape(-1), once)
    if isinstance(operand, View):
        return View(operand.source, operand.positions.reshape(nodes.shape))
    return operand.reshape(nodes.shape)


def _arranged(repeat: Repeat, operands: tuple[Positions, Positions, Positions], places: Places) -> Arrangement:
    """Decide which scalars form an array, in the order in which the enclosing program computes them."""
    initial, read, same = operands
    of_same = places.source[same].tolist()
    if repeat.arrays is not None and repeat.arrays.are_all_known:
        return _prescribed(repeat.arrays, of_same)
    kinds = _kinds(repeat.body)
    outputs = [kinds(i) for i in repeat.body.outputs]
    of_read = [tuple(places.source[read[:, k]].tolist()) for k in range(read.shape[1])]
    before, at = places.position[initial].tolist(), places.position[read[0]].tolist()
    states = [sorted(part, key=before.__getitem__) for part in _places_of_equal(outputs[: repeat.states])]
    by_step = [sorted(part, key=at.__getitem__) for part in _places_of_equal(of_read)]
    if repeat.arrays is not None:
        states = _numbered(repeat.arrays.states)
        by_step = _read_in_parts(by_step, _numbered(repeat.arrays.read), of_read)
    mixed = read_in_one_place(repeat.body, kinds, of_same)
    weights = [k for k, source in enumerate(of_same) if source == PARAMETERS and not any(k in part for part in mixed)]
    return Arrangement(
        states,
        _places_of_equal(outputs[repeat.states :]),
        by_step,
        _in_parts([part for part in _places_of_equal(of_same) if of_same[part[0]] != PARAMETERS], mixed),
        weights,
    )


def _prescribed(lengths: Arrays, of_same: Sequence[int]) -> Arrangement:
    """Return the arrangement that a loop prescribes, without parameters."""
    states, read, same, written = (_numbered(each or ()) for each in lengths)
    arrays = [[k for k in part if of_same[k] != PARAMETERS] for part in same]
    weights = [k for k, source in enumerate(of_same) if source == PARAMETERS]
    return Arrangement(states, written, read, [part for part in arrays if part], weights)


def _numbered(lengths: Sequence[int]) -> list[list[int]]:
    """Return consecutive numbers in lists of these lengths."""
    ends = itertools.accumulate(lengths)
    return [list(range(end - length, end)) for end, length in zip(ends, lengths)]


def _read_in_parts(
    by_source: list[list[int]], parts: list[list[int]], sources: Sequence[tuple[int, ...]]
) -> list[list[int]]:
    """Return numbers read by step in their parts where a part has several sources, and otherwise by source."""
    return _in_parts(by_source, [part for part in parts if len({source for k in part for source in sources[k]}) > 1])


def _in_parts(others: list[list[int]], parts: list[list[int]]) -> list[list[int]]:
    """Return parts, and then other parts without their numbers."""
    rest = [[k for k in other if not any(k in part for part in parts)] for other in others]
    return [*parts, *filter(None, rest)]


def _places_of_equal(keys: Sequence[Hashable]) -> list[list[int]]:
    """Group the places of equal keys."""
    parts: dict[Hashable, list[int]] = {}
    for k, key in enumerate(keys):
        parts.setdefault(key, []).append(k)
    return list(parts.values())


def _kinds(body: ScalarProgram) -> Callable[[int], Hashable]:
    """Return a function to the kind of a result, which the elements of an array share: its operation and depth."""
    depth = depths(body.operations, body.operands_of)

    def kind(i: int) -> Hashable:
        if i in depth:
            scaling = repr(body.scalings.get(i))
            return body.opcodes[i], body.counts[i] if body.opcodes[i] != SUM else 0, scaling, depth[i]
        if i in body.constants:
            return "constant"
        state = body.outputs[i] if i in body.arguments[0] and body.outputs[i] != i else None
        return "argument", None if state is None or state in body.arguments[0] else kind(state)

    return kind


def _body(repeat: Repeat, arrangement: Arrangement) -> ScalarProgram:
    """Return the body with an argument for each array and parameters for weights."""
    body = repeat.body
    states, read, same = body.arguments
    arrays = [[states[k] for k in part] for part in arrangement.states]
    arrays += [[read[k] for k in part] for part in arrangement.read]
    arrays += [[same[k] for k in part] for part in arrangement.same]
    weights = [same[k] for k in arrangement.weights]
    builder = Builder([len(part) for part in arrays], len(weights), body.primitives)
    new = [-1] * len(body)
    for n, i in enumerate([i for part in (*arrays, weights) for i in part]):
        new[i] = n
    for i in body.interior:
        if body.opcodes[i] == NUMBER:
            new[i] = builder.constant(body.constants[i])
        elif body.opcodes[i] == SUM:
            new[i] = builder.sum(renumbered(body.sum_of(i), new))
        else:
            new[i] = builder.copy(body, i, new)
    after = [new[body.outputs[k]] for part in arrangement.states for k in part]
    written = [new[body.outputs[repeat.states + k]] for part in arrangement.written for k in part]
    guards = body.guards._replace(choices=frozenset([new[i] for i in body.guards.choices]))
    labels = {new[i]: label for i, label in body.labels.items()}
    return builder.program([*after, *written], labels=labels, guards=guards)


def _as_computed(states: list[list[int]], body: ScalarProgram, grouping: Grouping) -> list[list[int]]:
    """Split states that the body computes in several arrays."""
    parts: list[list[int]] = []
    outputs = iter(body.outputs)
    for part in states:
        sources = [int(grouping.source[i]) for _, i in zip(part, outputs)]
        parts += [[part[k] for k in together] for together in _places_of_equal(sources)]
    return parts


def _as_read(read: list[list[int]], first: int, grouping: Grouping) -> list[list[int]]:
    """Reorder each array read by step as the body reads it.

    Args:
        first: the first array's source in the body.
    """
    order = {n: list(range(len(part))) for n, part in enumerate(read, first)}
    seen: set[int] = set()
    for view in (view for group in grouping.groups for view in single_views(group)):
        n, positions = view.source, view.positions.reshape(-1).tolist()
        if n in order and n not in seen and sorted(positions) == order[n]:
            order[n] = positions
            seen.add(n)
    return [[part[k] for k in order[n]] for n, part in enumerate(read, first)]


def _with_states(body: ScalarProgram, batched: Sequence[bool], states: int) -> list[bool]:
    """Return which arguments of a body have a row for each sample, including states that get one after a step."""
    known = list(batched)
    while True:
        varies = [any_of for nodes, any_of in zip(body.arguments, known) for _ in nodes]
        varies += [False] * (len(body) - len(varies))
        for i in body.interior:
            varies[i] = any(varies[k] for k in body.operands_of(i)) if body.opcodes[i] != NUMBER else False
        first = 0
        before = list(known)
        for n, nodes in enumerate(body.arguments[:states]):
            known[n] = known[n] or any(varies[i] for i in body.outputs[first : first + len(nodes)])
            first += len(nodes)
        if known == before:
            return known
