"""Keys, and what may be shown of an error."""

from __future__ import annotations

import traceback

import pytest

from pipeline_store.secrets import Keyring, Place, Secret, new_key

CANARY = "canary-5b1e-of-a-secret"
PLACE = Place("channels", "0190a5c4-0000-7000-8000-000000000001", "credentials.youtube")


def shown(error: BaseException) -> str:
    """All that a person, a log or a collector of errors could see of an error."""
    seen: list[str] = []
    chained: BaseException | None = error
    while chained is not None:
        seen += [repr(chained), str(chained), repr(vars(chained))]
        chained = chained.__cause__ or chained.__context__
    return "".join([*seen, *traceback.format_exception(error)])


@pytest.fixture
def older() -> Secret:
    """A key."""
    return new_key()


@pytest.fixture
def newer() -> Secret:
    """Another."""
    return new_key()


@pytest.fixture
def keyring(newer: Secret, older: Secret) -> Keyring:
    """Both, the newer one first."""
    return Keyring([newer, older])
