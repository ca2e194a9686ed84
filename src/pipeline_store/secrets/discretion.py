"""Errors that tell what is wrong, and hold nothing of what it is wrong with.

Collectors of errors keep the variables of every frame that an error went through. Where a secret
may stand in one as plain text, the error is raised anew without those frames, or the value is
concealed before anything can fail.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, final

from pipeline_store.errors import PipelineStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """Have the package's own errors leave a function without its frames and arguments."""

    @wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return function(*arguments, **named)
        except PipelineStoreError as error:
            refused = error
        del arguments, named
        if refused.__suppress_context__:
            # It is not shown, and still there: errors of decoding hold all that was decoded.
            refused.__context__ = None
        try:
            raise refused.with_traceback(None)
        finally:
            del refused

    return call


@final
class Concealed:
    """Holds a value that is, holds, or may turn out to be a secret; no repr shows it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        """Hold a value, unless it is concealed already: then what that holds."""
        self.value: Final[Any] = value.value if isinstance(value, Concealed) else value
