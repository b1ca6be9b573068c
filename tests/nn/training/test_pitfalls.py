"""Combinations that would train badly are rejected with a remedy; suitable ones are not."""

from __future__ import annotations

from typing import Any

import pytest

import nn

SIGMOID = nn.MLP(2, [3, 1], seed=0)
IDENTITY = nn.MLP(2, [3, 1], output_activation="identity", seed=0)
TANH = nn.MLP(2, [3, 1], output_activation="tanh", seed=0)
RELU = nn.MLP(2, [3, 1], output_activation="relu", seed=0)
SOFTPLUS = nn.MLP(2, [3, 1], output_activation="softplus", seed=0)
TWO = nn.MLP(2, [3, 2], seed=0)
TWO_LOGITS = nn.MLP(2, [3, 2], output_activation="identity", seed=0)
X = [[0, 0], [0, 1], [1, 0], [1, 1]]
Y = [0, 1, 1, 0]

LOGITS = "logits.*output_activation='identity'"
PITFALLS: list[tuple[Any, ...]] = [
    ("logits of a sigmoid", SIGMOID, Y, {"loss": nn.binary_cross_entropy_with_logits}, LOGITS),
    ("logits of a tanh", TANH, Y, {"loss": nn.binary_cross_entropy_with_logits}, LOGITS),
    ("softmax of sigmoids", TWO, Y, {"loss": nn.cross_entropy}, LOGITS),
    ("hinge on a sigmoid", SIGMOID, [-1, 1, 1, -1], {"loss": nn.hinge}, LOGITS),
    ("hinge on 0 and 1", IDENTITY, Y, {"loss": nn.hinge}, r"targets of -1 and 1.*2 \* t - 1"),
    ("hinge on one-hot rows", TWO_LOGITS, Y, {"loss": nn.hinge}, "targets of -1 and 1"),
    ("probabilities of an identity", IDENTITY, Y, {"loss": nn.binary_cross_entropy}, "'sigmoid'.*with_logits"),
    ("probabilities of a tanh", TANH, Y, {"loss": nn.binary_cross_entropy}, "output_activation='sigmoid'"),
    ("probabilities of 2", SIGMOID, [0, 1, 2, 0], {"loss": nn.binary_cross_entropy}, "probabilities.*0 to 2"),
    ("probabilities of -1", IDENTITY, [-1, 1, 1, -1], {"loss": nn.binary_cross_entropy_with_logits}, "-1 to 1"),
    ("rows that sum to 2", TWO_LOGITS, [[1, 1]] * 4, {"loss": nn.cross_entropy}, "rows sum to 1.*with_logits"),
    ("a sigmoid up to 2", SIGMOID, [0, 1, 2, 0], {}, "0 to 2.*sigmoid layer stay between 0 and 1: scale"),
    ("a sigmoid down to -1", SIGMOID, [-1, 1, 1, -1], {}, "-1 to 1.*sigmoid layer"),
    ("a sigmoid up to 2, mean", SIGMOID, [0, 1, 2, 0], {"loss": nn.mean_squared_error}, "0 to 2.*sigmoid layer"),
    ("a tanh up to 2", TANH, [0, 1, 2, 0], {}, "0 to 2.*tanh layer stay between -1 and 1"),
    ("a relu below 0", RELU, [-1, 1, 1, 0], {}, "-1 to 1.*relu layer.*'identity'"),
    ("a softplus below 0", SOFTPLUS, [-1, 1, 1, 0], {}, "-1 to 1.*softplus layer stay between 0 and inf"),
    ("hinge on a layer by itself", nn.Layer(2, 1, seed=0), [-1, 1, 1, -1], {"loss": nn.hinge}, LOGITS),
    ("hinge on a neuron by itself", nn.Neuron(2, seed=0), [-1, 1, 1, -1], {"loss": nn.hinge}, LOGITS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "targets", "settings", "message"), [case[1:] for case in PITFALLS], ids=[case[0] for case in PITFALLS]
)
def test_what_would_train_badly_is_refused_before_anything_changes(
    model: nn.Module, targets: Any, settings: dict[str, Any], message: str
) -> None:
    before = model.state_dict()
    with pytest.raises(ValueError, match=message):
        nn.fit(model, X, targets, epochs=1, progress=False, **settings)
    assert model.state_dict() == before


@pytest.mark.parametrize(
    ("model", "targets", "loss"),
    [
        (SIGMOID, [0.2, 0.9, 1.0, 0.0], nn.half_squared_error),
        (SIGMOID, [0.2, 0.9, 1.0, 0.0], nn.binary_cross_entropy),
        (IDENTITY, [0.2, 0.9, 1.0, 0.0], nn.binary_cross_entropy_with_logits),
        (IDENTITY, [-7.0, 100.0, 0.0, 1.0], nn.mean_squared_error),
        (TANH, [-1, 1, 0.5, 0], nn.half_squared_error),
        (RELU, [0, 100, 2, 1], nn.half_squared_error),
        (TWO_LOGITS, [[0.3, 0.7]] * 4, nn.cross_entropy),
        (TWO_LOGITS, [[1, 1], [0, 0], [0, 1], [1, 0]], nn.binary_cross_entropy_with_logits),
        (TWO_LOGITS, [[1, -1], [-1, -1], [1, 1], [-1, 1]], nn.hinge),
    ],
)
def test_what_goes_together_is_not_refused(model: nn.MLP, targets: Any, loss: Any) -> None:
    assert len(nn.fit(model, X, targets, loss=loss, epochs=1, progress=False)) == 1
