"""The examples in docstrings and in the README run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import autograd
import nn

README = Path(__file__).parents[1] / "README.md"
MODULES = [
    info.name
    for package in (autograd, nn)
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not info.name.endswith("__main__")
]


@pytest.mark.parametrize("name", ["autograd", "nn", *MODULES])
def test_examples_of_a_module(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_examples_of_the_readme() -> None:
    results = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert results.attempted > 10
    assert results.failed == 0


def test_every_public_name_has_a_docstring() -> None:
    for package in (autograd, nn):
        for name in package.__all__:
            assert getattr(package, name).__doc__, f"{package.__name__}.{name}"
