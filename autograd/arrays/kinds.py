"""The element types of the stand-in's arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

KINDS = {"f": "float64", "i": "int64", "b": "bool", "O": "object", "U": "str"}
RANK = {"b": 0, "i": 1, "f": 2}
CONVERT: dict[str, Callable[[Any], Any]] = {"f": float, "i": int, "b": bool, "O": lambda x: x, "U": str}
FORMATS = {"f": "d", "i": "q", "b": "?"}


class dtype:  # noqa: N801
    """The kind of an array's elements: "f", "i", "b", "U" or "O"."""

    def __init__(self, spec: Any) -> None:
        names = {float: "f", int: "i", bool: "b", object: "O", str: "U"}
        self.kind: str = spec.kind if isinstance(spec, dtype) else names.get(spec) or str(spec)[:1].replace("o", "O")
        if self.kind not in KINDS:
            raise TypeError(f"the stand-in for NumPy has no data type {spec!r}")
        self.name: str = spec.name if isinstance(spec, dtype) else spec if spec == "float32" else KINDS[self.kind]
        self.itemsize = {"b": 1, "float32": 4}.get(self.name if self.name == "float32" else self.kind, 8)

    def __eq__(self, other: object) -> bool:
        try:
            return self.name == dtype(other).name
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


def kind_of(items: Sequence[Any]) -> dtype:
    """Return the dtype that NumPy infers from these elements."""
    types = set(map(type, items))
    if not items or types <= {float, int, bool}:
        return dtype("f" if not items or float in types else "i" if int in types else "b")
    if all(isinstance(x, bool) for x in items):
        return dtype(bool)
    if all(isinstance(x, int) for x in items):
        return dtype(int)
    if all(isinstance(x, (float, int)) for x in items):
        return dtype(float)
    return dtype(str if types == {str} else object)
