"""NumPy's handling of overflow, division by zero and invalid operations, set for one call."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Literal

from autograd.arrays import HAVE_NUMPY, np

__all__ = ["Overflows", "handling_errors", "ignoring_errors", "overflows"]


def handling_errors(
    called: Callable[[str, int], object] | None = None, **settings: Literal["ignore", "raise", "call"]
) -> Callable[..., Any]:
    """Return a function that calls another function, with its arguments, under settings of `np.seterr`.

    Errors set to "call" are reported to `called`, as by `np.seterrcall`.

    The call runs in a copy of the caller's context: it sees the caller's context variables, an interrupt cannot leave
    the settings behind, and variables that it sets are not seen outside. It costs a fifth of `np.errstate`.

    >>> ignoring = handling_errors(all="ignore")
    >>> ignoring(np.divide, np.array([1.0]), 0.0)
    array([inf])
    """
    context = Context()
    context.run(np.seterr, **settings)
    if called is not None and HAVE_NUMPY:
        context.run(np.seterrcall, called)
    variables = list(context.items())  # NumPy's context variable and its value

    def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        for variable, value in variables:
            variable.set(value)
        return function(*arguments)

    return lambda function, *arguments: copy_context().run(call, function, arguments)


class Overflows:
    """Records overflows, for functions that are exact only if nothing overflows, and start again otherwise.

    Attributes:
        latest: a new object after each overflow, in any thread.
    """

    latest: object = None

    def note(self, kind: str, flag: int) -> None:
        self.latest = object()


overflows = Overflows()
ignoring_errors = handling_errors(overflows.note, all="ignore", over="call")
