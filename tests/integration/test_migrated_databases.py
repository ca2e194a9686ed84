"""A database that tests use one after the other is like new for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.migrated_databases import MigratedDatabases

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(migrated_databases: MigratedDatabases) -> str:
    """A database that a test has taken; given back by the test."""
    return migrated_databases.take()


def test_it_is_handed_out_again_without_rows_and_counts_from_one(
    url: str, migrated_databases: MigratedDatabases
) -> None:
    add = "INSERT INTO error_log (module, error_type, error_message) VALUES ('a', 'b', 'c')"
    ask = "SELECT id FROM error_log"
    for _ in range(2):
        with psycopg.connect(url) as connection:
            connection.execute(add)
            assert connection.execute(ask).fetchall() == [(1,)]
        migrated_databases.give_back(url)
        assert migrated_databases.take() == url
    migrated_databases.give_back(url)


def test_who_is_still_connected_is_sent_away(
    url: str, migrated_databases: MigratedDatabases
) -> None:
    with psycopg.connect(url) as left_open:
        left_open.execute("LOCK TABLE clips")
        migrated_databases.give_back(url)
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("SELECT 1")
    assert migrated_databases.take() == url
    migrated_databases.give_back(url)


CHANGES: dict[str, LiteralString] = {
    "another revision": "UPDATE pipeline_store_version SET version_num = '0001'",
    "no revision": "DROP TABLE pipeline_store_version",
    "a table more": "CREATE TABLE others (a int)",
    "a schema more": "CREATE SCHEMA others",
    "a check more": "ALTER TABLE analytics ADD CHECK (view_count < 1)",
    "an index less": "DROP INDEX idx_clips_pipeline",
    "a shipped limit less": "DELETE FROM quota_limits WHERE bucket = 'youtube_uploads'",
    "a column that may be empty": "ALTER TABLE clips ALTER rank_position DROP NOT NULL",
    "a trigger more": (
        "CREATE TRIGGER t BEFORE UPDATE ON clips "
        "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "much room taken": (
        "INSERT INTO error_log (module, error_type, error_message) "
        "SELECT '', '', repeat('a', 100) FROM generate_series(1, 30000)"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_it_is_not_handed_out_again_with(
    change: LiteralString, url: str, migrated_databases: MigratedDatabases
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(change)
    migrated_databases.give_back(url)
    another = migrated_databases.take()
    assert another != url
    migrated_databases.give_back(another)
