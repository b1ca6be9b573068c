"""Compile LLVM IR to functions that Python can call, with the optional package llvmlite."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

Function = Callable[..., None]
"""Takes the number of samples and the addresses of arrays."""


def llvm() -> Any:
    """Return llvmlite's binding; None if it is not installed, too old, or memory must not be executed."""
    if sys.platform == "win32":  # untested there
        return None
    try:
        from llvmlite import binding

        binding.check_jit_execution()
    except (ImportError, OSError):
        return None
    if binding.llvm_version_info[0] < 16:  # without opaque pointers
        return None
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


class MachineCode:
    """Functions in memory, which is freed together with this object.

    Long code is compiled without optimization: optimized, it would run twice as fast and take twenty times as long to
    compile.

    Args:
        effort: LLVM's optimization level, from 0 to 3.
    """

    def __init__(self, binding: Any, effort: int = 0) -> None:
        self._binding = binding
        target = binding.Target.from_default_triple().create_target_machine(opt=effort)
        self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)

    def add(self, source: str, name: str, arrays: int) -> Function:
        """Compile a module, which may call earlier ones; return its function of this many arrays."""
        module = self._binding.parse_assembly(source)
        self._engine.add_module(module)
        self._engine.finalize_object()
        address = self._engine.get_function_address(name)
        self._engine.remove_module(module)  # the code remains
        return ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * arrays)(address)
