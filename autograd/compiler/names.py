"""Names in the emitted source: users' labels where they are identifiers, else the names that textbooks use."""

from __future__ import annotations

import builtins
import functools
import keyword
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from autograd.compiler.arrays.loop import names

if TYPE_CHECKING:
    from autograd.compiler.arrays.program import ArrayProgram

_OF_THE_TEXTS = {"weights": "w", "weight": "w", "bias": "b", "biases": "b"}
_WITHOUT_DIGITS = str.maketrans(dict.fromkeys("0123456789", "0"))

_OF_PYTHON = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})


class Names:
    """Generates unique names."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {*_OF_PYTHON, *reserved}
        self._counts: dict[str, int] = {}

    def plain(self, name: str) -> str:
        """Return the name, with a number if it is taken."""
        if name in self._taken:
            return self.numbered(name)
        self._taken.add(name)
        return name

    def numbered(self, base: str, number: int | None = None) -> str:
        """Return `base` with this number, by default the next free one; if the name is taken, append another number."""
        stem = base if number is None else f"{base}{number}_"
        name = "" if number is None else f"{base}{number}"
        while not name or name in self._taken:
            count = self._counts[stem] = self._counts.get(stem, 0 if number is None else 1) + 1
            name = f"{stem}{count}"
        self._taken.add(name)
        return name


def sanitised(text: str) -> str:
    """Return the letters, digits and underscores of a text as an identifier of at most 24, or "" if none are left."""
    cleaned = re.sub(r"[^0-9A-Za-z_]+", "_", text).strip("_")[:24].rstrip("_")
    return cleaned if re.match(r"[A-Za-z]", cleaned) else ""


def stem(labels: Iterable[str]) -> str:
    """Return the common stem of labels such as `layers.0.neurons.3.z` or `w[2][0]`: `z`, `w`; "" if they have none."""
    common = set(stems(labels))
    return common.pop() if len(common) == 1 else ""


def stems(labels: Iterable[str]) -> list[str]:
    """Return the stem of each label.

    >>> stems(["layers.0.neurons.3.z", "w[2][0]", ""])
    ['z', 'w', '']
    """
    separated = "\n".join([label.replace("\n", " ") for label in labels])
    return [_last_word(label) for label in separated.translate(_WITHOUT_DIGITS).split("\n")]


@functools.lru_cache(maxsize=1024)  # many labels differ only in their digits
def _last_word(label: str) -> str:
    words = [word for word in re.split(r"[^A-Za-z]+", label) if word]
    last = words[-1][:12] if words and label.isascii() else ""
    return _OF_THE_TEXTS.get(last, last)


@functools.cache
def reserved_names() -> frozenset[str]:
    """Return the names that a program must not define: functions that the emitted source calls or defines."""
    from autograd.compiler.targets.kernels import HELPERS
    from autograd.compiler.targets.notation import is_operator
    from autograd.table import OURS, TABLE

    rows = [TABLE[name] for name in OURS]
    called = [row.name for row in rows if isinstance(row.array, str) and not is_operator(row)]
    return frozenset({*HELPERS, *called, "forward", "backward", "input_gradients", "gradient", "saved", "n"})


def names_of(program: ArrayProgram) -> Names:
    """Return a generator of names unused by a program's operations and its loop bodies."""
    return Names([*reserved_names(), *names(program.operations)])
