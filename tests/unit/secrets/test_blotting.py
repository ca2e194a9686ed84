"""A secret is taken out of a message however it is spelled there."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from pipeline_store.secrets import Secret
from pipeline_store.secrets.blotting import blotted

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "1//0gé+\"'\\<&>\n=/end-of-it"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a path": quote,
    "in a query": lambda text: quote(text, safe=""),
    "in a form": quote_plus,
    "in a query, in small letters": lambda text: re.sub(
        "%..", lambda found: found[0].lower(), quote(text, safe="")
    ),
    "in JSON": json.dumps,
    "in JSON of all letters": lambda text: json.dumps({"token": text}, ensure_ascii=False),
    "in Python": repr,
    "in bytes of Python": lambda text: repr(text.encode()),
    "in HTML": html.escape,
    "in text of HTML": lambda text: html.escape(text, quote=False),
    "in Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in Base64 of a URL": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "behind a name": lambda text: base64.b64encode(f"a:{text}".encode()).decode(),
    "between two": lambda text: base64.b64encode(f"ab:{text}:more".encode()).decode(),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_is_found(spelled: Callable[[str], str]) -> None:
    """What stands around it stays."""
    message = f"POST /token?refresh_token={spelled(TEXT)}&more failed; {spelled(TEXT)}"
    told = blotted(message, Secret(TEXT))
    assert told.startswith("POST /token?refresh_token=")
    assert told.count("********") == 2
    # Some stand between other letters, which stay.
    inner = spelled(TEXT)[12:-9]
    for start in range(len(inner) - 7):
        assert inner[start : start + 8] not in told


def test_the_parts_of_a_document_are_found() -> None:
    """Libraries send the token alone of what is kept as one secret; short parts are left."""
    document = {
        "refresh_token": "1//0g-refresh",
        "client": {"secret": "GOCSPX-client", "ids": ["12345678", 87654321]},
        "kind": "oauth",
        "none": None,
    }
    secret = Secret(json.dumps(document, indent=2))
    message = "sent 1//0g-refresh, 1%2F%2F0g-refresh, GOCSPX-client, 12345678, 87654321, oauth"
    assert blotted(message, secret) == (
        "sent ********, ********, ********, ********, 87654321, oauth"
    )
    assert blotted(f"sent {secret.reveal()}", secret) == "sent ********"


def test_a_document_may_be_a_text_or_broken() -> None:
    for text in ('"a-whole-token"', '{"token": "a-whole-token', "[" * 100_000):
        assert blotted(f"sent {text}!", Secret(text)) == "sent ********!"
    assert blotted("sent a-whole-token", Secret('"a-whole-token"')) == "sent ********"


def test_what_does_not_quote_it_stays_as_it_is() -> None:
    """A short secret is not looked for in Base64, where every letter would be one."""
    assert blotted("invalid_grant", Secret(TEXT)) == "invalid_grant"
    assert blotted("YQ== and BhY", Secret("a")) == "YQ== ********nd BhY"
