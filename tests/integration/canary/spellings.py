"""How libraries spell a secret in the messages of their errors."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus


def spellings(text: str) -> list[str]:
    """The text as it is, and as it stands in URLs, JSON, headers, pages and Python."""
    return [
        text,
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        json.dumps({"refresh_token": text}),
        json.dumps({"refresh_token": text}, ensure_ascii=False),
        repr(text),
        repr(text.encode()),
        html.escape(text),
        base64.b64encode(text.encode()).decode(),
        base64.urlsafe_b64encode(text.encode()).decode(),
        "Basic " + base64.b64encode(f"client:{text}".encode()).decode(),
    ]
