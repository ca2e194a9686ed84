"""Databases full of tasks on PostgreSQL, filled by a few statements.

Keys are shaped like UUIDs of version 7 and grow with the age of what they name, as those are that
the store makes; ids of Notion pages are not in order.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.channels.channel import MOST_CONCURRENT
from tests.benchmarks.rivals import settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline_store.tasks import TaskStatus

# No log of rows that are inserted into a table emptied in the same transaction: it is its files
# that are waited for then. Claims wait for the disk as they do on any server.
FILLED_SOON: Final = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
}

_SOME: Final = """
    INSERT INTO tasks (id, channel_id, notion_page_id, title, topic, story_direction, status,
        created_at, updated_at, status_since, rank)
    SELECT (lpad(to_hex(1767225600000 + i), 12, '0') || '70008' || lpad(to_hex(i), 15, '0'))::uuid,
        (ARRAY(SELECT id FROM channels ORDER BY id))[1 + {place}],
        md5(i::text), 'Documentary ' || i, 'How it was built', 'From the river up.', %(status)s,
        made, made, made, 1
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS i,
        LATERAL (SELECT timestamp '2026-01-01' + i * interval '1 millisecond') AS at (made)
"""

IN_TURNS: Final = "i % {channels}"
"""As many in each channel."""

MANY_IN_SOME: Final = "CASE WHEN i % 10 = 0 THEN i / 10 % {some} ELSE (i - i / 10) % {channels} END"
"""A tenth in `some` channels, the others as many in each."""

_INDEXES: Final = """
    SELECT format('DROP INDEX %I', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
    FROM pg_index i WHERE i.indrelid = 'tasks'::regclass
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    UNION ALL
    SELECT format('ALTER TABLE tasks DROP CONSTRAINT %I', c.conname),
        format('ALTER TABLE tasks ADD CONSTRAINT %I %s', c.conname, pg_get_constraintdef(c.oid))
    FROM pg_constraint c WHERE c.conrelid = 'tasks'::regclass AND c.contype IN ('u', 'f')
"""


def channels_with_room(count: int) -> Iterator[Channel]:
    """Channels of which as many tasks may be worked on as can be."""
    return (
        Channel(channel_id=f"channel-{number}", name="Channel", max_concurrent=MOST_CONCURRENT)
        for number in range(count)
    )


def add_channels(url: str, count: int) -> None:
    """Make the tables in an empty database, and so many channels with room."""
    with closing(open_store(url)) as store:
        store.upgrade()
        with store.unit_of_work() as uow:
            uow.channels.add_many(channels_with_room(count))
            uow.commit()


def fill(url: str, tasks: int, channels: int, status: TaskStatus) -> None:
    """Let so many tasks of one priority wait in an empty database, as many in each channel."""
    add_channels(url, channels)
    place = IN_TURNS.format(channels=channels)
    with psycopg.connect(url, autocommit=True) as connection:
        _insert(connection, place, status, 0, tasks)
    settle(url)


def fill_many(
    url: str, channels: int, counts: Sequence[tuple[TaskStatus, int]], place: str = IN_TURNS
) -> None:
    """Do so for many tasks of several statuses, the oldest first, without log and indexes."""
    add_channels(url, channels)
    first = 0
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        connection.execute("TRUNCATE tasks CASCADE")
        with _built_later(connection):
            for status, count in counts:
                _insert(connection, place.format(channels=channels), status, first, count)
                first += count
    settle(url)


def _insert(
    connection: psycopg.Connection[Any], place: str, status: TaskStatus, first: int, count: int
) -> None:
    statement = _SOME.format(place=place).replace("%", "%%").replace("%%(", "%(")
    connection.execute(statement, {"status": status.value, "first": first, "count": count})


@contextmanager
def _built_later(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """An index is built faster than it is kept, and all keys are checked faster than each."""
    both = connection.execute(_INDEXES).fetchall()
    for drop, _ in both:
        connection.execute(drop)
    yield
    for _, make in both:
        connection.execute(make)
