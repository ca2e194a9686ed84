"""Databases full of tasks on PostgreSQL, filled by a few statements.

Keys are shaped like UUIDs of version 7 and grow with the age of what they name, as those are that
the store makes; ids of Notion pages are not in order.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import psycopg

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.channels.channel import MOST_CONCURRENT
from tests.benchmarks.rivals import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store.tasks import TaskStatus

FIRST_MADE: Final = "2026-01-01"

INSERT: Final = f"""
    INSERT INTO tasks (id, channel_id, notion_page_id, title, topic, story_direction, status,
        created_at, updated_at, status_since)
    SELECT (lpad(to_hex(1767225600000 + i), 12, '0') || '70008' || lpad(to_hex(i), 15, '0'))::uuid,
        (ARRAY(SELECT id FROM channels ORDER BY id))[1 + i %% %(channels)s],
        md5(i::text), 'Documentary ' || i, 'How it was built', 'From the river up.', %(status)s,
        made, made, made
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS i,
        LATERAL (SELECT timestamp '{FIRST_MADE}' + i * interval '1 millisecond') AS at (made)
"""  # noqa: S608 - our words


def channels_with_room(count: int) -> Iterator[Channel]:
    """Channels of which as many tasks may be worked on as can be."""
    return (
        Channel(channel_id=f"channel-{number}", name="Channel", max_concurrent=MOST_CONCURRENT)
        for number in range(count)
    )


def fill(url: str, tasks: int, channels: int, status: TaskStatus) -> None:
    """Let so many tasks of one priority wait in an empty database, as many in each channel."""
    with closing(open_store(url)) as store:
        store.upgrade()
        with store.unit_of_work() as uow:
            uow.channels.add_many(channels_with_room(channels))
            uow.commit()
    given = {"channels": channels, "status": status, "first": 0, "count": tasks}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(INSERT, given)
    settle(url)
