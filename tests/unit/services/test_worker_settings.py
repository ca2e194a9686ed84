"""What a worker can be told, and what is refused when it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import InvalidValue
from pipeline_store.services.async_work import AsyncWorker
from pipeline_store.services.work import Worker
from pipeline_store.services.work_errors import LONGEST_WORDS, words_of
from pipeline_store.services.work_handlers import WORKING, handlers_of, stage_of
from pipeline_store.tasks import CLAIMABLE, STAGES, TaskStatus
from pipeline_store.tasks.state import onward_from

S = TaskStatus
STORE = open_store("memory://")
ASYNC_STORE = open_async_store("memory://")


def work(_work: Any) -> None:
    """Do everything there is to do."""


async def awaited_work(_work: Any) -> None:
    """Do so, awaited."""


class Awaited:
    """An object whose call is awaited."""

    async def __call__(self, _work: Any) -> None:
        """Do so."""


@pytest.mark.parametrize("kind", [Worker, AsyncWorker])
@pytest.mark.parametrize(
    ("handlers", "settings", "named"),
    [
        ({}, {}, "handlers: at least one"),
        ({S.QUEUED: work}, {}, "name claimed"),
        ({S.ASSETS_READY: work}, {}, "no task waits for a worker in assets_ready"),
        ({S.UPLOADING: "upload"}, {}, "something to call"),
        ({"somewhere": work}, {}, "handlers"),
        ({S.UPLOADING: work}, {"stages": [S.ASSEMBLING]}, "no handler for assembling"),
        ({S.UPLOADING: work}, {"stages": []}, "stages: at least one"),
        (work, {"stages": [S.DRAFT]}, "no task waits for a worker in draft"),
        (work, {"stages": "uploading"}, "stages"),
        (work, {"name": ""}, "worker"),
        (work, {"lease": timedelta()}, "lease"),
        (work, {"poll": timedelta()}, "poll"),
        (work, {"poll": 5}, "poll"),
        (work, {"grace": timedelta(seconds=-1)}, "grace"),
        (work, {"most_attempts": 0}, "most_attempts"),
    ],
)
def test_what_is_refused(
    kind: type[Any], handlers: Any, settings: dict[str, Any], named: str
) -> None:
    """Handlers, stages, lengths of time and counts that say nothing that can be done."""
    store = STORE if kind is Worker else ASYNC_STORE
    with pytest.raises(InvalidValue, match=named):
        kind(store, handlers, **settings)


@pytest.mark.parametrize("handler", [awaited_work, Awaited()])
def test_an_awaited_handler_needs_an_awaited_worker(handler: Any) -> None:
    """A coroutine that nobody awaits would count as done."""
    with pytest.raises(InvalidValue, match="AsyncWorker"):
        Worker(STORE, handler)


@pytest.mark.parametrize(
    ("kind", "store", "cure"),
    [(Worker, ASYNC_STORE, "use AsyncWorker"), (AsyncWorker, STORE, "open_async_store")],
)
def test_a_store_of_the_other_kind(kind: type[Any], store: Any, cure: str) -> None:
    """A worker that could claim but not work would hold its task for nobody."""
    with pytest.raises(InvalidValue, match=cure):
        kind(store, work)


def test_the_stages_with_work() -> None:
    """There are seven, and every other status leads to one of them or comes from it."""
    assert [str(each) for each in WORKING] == [
        "generating_assets",
        "generating_composites",
        "generating_video",
        "generating_audio",
        "generating_sfx",
        "assembling",
        "uploading",
    ]
    for status in CLAIMABLE:
        stage = stage_of(status)
        follows = onward_from(status)
        while follows in CLAIMABLE and follows not in WORKING:
            follows = onward_from(follows)
        assert stage in {status, follows} or status in STAGES[stage].onward


def test_what_is_claimed() -> None:
    """For a stage also what leads to it; a status without work only when it is named."""
    video = handlers_of({S.GENERATING_VIDEO: work}, None)
    assert video.claimed == (S.COMPOSITES_READY, S.GENERATING_VIDEO)
    assert handlers_of(work, None).claimed == CLAIMABLE
    assert handlers_of(work, [S.APPROVED]).claimed == (S.APPROVED,)
    some = handlers_of(work, [S.ASSEMBLING])
    assert some.claimed == (S.SFX_READY, S.ASSEMBLING, S.ASSEMBLY_READY)
    assert some.handler_for(S.UPLOADING) is None
    assert some.handler_for(S.ASSEMBLING) is work


def fail(message: str) -> None:
    """Raise an error."""
    raise ValueError(message)


def raised(message: str) -> Exception:
    """An error that was raised somewhere."""
    try:
        fail(message)
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("message", "hidden"),
    [
        ("https://ann:hunter2@example.org/x", "hunter2"),
        ("GET https://example.org/?a=1&api_key=hunter2&b=2", "hunter2"),
        ("Authorization: Bearer abc.hunter2", "hunter2"),
        ('{"refresh_token": "hunter2", "a": 1}', "hunter2"),
        ("password='hunter 2' refused", "hunter 2"),
        ("AWS_SECRET_ACCESS_KEY=hunter2", "hunter2"),
        # Made up, in the shapes of keys of services: they stand alone, without a telling name.
        (f"Incorrect API key provided: {'sk-proj-' + 'h2' * 20}.", "h2h2"),
        (f"the voice refuses {'sk_' + 'h2' * 24}", "h2h2"),
        (f"({'AIza' + 'h2' * 17 + 'x'}) is not allowed", "h2h2"),
        (f"refused {'ya29.' + 'h2' * 30}", "h2h2"),
        (f"1 refresh: '{'1//0' + 'h2' * 30}'", "h2h2"),
        (f"push as {'ghp_' + 'h2' * 18} failed", "h2h2"),
        (f"push as {'github_pat_' + 'h2' * 18} failed", "h2h2"),
        (f"page: {'ntn_' + 'h2' * 23}", "h2h2"),
        (f"slack {'xoxb-' + 'h2' * 12}", "h2h2"),
        (f"s3 {'AKIA' + 'H2' * 8}", "H2H2"),
        (f"claims {'eyJ' + 'h2' * 9}.{'eyJ' + 'h2' * 9}.{'h2' * 12}", "h2h2"),
    ],
)
def test_secrets_in_errors(message: str, hidden: str) -> None:
    """What looks like a secret is left out, and the rest is kept."""
    words = words_of(raised(message))
    assert hidden not in words
    assert "********" in words
    assert words.startswith("ValueError: ")


@pytest.mark.parametrize(
    "message",
    [
        "task-manager sk-learn-something is not there",
        "no file risk_of_the_long_way_home_1234567890.mp4",
        "sk-estimators-are-not-installed-here",
        "video dQw4w9WgXcQ of task 018f6d2c-1b7a-7c3e-9f00-0123456789ab",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 differs",
    ],
)
def test_what_is_no_secret_is_kept(message: str) -> None:
    """Names, ids and hashes are what an operator looks for."""
    assert words_of(raised(message)).startswith(f"ValueError: {message} (")


class Unprintable(Exception):
    """An error that cannot say anything."""

    def __str__(self) -> str:
        """Fail as well."""
        raise RuntimeError


def test_words_of_errors() -> None:
    """An error is one line that every store can keep: its kind, its words, and where it was."""
    words = words_of(raised("too\n dark"))
    assert words.startswith("ValueError: too dark (test_worker_settings.py:")
    assert " in fail < test_worker_settings.py:" in words
    assert words.endswith(" in raised)")
    assert words_of(ValueError()) == "ValueError"
    assert words_of(ValueError("\0\ud800")) == "ValueError: \\ud800"
    assert words_of(ValueError("x" * 600)) == f"ValueError: {'x' * LONGEST_WORDS}..."
    assert words_of(Unprintable()) == "Unprintable"
