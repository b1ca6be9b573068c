"""Check the settings of a training before it starts, with errors that name the fix for common mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nn.descent import Optimizer
from nn.losses import LOSSES
from nn.module import Module
from nn.optimizers import OPTIMIZERS, SGD

LOSSES_ELSEWHERE = {
    "mse": "mean_squared_error",
    "quadratic": "half_squared_error",
    "squared_error": "half_squared_error",
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "log_loss": "binary_cross_entropy",
    "crossentropy": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
}


def check_settings(
    model: Module,
    loss: Any,
    callbacks: Any,
    epochs: int,
    batch_size: int | None,
    reduction: str,
    gradient_tolerance: float,
    checkpoint: str | Path | None,
    resume: bool,
    engine: str,
) -> None:
    """Refuse invalid settings. Arguments as in `nn.fit`.

    Raises:
        TypeError, ValueError: with the given value, the expected one, and what to write instead.
    """
    _check_model(model)
    _check_loss(loss)
    if not isinstance(callbacks, Iterable) or isinstance(callbacks, (str, bytes)):
        fix = "write callbacks=[function]" if callable(callbacks) else "each is called with model and history"
        raise TypeError(f"callbacks must be a list of functions, got {callbacks!r}: {fix}")
    for name, count in (("epochs", epochs), ("batch_size", batch_size)):
        if count is None and name == "batch_size":
            continue
        if count is None or isinstance(count, bool) or not hasattr(count, "__index__") or count < 1:
            raise ValueError(f"{name} must be an integer of at least 1, got {count!r}")
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', got {reduction!r}")
    if engine not in ("auto", "eager", "compiled"):
        raise ValueError(f"engine must be 'auto', 'eager' or 'compiled', got {engine!r}")
    if not gradient_tolerance >= 0:
        raise ValueError(f"gradient_tolerance must be 0 or more, got {gradient_tolerance!r}")
    if resume and checkpoint is None:
        raise ValueError("resume continues from a checkpoint: give its file with checkpoint=")


def check_patience(patience: int | None, validation: object) -> None:
    """Refuse a patience that is not a number of epochs, or comes without validation samples."""
    if patience is None:
        return
    if isinstance(patience, bool) or not hasattr(patience, "__index__") or patience < 1:
        raise ValueError(f"patience must be an integer of at least 1, got {patience!r}")
    if validation is None:
        raise ValueError("patience waits for a lower validation cost: give validation=(inputs, targets)")


def check_validation(validation: Any) -> None:
    """Refuse anything but a pair of inputs and targets, or a triple with weights."""
    if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
        given = f", got {validation!r}" if isinstance(validation, (int, float)) else ""
        raise ValueError(
            f"validation must be a pair: (inputs, targets), or (inputs, targets, sample_weight){given}. Hold samples "
            "out first: fit(model, x[200:], t[200:], validation=(x[:200], t[:200]))"
        )


def check_optimizer(optimizer: Any, model: Module) -> None:
    """Refuse anything but an optimizer of the model's parameters."""
    if isinstance(optimizer, Optimizer):
        if set(optimizer.parameters).isdisjoint(model.parameters()):
            raise ValueError("the optimizer has none of the model's parameters: create it with model.parameters()")
        return
    name = optimizer.lower() if isinstance(optimizer, str) else getattr(optimizer, "__name__", "").lower()
    example = f"nn.{OPTIMIZERS.get(name, SGD).__name__}(model.parameters())"
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an object, but {optimizer.__name__} is a class: write optimizer={example}")
    raise TypeError(f"optimizer must be an nn.Optimizer such as {example}, got {optimizer!r}")


def _check_model(model: Any) -> None:
    if isinstance(model, type) and issubclass(model, Module):
        raise TypeError(f"fit trains a Module object, but {model.__name__} is a class: write {model.__name__}(...)")
    if not isinstance(model, Module) or not model.parameters():
        fix = "set Values in its __init__" if isinstance(model, Module) else "derive its class from nn.Module"
        raise TypeError(f"fit trains a Module that has parameters, got {model!r:.200}: {fix}, or take an nn.MLP")


def _check_loss(loss: Any) -> None:
    if isinstance(loss, str):
        name = LOSSES_ELSEWHERE.get(loss, loss)
        fix = f"write loss=nn.{name}" if name in LOSSES else f"there are {', '.join(LOSSES)}"
        raise TypeError(f"loss must be a function such as nn.half_squared_error, got {loss!r}: {fix}")
    origin = type(loss).__module__.partition(".")[0]
    if origin in ("torch", "keras", "tensorflow", "jax", "sklearn"):
        raise TypeError(
            f"loss must be a function of Values such as nn.mean_squared_error, but {loss!r:.80} is {origin}'s: there "
            f"are {', '.join(f'nn.{name}' for name in LOSSES)}"
        )
    if not callable(loss):
        raise TypeError(f"loss must be a function such as nn.half_squared_error, got {loss!r}")
