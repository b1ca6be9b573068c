"""Libraries that only a part of this package needs, imported when that part is used."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["imported"]


def imported(name: str, use: str) -> Any:
    """Return a module that only some users need.

    Args:
        name: of the module, and of the package to install, which is also an extra of this one.
        use: what needs it.

    Raises:
        ModuleNotFoundError: where it is missing, saying what to install.

    >>> imported("math", "this example").floor(2.5)
    2
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name:
            raise
        raise ModuleNotFoundError(
            f"{use} needs {name}, which is not installed: pip install 'lucidgrad[{name}]'", name=name
        ) from None
