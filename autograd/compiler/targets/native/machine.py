"""Make machine code of a program's module, for the processor that this runs on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from autograd.compiler.targets.native.module import NAME
from autograd.compiler.targets.native.planning.plan import Machine

OPTIMIZATION = 2
"""The level at which LLVM makes machine code: at 3 it takes longer, and the code is no quicker."""

Function = Callable[[int, int, int, int], None]
"""Takes the addresses of the table of pointers and of the working memory, the number of samples, and of a block's."""


class MachineCode:
    """A module in memory, which is given back together with this object.

    LLVM's passes over its own language are left out: the modules are written so that they gain nothing, and take twice
    as long to make with them.

    Attributes:
        run: the function to call. It lets other threads run meanwhile.
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
        self._engine.remove_module(module)  # what is left is the code


def this_machine(binding: Any) -> Machine:
    """Return what vectors the processor has: of AVX-512, else as if of AVX or NEON."""
    if binding.get_host_cpu_features().get("avx512f", False):
        return Machine(8, 32)
    return Machine(4, 16)
