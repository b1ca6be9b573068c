"""Malformed programs: random ones with one mistake. Either `verify` rejects them, or they can be evaluated."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import (
    Application,
    Batch,
    Data,
    Labels,
    Operation,
    Placement,
    Reduction,
    Shape,
    Slice,
)
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.nodes import ABSENT, Scaling, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sound import applications_are_sound, sums_are_sound

SEEDS = range(60)
SAMPLES = 3

# Array programs


def changed(program: ArrayProgram, at: int, **changes: Any) -> ArrayProgram:
    """Return the program with changes to one operation."""
    operations = list(program.operations)
    operations[at] = operations[at]._replace(**changes)
    return replace(program, operations=tuple(operations))


def of_kind(program: ArrayProgram, *kinds: str) -> list[int]:
    """Find operations of some kinds; of all kinds, if none is given."""
    return [at for at, operation in enumerate(program.operations) if not kinds or operation.kind in kinds]


def read_ahead(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice([at for at in of_kind(program) if program.operations[at].operands])
    operands = list(program.operations[at].operands)
    operands[chance.randrange(len(operands))] = chance.choice([at, at + 1, len(program.operations), -1])
    return changed(program, at, operands=tuple(operands))


def lengthen(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice([at for at in of_kind(program) if program.operations[at].shape])
    shape = list(program.operations[at].shape)
    k = chance.randrange(len(shape))
    length: Any = shape[k]
    shape[k] = Batch(length.times + 1) if isinstance(length, Batch) else length + 1
    return changed(program, at, shape=tuple(shape))


def add_axis(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice(of_kind(program))
    return changed(program, at, shape=(*program.operations[at].shape, 1))


def name_twice(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    name = chance.choice([operation.name for operation in program.operations if operation.name])
    at = chance.choice([at for at in of_kind(program) if program.operations[at].name != name])
    return changed(program, at, name=name)


def leave_out_an_operand(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    fixed = (
        "contract",
        "reduce",
        "reshape",
        "transpose",
        "broadcast",
        "slice",
        "pad",
        "take",
        "place",
        "accumulate",
        "guard",
        "apply",
    )
    at = chance.choice(of_kind(program, *fixed))
    return changed(program, at, operands=program.operations[at].operands[1:])


def read_one_more(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice([at for at in of_kind(program) if program.operations[at].kind != "concatenate" and at])
    return changed(program, at, operands=(*program.operations[at].operands, at - 1))


def compute_in_integers(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    data = [at for at in of_kind(program, "constant") if isinstance(program.operations[at].attribute, Data)]
    at = chance.choice(data)
    return changed(program, at, attribute=Data(np.arange(program.operations[at].attribute.array.size)))


def index_by_floats(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice(of_kind(program, "parameter"))
    return changed(program, at, attribute=Data(program.operations[at].attribute.array.astype(float)))


def index_before_the_first(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice(of_kind(program, "parameter"))
    return changed(program, at, attribute=Data(program.operations[at].attribute.array - 100))


def return_nothing_that_exists(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    return replace(program, outputs=(chance.choice([-1, len(program.operations)]),))


def number_a_layer_that_does_not_exist(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    return replace(program, layers={len(program.operations): 1})


def widen_a_mask(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    """Guard one number per sample with a mask of two."""
    count = len(program.operations)
    more = (
        Operation("slice", (0,), Slice(1, 0, 1), (Batch(1), 1)),
        Operation("concatenate", (count, count), 1, (Batch(1), 2)),
        Operation("guard", (count,), len(program.masks), (Batch(1), 1)),
    )
    wide = replace(program, operations=(*program.operations, *more), masks=(*program.masks, count + 1))
    return wide if program.operations[0].shape[1] != 1 else leave_out_a_mask(wide, chance)


def leave_out_a_mask(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    guard = Operation("guard", (0,), len(program.masks), program.operations[0].shape)
    return replace(program, operations=(*program.operations, guard))


def apply_what_is_no_primitive(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    attribute = chance.choice([Reduction("sum", (0,)), Application(abs), None, 2.0])
    wrong = Operation("apply", (0, 0), attribute, program.operations[0].shape)
    return replace(program, operations=(*program.operations, wrong))


def be_of_no_kind(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    return changed(program, chance.choice(of_kind(program)), kind="convolve")


def repeat_a_label(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    column = next(at for at in of_kind(program, "parameter") if len(program.operations[at].shape) == 2)
    shape = program.operations[column].shape
    product = Operation("contract", (column, column), Labels("ck", "ck", "cc"), (shape[0], shape[0]))
    return replace(program, operations=(*program.operations, product))


def reduce_by_another_function(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice(of_kind(program, "reduce"))
    return changed(program, at, attribute=program.operations[at].attribute._replace(function="median"))


ALWAYS_WRONG: dict[str, Callable[[ArrayProgram, random.Random], ArrayProgram]] = {
    change.__name__: change
    for change in (
        *(read_ahead, lengthen, add_axis, name_twice, leave_out_an_operand, read_one_more, compute_in_integers),
        *(index_by_floats, index_before_the_first, return_nothing_that_exists, number_a_layer_that_does_not_exist),
        *(widen_a_mask, leave_out_a_mask, apply_what_is_no_primitive, be_of_no_kind, repeat_a_label),
        reduce_by_another_function,
    )
}


@pytest.mark.parametrize("change", ALWAYS_WRONG)
def test_verify_refuses(change: str, random_program: Callable[..., ArrayProgram]) -> None:
    for seed in SEEDS:
        program = random_program(seed)
        program.verify()
        broken = ALWAYS_WRONG[change](program, random.Random(seed))
        with pytest.raises(ValueError):
            broken.verify()


def read_another(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at = chance.choice([at for at in of_kind(program) if program.operations[at].operands])
    operands = list(program.operations[at].operands)
    operands[chance.randrange(len(operands))] = chance.randrange(at)
    return changed(program, at, operands=tuple(operands))


def swap_labels(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    contractions = of_kind(program, "contract")
    if not contractions:
        return read_another(program, chance)
    at = chance.choice(contractions)
    labels = list(program.operations[at].attribute)
    a, b = chance.sample(range(3), 2)
    labels[a], labels[b] = labels[b], labels[a]
    return changed(program, at, attribute=Labels(*labels))


def take_another_attribute(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at, other = chance.choice(of_kind(program)), chance.choice(of_kind(program))
    return changed(program, at, attribute=program.operations[other].attribute)


def be_of_another_kind(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    at, other = chance.choice(of_kind(program)), chance.choice(of_kind(program))
    return changed(program, at, kind=program.operations[other].kind)


def change_a_number(program: ArrayProgram, chance: random.Random) -> ArrayProgram:
    """Change one of the numbers in an attribute."""
    at = chance.choice(of_kind(program, "slice", "pad", "take", "place", "reduce", "transpose", "concatenate"))
    attribute: Any = program.operations[at].attribute
    by = chance.choice([-7, -1, 1, 7])
    if isinstance(attribute, Data):
        return changed(program, at, attribute=Data(attribute.array + by))
    if isinstance(attribute, Placement):
        return changed(program, at, attribute=attribute._replace(length=attribute.length + by))
    if isinstance(attribute, int):
        return changed(program, at, attribute=attribute + by)
    if isinstance(attribute, Reduction):
        return changed(program, at, attribute=attribute._replace(axes=tuple(axis + by for axis in attribute.axes)))
    numbers = list(attribute)
    numbers[chance.randrange(len(numbers))] += by
    return changed(program, at, attribute=type(attribute)(*numbers))


PERHAPS_WRONG = (read_another, swap_labels, take_another_attribute, be_of_another_kind, change_a_number)


def shapes_of(program: ArrayProgram) -> list[tuple[int, ...]]:
    """Return the shapes of the results of all operations."""
    chance = np.random.default_rng(0)
    widths: dict[str, Any] = {o.attribute[0]: o.shape[1] for o in program.operations if o.kind == "argument"}
    arguments = {name: chance.normal(size=(SAMPLES, width)) for name, width in widths.items()}
    everything = replace(program, outputs=tuple(range(len(program.operations))))
    return [result.shape for result in everything.evaluate(arguments, chance.normal(size=200))]


def said(shape: Shape) -> tuple[int, ...]:
    return tuple(SAMPLES * length.times if isinstance(length, Batch) else length for length in shape)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("change", PERHAPS_WRONG, ids=lambda change: change.__name__)
def test_what_verify_lets_pass_has_the_shapes_that_it_says(
    change: Callable[[ArrayProgram, random.Random], ArrayProgram], random_program: Callable[..., ArrayProgram]
) -> None:
    refused = 0
    for seed in SEEDS:
        program = random_program(seed)
        assert shapes_of(program) == [said(operation.shape) for operation in program.operations]
        for n in range(4):
            other = change(program, random.Random(100 * seed + n))
            try:
                other.verify()
            except ValueError:
                refused += 1
                continue
            assert shapes_of(other) == [said(operation.shape) for operation in other.operations], other
    assert refused > 20


def test_text_names_every_operation_and_shape(random_program: Callable[..., ArrayProgram]) -> None:
    for seed in SEEDS:
        program = random_program(seed)
        *lines, last = str(program).splitlines()
        assert len(lines) == len(program.operations)
        for at, (line, operation) in enumerate(zip(lines, program.operations)):
            label, text = line.split(" = ", 1)
            assert label == program.label(at)
            shape = ", ".join(map(str, operation.shape)) + ("," if len(operation.shape) == 1 else "")
            assert line.endswith(f" ({shape})")
            attribute = operation.attribute
            word: str = operation.kind
            if isinstance(attribute, Application):
                word = attribute.primitive.name
            elif isinstance(attribute, Reduction):
                word = attribute.function
            assert text.startswith(word)
            if operation.operands:
                assert f"({', '.join(map(program.label, operation.operands))}" in text
        assert last == f"return {', '.join(map(program.label, program.outputs))}"


# Scalar programs


def scalar_program(seed: int) -> ScalarProgram:
    """Make a program of two arguments, two parameters, a constant, and random sums and applications."""
    chance = random.Random(seed)
    builder = Builder([2, 1], 2)
    builder.constant(0.5)
    unary, binary = (primitives.tanh, primitives.sin), (primitives.maximum, primitives.mul, primitives.hypot)
    for _ in range(10):
        size = len(builder)
        if chance.random() < 0.4:
            arity, table = chance.choice([(1, unary), (2, binary)])
            opcode = builder.opcode(chance.choice(table))
            builder.application(opcode, [chance.randrange(size) for _ in range(arity)])
            continue
        n = chance.randint(1, 4)
        builder.sum(
            Sum(
                [chance.choice([1.0, -1.0, 0.3]) for _ in range(n)],
                [chance.randrange(size) for _ in range(n)],
                [chance.choice([ABSENT, chance.randrange(size)]) for _ in range(n)],
                sorted(chance.randrange(3) for _ in range(n)),
                chance.choice([-0.0, 1.5]),
                chance.random() < 0.5,
                chance.choice([1.0, 2.0]),
                chance.choice([1.0, 3.0]),
            )
        )
    return builder.program([len(builder) - 1, len(builder) - 2], labels={7: "a label"}).verify()


def with_another(numbers: Sequence[Any], at: int, number: Any) -> tuple[Any, ...]:
    return (*numbers[:at], number, *numbers[at + 1 :])


GIVEN: Any = [[0.3, -0.7], [0.2]], [1.5, -0.4]
COLUMNS = ("opcodes", "starts", "counts", "operands", "lefts", "rights", "slots", "outputs")


@pytest.mark.parametrize("column", COLUMNS)
def test_what_verify_lets_pass_can_be_evaluated(column: str) -> None:
    """Each program differs from a valid one in a single number of a column."""
    refused = 0
    for seed in SEEDS:
        program, chance = scalar_program(seed), random.Random(seed)
        numbers = getattr(program, column)
        for _ in range(4 if numbers else 0):
            at = chance.randrange(len(numbers))
            number = numbers[at] + chance.choice([-100, -3, -2, -1, 1, 2, 100])
            edit: Any = {column: with_another(numbers, at, number)}
            other = replace(program, **edit)
            try:
                other.verify()
            except ValueError:
                refused += 1
                continue
            assert all(isinstance(x, float) for x in other.evaluate(*GIVEN))
            assert len(str(other).splitlines()) == len(other.operations) + 1
    assert refused > 20


@pytest.mark.parametrize("column", ("opcodes", "starts", "counts", "coefficients", "lefts", "rights", "slots"))
def test_a_number_too_many_or_too_few_is_refused(column: str) -> None:
    for seed in SEEDS:
        program = scalar_program(seed)
        numbers = getattr(program, column)
        for wrong in ((*numbers, 0), numbers[:-1])[: 1 + bool(numbers)]:
            broken: Any = {column: wrong}
            with pytest.raises(ValueError):
                replace(program, **broken).verify()


def test_what_comes_too_early_is_refused() -> None:
    """Two nodes are swapped: the first then reads itself or a later node, unless neither reads the other."""
    refused = 0
    for seed in SEEDS:
        program = scalar_program(seed)
        for i in program.interior[1:-1]:
            order = list(range(len(program)))
            order[i], order[i + 1] = i + 1, i
            columns: dict[str, Any] = {
                name: tuple([getattr(program, name)[k] for k in order]) for name in ("opcodes", "starts", "counts")
            }
            number = {old: new for new, old in enumerate(order)}
            tables: dict[str, Any] = {
                "constants": {number[k]: x for k, x in program.constants.items()},
                "scalings": {number[k]: x for k, x in program.scalings.items()},
            }
            renamed: dict[str, Any] = {
                "operands": tuple([number[k] for k in program.operands]),
                "lefts": tuple([number[k] for k in program.lefts]),
                "rights": tuple([number.get(k, ABSENT) for k in program.rights]),
                "outputs": tuple([number[k] for k in program.outputs]),
            }
            swapped = replace(program, **columns, **tables, **renamed)
            if i in program.operands_of(i + 1):
                refused += 1
                with pytest.raises(ValueError, match="does not come before it"):
                    swapped.verify()
            else:
                assert swapped.verify().evaluate(*GIVEN) == program.evaluate(*GIVEN)
    assert refused > 20


# Scalar programs with one mistake; the last ones are correct


def small_program(**changes: Any) -> ScalarProgram:
    """Two arguments (0, 1), a parameter (2), 0.5 (3), the product of 0 and 2 (4), and (1.5 + x₁ p - x₄) / 2 (5)."""
    builder = Builder([2], 1)
    builder.constant(0.5)
    builder.application(builder.opcode(primitives.mul), [0, 2])
    builder.sum(Sum([1.0, -1.0], [1, 4], [2, ABSENT], [0, 1], 1.5, divisor=2.0))
    return replace(builder.program([5]), **changes)


SCALING = Scaling(1.5, False, 1.0, 2.0)
RIGHT: dict[str, dict[str, Any]] = {
    "as it is": {},
    "labels of the first and the last node": {"labels": {0: "first", 5: "last"}},
    "marks of the first and the last node": {"repeated": frozenset({0, 5})},
    "an array of constants": {"constant_arrays": ((3,),)},
    "guards of and by the first and the last node": {"guards": Guards(of={0: 5, 5: 0})},
    "choices and what is not reached": {"guards": Guards(choices=frozenset({0, 5}), unreached=frozenset({0, 5}))},
    "the first and the last node as outputs": {"outputs": (0, 5), "differentiated": 2},
    "no derivatives": {"differentiated": 0},
    "both terms in one slot": {"slots": (0, 0)},
    "slots that are left out": {"slots": (1, 7)},
    "the node before": {"operands": (3, 3), "lefts": (4, 4), "rights": (4, 4)},
    "the first node": {"operands": (0, 0), "lefts": (0, 0), "rights": (0, 0)},
}


@pytest.mark.parametrize("changes", RIGHT.values(), ids=list(RIGHT))
def test_what_is_right_is_verified(changes: dict[str, Any]) -> None:
    program = small_program(**changes).verify()
    assert applications_are_sound(program) and sums_are_sound(program)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rows_of_what_is_right_are_sound(seed: int) -> None:
    program = scalar_program(seed).verify()
    assert applications_are_sound(program) and sums_are_sound(program)


def test_a_program_may_have_no_nodes_but_constants_and_sums() -> None:
    assert Builder([], 0).program([]).verify().evaluate([], []) == []
    builder = Builder([], 0)
    total = builder.sum(Sum([], [], [], [], 0.5))
    program = builder.program([total, builder.constant(2.0)]).verify()
    assert program.evaluate([], []) == [0.5, 2.0]
    assert applications_are_sound(program) and sums_are_sound(program)
    first = Builder([], 0)
    number = first.constant(2.0)
    doubled = first.sum(Sum([2.0], [number], [ABSENT], [0]))
    program = first.program([doubled]).verify()
    assert program.evaluate([], []) == [4.0]
    assert sums_are_sound(program)


def test_a_sum_without_terms_is_its_constant() -> None:
    builder = Builder([1], 0)
    builder.sum(Sum([], [], [], [], 1.5, divisor=2.0))
    assert builder.program([1]).verify().evaluate([[3.0]], []) == [0.75]


def test_slots_ascend_in_each_sum_on_its_own() -> None:
    def sums(*slots: list[int]) -> ScalarProgram:
        builder = Builder([1], 0)
        for row in slots:
            builder.sum(Sum([1.0, 1.0], [0, 0], [ABSENT, ABSENT], row))
        return builder.program([len(slots)])

    assert sums([0, 1], [0, 1], [0, 0]).verify().evaluate([[1.5]], []) == [3.0]
    with pytest.raises(ValueError, match=r"^node 2: slots must ascend"):
        sums([0, 1], [1, 0]).verify()


NO_TERMS: dict[str, Any] = {"coefficients": (), "lefts": (), "rights": (), "slots": ()}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a row that begins before the first": ({"starts": (0, 0, 0, 0, -1, 0)}, "begins"),
    "a row that ends before it begins": ({"counts": (0, 0, 0, 0, 2, -1)}, "ends"),
    "a row behind the others": ({"starts": (0, 0, 0, 0, 1, 0)}, "^node 4:"),
    "a row of a sum behind the others": ({"starts": (0, 0, 0, 0, 0, 1)}, "^node 5:"),
    "an opcode that does not exist": ({"opcodes": (0, 0, 1, 2, 5, 3)}, "^node 4:"),
    "an argument behind the others": ({"opcodes": (0, 0, 1, 0, 4, 3)}, "^node 3:"),
    "too few operands": ({"counts": (0, 0, 0, 0, 1, 2)}, "^node 4:"),
    "an operand that is the node itself": ({"operands": (0, 4)}, "^node 4:"),
    "an operand before the first": ({"operands": (0, -1)}, "^node 4:"),
    "a factor that is the node itself": ({"lefts": (1, 5)}, "^node 5:"),
    "a factor before the first": ({"lefts": (-1, 4)}, "^node 5:"),
    "a second factor that is the node itself": ({"rights": (5, ABSENT)}, "^node 5:"),
    "a second factor before the first": ({"rights": (2, -2)}, "^node 5:"),
    "a second factor before the absent one": ({"rights": (ABSENT, -2)}, "^node 5:"),
    "slots that descend": ({"slots": (1, 0)}, "^node 5:"),
    "a slot before the first": ({"slots": (-1, 0)}, "^node 5:"),
    "a whole number as a coefficient": ({"coefficients": (1.0, -1)}, "^node 5:"),
    "a constant without a number": ({"constants": {}}, "^node 3:"),
    "a constant that is a whole number": ({"constants": {3: 1}}, "^node 3:"),
    "a number of a product": ({"constants": {3: 0.5, 4: 1.0}}, "^node 4:"),
    "a number behind the last node": ({"constants": {3: 0.5, 6: 1.0}}, "^node 6:"),
    "a number before the first node": ({"constants": {3: 0.5, -3: 1.0}}, "^node -3:"),
    "a number before the first of two constants": (
        {"opcodes": (0, 0, 1, 2, 4, 2), "constants": {3: 0.5, 5: 0.5, -1: 1.0}, "scalings": {}, **NO_TERMS},
        "^node -1:",
    ),
    "an operand behind a right one": ({"operands": (0, 7)}, "^node 4: reads node 7,"),
    "a scaling of a product": ({"scalings": {4: SCALING}}, "^node 4:"),
    "a scaling behind the last node": ({"scalings": {6: SCALING}}, "^node 6:"),
    "a scaling before the first node": ({"scalings": {-1: SCALING}}, "^node -1:"),
    "a scaling by a whole number": ({"scalings": {5: Scaling(divisor=2)}}, "^node 5:"),
    "an output behind the last node": ({"outputs": (6,)}, "^node 6:"),
    "an output before the first node": ({"outputs": (-1,)}, "^node -1:"),
    "an output that is a guard": ({"guards": Guards(size=1)}, "^node 5:"),
    "derivatives of more than the outputs": ({"differentiated": 2}, "^2 of 1 "),
    "derivatives of fewer than none": ({"differentiated": -1}, "^-1 of 1 "),
    "a label behind the last node": ({"labels": {6: "more"}}, "^node 6:"),
    "a label before the first node": ({"labels": {-1: "less"}}, "^node -1:"),
    "a mark behind the last node": ({"repeated": frozenset({6})}, "^node 6:"),
    "an array of what is no constant": ({"constant_arrays": ((3, 4),)}, "^node 4:"),
    "a guard of no node": ({"guards": Guards(of={6: 0})}, "^node 6:"),
    "a guard of a node before the first": ({"guards": Guards(of={-1: 0})}, "^node -1:"),
    "a guard that does not exist": ({"guards": Guards(of={0: 6})}, "^node 0:"),
    "a guard before the first node": ({"guards": Guards(of={0: -1})}, "^node 0:"),
    "a choice that does not exist": ({"guards": Guards(choices=frozenset({6}))}, "^node 6:"),
    "what is not reached and does not exist": ({"guards": Guards(unreached=frozenset({6}))}, "^node 6:"),
    "one argument less": ({"argument_sizes": (1,)}, "1 numbers"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_program(**changes).verify()


def test_a_coefficient_that_is_no_float_is_named_where_the_second_factor_is_absent() -> None:
    builder = Builder([1], 0)
    builder.sum(Sum([2.0], [0], [ABSENT], [0]))
    broken: Any = {"coefficients": (2,)}
    with pytest.raises(ValueError, match=r"^node 1: its numbers must be floats, got 2$"):
        replace(builder.program([1]), **broken).verify()


@pytest.mark.parametrize("slot", [-1, 0, 3])
def test_a_sum_of_one_term_has_a_slot_from_0_on(slot: int) -> None:
    builder = Builder([1], 0)
    builder.sum(Sum([2.0], [0], [ABSENT], [slot]))
    program = builder.program([1])
    if slot < 0:
        with pytest.raises(ValueError, match=r"^node 1:"):
            program.verify()
    else:
        program.verify()
