"""Every command of the command line, on a database with canaries, or refused with one in hand."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from attrs import field, frozen

from pipeline_store.channels import JobType
from pipeline_store.cli import main
from pipeline_store.cli.app import app
from pipeline_store.cli.config_options import FILES_VARIABLE, SETTINGS_VARIABLE
from pipeline_store.cli.database import URL_VARIABLE
from pipeline_store.secrets import KEY_FILE_VARIABLE, KEYS_VARIABLE, key_id_of_key, new_key
from pipeline_store.tasks.quota_plans import PlanName
from tests.integration.canary import planting
from tests.integration.canary.planting import (
    CHANNELS,
    IN_ENVIRONMENT,
    NEWEST,
    OLDER,
    SECRET_SETTINGS,
    Planted,
)
from tests.integration.canary.scanner import canary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pytest

NATURE, OTHER = CHANNELS
TEXT = canary("given to a command")
NOBODY = "0190a5c4-0000-7000-8000-000000000009"
PAGE = "0" * 32
REFUSED, MISUSED = 1, 2


@frozen
class Line:
    """A command line, what stands on the standard input and in the environment, and how it ends."""

    arguments: tuple[str, ...]
    given: bytes = b""
    environ: Mapping[str, str] = field(factory=dict)
    code: int = 0

    @property
    def gives_a_secret(self) -> bool:
        return TEXT.encode() in self.given


def line(text: str, *more: str, code: int = 0, given: str | bytes = b"", **environ: str) -> Line:
    content = given.encode() if isinstance(given, str) else given
    return Line((*text.split(), *more), content, environ, code)


def as_json(lines: Iterable[Line]) -> Iterator[Line]:
    """The same with --json, where the command has that."""
    for one in lines:
        if any("--json" in each.opts for each in leaves()[verb_of(one.arguments)].params):
            yield Line((*one.arguments, "--json"), one.given, one.environ, one.code)


def reading(planted: Planted) -> Iterator[Line]:
    """Commands that change nothing."""
    with planted.store.unit_of_work(read_only=True) as uow:
        job = uow.jobs.page()[0]
    texts = ["status", "queue", "current", "review status", "review queue", "review stats"]
    texts += ["review errors", "errors", "errors list", "channel list", f"channel show {NATURE}"]
    texts += ["channel credential list", f"channel credential list {NATURE}"]
    texts += ["quota", "quota costs", "task list"]
    texts += ["preset list", "music list", "job list", "job stats", f"job show {job.id}"]
    texts += ["keys verify", "config list", f"config list --channel {NATURE}", "config history"]
    for setting in SECRET_SETTINGS:
        texts += [f"config {verb} {setting.key}" for verb in ("get", "explain", "history")]
    for verb in ("get", "explain"):
        texts.append(f"config {verb} api.token --channel {NATURE}")
    for text in texts:
        yield line(text)
    # Of its keys one has sealed nothing, and another that is needed is not there.
    yield line(f"keys verify --file {planted.key_file}", code=REFUSED)


def changing(planted: Planted) -> Iterator[Line]:
    """Commands that change secrets, or channels, or what is beside them."""
    file = planted.folder / "a-secret"
    file.write_text(TEXT, encoding="utf-8")
    for place in ("--system", f"--channel {OTHER}"):
        yield line(f"config set api.token {place}", given=TEXT)
        yield line(f"config set webhook {place} --from-file {file}")
        yield line(f"config unset webhook {place}")
    yield line("config set title --system", "a")
    yield line("channel add new --metadata {}")
    yield line("channel set new --name New")
    yield line("channel credential set new youtube --scope up", given=TEXT)
    yield line(f"channel credential set new notion --from-file {file}")
    for verb in ("deactivate", "activate", "pause", "resume", "show"):
        yield line(f"channel {verb} new")
    yield line("channel credential remove new youtube")
    yield line("channel remove new")
    yield line(f"channel import {planted.toml}", code=REFUSED)
    yield line(f"job add {NATURE} {JobType.SCRAPE}")
    yield line(f"job retry {NOBODY}", code=REFUSED)
    yield line("job pause scrape")
    yield line("job resume scrape")


def about_keys(planted: Planted) -> Iterator[Line]:
    """Making keys, changing over to a new one, and dropping one."""
    older = key_id_of_key(OLDER)
    yield line(f"keys rotate --file {planted.key_file}", code=REFUSED)
    yield line("keys rotate --batch 1")
    yield line(f"keys new --file {planted.key_file}")
    yield line(f"keys drop {older} --file {planted.key_file}")
    yield line(f"keys drop {older}", code=REFUSED, **{KEY_FILE_VARIABLE: str(planted.key_file)})
    yield line("keys new")


def beside(planted: Planted) -> Iterator[Line]:
    """Commands that have nothing to do with secrets, which stand in the same database."""
    yield line("preset add fast", '{"speed": 2}')
    for verb in ("show", "default", "remove"):
        yield line(f"preset {verb} fast")
    yield line("music add Song")
    yield line(f"music remove {NOBODY}", code=REFUSED)
    yield line(f"task add {NATURE} {PAGE} Lighthouses")
    for text in (f"show {PAGE}", f"advance {PAGE} queued", "claim --worker w1"):
        yield line(f"task {text}")
    yield line(f"task release {PAGE} --token 1")
    yield line(f"worker --handler {__name__}:give_up --once", code=REFUSED)
    yield line("quota set nature-project youtube_uploads 3")
    yield line("quota unset nature-project youtube_uploads")
    yield line("quota cost thumbnail youtube_other 60")
    for plan in PlanName:
        yield line(f"quota use {plan}")
    for text in (f"approve {PAGE}", f"reject {PAGE} dull"):
        yield line(f"task {text}", code=REFUSED)
    yield line(f"task retry {PAGE}")
    yield line("review pause gaming")
    yield line("review resume gaming")
    yield line("review set some.key", "a value")
    yield line("review hold-overdue")
    for verb in ("request", "approve", "reject", "hold", "redo-script", "retry", "resolve"):
        yield line(f"review {verb} 9", code=REFUSED)
    yield line("review skip 9 4", code=REFUSED)
    for verb in ("upload", "upload-short"):
        yield line(f"review {verb} 9 dQw4w9WgXcQ", code=REFUSED)
    yield line("errors resolve 9", code=REFUSED)
    for kind in ("trending", "yt-dlp", "youtube-api"):
        yield line(f"import {kind} {planted.toml}", code=REFUSED)
    yield line("init")
    yield line("upgrade")
    yield line("adopt")
    yield line("demo --from no-such-file", code=REFUSED)


def give_up(_work: object) -> NoReturn:
    """The handler of a worker."""
    raise ConnectionError("no answer")


def refused(planted: Planted) -> Iterator[Line]:
    """A secret in hand, and something is wrong: with it, with the keys, with the database."""
    wrong = {KEYS_VARIABLE: new_key().reveal()}
    none = {KEYS_VARIABLE: "", KEY_FILE_VARIABLE: ""}
    bad = {KEYS_VARIABLE: f"{NEWEST.reveal()},{OLDER.reveal()}A"}
    text_for_key = {KEYS_VARIABLE: TEXT}
    no_file = {KEYS_VARIABLE: "", KEY_FILE_VARIABLE: str(planted.folder / "none.txt")}
    sets = ("config set api.token --system", f"channel credential set {NATURE} youtube")
    for environ in (none, bad, text_for_key, no_file):
        for text in sets:
            yield line(text, given=TEXT, code=REFUSED, **environ)
        yield line("keys rotate", code=REFUSED, **environ)
    for environ in (wrong, none, bad):
        yield line("status", **environ)
        yield line("keys verify", code=REFUSED, **environ)
        for text in ("get api.token", "explain webhook", "list"):
            yield line(f"config {text} --channel {NATURE}", code=REFUSED, **environ)
    for given in (TEXT + "\0", TEXT.encode() + b"\xff", TEXT + "x" * 2**20, b""):
        for text in sets:
            yield line(text, given=given, code=REFUSED)
    yield line("config set api.token", given=TEXT, code=REFUSED)
    yield line("config set api.tokn --system", given=TEXT, code=REFUSED)
    yield line(f"config set api.token --system --channel {NATURE}", given=TEXT, code=REFUSED)
    yield line("config set api.token --channel nobody", given=TEXT, code=REFUSED)
    yield line("channel credential set nobody youtube", given=TEXT, code=REFUSED)
    yield line("config set title --system", given=TEXT, code=MISUSED)
    yield line("config set api.token --system", TEXT, code=MISUSED)
    yield line("config set api.token --system", *TEXT.split(), code=MISUSED)
    yield line(f"channel credential set {NATURE} youtube", TEXT, code=MISUSED)
    yield line(f"channel credential set {NATURE} youtube --expires-at soon", code=MISUSED)
    yield line(f"channel credential remove {NATURE} nonsense", code=REFUSED)
    yield line(f"channel remove {NATURE}", code=REFUSED)
    yield line("keys drop", NEWEST.reveal(), code=MISUSED)
    yield line("keys drop", "0" * 16, code=MISUSED)
    yield line("keys verify", NEWEST.reveal(), code=MISUSED)
    yield line(f"config get title --file {_broken_file(planted)}", code=REFUSED)
    yield line("config list", code=REFUSED, PIPELINE_STORE_SET__NONSENSE=TEXT)
    bad_variable = {IN_ENVIRONMENT.environment_name: TEXT + "\udcff"}
    yield line(f"config get {IN_ENVIRONMENT.key}", code=REFUSED, **bad_variable)
    for url in (f"sqlite:///{planted.folder}/none.db", "postgresql://u@127.0.0.1:1/d", "nonsense"):
        for text in sets:
            yield line(text, given=TEXT, code=REFUSED, **{URL_VARIABLE: url})


def environment(planted: Planted) -> dict[str, str]:
    """The variables of somebody who works with the canaries."""
    return planted.environ | {
        URL_VARIABLE: planted.url,
        SETTINGS_VARIABLE: f"{planting.__name__}:SETTINGS",
        FILES_VARIABLE: f"{planted.toml}:{planted.yaml}",
    }


def about_what_was_left() -> Iterator[Line]:
    """Commands that come across secrets that were never sealed, and remove them."""
    of_channel = f"--channel {NATURE}"
    for text in ("status", "channel list", "channel credential list"):
        yield line(text)
    yield line("keys verify")
    for place in (of_channel, "", "--system"):
        for text in (f"config list {of_channel}", f"config explain api.token {of_channel}"):
            yield line(text)
            yield line(f"{text} --json")
        yield line(f"config get api.token {of_channel}")
        yield line(f"config unset api.token --json {place}")
    yield line("config history api.token")
    yield line("config history api.token --json")


def _broken_file(planted: Planted) -> str:
    file = planted.folder / "broken.yaml"
    file.write_text(f"api:\n  token: *{TEXT.split()[0]}\n")
    return str(file)


@cache
def leaves() -> dict[tuple[str, ...], Any]:
    """Every command, by what one types to call it."""
    found: dict[tuple[str, ...], Any] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        if inner := getattr(command, "commands", None):
            if path and command.invoke_without_command:
                found[path] = command
            for name, each in inner.items():
                walk(each, (*path, name))
        else:
            found[path] = command

    walk(typer.main.get_command(app), ())
    return found


def verb_of(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Which command a command line calls."""
    return max((path for path in leaves() if arguments[: len(path)] == path), key=len)


NEVER_RUN = {("downgrade",)}
"""After it there is nothing left to look at."""


def run(one: Line, planted: Planted, patch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Runs a command in this process; returns its exit code and all that it has printed."""
    printed = io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO(one.given), encoding="utf-8")
    with patch.context() as inner, redirect_stdout(printed), redirect_stderr(printed):
        inner.setattr(sys, "stdin", stdin)
        for name, value in {**environment(planted), **one.environ}.items():
            inner.setenv(name, value)
        code = main(one.arguments)
    return code, printed.getvalue()
