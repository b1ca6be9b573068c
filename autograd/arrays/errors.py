"""NumPy's treatment of overflow, division by zero and invalid operations, for the time of one call."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Literal

from autograd.arrays import HAVE_NUMPY, np

__all__ = ["Overflows", "handling_errors", "ignoring_errors", "overflows"]


def handling_errors(
    called: Callable[[str, int], object] | None = None, **settings: Literal["ignore", "raise", "call"]
) -> Callable[..., Any]:
    """Make a function that calls another, with its arguments, under settings of `np.seterr`.

    What is set to "call" is told to `called`, as `np.seterrcall` says.

    The call runs in a copy of the caller's context, so that it sees the caller's context variables, and an interrupt
    cannot leave the settings behind; what it sets in its context is not seen outside. It costs a fifth of
    `np.errstate`.

    >>> ignoring = handling_errors(all="ignore")
    >>> ignoring(np.divide, np.array([1.0]), 0.0)
    array([inf])
    """
    context = Context()
    context.run(np.seterr, **settings)
    if called is not None and HAVE_NUMPY:
        context.run(np.seterrcall, called)
    variables = list(context.items())  # NumPy's own one, and what it means there

    def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        for variable, value in variables:
            variable.set(value)
        return function(*arguments)

    return lambda function, *arguments: copy_context().run(call, function, arguments)


class Overflows:
    """Remembers overflows, for functions that are exact only where nothing overflows, and else begin again.

    Attributes:
        latest: another object after each overflow, whichever thread it was in.
    """

    latest: object = None

    def note(self, kind: str, flag: int) -> None:
        self.latest = object()


overflows = Overflows()
ignoring_errors = handling_errors(overflows.note, all="ignore", over="call")
