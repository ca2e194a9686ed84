"""The models say what the migrations build."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest
import sqlalchemy as sa

from pipeline_store.sql import SqlStore, metadata
from pipeline_store.sql.urls import create_sqlite_file, parse_url
from tests.integration.conftest import ON_POSTGRES
from tests.integration.schema_fingerprint import Fingerprint, differences, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.migrated_databases import MigratedDatabases
    from tests.postgres_server import PostgresServer


class Database(NamedTuple):
    """A store without tables, and what migrations build on its kind of database."""

    empty: SqlStore
    migrated: Fingerprint


@pytest.fixture(scope="module", params=["sqlite", ON_POSTGRES])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """One for all tests: each leaves it without tables again."""
    with ExitStack() as undo:
        if request.param == "sqlite":
            file: Path = request.getfixturevalue("migrated_file")
            url = f"sqlite:///{tmp_path_factory.mktemp('models') / 'empty.db'}"
            create_sqlite_file(parse_url(url))
            migrated = fingerprint_of(f"sqlite:///{file}")
        else:
            databases: MigratedDatabases = request.getfixturevalue("migrated_databases")
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.create_database()
            undo.callback(server.drop_database, url)
            migrated = fingerprint_of(databases.template)
        empty = SqlStore(url)
        undo.callback(empty.close)
        yield Database(empty, migrated)


def fingerprint_of(url: str) -> Fingerprint:
    store = SqlStore(url)
    found = fingerprint(store.engine)
    store.close()
    return found


def differences_of(models: sa.MetaData, database: Database, tables: Iterable[str]) -> list[str]:
    """How these tables made from `models` differ from what migrations build."""
    engine = database.empty.engine
    with engine.begin() as connection:
        models.create_all(connection)
    made = fingerprint(engine)
    with engine.begin() as connection:
        models.drop_all(connection)
    migrated = {
        place: what for place, what in database.migrated.items() if table_of(place) in tables
    }
    return differences(made, migrated)


def table_of(place: str) -> str:
    """The table in "clips.rank_position type", or in "clips index idx_clips_pipeline"."""
    return re.split("[. :]", place)[0]


def with_parents(table: sa.Table) -> set[str]:
    """The table and those that it refers to, and those that they refer to."""
    parents = {key.column.table for key in table.foreign_keys} - {table}
    return {table.name}.union(*map(with_parents, parents))


def test_models_are_what_migrations_build(database: Database) -> None:
    """Tables made from the models and tables made by migrations are the same in every detail."""
    built = {place for place, what in database.migrated.items() if what == "table"}
    assert differences_of(metadata, database, built) == []
    assert built == set(metadata.tables)


def add_column(models: sa.MetaData) -> None:
    models.tables["clips"].append_column(sa.Column("extra", sa.Text))


def change_type(models: sa.MetaData) -> None:
    models.tables["clips"].c.rank_position.type = sa.Text()


def let_be_null(models: sa.MetaData) -> None:
    models.tables["clips"].c.rank_position.nullable = True


def change_default(models: sa.MetaData) -> None:
    models.tables["shorts"].c.status.server_default = sa.DefaultClause("made")


def drop_index(models: sa.MetaData) -> None:
    models.tables["clips"].indexes.clear()


def make_index_unique(models: sa.MetaData) -> None:
    (index,) = models.tables["clips"].indexes
    index.unique = True


def drop_unique(models: sa.MetaData) -> None:
    constraints = models.tables["discovered_videos"].constraints
    constraints -= {each for each in constraints if isinstance(each, sa.UniqueConstraint)}


def drop_reference(models: sa.MetaData) -> None:
    table = models.tables["shorts"]
    for reference in [each for each in table.foreign_key_constraints if "clip_id" in each.columns]:
        table.constraints.discard(reference)


def add_cascade(models: sa.MetaData) -> None:
    for reference in models.tables["shorts"].foreign_key_constraints:
        reference.ondelete = "CASCADE"


def keep_what_refers_to_it(models: sa.MetaData) -> None:
    for reference in models.tables["videos"].foreign_key_constraints:
        reference.ondelete = None


def index_all_rows(models: sa.MetaData) -> None:
    for index in models.tables["video_processing_jobs"].indexes:
        for dialect in ("sqlite", "postgresql"):
            index.dialect_options[dialect]["where"] = None


def unique_alone(models: sa.MetaData) -> None:
    table = models.tables["videos"]
    for unique in [each for each in table.constraints if isinstance(each, sa.UniqueConstraint)]:
        table.constraints.discard(unique)
        table.append_constraint(sa.UniqueConstraint("source_url", name=unique.name))


def key_as_text(models: sa.MetaData) -> None:
    models.tables["configuration_changes"].c.id.type = sa.Text()


def truth_as_number(models: sa.MetaData) -> None:
    column = models.tables["music"].c.is_active
    column.type, column.server_default = sa.Integer(), sa.DefaultClause("1")


def add_check(models: sa.MetaData) -> None:
    models.tables["clips"].append_constraint(
        sa.CheckConstraint("rank_position > 0", name="ck_clips_rank_position")
    )


def drop_automatic_key(models: sa.MetaData) -> None:
    models.tables["clips"].c.id.autoincrement = False
    models.tables["clips"].dialect_options["sqlite"]["autoincrement"] = False


def drop_table(models: sa.MetaData) -> None:
    models.remove(models.tables["error_log"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (add_column, "clips.extra type"),
        (change_type, "clips.rank_position type"),
        (let_be_null, "clips.rank_position nullable"),
        (change_default, "shorts.status default"),
        (drop_index, "clips index idx_clips_pipeline"),
        (make_index_unique, "clips index idx_clips_pipeline"),
        (drop_unique, "discovered_videos unique uq_discovered_videos_video_id"),
        (drop_reference, "shorts foreign key fk_shorts_clip_id_clips"),
        (add_cascade, "shorts foreign key fk_shorts_clip_id_clips"),
        (keep_what_refers_to_it, "videos foreign key fk_videos_music_id_music"),
        (index_all_rows, "video_processing_jobs index ix_video_processing_jobs_"),
        (unique_alone, "videos unique uq_videos_channel_id_source_url"),
        (key_as_text, "configuration_changes.id type"),
        (truth_as_number, "music.is_active type"),
        (add_check, "clips check ck_clips_rank_position"),
        (drop_automatic_key, "clips "),
        (drop_table, "error_log: None"),
    ],
)
def test_a_model_that_differs_is_named(
    database: Database, change: Callable[[sa.MetaData], None], named: str
) -> None:
    """The comparison of models and migrations fails on any kind of difference, and names it."""
    tables = with_parents(metadata.tables[table_of(named)])
    models = sa.MetaData()
    for table in metadata.sorted_tables:
        if table.name in tables:
            table.to_metadata(models)
    change(models)
    found = differences_of(models, database, tables)
    assert any(line.startswith(named) for line in found), found
