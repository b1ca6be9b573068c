"""All parts of a training can be pickled, as `multiprocessing` and `joblib` require."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from nn.initializers import default_initializer
from nn.layers import ACTIVATIONS
from nn.losses import LOSSES

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
DUPLICATES: list[Callable[[Any], Any]] = [
    copy.deepcopy,
    *(lambda x, protocol=protocol: pickle.loads(pickle.dumps(x, protocol)) for protocol in PROTOCOLS),
]

SCHEDULES = [nn.step_decay(0.1, factor=0.5, every=3), nn.cosine_decay(0.1, steps=10), nn.cosine_decay(0.3, 7, 0.01)]
INITIALIZERS = [nn.uniform(), nn.uniform(-0.3, 0.3), nn.normal(1.0, 2.0), nn.glorot(), nn.glorot(4.0), nn.he()]
INITIALIZERS += [nn.constant(0.5), *map(default_initializer, ACTIVATIONS)]


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_schedules(duplicate: Callable[[Any], Any]) -> None:
    for schedule in SCHEDULES:
        other = duplicate(schedule)
        assert [other(step) for step in range(30)] == [schedule(step) for step in range(30)]
        assert other == schedule
    assert len({*SCHEDULES}) == 3
    assert repr(SCHEDULES[1]) == "CosineDecay(initial=0.1, steps=10, final=0.0)"


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_initializers(duplicate: Callable[[Any], Any]) -> None:
    for initializer in INITIALIZERS:
        other = duplicate(initializer)
        draws = [[f(random.Random(3), 4, 5) for _ in range(3)] for f in (initializer, other)]
        assert draws[0] == draws[1]
        assert other == initializer


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_losses_activations_and_primitives(duplicate: Callable[[Any], Any]) -> None:
    for function in [*LOSSES.values(), *ACTIVATIONS.values(), autograd.exp, autograd.where, autograd.softmax]:
        assert duplicate(function) is function


@pytest.mark.parametrize("duplicate", DUPLICATES)
@pytest.mark.parametrize("learning_rate", [0.1, *SCHEDULES], ids=lambda rate: type(rate).__name__)
@pytest.mark.parametrize("rule", [nn.SGD, nn.Adam, nn.AdamW])
def test_a_training_goes_on_from_a_pickle_to_the_same_bits(
    rule: Any, learning_rate: Any, duplicate: Callable[[Any], Any]
) -> None:
    model = nn.MLP(2, [3, 1], "tanh", initializer=nn.normal(0, 1), seed=0)
    pair = model, rule(model.parameters(), learning_rate=learning_rate)
    x, y = np.random.default_rng(0).normal(size=(8, 2)), [0, 1] * 4
    for epochs in (2, 3):
        nn.fit(pair[0], x, y, optimizer=pair[1], epochs=epochs, seed=1, progress=False, engine="eager")
        copied = duplicate(pair)
        histories = [
            nn.fit(m, x, y, optimizer=o, epochs=2, seed=2, progress=False, engine="eager") for m, o in (pair, copied)
        ]
        assert copied[0].state_dict() == pair[0].state_dict()
        assert histories[0] == histories[1]
        assert duplicate(histories[0]) == histories[0]
        pair = copied


def test_other_results_of_the_package() -> None:
    check = autograd.check_gradient(lambda x: x * x, 2.0)
    assert pickle.loads(pickle.dumps(check)) == check
    graph = autograd.Value(2.0) * 3
    drawing = autograd.draw(graph)
    assert pickle.loads(pickle.dumps(drawing)).svg == drawing.svg
    assert pickle.loads(pickle.dumps(autograd.summary(graph))).nodes == 3
