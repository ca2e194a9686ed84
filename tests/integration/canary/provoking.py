"""Errors while a secret is in use, the bad value often being the secret itself: without a database.

Each is the error that must come, and what makes it come.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pipeline_store.channels import (
    Channel,
    ConfigurationChange,
    ConfigurationLayer,
    SystemConfiguration,
)
from pipeline_store.errors import (
    InputFileRefused,
    InUse,
    InvalidValue,
    NotFound,
    SecretUnreadable,
)
from pipeline_store.production import ConfigOverride, ErrorLog
from pipeline_store.secrets import (
    KEY_FILE_VARIABLE,
    KEYS_VARIABLE,
    Keyring,
    Place,
    Secret,
    add_key,
    drop_key,
    key_id_of_key,
    new_key,
    read_key_file,
)
from pipeline_store.services.configuration_files import read_file
from pipeline_store.services.settings import ENVIRONMENT_PREFIX, Setting, Settings
from pipeline_store.values import LONGEST_TEXT
from tests.integration.canary.planting import IN_FILE, IN_FILES, KEYRING, NEWEST, OLDER, SETTINGS
from tests.integration.canary.scanner import HEAD, canary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.canary.planting import Planted

    Provocation = tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Planted], object]]

TEXT = canary("provoked")
SECRET = Secret(TEXT)
PLACE = Place("channels", "0190a5c4-0000-7000-8000-000000000001", "credentials.youtube")
ELSEWHERE = Place("channels", "0190a5c4-0000-7000-8000-000000000002", "credentials.youtube")
SEALED = KEYRING.seal(SECRET, PLACE)

BAD_TEXTS: dict[str, Any] = {
    "NUL": TEXT + "\0",
    "a lone surrogate": TEXT + "\ud800",
    "too long": TEXT + "x" * LONGEST_TEXT,
    "bytes": TEXT.encode(),
    "a list": [TEXT],
    "a mapping": {"token": TEXT},
    "an error": ValueError(TEXT),
    "a number": 5,
    "nothing": "",
}
"""What is no secret, mostly because of one letter or its type."""

DAMAGED = {
    "its last letter": SEALED[:-1] + ("A" if SEALED[-1] != "A" else "B"),
    "its key": SEALED.replace(KEYRING.key_ids[0], KEYRING.key_ids[1]),
    "cut": SEALED[:-8],
    "nothing": None,
}

NEVER_SEALED = {
    "text": TEXT,
    "text with a head": f"v1.{KEYRING.key_ids[0]}.{TEXT}",
    "no text": [TEXT],
}
"""What another program left in the clear where a sealed text belongs."""

USES: dict[str, Callable[[], object]] = {
    "JSON": lambda: json.dumps({"token": SECRET}),
    "joined": lambda: str.join(", ", [TEXT, SECRET]),  # type: ignore[list-item]
    "added": lambda: SECRET + "",  # type: ignore[operator]
    "a number": lambda: int(SECRET),  # type: ignore[call-overload]
    "a path": lambda: os.stat(SECRET),  # type: ignore[arg-type]  # noqa: PTH116 - misused
    "a variable": lambda: os.environ.update(TOKEN=SECRET),  # type: ignore[arg-type]
    "a name": lambda: getattr(SECRET, "nonsense"),  # noqa: B009 - pyright knows that
    "an index": lambda: SECRET[0],  # type: ignore[index]
}

IN_ENTITIES: dict[str, Callable[[Any], object]] = {
    "credentials": lambda it: Channel(channel_id="c", name="c", credentials={"youtube": it}),
    "channel settings": lambda it: Channel(channel_id="c", name="c", settings={"token": [it]}),
    "a system setting": lambda it: SystemConfiguration(key="k", value=it),
    "an override": lambda it: ConfigOverride(key="k", value=it),
    "an error": lambda it: ErrorLog(module="m", error_type="E", error_message=it),
    "the journal": lambda it: ConfigurationChange(
        layer=ConfigurationLayer.SYSTEM, key="k", new_value=it
    ),
}

BAD_FILES = {
    "a.toml": f"token = {TEXT}",
    "b.toml": f'token = "{TEXT}',
    "c.toml": f"[api]\ntoken = '''{TEXT}'''\ntoken = '''{TEXT}'''",
    "d.toml": f"unknown = '''{TEXT}'''",
    "e.toml": f"api.token = '''{TEXT}'''\napi.token.more = '''{TEXT}'''",
    "f.txt": TEXT,
    "a.yaml": f"token: *{TEXT}",
    "b.yaml": f"token: !{TEXT.split()[0]}",
    "c.yaml": f"token: !!int {TEXT.split()[0]}",
    "d.yaml": f"token: !!float {TEXT.split()[0]}",
    "e.yaml": f"token: !!timestamp {TEXT.split()[0]}",
    "f.yaml": f"token: !{TEXT.split()[0]}!more",
    "g.yaml": f"token: {json.dumps(TEXT)}\ntoken: {json.dumps(TEXT)}",
    "h.yaml": f"unknown: {json.dumps(TEXT)}",
    "i.yaml": f"- {json.dumps(TEXT)}",
    "j.yaml": f"token: '{TEXT}",
    "k.yaml": f"token: &{TEXT.split()[0]} a\nother: &{TEXT.split()[0]} b",
    "l.yaml": f"token: !!binary {TEXT.split()[0]}é",
    "m.yaml": f"5: {json.dumps(TEXT)}",
    "g.toml": f"token = {'[' * 5000}{TEXT}",
}


def of_values() -> dict[str, Provocation]:
    """Secrets that are none, and secrets that are used as something else."""
    found: dict[str, Provocation] = {
        f"a secret of {name}": (InvalidValue, lambda _, bad=bad: Secret(bad))
        for name, bad in BAD_TEXTS.items()
    }
    found |= {
        f"used as {name}": ((TypeError, AttributeError), lambda _, use=use: use())
        for name, use in USES.items()
    }
    found |= {
        f"a secret in {name}": (InvalidValue, lambda _, make=make: make(SECRET))
        for name, make in IN_ENTITIES.items()
    }
    return found


def of_keys() -> dict[str, Provocation]:
    """Keys that are none, files of keys that are refused, keys that are needed."""
    key = NEWEST.reveal()
    bad = {"a letter more": key + "A", "a letter less": key[:-1], "NUL": key + "\0", "text": HEAD}
    found: dict[str, Provocation] = {
        f"keys of text: {key[:3]}": (InvalidValue, lambda _: Keyring(key)),
        "a key file that is not there": (
            InputFileRefused,
            lambda planted: Keyring.from_environment(
                {**planted.environ, KEYS_VARIABLE: "", KEY_FILE_VARIABLE: "/no/such/file"}
            ),
        ),
        "a key file of everybody": (
            InputFileRefused,
            lambda planted: read_key_file(_file(planted, "open", key, mode=0o644)),
        ),
        "a key file in no ASCII": (
            InputFileRefused,
            lambda planted: read_key_file(_file(planted, "no-ascii", f"{key} # é")),
        ),
        "no such key": (NotFound, lambda planted: drop_key(planted.key_file, "0" * 16)),
        "the newest key": (
            InUse,
            lambda planted: drop_key(planted.key_file, key_id_of_key(IN_FILE)),
        ),
        "a key that may not be dropped": (
            InUse,
            lambda planted: drop_key(planted.key_file, key_id_of_key(OLDER), _refuse),
        ),
    }
    for name, text in bad.items():
        found |= {
            f"a key, {name}": (InvalidValue, lambda _, text=text: Keyring([NEWEST, text])),
            f"a variable of keys, {name}": (
                InvalidValue,
                lambda planted, text=text: Keyring.from_environment(
                    {**planted.environ, KEYS_VARIABLE: f"{key} {text} {key}"}
                ),
            ),
            f"a key file, {name}": (
                InvalidValue,
                lambda planted, text=text: read_key_file(_file(planted, "bad", f"{key}\n{text}")),
            ),
            f"adding a key, {name}": (
                InvalidValue,
                lambda planted, text=text: add_key(planted.key_file, text),
            ),
            f"adding to a bad file, {name}": (
                InvalidValue,
                lambda planted, text=text: add_key(_file(planted, "bad", f"{key}\n{text}"), NEWEST),
            ),
        }
    return found


def of_sealing() -> dict[str, Provocation]:
    """Sealed texts that do not open, for want of their key, their place or a letter."""
    other = Keyring([new_key()])
    found: dict[str, Provocation] = {
        "sealed without a key": (SecretUnreadable, lambda _: Keyring().seal(SECRET, PLACE)),
        "opened without a key": (SecretUnreadable, lambda _: Keyring().open(SEALED, PLACE)),
        "opened with another key": (SecretUnreadable, lambda _: other.open(SEALED, PLACE)),
        "moved": (SecretUnreadable, lambda _: KEYRING.open(SEALED, ELSEWHERE)),
        "moved and sealed anew": (SecretUnreadable, lambda _: KEYRING.reseal(SEALED, ELSEWHERE)),
        "sealed anew with another key": (SecretUnreadable, lambda _: other.reseal(SEALED, PLACE)),
    }
    for name, sealed in DAMAGED.items():
        found[f"opened, damaged: {name}"] = (
            SecretUnreadable,
            lambda _, sealed=sealed: KEYRING.open(sealed, PLACE),
        )
    for name, bad in (BAD_TEXTS | {"plain": TEXT}).items():
        found[f"sealed: {name}"] = (InvalidValue, lambda _, bad=bad: KEYRING.seal(bad, PLACE))
    return found


def of_declarations() -> dict[str, Provocation]:
    """Files and variables of settings, and settings that are declared twice."""
    twice = Setting("api.token", str, None, "Something else.", secret=True)
    found: dict[str, Provocation] = {
        "declared twice": (InvalidValue, lambda _: Settings([*SETTINGS, twice])),
        "an unknown variable": (
            InvalidValue,
            lambda planted: planted.another(
                environ={**planted.environ, f"{ENVIRONMENT_PREFIX}NONSENSE": TEXT}
            ),
        ),
        "an unknown variable, later": (InvalidValue, _set_unknown_variable),
        "a file that is not UTF-8": (
            InputFileRefused,
            lambda planted: planted.another(files=[_latin(planted)]),
        ),
    }
    for name, content in BAD_FILES.items():
        found |= {
            f"a file of settings: {content[:12]!r}": (
                (InputFileRefused, InvalidValue),
                lambda planted, name=name, content=content: read_file(
                    _file(planted, name, content), SETTINGS
                ),
            ),
            f"configured with the file: {name}": (
                (InputFileRefused, InvalidValue),
                lambda planted, name=name, content=content: planted.another(
                    files=[planted.toml, _file(planted, name, content)]
                ),
            ),
        }
    section, _, name = IN_FILES.key.partition(".")
    written = json.dumps(TEXT)
    wrong_kinds = {"list.yaml": f"[{written}]", "mapping.yaml": f"{{a: {written}}}"}
    for file, value in wrong_kinds.items():
        found[f"a value of a file: {file}"] = (
            InvalidValue,
            lambda planted, file=file, value=value: planted.another(
                files=[_file(planted, file, f"{section}:\n  {name}: {value}\n")]
            ).get(IN_FILES.key),
        )
    return found


def _set_unknown_variable(planted: Planted) -> None:
    environ = dict(planted.environ)
    configuration = planted.another(environ=environ)
    environ[f"{ENVIRONMENT_PREFIX}NONSENSE"] = TEXT
    configuration.get("title")


def _file(planted: Planted, name: str, content: str, *, mode: int = 0o600) -> Path:
    file = planted.folder / "provoked" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)
    return file


def _latin(planted: Planted) -> Path:
    file = _file(planted, "latin.toml", "")
    file.write_bytes(f"token = '''{TEXT}".encode() + b"\xff'''")
    return file


def _refuse() -> None:
    raise InUse("values need it")
