"""Rows written past SQLAlchemy, by each driver's fastest way, behave like all others."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy.util import greenlet_spawn

from pipeline_store import open_async_store, open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import InvalidValue, RolledBack, StoreUnavailable
from pipeline_store.production import Analytics
from pipeline_store.sql import SqlStore
from pipeline_store.sql.bulk import append_rows
from pipeline_store.sql.production import analytics
from pipeline_store.tasks import Task, TaskStatus
from tests.integration.contract.blocking import blocking
from tests.integration.contract.samples import NO_PARENTS, every_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import Store

START = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
PER_BATCH = 5_000
NAMES = [column.name for column in analytics.columns if column.name != "id"]
DRIVERS = [
    "sqlite",
    "aiosqlite",
    *[
        pytest.param(name, marks=pytest.mark.postgres)
        for name in ("psycopg", "asyncpg", "awaited psycopg")
    ],
]


class One(IntEnum):
    ONE = 1


class Half(float):
    pass


class Word(str):
    __slots__ = ()


@contextmanager
def opened(driver: str, url: str) -> Iterator[Store]:
    """The store at the URL over this driver."""
    if driver == "awaited psycopg":
        url = url.replace("postgresql:", "postgresql+psycopg:")
    if driver in {"sqlite", "psycopg"}:
        store = open_store(url)
        yield store
        store.close()
    else:
        with blocking(open_async_store(url)) as store:
            yield store


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    """Each way in."""
    name: str = request.param
    return name


@pytest.fixture
def store(driver: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store over each driver."""
    url = request.getfixturevalue("sqlite_url" if "sqlite" in driver else "postgres_url")
    with opened(driver, url) as store:
        yield store


def numbered(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        moment = START + timedelta(seconds=number)
        yield {"youtube_video_id": "v", "measured_at": moment, "view_count": number}


def test_values_come_back_as_they_went_in(store: Store) -> None:
    rows: list[dict[str, Any]] = [
        {
            "youtube_video_id": "dQw4w9WgXcQ",
            "measured_at": START,
            "view_count": 2**63 - 1,
            "like_count": 0,
            "comment_count": 3,
            "average_view_duration_seconds": 5e-324,
            "click_through_rate": 0.1 + 0.2,
            "subscriber_gain": -(2**63) + 1,
            "estimated_revenue_usd": -1.7976931348623157e308,
        },
        {"youtube_video_id": "é" * 255, "measured_at": datetime(1970, 1, 1, tzinfo=UTC)},
        {"youtube_video_id": "\\N\t\n\r'\"%s", "measured_at": START + timedelta(days=36500)},
        {
            "youtube_video_id": Word("subclasses"),
            "measured_at": START,
            "view_count": One.ONE,
            "click_through_rate": Half(0.5),
            "estimated_revenue_usd": 3,
        },
    ]
    expected = [{**dict.fromkeys(NAMES), **row} for row in rows]
    with store.unit_of_work() as uow:
        assert uow.analytics.record_many([*rows, *(Analytics(**row) for row in rows)]) == 8
        uow.commit()
    with store.unit_of_work() as uow:
        found = [{name: getattr(row, name) for name in NAMES} for row in uow.analytics.page()]
    assert found == expected + expected
    assert [row["measured_at"].tzinfo for row in found] == [UTC] * 8


def test_the_unit_of_work_can_be_undone(store: Store) -> None:
    with store.unit_of_work() as uow:
        uow.analytics.record_many(numbered(PER_BATCH + 1))
        assert uow.analytics.count() == PER_BATCH + 1
        uow.rollback()
        assert uow.analytics.count() == 0
        uow.analytics.record_many(numbered(2))
    with store.unit_of_work() as uow:
        assert uow.analytics.count() == 0


def test_a_bad_row_undoes_its_call_alone(store: Store) -> None:
    def spoiled() -> Iterator[dict[str, Any]]:
        yield from numbered(PER_BATCH + 7)
        yield {"youtube_video_id": "v", "view_count": -1}

    with store.unit_of_work() as uow:
        uow.analytics.record_many(numbered(2))
        with pytest.raises(InvalidValue, match=f"^row {PER_BATCH + 7}: view_count: "):
            uow.analytics.record_many(spoiled())
        assert uow.analytics.count() == 2
        uow.analytics.record_many(numbered(1))
        uow.commit()
    with store.unit_of_work() as uow:
        assert uow.analytics.count() == 3


@pytest.mark.parametrize("driver", ["sqlite", pytest.param("psycopg", marks=pytest.mark.postgres)])
def test_a_generator_may_use_the_unit_of_work(store: Store) -> None:
    with store.unit_of_work() as uow:
        uow.analytics.record_many(numbered(3))

        def again() -> Iterator[dict[str, Any]]:
            for row in numbered(PER_BATCH + 1):
                if row["view_count"] % PER_BATCH == 0:
                    assert uow.analytics.count() == 3 + row["view_count"]
                yield row

        assert uow.analytics.record_many(again()) == PER_BATCH + 1


def test_tasks_come_back_as_they_went_in(store: Store) -> None:
    with store.unit_of_work() as uow:
        channel_id = uow.channels.add(Channel(channel_id="history1", name="History")).id
        uow.commit()
    parents = NO_PARENTS._replace(channel=channel_id)
    given = every_field("tasks", parents)
    plain: dict[str, Any] = {
        "channel_id": channel_id,
        "notion_page_id": Word("é" * 32),
        "title": "\\N\t\n\r'\"%s",
        "topic": "",
        "story_direction": Word("from the river up"),
        "lease_token": One.ONE,
    }
    assert store.enqueue([Task(**given), Task(**plain)]) == 2
    with store.unit_of_work() as uow:
        first, second = uow.tasks.page()
        assert first.id < second.id
        assert {name: getattr(first, name) for name in given} == given
        assert {name: getattr(second, name) for name in plain} == plain
        assert (second.status, second.worker) == (TaskStatus.DRAFT, None)
        assert second.created_at == second.updated_at == second.status_since


def test_nothing_is_recorded_from_nothing(store: Store) -> None:
    with store.unit_of_work() as uow:
        assert uow.analytics.record_many([]) == 0
        assert uow.analytics.count() == 0


@pytest.mark.postgres
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_a_connection_lost_in_the_middle_is_a_typed_error(driver: str, postgres_url: str) -> None:
    def cut_off() -> Iterator[dict[str, Any]]:
        yield from numbered(PER_BATCH)
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        yield from numbered(PER_BATCH)

    with opened(driver, postgres_url) as store:
        with store.unit_of_work() as uow:
            with pytest.raises(StoreUnavailable):
                uow.analytics.record_many(cut_off())
            with pytest.raises(RolledBack):
                uow.analytics.count()
            uow.rollback()
            assert uow.analytics.record_many(numbered(1)) == 1
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.analytics.count() == 1


@pytest.mark.postgres
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_what_the_database_refuses_is_a_typed_error(driver: str, postgres_url: str) -> None:
    with opened(driver, postgres_url) as store:
        with psycopg.connect(postgres_url, autocommit=True) as owner:
            owner.execute("ALTER TABLE analytics ADD CHECK (view_count < 1)")
        with store.unit_of_work() as uow:
            with pytest.raises(InvalidValue, match="analytics"):
                uow.analytics.record_many(numbered(2))
            uow.rollback()
            assert uow.analytics.record_many(numbered(1)) == 1


@pytest.mark.postgres
def test_asyncpg_copies_inside_the_transaction_when_that_is_its_first_statement(
    postgres_url: str,
) -> None:
    def append_and_leave(store: SqlStore) -> int:
        columns = {name: [value] for name, value in next(numbered(1)).items()}
        with store.unit_of_work() as uow:
            append_rows(uow.session, analytics, columns)
        with store.unit_of_work() as uow:
            return uow.analytics.count()

    store = SqlStore(postgres_url, awaited=True)
    with asyncio.Runner() as runner:
        assert runner.run(greenlet_spawn(append_and_leave, store)) == 0
        runner.run(greenlet_spawn(store.close))
