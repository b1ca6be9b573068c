"""The arrays saved for a backward pass take the least memory."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.operations import Batch, N
from autograd.compiler.differentiate.forward_values import needed_for
from autograd.compiler.differentiate.saving import is_cheap, least_saved, size_of


@pytest.mark.parametrize("seed", range(40))
def test_the_least_is_saved(seed: int) -> None:
    """The choice is as good as the best of all possible ones, for random sizes of arrays."""
    chance, builder = random.Random(seed), Builder()
    values = [builder.argument(f"x{k}", (chance.choice([1, 2, 5]),)) for k in range(3)]
    for _ in range(6):
        x = chance.choice(values)
        wide = [y for y in values if y.shape == x.shape]
        values.append(chance.choice([builder.reduce(x, "sum", [0], True), x * chance.choice(wide), 0.5 - x]))
        if chance.random() < 0.3:
            values.append(builder.apply(primitives.tanh, values[-1]))
    operations = builder.operations
    roots = {x.at for x in chance.sample(values, 3)}
    free = {
        chance.choice(values[:3]).at,
        *(at for at, operation in enumerate(operations) if operation.kind == "constant"),
    }

    def size(places: Collection[int]) -> int:
        return sum([int(np.prod(operations[at].shape, dtype=int)) for at in places])

    def recomputed(places: Collection[int]) -> set[int]:
        known = {*places, *free}
        return needed_for(operations, sorted(roots), known.__contains__) - known

    def suffices(places: Collection[int]) -> bool:
        return all(operations[at].kind != "argument" and is_cheap(operations[at]) for at in recomputed(places))

    candidates = [at for at in range(len(operations)) if at not in free]
    choices = itertools.chain.from_iterable(itertools.combinations(candidates, n) for n in range(4))
    chosen = least_saved(operations, roots, free.__contains__)
    assert suffices(chosen)
    sufficient = [places for places in choices if suffices(places)]
    assert size(chosen) == min(map(size, sufficient))
    best = [places for places in sufficient if size(places) == size(chosen)]
    assert len(recomputed(chosen)) == min(len(recomputed(places)) for places in best)


def test_the_size_of_an_array() -> None:
    assert (size_of(()), size_of((4, 5))) == (1, 20)
    assert size_of((Batch(2), 3)) == 2 * size_of((N, 3)) == 6 * size_of((N,)) > 6
