"""Libraries that are imported on demand: if one is missing, the error says what to install."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import autograd
import nn
from nn.__main__ import main

PROGRAM = autograd.compile(lambda x: autograd.sum([v * v for v in x]), [0.5] * 4)

USES: dict[str, tuple[str, Callable[[], object]]] = {
    "to_torch": ("torch", PROGRAM.to_torch),
    "to_jax": ("jax", PROGRAM.to_jax),
    "to_onnx": ("onnx", lambda: PROGRAM.to_onnx("never.onnx")),
    "nn.to_torch": ("torch", lambda: nn.to_torch(nn.MLP(2, [1], seed=0))),
    "nn.from_torch": ("torch", lambda: nn.from_torch([])),
}


@pytest.mark.parametrize("use", USES)
def test_what_to_install(use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, call = USES[use]
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(ModuleNotFoundError, match=rf"^{use} needs {name}.*pip install 'lucidgrad\[{name}\]'"):
        call()


def test_what_to_install_for_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    column = {"name": "a", "mean": 0, "scale": 1, "categories": None}
    preprocessing = {"columns": [column], "target": "b", "classes": None, "mean": 0, "scale": 1}
    nn.save(nn.MLP(1, [1], seed=0), tmp_path / "model.safetensors", {"preprocessing": preprocessing})
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(tmp_path / "model.safetensors"), str(tmp_path / "out.onnx")]) == 1
    assert "pip install 'lucidgrad[onnx]'" in capsys.readouterr().err
    assert not (tmp_path / "out.onnx").exists()
