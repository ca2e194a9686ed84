"""URLs with passwords, and URLs that make no sense: typed errors that repeat no secret."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import pytest

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import PipelineStoreError, StoreUnavailable
from pipeline_store.production import ErrorLog
from tests.integration.contract.blocking import blocking

CANARY = "canary-7f3a"
NOBODY_THERE = "127.0.0.1:1"

NOT_A_URL = [
    "nonsense",
    "",
    "://",
    "/var/data/pipeline.db",
    "C:\\data\\pipeline.db",
    "sqlite:pipeline.db",
    None,
    5,
    b"sqlite:///a.db",
    f"mysql://u:{CANARY}@h/d",
    f"postgres:{CANARY}",
    f"nonsense://u:{CANARY}@h/d",
    f"postgresql+psycopg://u:{CANARY}@h:port/d",
    f"postgresql://u:{CANARY}@[::1/d",
    "sqlite:///a.db?timeout=soon",
]
UNREACHABLE = [
    f"postgresql://u:{CANARY}@{NOBODY_THERE}/d",
    f"postgresql+nonsense://u:{CANARY}@{NOBODY_THERE}/d",
    f"postgresql+psycopg2://u:{CANARY}@{NOBODY_THERE}/d",
    f"postgresql://u@{NOBODY_THERE}/d?password={CANARY}",
    f"postgresql://u:{CANARY}@{NOBODY_THERE}/d?password={CANARY}",
]


def shown(error: BaseException) -> str:
    """All that a person or a log could see of an error."""
    return "".join([repr(error), str(error), *traceback.format_exception(error)])


@pytest.mark.parametrize("open_it", [open_store, open_async_store])
@pytest.mark.parametrize("url", NOT_A_URL, ids=repr)
def test_a_url_that_makes_no_sense_is_refused(open_it: Any, url: Any) -> None:
    """What is no URL of a database is StoreUnavailable, which does not repeat it."""
    with pytest.raises(StoreUnavailable) as raised:
        open_it(url)
    assert CANARY not in shown(raised.value).replace(f"open_it({url!r})", "")


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("url", UNREACHABLE)
def test_no_password_is_shown_when_nobody_answers(
    colour: str, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A password in the URL, or in its query, is in no error, no repr and no log."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    for use in ("upgrade", "current", "downgrade", "unit_of_work"):
        try:
            if colour == "sync":
                store: Any = open_store(url)
                texts += [
                    repr(store),
                    repr(store.engine),
                    repr(store.engine.url),
                    repr(vars(store)),
                ]
                use_it(store, use)
            else:
                with blocking(open_async_store(url)) as store:
                    texts += [repr(store.lifted), repr(store.lifted.counterpart.engine)]
                    use_it(store, use)
        except StoreUnavailable as error:
            texts.append(shown(error))
    assert len(texts) >= 12
    assert CANARY not in "".join(texts)
    assert CANARY not in caplog.text


def use_it(store: Any, use: str) -> None:
    if use == "unit_of_work":
        with store.unit_of_work() as uow:
            uow.errors.count()
    else:
        getattr(store, use)(*["base"] if use == "downgrade" else [])


def test_the_key_password_of_a_url_is_not_shown() -> None:
    """The password of a client key, which libpq takes in the query, is not shown either."""
    url = f"postgresql://u@{NOBODY_THERE}/d?sslpassword={CANARY}"
    store: Any = open_store(url)
    with pytest.raises(StoreUnavailable) as raised:
        store.current()
    assert CANARY not in repr(store.engine) + shown(raised.value)
    awaited: Any = open_async_store(url)
    with pytest.raises(StoreUnavailable) as raised:
        asyncio.run(awaited.current())
    assert CANARY not in repr(awaited.counterpart.engine) + shown(raised.value)


@pytest.mark.postgres
def test_no_password_is_shown_by_a_server_that_refuses(postgres_url: str) -> None:
    """A database that is not there, or a wrong option, is refused without the password."""
    secret = postgres_url.replace("postgres@", f"postgres:{CANARY}@", 1)
    assert CANARY in secret
    for url in (f"{secret}_missing", f"{secret}?nonsense=1", f"{secret}?sslmode=nonsense"):
        with pytest.raises(StoreUnavailable) as raised:
            open_store(url).current()
        assert CANARY not in shown(raised.value)


def test_no_value_of_a_row_is_shown(sqlite_url: str) -> None:
    """An error of the database repeats none of the values that were to be written."""
    store = open_store(sqlite_url)
    with pytest.raises(PipelineStoreError) as raised, store.unit_of_work() as uow:
        uow.errors.add(
            ErrorLog(
                pipeline_run_id=99,
                module="cut",
                error_type="ValueError",
                error_message=CANARY,
                stack_trace=CANARY,
            )
        )
    store.close()
    trace = "".join(traceback.format_exception(raised.value))
    assert CANARY not in trace + repr(raised.value)
