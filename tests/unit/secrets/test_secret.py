"""A secret shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
from typing import Any

import attrs
import pytest
from rich.pretty import pretty_repr

from pipeline_store.cli.json_output import as_json
from pipeline_store.errors import InvalidValue
from pipeline_store.secrets import Secret
from tests.unit.secrets.conftest import CANARY, shown

SECRET = Secret(CANARY)

WAYS_TO_SHOW = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret}{secret!r}{secret!s}{secret:>30}{secret:<3}",
    "percent": lambda secret: "%s %r %20s" % (secret, secret, secret),  # noqa: UP031
    "in a list": lambda secret: str([secret, (secret,), {"token": secret}]),
    "pprint": pprint.pformat,
    "rich": lambda secret: pretty_repr([secret]),
    "dir": lambda secret: str(dir(secret)),
    "JSON of its str": lambda secret: json.dumps({"token": secret}, default=str),
    "attrs": lambda secret: repr(AnAttrs(token=secret)) + repr(attrs.asdict(AnAttrs(token=secret))),
    "dataclass": lambda secret: (
        repr(ADataclass(secret)) + repr(dataclasses.asdict(ADataclass(secret)))
    ),
    "a copy": lambda secret: repr(copy.copy(secret)) + repr(copy.deepcopy([secret])),
    "log": lambda secret: logging.LogRecord(
        "name", logging.DEBUG, "path", 1, "%s %r", (secret, secret), None
    ).getMessage(),
}

WAYS_TO_WRITE = {
    "pickle": pickle.dumps,
    "pickle, oldest protocol": lambda secret: pickle.dumps(secret, protocol=0),
    "pickle of an attrs class": lambda secret: pickle.dumps(AnAttrs(token=secret)),
    "reduce": lambda secret: secret.__reduce__(),
    "reduce_ex": lambda secret: secret.__reduce_ex__(4),
    "getstate": lambda secret: secret.__getstate__(),
    "JSON": json.dumps,
    "JSON of an attrs class": lambda secret: json.dumps(attrs.asdict(AnAttrs(token=secret))),
    "JSON of a command": as_json,
    "fields": vars,
    "bytes": bytes,
    "iteration": list,
    "length": len,
    "joined": lambda secret: "".join([secret] * 2),
    "added": lambda secret: secret + "",
    "hash": hash,
    "a set": lambda secret: {secret},
}


@attrs.frozen
class AnAttrs:
    """As a program of attrs classes would hold it."""

    token: Secret


@dataclasses.dataclass
class ADataclass:
    """As a program of dataclasses would hold it."""

    token: Secret


@pytest.mark.parametrize("way", WAYS_TO_SHOW.values(), ids=WAYS_TO_SHOW.keys())
def test_what_shows_a_secret_shows_stars(way: Any) -> None:
    """Neither the text nor its length."""
    told = way(SECRET)
    assert CANARY not in told
    assert way(Secret("x")) == told


@pytest.mark.parametrize("way", WAYS_TO_WRITE.values(), ids=WAYS_TO_WRITE.keys())
def test_what_would_write_a_secret_is_refused(way: Any) -> None:
    """Pickle, JSON and everything that takes it for a text, without a word of it in the error."""
    with pytest.raises((TypeError, ValueError)) as raised:
        way(SECRET)
    assert CANARY not in shown(raised.value)


def test_it_reads_as_stars_and_reveals_when_asked() -> None:
    assert (repr(SECRET), str(SECRET), f"{SECRET:>10}") == ("Secret(...)", "********", "  ********")
    assert SECRET.reveal() == CANARY


def test_a_dictionary_of_fields_keeps_it_a_secret() -> None:
    """So that what is made of the dictionary shows nothing either."""
    assert attrs.asdict(AnAttrs(token=SECRET)) == {"token": SECRET}
    assert type(attrs.asdict(AnAttrs(token=SECRET))["token"]) is Secret
    assert dataclasses.asdict(ADataclass(SECRET))["token"] is SECRET


def test_secrets_are_equal_when_their_texts_are() -> None:
    """A plain text is never equal, so that no comparison tells a secret by accident."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("ä") != Secret("a")
    assert Secret("a") != "a"
    assert not hasattr(SECRET, "__dict__")


@pytest.mark.parametrize("text", ["", None, 5, b"bytes", "a\x00b", "\ud800"])
def test_what_no_store_holds_is_no_secret(text: Any) -> None:
    with pytest.raises(InvalidValue, match="secret"):
        Secret(text)
