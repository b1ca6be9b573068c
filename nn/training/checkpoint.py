"""Models and checkpoints on disk: safetensors files, which hold numbers and text and can run nothing.

A model file holds a matrix and a vector for each layer, `w1`, `b1`, `w2`, ... as in the texts, and in its metadata
the architecture. What a file claims is checked against the shapes it has before anything is built from it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from autograd.arrays import np
from autograd.reading import numbers_of
from autograd.support.files import write_atomically
from autograd.updates import commit
from nn.data import Array
from nn.descent import Optimizer
from nn.initializers import constant
from nn.layers import ACTIVATIONS, MLP
from nn.module import Module
from nn.training.history import Epoch, History
from nn.training.patience import Best
from nn.training.resuming import Run, names_of_parameters, places, refuse_another

MODEL, CHECKPOINT = "lucidgrad model 1", "lucidgrad checkpoint 1"


def save(model: MLP, path: str | Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write an MLP to a file, at once or not at all.

    Args:
        path: by custom it ends in `.safetensors`.
        metadata: anything JSON can hold that belongs to the model, such as how its inputs were scaled;
            `read_metadata` gives it back.

    Raises:
        TypeError: for a model that is no MLP; of a module of your own, keep the `state_dict()`. For parameters that are
            no numbers (`number_of`); ints are written as floats.
        ValueError: where a parameter is inf or nan; a file that was there stays as it was.
        OSError: if the file cannot be written.
    """
    if not isinstance(model, MLP):
        raise TypeError(
            f"save knows how to build an MLP again, not a {type(model).__name__}: write its state_dict() to a file, "
            "and give that to load_state_dict() of a new one"
        )
    tensors: dict[str, Array] = {}
    for i, layer in enumerate(model.layers, start=1):
        tensors[f"w{i}"] = np.array([numbers_of(neuron.weights) for neuron in layer.neurons], dtype=float)
        tensors[f"b{i}"] = np.array(numbers_of(neuron.bias for neuron in layer.neurons), dtype=float)
    for parameter in model.parameters():
        if not math.isfinite(parameter.data):
            raise ValueError(
                f"{parameter.label or 'a parameter'} is {parameter.data}: a model is saved with finite numbers"
            )
    architecture = {
        "nin": model.nin,
        "nouts": [len(layer.neurons) for layer in model.layers],
        "activations": [layer.activation for layer in model.layers],
        "elementary": model.layers[0].neurons[0].elementary,
    }
    _write(path, MODEL, tensors, {"architecture": architecture, "metadata": dict(metadata or {})})


def load(path: str | Path) -> MLP:
    """The MLP that `save` wrote.

    Raises:
        ValueError: for a file that is damaged, cut short, of another kind, at odds with itself, or with inf or nan.
        OSError: if it cannot be read.
    """
    tensors, texts = _read(path, MODEL)
    architecture = _checked_architecture(path, texts.get("architecture"), tensors)
    refuse_nonfinite(path, tensors)
    model = MLP(
        architecture["nin"],
        architecture["nouts"],
        architecture["activations"][:-1],
        architecture["activations"][-1],
        initializer=constant(0.0),
        elementary=architecture["elementary"],
    )
    for i, layer in enumerate(model.layers, start=1):
        for neuron, weights, bias in zip(layer.neurons, tensors[f"w{i}"].tolist(), tensors[f"b{i}"].tolist()):
            neuron.bias.data = bias
            for weight, number in zip(neuron.weights, weights):
                weight.data = number
    return model


def read_metadata(path: str | Path) -> dict[str, Any]:
    """What `save` was given as metadata. Raises as `load` does."""
    metadata = _read(path, MODEL)[1].get("metadata")
    if not isinstance(metadata, dict):
        raise _damaged(path, "its metadata are missing")
    return metadata


def save_checkpoint(
    path: str | Path,
    model: Module,
    optimizer: Optimizer,
    history: History,
    chance: np.random.Generator,
    run: Run,
    best: Best | None = None,
) -> None:
    """Write everything from which `fit` goes on to the same bits: parameters, optimizer, epochs, random state.

    Args:
        run: what is trained, and how (`describe`).
        best: the parameters with the lowest validation cost, where `fit` keeps them.
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
    }
    if best is not None and best.numbers is not None:
        tensors["best"] = best.numbers
        texts["best"] = {"epoch": best.epoch, "cost": best.cost}
    _write(path, CHECKPOINT, tensors, texts)


def load_checkpoint(
    path: str | Path,
    model: Module,
    optimizer: Optimizer,
    chance: np.random.Generator,
    run: Run,
    best: Best | None = None,
) -> list[Epoch]:
    """Put a model, an optimizer and a source of chance into the state of a checkpoint; gives the epochs so far.

    Args:
        run: what is trained now, and how; it must be what was trained then.
        best: takes up the parameters with the lowest validation cost, where the checkpoint has them.

    Raises:
        ValueError: where the file is damaged, or of another training; both values are named.
        OSError: if it cannot be read.
    """
    tensors, texts = _read(path, CHECKPOINT)
    refuse_nonfinite(path, tensors)
    try:
        refuse_another(texts.get("run"), run)
        place = places(_names(texts["optimizer_names"]), names_of_parameters(model, optimizer))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the checkpoint {path} does not fit: {error}") from None
    try:
        epochs = checked_epochs(texts["epochs"])
        vectors = {k.removeprefix("optimizer."): v for k, v in tensors.items() if k.startswith("optimizer.")}
        if any(vector.shape != (len(place),) for vector in vectors.values()):
            raise ValueError(f"vectors of shapes {[vector.shape for vector in vectors.values()]}")
        state = {name: vector[place] for name, vector in vectors.items()}
        parameters = dict(zip(texts["names"], tensors["parameters"].tolist(), strict=True))
        random_state, optimizer_state = texts["random"], {**texts["optimizer"], "state": state}
        kept = texts.get("best", {"epoch": 0, "cost": math.inf})
        kept_epoch, kept_cost, kept_numbers = int(kept["epoch"]), float(kept["cost"]), tensors.get("best")
        if kept_numbers is not None and kept_numbers.shape != (len(parameters),):
            raise ValueError(f"best parameters of shape {kept_numbers.shape}")
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__} {error}") from None
    before, after = model.state_dict(), optimizer.copied()
    try:
        after.load_state_dict(optimizer_state)
        model.load_state_dict(parameters)
        commit(partial(map, setattr, [chance.bit_generator], ["state"], [random_state]), optimizer.becoming(after))
    except BaseException as error:
        if optimizer.state is not after.state:
            model.load_state_dict(before)
        if isinstance(error, (ArithmeticError, KeyError, TypeError, ValueError)):
            raise ValueError(f"the checkpoint {path} does not fit: {error}") from None
        raise
    if best is not None:
        best.epoch, best.cost, best.numbers = kept_epoch, kept_cost, kept_numbers
    return epochs


def _names(claimed: Any) -> list[str]:
    if not isinstance(claimed, list) or not all(isinstance(name, str) for name in claimed):
        raise TypeError(f"names must be texts, got {claimed!r:.80}")
    return claimed


def refuse_nonfinite(path: str | Path, tensors: Mapping[str, Array]) -> None:
    """Raise ValueError where a file holds inf or nan, which nothing that this package trains comes to."""
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(tensor))[0])
            raise ValueError(f"{path} holds {tensor[where]} in {name}{list(where)}: its model computes nothing of use")


def checked_epochs(claimed: Any) -> list[Epoch]:
    """The epochs of a checkpoint. Raises TypeError or ValueError for what `fit` does not write."""
    epochs = [Epoch(**epoch) for epoch in claimed]
    for number, epoch in enumerate(epochs, start=1):
        if type(epoch.epoch) is not int or epoch.epoch != number:
            raise ValueError(f"epoch {epoch.epoch!r:.80} in place {number}")
        for name, x in list(asdict(epoch).items())[1:]:
            optional = name not in ("cost", "largest_derivative")
            if type(x) is not float and not (optional and x is None):
                raise TypeError(f"{name} must be a float, got {x!r:.80}")
    return epochs


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(f"model files need safetensors and NumPy: pip install safetensors numpy ({error})") from None
    return safetensors


def _write(path: str | Path, kind: str, tensors: dict[str, Array], texts: dict[str, Any]) -> None:
    tensors_to_bytes = _safetensors().numpy.save
    content = {key: json.dumps(text, sort_keys=True) for key, text in texts.items()}
    content |= {"format": kind, "sha256": _digest(tensors, content)}
    write_atomically(path, lambda temporary: temporary.write_bytes(tensors_to_bytes(tensors, content)))


def _read(path: str | Path, kind: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """A file's tensors and texts, after the checks that go for every file."""
    safetensors = _safetensors()
    with Path(path).open("rb"):
        pass  # so that a file that is missing or closed to us is the usual OSError
    try:
        with safetensors.safe_open(str(path), framework="numpy") as file:
            content = dict(file.metadata() or {})
            if content.get("format") != kind:
                found = content.get("format", "no lucidgrad file")
                raise ValueError(f"{path} is not a {kind.rpartition(' ')[0]}: {found}")
            names = list(file.keys())
            kinds = {file.get_slice(name).get_dtype() for name in names}
            if not kinds <= {"F64"}:
                raise _damaged(path, f"it holds numbers of type {', '.join(kinds)}, not F64")
            tensors = {name: file.get_tensor(name) for name in names}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from None
    digest = content.pop("sha256", None)
    content.pop("format")
    if digest != _digest(tensors, content):
        raise _damaged(path, "its contents are not what was written")
    try:
        return tensors, {key: json.loads(text) for key, text in content.items()}
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from None


def _digest(tensors: Mapping[str, Array], content: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].shape}".encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()


def _checked_architecture(path: str | Path, claimed: Any, tensors: Mapping[str, Array]) -> dict[str, Any]:
    """The architecture that a file claims, if the tensors it holds bear it out."""
    try:
        nin, nouts, activations, elementary = (claimed[key] for key in ("nin", "nouts", "activations", "elementary"))
    except (KeyError, TypeError):
        raise _damaged(path, "its architecture is missing") from None
    lists = type(nouts) is list and type(activations) is list and len(nouts) == len(activations) > 0
    sizes = [nin, *nouts] if lists else []
    if not lists or not all(type(size) is int and size > 0 for size in sizes) or type(elementary) is not bool:
        raise _damaged(path, f"its architecture makes no network: {claimed}")
    if not all(type(name) is str and name in ACTIVATIONS for name in activations):
        raise _damaged(path, f"its activations {activations} are not all known")
    shapes: dict[str, tuple[int, ...]] = {f"w{i}": (sizes[i], sizes[i - 1]) for i in range(1, len(sizes))}
    shapes |= {f"b{i}": (sizes[i],) for i in range(1, len(sizes))}
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
        raise _damaged(path, f"it claims layers of {sizes} but holds {[t.shape for t in tensors.values()]}")
    return dict(claimed)


def _damaged(path: str | Path, why: str) -> ValueError:
    return ValueError(f"{path} is damaged: {why}")
