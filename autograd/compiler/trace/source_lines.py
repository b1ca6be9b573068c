"""Find the user's line for an error message, and explain Python's errors about traced arguments."""

from __future__ import annotations

import linecache
import re
import sys
import sysconfig
from pathlib import Path
from types import FrameType, TracebackType

from autograd.arrays import np
from autograd.table import Operand

PACKAGES = tuple(f"{Path(__file__).resolve().parents[3] / name}/" for name in ("autograd", "nn"))
_NUMPY = f"{Path(np.__file__).parent}/"
_PYTHON = f"{sysconfig.get_path('stdlib')}/"

_INDEX = re.compile(
    r"(indices must be integers|index must be|cannot be interpreted as an integer|only integers, slices"
    r"|arrays used as indices|non-int of type)"
)
_OF_A_VALUE = re.compile(r"(?<=')(Traced|Condition|Value)(?=')|(?<=not |ype )(Traced|Condition|Value)\b")
_OF_OBJECTS = re.compile(r"[Uu]func '(\w+)'.*(?:dtype\('O'\)|not supported for the input types)")
_BY_ARRAYS = (
    "create the array with autograd.array(...), which supports all elementwise functions of NumPy, and solve, det, "
    "slogdet and inv of np.linalg; an argument that is an array in the example is such an array"
)
_BY_INDEX = (
    "look it up with autograd.take(table, i), where i is an argument of integers, or choose with "
    "autograd.where(i == 0, a, b); an index or a count that is the same for all samples belongs outside of the "
    "arguments, as a plain int"
)
_BY_OPERATIONS = (
    "compute with the operations that Values have, or keep a number that is the same for all samples outside of the "
    "arguments, as a plain int or float"
)


def users_line() -> str:
    """Describe the line of the innermost frame outside of this package, Python's library and NumPy."""
    frame: FrameType | None = sys._getframe(2)
    lines = []
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return _in_words(lines)


def _line_of(traceback: TracebackType | None) -> str:
    """Describe the innermost such line among the frames that an exception passed through."""
    lines = []
    while traceback is not None:
        lines.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    return _in_words(lines[::-1])


def _in_words(lines: list[tuple[str, int]]) -> str:
    """Describe the first line of the user's; if there is none, the first outside of this package."""
    others = [line for line in lines if not line[0].startswith(PACKAGES)] or lines[-1:]
    name, line = next((line for line in others if not _is_of_a_library(line[0])), others[0])
    text = linecache.getline(name, line).strip()
    return f"{name}, line {line}" + (f", `{text}`" if text else "")


def _is_of_a_library(file: str) -> bool:
    return file.startswith((*PACKAGES, _NUMPY)) or (file.startswith(_PYTHON) and "site-packages" not in file)


def explained(error: Exception) -> str | None:
    """Explain why Python or NumPy rejected a traced argument, with line and remedy; None for other errors."""
    message = str(error.args[0]) if error.args else ""
    if isinstance(error, KeyError):
        if not isinstance(error.args[0] if error.args else None, Operand):
            return None
        message, remedy = "a dictionary has no entry for a Value, which is looked up by its identity", _BY_INDEX
    elif isinstance(error, IndexError) or message.startswith("slice indices"):  # these messages do not name the type
        if _INDEX.search(message) is None:
            return None
        remedy = _BY_INDEX
    elif (of_objects := _OF_OBJECTS.search(str(error))) is not None:
        message, remedy = f"NumPy's {of_objects[1]} does not take arrays of objects", _BY_ARRAYS
    elif _OF_A_VALUE.search(message) is None:
        return None
    else:
        remedy = _BY_OPERATIONS if _INDEX.search(message) is None else _BY_INDEX
    message = _OF_A_VALUE.sub("Value", message)
    return (
        f"{_line_of(error.__traceback__)}: {message}. While a function is compiled, its arguments are Values, which "
        f"represent the numbers of all samples. Instead, {remedy}"
    )
