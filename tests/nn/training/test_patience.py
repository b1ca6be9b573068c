"""Early stopping in `fit`: which epoch's parameters are kept, when it stops, and that it resumes to the same bits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn.module import Module
from nn.training.history import History

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(60, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + CHANCE.normal(size=60)
LEARN, VALIDATE = (X[:40], Y[:40]), (X[40:], Y[40:])


def fit(model: Module, epochs: int = 120, **settings: Any) -> History:
    optimizer = nn.Adam(model.parameters(), 0.03)
    given = {"optimizer": optimizer, "validation": VALIDATE, "seed": 0, "progress": False, **settings}
    return nn.fit(model, *LEARN, epochs=epochs, batch_size=8, **given)


def network() -> nn.MLP:
    return nn.MLP(4, [12, 1], output_activation="identity", seed=1)


def cost(model: Module) -> float:
    """Return the mean of ½ (o − e)² over the validation samples."""
    return float(((nn.predict(model, VALIDATE[0])[:, 0] - VALIDATE[1]) ** 2).mean() / 2)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_the_parameters_of_the_best_epoch_are_kept(engine: str) -> None:
    whole = fit(network(), engine=engine)
    costs = [epoch.validation_cost for epoch in whole]
    best = int(np.argmin(costs)) + 1  # type: ignore[arg-type]
    assert 1 < best < 100, "the training happens to overfit too late for this test"

    model = network()
    history = fit(model, engine=engine, patience=20)
    assert history.kept == best
    assert len(history) == best + 20
    assert history.stopped == f"no lower validation cost in 20 epochs; the parameters of epoch {best} are kept"
    assert history.epochs == whole.epochs[: best + 20], "patience changes nothing but the end"
    reference = network()
    fit(reference, epochs=best, engine=engine)
    assert model.state_dict() == reference.state_dict()
    assert cost(model) == pytest.approx(min(costs), rel=1e-12)  # type: ignore[type-var]


def test_parameters_from_before_the_training_are_kept_where_none_are_better() -> None:
    model = network()
    fit(model, patience=20)
    before = model.state_dict()
    history = fit(model, patience=3, optimizer=nn.SGD(model.parameters(), 5.0, max_gradient_norm=1.0))
    assert (history.kept, len(history)) == (0, 3)
    assert model.state_dict() == before


@pytest.mark.parametrize("at", [1, 7, 30])
def test_an_interrupted_training_goes_on_to_the_same_bits(at: int, tmp_path: Path) -> None:
    whole = network()
    history = fit(whole, patience=25)
    interrupted = network()
    fit(interrupted, epochs=at, patience=25, checkpoint=tmp_path / "c")
    resumed = nn.MLP(4, [12, 1], output_activation="identity", seed=2)
    again = fit(resumed, patience=25, checkpoint=tmp_path / "c", resume=True)
    assert resumed.state_dict() == whole.state_dict()
    assert (again.epochs, again.stopped, again.kept) == (history.epochs, history.stopped, history.kept)


def test_a_training_that_had_ended_adds_no_epoch_when_it_is_resumed(tmp_path: Path) -> None:
    first = network()
    history = fit(first, patience=5, checkpoint=tmp_path / "c")
    again = network()
    assert fit(again, patience=5, checkpoint=tmp_path / "c", resume=True).epochs == history.epochs
    assert again.state_dict() == first.state_dict()


def test_a_training_whose_validation_never_was_finite_ends_at_the_same_epoch_when_it_is_resumed(tmp_path: Path) -> None:
    """No parameters are the best ones in this case, so the checkpoint stores none."""
    validation = VALIDATE[0], np.full(20, 1e200)  # whose squares overflow
    settings: dict[str, Any] = {"patience": 3, "validation": validation, "checkpoint": tmp_path / "c"}
    fit(network(), epochs=1, **settings)
    history = fit(network(), resume=True, **settings)
    assert [epoch.validation_cost for epoch in history] == [math.inf] * 3
    assert history.stopped == "no lower validation cost in 3 epochs"


def test_ctrl_c_leaves_the_best_epoch() -> None:
    def interrupt(model: Module, history: History) -> None:
        if len(history) == 60:
            raise KeyboardInterrupt

    model, reference = network(), network()
    history = fit(model, patience=100, callbacks=[interrupt])
    expected = fit(reference, epochs=60, patience=100)
    assert "interrupted in epoch 61; the parameters of epoch" in history.stopped
    assert (history.kept, model.state_dict()) == (expected.kept, reference.state_dict())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": 0}, "at least 1"),
        ({"patience": True}, "at least 1"),
        ({"patience": 2.5}, "at least 1"),
        ({"patience": 3, "validation": None}, "give validation"),
    ],
)
def test_what_patience_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(network(), **settings)
