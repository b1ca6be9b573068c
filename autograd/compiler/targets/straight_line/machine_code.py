"""Make machine code of LLVM's language, by the optional package llvmlite: functions that Python can call."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

Function = Callable[..., None]
"""Takes how many samples there are, and the addresses of arrays."""


def llvm() -> Any:
    """Return what makes machine code; None where it is not installed, too old, or memory may not be executed."""
    if sys.platform == "win32":  # where nobody has tried it
        return None
    try:
        from llvmlite import binding

        binding.check_jit_execution()
    except (ImportError, OSError):
        return None
    if binding.llvm_version_info[0] < 16:  # whose language has other pointers
        return None
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


class MachineCode:
    """Functions in memory, which is given back together with this object.

    Long code is made quickly rather than well: optimized, it would run twice as fast and take twenty times as long to
    make.

    Args:
        effort: how much LLVM does for quick code, from 0 to 3.
    """

    def __init__(self, binding: Any, effort: int = 0) -> None:
        self._binding = binding
        target = binding.Target.from_default_triple().create_target_machine(opt=effort)
        self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)

    def add(self, source: str, name: str, arrays: int) -> Function:
        """Make code of a module, which may call earlier ones; return a function, of so many arrays."""
        module = self._binding.parse_assembly(source)
        self._engine.add_module(module)
        self._engine.finalize_object()
        address = self._engine.get_function_address(name)
        self._engine.remove_module(module)  # what is left is the code
        return ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * arrays)(address)
