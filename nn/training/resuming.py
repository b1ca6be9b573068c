"""The description of a training, which a checkpoint records and `fit` compares before resuming."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from nn.descent import Optimizer
from nn.layers import MLP
from nn.module import Module

Run = dict[str, Any]


def describe(model: Module, loss: Callable[..., Any], optimizer: Optimizer, settings: Mapping[str, Any]) -> Run:
    """Describe everything that determines an update, by readable names, in values that JSON supports.

    Args:
        settings: the training's reduction, batch size, seed, and shapes of samples and targets.
    """
    own = {name: x for name, x in vars(optimizer).items() if not name.startswith("_")}
    for name in ("parameters", "steps", "state"):  # they change during training
        own.pop(name, None)
    run = {
        "model": repr(model) if isinstance(model, MLP) else _name(type(model)),
        "activations": _activations(model),
        "loss": _name(loss),
        "optimizer": _name(type(optimizer)),
        **{name.replace("_", " "): x for name, x in {**own, **settings}.items()},
    }
    plain: Run = json.loads(json.dumps(run, default=_name))  # the form that a file returns
    return plain


def refuse_another(stored: Any, run: Run) -> None:
    """Raise ValueError if a checkpoint's run differs from this one, with both values of the first difference.

    A run without a seed takes over the checkpoint's.
    """
    if not isinstance(stored, dict):
        raise ValueError("it has no description of the training")
    if run.get("seed") is None:
        run["seed"] = stored.get("seed")
    for name in [*run, *stored]:
        before, now = stored.get(name), run.get(name)
        if before != now:
            raise ValueError(f"it was written with {name} {before!r}, and this training has {name} {now!r}")


def places(stored: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the index of each of these parameters in a checkpoint's vectors."""
    if sorted(stored) != sorted(names) or len({*stored}) < len(stored):
        other = next(iter({*stored} ^ {*names}), stored[0] if stored else "")
        raise ValueError(f"its optimizer had {len(stored)} parameters, this one has {len(names)}; see {other!r}")
    place = {name: i for i, name in enumerate(stored)}
    return [place[name] for name in names]


def names_of_parameters(model: Module, optimizer: Optimizer) -> list[str]:
    """Return the optimizer's parameters by their names in the model, or by their index if they are not in it."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return [names.get(parameter, f"({i})") for i, parameter in enumerate(optimizer.parameters)]


def _activations(model: Module) -> list[str]:
    """Return the activations of a module and its submodules by name, in order."""
    activations: list[str] = []
    seen: set[int] = set()
    stack: list[Any] = [model]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Module):
            activation = vars(item).get("activation")
            activations += [activation if isinstance(activation, str) else _name(activation)] if activation else []
            stack += list(vars(item).values())[::-1]
        elif isinstance(item, Mapping):
            stack += list(item.values())[::-1]
        elif isinstance(item, (list, tuple)):
            stack += item[::-1]
    return activations


def _name(thing: Any) -> str:
    """Return the name of a function or class, or the repr of another object, without memory addresses."""
    if isinstance(thing, partial):
        return repr((_name(thing.func), thing.args, thing.keywords))
    name = getattr(thing, "__qualname__", None)
    if name is not None:
        return f"{thing.__module__}.{name}"
    text = repr(thing)
    return _name(type(thing)) if " at 0x" in text else text
