"""Safetensors files, which hold numbers and text, but no code. Their contents are verified on reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from autograd.arrays import np
from autograd.support.files import write_atomically
from nn.data import Array

MODEL, PARAMETERS, CHECKPOINT = "lucidgrad model 1", "lucidgrad parameters 1", "lucidgrad checkpoint 1"
"""Kinds of files: an MLP with its architecture, the parameters of another module, and a resumable training."""


def refuse_nonfinite(path: str | Path, tensors: Mapping[str, Array]) -> None:
    """Raise ValueError if a file contains inf or nan, which `fit` never writes."""
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(tensor))[0])
            raise ValueError(f"{path} holds {tensor[index]} in {name}{list(index)}: its model is unusable")


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(f"model files need safetensors and NumPy: pip install safetensors numpy ({error})") from None
    return safetensors


class Content(NamedTuple):
    """The contents of a file.

    Attributes:
        tensors: arrays of float64, by name.
        texts: its metadata, decoded from JSON, by name.
        kind: MODEL, PARAMETERS or CHECKPOINT.
    """

    tensors: dict[str, Array]
    texts: dict[str, Any]
    kind: str


def write(path: str | Path, kind: str, tensors: dict[str, Array], texts: dict[str, Any]) -> None:
    """Write a file atomically.

    Args:
        texts: any values that JSON supports.

    Raises:
        TypeError: for values that JSON does not support.
        OSError: if the file cannot be written.
    """
    tensors_to_bytes = _safetensors().numpy.save
    content = {key: json.dumps(text, sort_keys=True) for key, text in texts.items()}
    content |= {"format": kind, "sha256": digest(tensors, content)}
    write_atomically(path, lambda temporary: temporary.write_bytes(tensors_to_bytes(tensors, content)))


def read(path: str | Path, *kinds: str) -> Content:
    """Read a file.

    Args:
        kinds: the expected kinds.

    Raises:
        ValueError: for a file of another kind, or a damaged one.
        OSError: if it cannot be read.
    """
    safetensors = _safetensors()
    with Path(path).open("rb"):
        pass  # raises the usual OSError for a missing or unreadable file
    try:
        with safetensors.safe_open(str(path), framework="numpy") as file:
            content = dict(file.metadata() or {})
            kind = content.get("format", "no lucidgrad file")
            if kind not in kinds:
                raise ValueError(f"{path} is not a {kinds[0].rpartition(' ')[0]}: {kind}")
            names = list(file.keys())
            types = {file.get_slice(name).get_dtype() for name in names}
            if not types <= {"F64"}:
                raise damaged(path, f"it holds numbers of type {', '.join(types)}, not F64")
            tensors = {name: file.get_tensor(name) for name in names}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from None
    written = content.pop("sha256", None)
    content.pop("format")
    if written != digest(tensors, content):
        raise damaged(path, "its contents are not what was written")
    try:
        return Content(tensors, {key: json.loads(text) for key, text in content.items()}, kind)
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from None


def digest(tensors: Mapping[str, Array], content: Mapping[str, str]) -> str:
    """Return the SHA-256 of a file's contents."""
    sha = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(tensors):
        sha.update(f"{name} {tensors[name].shape}".encode())
        sha.update(np.ascontiguousarray(tensors[name]).tobytes())
    return sha.hexdigest()


def damaged(path: str | Path, why: str) -> ValueError:
    """Return an error with the reason why a file is damaged."""
    return ValueError(f"{path} is damaged: {why}")
