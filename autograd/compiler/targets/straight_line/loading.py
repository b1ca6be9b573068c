"""Load source: its functions are found in a namespace, and tracebacks quote its lines."""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Mapping
from types import CodeType
from typing import Any

from autograd.compiler.targets.kernels import HELPERS


def prepared(name: str, source: str) -> CodeType:
    """Return the code of a source, under a file name of its own, as which tracebacks show its lines."""
    file = f"<compiled {name} {hashlib.sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec")


def execute(code: CodeType, constants: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a source defines, with all that it may refer to."""
    namespace: dict[str, Any] = {**HELPERS, **constants, "__name__": code.co_filename}
    exec(code, namespace)
    return namespace
