"""Compile a program's module to machine code for this processor."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from autograd.compiler.targets.native.module import NAME
from autograd.compiler.targets.native.planning.plan import Machine

OPTIMIZATION = 2
"""LLVM's optimization level: level 3 takes longer, and the code is no faster."""

Function = Callable[[int, int, int, int], None]
"""Takes the addresses of the pointer table and of the working memory, and the numbers of samples and per block."""


class MachineCode:
    """A module in memory, which is freed together with this object.

    LLVM's IR passes are skipped: the modules are written so that they gain nothing from them, and compiling takes twice
    as long with them.

    Attributes:
        run: the function to call. It releases the GIL.
    """

    run: Function

    def __init__(self, binding: Any, source: str) -> None:
        target = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=OPTIMIZATION
        )
        module = binding.parse_assembly(source)
        self._engine = binding.create_mcjit_compiler(module, target)
        self._engine.finalize_object()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self.run = kind(self._engine.get_function_address(NAME))
        self._engine.remove_module(module)  # the code remains


def this_machine(binding: Any) -> Machine:
    """Return the processor's vector registers: AVX-512, else those of AVX or NEON are assumed."""
    if binding.get_host_cpu_features().get("avx512f", False):
        return Machine(8, 32)
    return Machine(4, 16)
