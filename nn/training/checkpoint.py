"""Checkpoints on disk: everything needed to resume a training with bit-identical results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from autograd.arrays import np
from autograd.updates import commit
from nn.conversion import Array
from nn.descent import Optimizer
from nn.module import Module
from nn.training.files import CHECKPOINT, damaged, read, refuse_nonfinite, write
from nn.training.history import Epoch, History
from nn.training.patience import Best
from nn.training.resuming import Run, names_of_parameters, places, refuse_another


def save_checkpoint(
    path: str | Path,
    model: Module,
    optimizer: Optimizer,
    history: History,
    chance: np.random.Generator,
    run: Run,
    best: Best,
    warm_up: dict[str, int],
) -> None:
    """Write everything that `fit` needs to continue bit-identically: parameters, optimizer, epochs, random state.

    Args:
        run: the description of the training (`describe`).
        best: the parameters with the lowest validation cost, if `fit` keeps them.
        warm_up: the engine's progress towards machine code, which rounds differently from the NumPy program.
    """
    state = optimizer.state_dict()
    tensors = {f"optimizer.{name}": vector for name, vector in state.pop("state").items()}
    tensors["parameters"] = np.array(list(model.state_dict().values()))
    texts = {
        "names": list(model.state_dict()),
        "optimizer_names": names_of_parameters(model, optimizer),
        "run": run,
        "optimizer": state,
        "epochs": [asdict(epoch) for epoch in history],
        "random": chance.bit_generator.state,
        "warm_up": warm_up,
    }
    if best.numbers is not None:
        tensors["best"] = best.numbers
        texts["best"] = {"epoch": best.epoch, "cost": best.cost}
    write(path, CHECKPOINT, tensors, texts)


def load_checkpoint(
    path: str | Path,
    model: Module,
    optimizer: Optimizer,
    chance: np.random.Generator,
    run: Run,
    best: Best | None = None,
) -> tuple[list[Epoch], dict[str, int]]:
    """Restore a model, an optimizer and a random number generator from a checkpoint.

    Args:
        run: the description of the current training, which must equal the checkpoint's.
        best: receives the parameters with the lowest validation cost, if the checkpoint has them.

    Returns:
        The epochs so far, and the engine's warm-up state.

    Raises:
        ValueError: if the file is damaged, or from a different training; names both values.
        OSError: if it cannot be read.
    """
    tensors, texts, _ = read(path, CHECKPOINT)
    refuse_nonfinite(path, tensors)
    try:
        refuse_another(texts.get("run"), run)
        place = places(_names(texts["optimizer_names"]), names_of_parameters(model, optimizer))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the checkpoint {path} does not fit: {error}") from None
    try:
        saved = _contents(tensors, texts, place)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"{type(error).__name__} {error}") from None
    before, after = model.state_dict(), optimizer.copied()
    try:
        after.load_state_dict(saved.optimizer)
        model.load_state_dict(saved.parameters)
        commit(partial(map, setattr, [chance.bit_generator], ["state"], [saved.random]), optimizer.becoming(after))
    except BaseException as error:
        if optimizer.state is not after.state:
            model.load_state_dict(before)
        if isinstance(error, (ArithmeticError, KeyError, TypeError, ValueError)):
            raise ValueError(f"the checkpoint {path} does not fit: {error}") from None
        raise
    if best is not None:
        best.epoch, best.cost, best.numbers = saved.best
    return saved.epochs, saved.warm_up


class _Contents(NamedTuple):
    """The contents of a checkpoint; `best` is an epoch, its cost, and its parameters."""

    epochs: list[Epoch]
    warm_up: dict[str, int]
    parameters: dict[str, float]
    optimizer: dict[str, Any]
    random: Any
    best: tuple[int, float, Array | None]


def _contents(tensors: Mapping[str, Array], texts: Mapping[str, Any], place: Any) -> _Contents:
    """Return the contents of a checkpoint.

    Args:
        place: the places of the optimizer's parameters in the checkpoint's vectors.

    Raises:
        KeyError, TypeError, ValueError: if the checkpoint is damaged.
    """
    epochs = checked_epochs(texts["epochs"])
    vectors = {k.removeprefix("optimizer."): v for k, v in tensors.items() if k.startswith("optimizer.")}
    if any(vector.shape != (len(place),) for vector in vectors.values()):
        raise ValueError(f"vectors of shapes {[vector.shape for vector in vectors.values()]}")
    state = {name: vector[place] for name, vector in vectors.items()}
    parameters = dict(zip(texts["names"], tensors["parameters"].tolist(), strict=True))
    random, optimizer = texts["random"], {**texts["optimizer"], "state": state}
    warm_up = checked_warm_up(texts.get("warm_up", {}))
    best_texts, best_numbers = texts.get("best", {"epoch": 0, "cost": math.inf}), tensors.get("best")
    best = int(best_texts["epoch"]), float(best_texts["cost"]), best_numbers
    if best_numbers is not None and best_numbers.shape != (len(parameters),):
        raise ValueError(f"best parameters of shape {best_numbers.shape}")
    return _Contents(epochs, warm_up, parameters, optimizer, random, best)


def _names(claimed: Any) -> list[str]:
    if not isinstance(claimed, list) or not all(isinstance(name, str) for name in claimed):
        raise TypeError(f"names must be texts, got {claimed!r:.80}")
    return claimed


def checked_epochs(claimed: Any) -> list[Epoch]:
    """Return the epochs of a checkpoint. Raise TypeError or ValueError for anything that `fit` does not write."""
    epochs = [Epoch(**epoch) for epoch in claimed]
    for number, epoch in enumerate(epochs, start=1):
        if type(epoch.epoch) is not int or epoch.epoch != number:
            raise ValueError(f"epoch {epoch.epoch!r:.80} in place {number}")
        for name, x in list(asdict(epoch).items())[1:]:
            optional = name not in ("cost", "largest_derivative")
            if type(x) is not float and not (optional and x is None):
                raise TypeError(f"{name} must be a float, got {x!r:.80}")
    return epochs


def checked_warm_up(claimed: Any) -> dict[str, int]:
    """Return the engine's warm-up state. Raise TypeError for anything that `fit` does not write."""
    if not isinstance(claimed, dict) or not all(type(count) is int and count >= 0 for count in claimed.values()):
        raise TypeError(f"warm_up must be whole numbers by name, got {claimed!r:.80}")
    return claimed
