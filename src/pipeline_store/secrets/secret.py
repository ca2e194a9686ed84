"""A text that shows itself only when it is asked by name."""

from __future__ import annotations

from hmac import compare_digest
from typing import Final, NoReturn, SupportsIndex, final

from pipeline_store.secrets.discretion import discreet
from pipeline_store.values import check_text

HIDDEN: Final = "********"
"""What is shown in place of any secret, however long it is."""

_REFUSED: Final = "a Secret is not written anywhere: seal it with a Keyring, or reveal() it"


@final
class Secret:
    """A value that no repr, str, format, pickle, JSON or dictionary of fields shows.

    `reveal()` is the one way to the text. Two secrets are equal when their texts are, found out in
    a time that does not depend on where they differ; a secret never equals a plain text, and has no
    hash. Copies are the secret itself.
    """

    __slots__ = ("_text",)

    @discreet
    def __init__(self, text: str) -> None:
        """Hold `text`, which must not be empty.

        Raises:
            InvalidValue: it is no text that a store could hold.
        """
        check_text("secret", text, empty=False)
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: to hand it to whom it is for, never to print it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._text.encode(), other._text.encode())

    # What can be looked up by its hash can be guessed at without being compared.
    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError(_REFUSED)

    def __getstate__(self) -> NoReturn:
        raise TypeError(_REFUSED)


def problem_with(secret: object) -> str | None:
    """Return why this is no `Secret`, where one is expected, or None."""
    # Returned and not raised: an error would take along whose variable the plain text is.
    return None if isinstance(secret, Secret) else f"Secret expected, found {type(secret).__name__}"
