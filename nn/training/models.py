"""Save and load models as safetensors files, which hold numbers and text, but no code.

An MLP's file holds a matrix and a vector for each layer, named `w1`, `b1`, `w2`, ... as in the textbooks, and in its
metadata the architecture, from which `load` builds the MLP. The architecture is checked against the arrays' shapes.
Another module's file holds its parameters in named arrays; `load` puts them into a module built by the user.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, overload

from autograd.arrays import np
from autograd.reading import numbers_of
from autograd.updates import commit, setting
from nn.data import Array
from nn.initializers import constant
from nn.layers import ACTIVATIONS, MLP
from nn.module import Module
from nn.named_arrays import NamedArray, named_arrays
from nn.training.files import MODEL, PARAMETERS, damaged, read, refuse_nonfinite, write

M = TypeVar("M", bound=Module)


def save(model: Module, path: str | Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a model to a file atomically: an MLP, or any other `Module`.

    Args:
        path: the file, usually named `.safetensors`.
        metadata: values about the model that JSON supports, such as the scaling of its inputs; `read_metadata` returns
            them.

    Raises:
        TypeError: if the model is not a Module, or a parameter is not a number (ints are written as floats). Also as
            `Module.named_parameters`.
        ValueError: if the Module has no parameters, or one is inf or nan; an existing file is left unchanged. Also as
            `Module.named_parameters`.
        OSError: if the file cannot be written.

    >>> import nn, tempfile
    >>> class Reader(nn.Module):
    ...     def __init__(self):
    ...         self.embedding, self.norm = nn.Embedding(27, 4), nn.RMSNorm(4)
    >>> path = tempfile.mkdtemp() + "/reader.safetensors"
    >>> save(reader := Reader(), path)
    >>> load(path, into=Reader()).state_dict() == reader.state_dict()
    True
    """
    if not isinstance(model, Module):
        raise TypeError(f"save writes a Module, such as an MLP or one of your own, not a {type(model).__name__}")
    names = dict(model.named_parameters())
    if not names:
        raise ValueError(f"this {type(model).__name__} has no parameters to save")
    arrays = _tensors(model)
    tensors = {
        name: np.array(numbers_of(tensor.parameters), dtype=float).reshape(tensor.shape)
        for name, tensor in arrays.items()
    }
    for name, parameter in names.items():
        if not math.isfinite(parameter.data):
            raise ValueError(f"{parameter.label or name} is {parameter.data}: only finite numbers can be saved")
    texts: dict[str, Any] = {"metadata": dict(metadata or {})}
    if _is_plain(model):
        write(path, MODEL, tensors, {"architecture": _architecture(model), **texts})
    else:
        write(path, PARAMETERS, tensors, {"module": type(model).__name__, **texts})


@overload
def load(path: str | Path) -> MLP: ...
@overload
def load(path: str | Path, into: M) -> M: ...
def load(path: str | Path, into: Module | None = None) -> Module:
    """Load the model that `save` wrote.

    Args:
        into: a module whose parameters are set to those of the file, all or none. The saved model may have been of
            another class, provided its parameters have the same names. Not needed for an MLP.

    Returns:
        A new MLP, or the given module.

    Raises:
        ValueError: if the file is damaged, truncated, of another kind, inconsistent, or contains inf or nan; if its
            parameters' names or shapes differ from the module's; or if it is not an MLP and no module is given.
        OSError: if it cannot be read.
    """
    tensors, texts, kind = read(path, MODEL, PARAMETERS)
    if kind == PARAMETERS and into is None:
        name = texts.get("module", "module")
        raise ValueError(
            f"{path} holds the parameters of a {name}, but no code to build one: build it, and load them into it: "
            f"nn.load({str(path)!r}, into={name}(...))"
        )
    if into is not None and not isinstance(into, Module):
        raise TypeError(f"load puts parameters into a Module, not into a {type(into).__name__}")
    architecture = _checked_architecture(path, texts.get("architecture"), tensors) if kind == MODEL else {}
    refuse_nonfinite(path, tensors)
    model = _built(architecture) if into is None else into
    _set(path, model, tensors)
    return model


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return the metadata passed to `save`. Raises the same errors as `load`."""
    metadata = read(path, MODEL, PARAMETERS).texts.get("metadata")
    if not isinstance(metadata, dict):
        raise damaged(path, "its metadata are missing")
    return metadata


def _is_plain(model: Module) -> TypeGuard[MLP]:
    """Tell whether a model is an MLP without other parameters than those of its layers."""
    if not isinstance(model, MLP):
        return False
    of_layers = {x for layer in model.layers for neuron in layer.neurons for x in (*neuron.weights, neuron.bias)}
    return of_layers.issuperset(model.parameters())


def _architecture(model: MLP) -> dict[str, Any]:
    return {
        "nin": model.nin,
        "nouts": [len(layer.neurons) for layer in model.layers],
        "activations": [layer.activation for layer in model.layers],
        "elementary": model.layers[0].neurons[0].elementary,
    }


def _built(architecture: Mapping[str, Any]) -> MLP:
    return MLP(
        architecture["nin"],
        architecture["nouts"],
        architecture["activations"][:-1],
        architecture["activations"][-1],
        initializer=constant(0.0),
        elementary=architecture["elementary"],
    )


def _tensors(model: Module) -> dict[str, NamedArray]:
    """Return the arrays to store for a model, by name."""
    if not _is_plain(model):
        return named_arrays(model.named_parameters())
    tensors: dict[str, NamedArray] = {}
    for i, layer in enumerate(model.layers, start=1):
        weights = [weight for neuron in layer.neurons for weight in neuron.weights]
        tensors[f"w{i}"] = NamedArray((len(layer.neurons), len(weights) // len(layer.neurons)), weights)
        tensors[f"b{i}"] = NamedArray((len(layer.neurons),), [neuron.bias for neuron in layer.neurons])
    return tensors


def _set(path: str | Path, model: Module, tensors: Mapping[str, Array]) -> None:
    """Set the parameters of a model to the numbers of a file, all of them or none."""
    expected = _tensors(model)
    differences = []
    if missing := [name for name in expected if name not in tensors]:
        differences.append(f"it lacks {_some(missing)}")
    if unknown := [name for name in tensors if name not in expected]:
        differences.append(f"it holds {_some(unknown)}, which the module does not have")
    shapes = [
        f"{name} of shape {tensors[name].shape}, which is {array.shape} in the module"
        for name, array in expected.items()
        if name in tensors and tensors[name].shape != array.shape
    ]
    if shapes:
        differences.append(f"it holds {_some(shapes)}")
    if differences:
        raise ValueError(f"{path} does not fit this {type(model).__name__}: {'; '.join(differences)}")
    parameters = [parameter for array in expected.values() for parameter in array.parameters]
    numbers = [x for name in expected for x in tensors[name].reshape(-1).tolist()]
    commit(setting("data", parameters, numbers))


def _some(names: Sequence[str]) -> str:
    """List the first few names, and the number of others."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _checked_architecture(path: str | Path, claimed: Any, tensors: Mapping[str, Array]) -> dict[str, Any]:
    """Return a file's architecture after checking it against the file's tensors."""
    try:
        nin, nouts, activations, elementary = (claimed[key] for key in ("nin", "nouts", "activations", "elementary"))
    except (KeyError, TypeError):
        raise damaged(path, "its architecture is missing") from None
    lists = type(nouts) is list and type(activations) is list and len(nouts) == len(activations) > 0
    sizes = [nin, *nouts] if lists else []
    if not lists or not all(type(size) is int and size > 0 for size in sizes) or type(elementary) is not bool:
        raise damaged(path, f"its architecture is not a network: {claimed}")
    if not all(type(name) is str and name in ACTIVATIONS for name in activations):
        raise damaged(path, f"its activations {activations} are not all known")
    shapes: dict[str, tuple[int, ...]] = {f"w{i}": (sizes[i], sizes[i - 1]) for i in range(1, len(sizes))}
    shapes |= {f"b{i}": (sizes[i],) for i in range(1, len(sizes))}
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
        raise damaged(path, f"it claims layers of {sizes} but holds {[t.shape for t in tensors.values()]}")
    return dict(claimed)
