"""Optional libraries, imported when the part of this package that needs them is used."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["imported"]


def imported(name: str, use: str) -> Any:
    """Import an optional module.

    Args:
        name: the module's name, which is also that of its package and of this package's extra.
        use: the feature that needs it, for the error.

    Raises:
        ModuleNotFoundError: if it is missing; says what to install.

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
