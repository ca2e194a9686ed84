"""Texts are ordered by code point, whatever language a database is set to."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel, SystemConfiguration, TransformationPreset
from tests.integration.contract.conftest import opened
from tests.integration.contract.samples import EARLY, LATE, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock
    from tests.postgres_server import PostgresServer

WORDS = ["a", "B", "_a", "a b", "ab", "Z", "z", "é", "e", "10", "9", "\N{GRINNING FACE}", "日"]
BY_CODE_POINT = [
    "10",
    "9",
    "B",
    "Z",
    "_a",
    "a",
    "a b",
    "ab",
    "e",
    "z",
    "é",
    "日",
    "\N{GRINNING FACE}",
]


@pytest.fixture(scope="module")
def english_database(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database that sorts texts as an English dictionary does."""
    name = f"pipeline_store_{uuid.uuid4().hex}"
    url = postgres_server.url.rpartition("/")[0] + "/" + name
    language = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING 'UTF8'"
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        try:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {language}")
        except psycopg.errors.FeatureNotSupported as error:
            pytest.skip(f"this PostgreSQL knows no languages: {error}")
    store = open_store(url)
    store.upgrade()
    store.close()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["store", "english"])
def any_store(
    request: pytest.FixtureRequest, store_id: str, clock: SteppedClock
) -> Iterator[Store]:
    """Each of the six stores, and PostgreSQL's once more in English."""
    if request.param == "store":
        yield request.getfixturevalue("store")
        return
    if not store_id.endswith("postgres"):
        pytest.skip("only PostgreSQL has databases of a language")
    with opened(store_id, request.getfixturevalue("english_database"), clock) as store:
        yield store


def test_the_database_is_in_english(english_database: str) -> None:
    """The English database orders texts otherwise than by code point, or it would prove nothing."""
    with psycopg.connect(english_database) as connection:
        rows = connection.execute("SELECT w FROM unnest(%s::text[]) AS w ORDER BY w", [WORDS])
        assert [row[0] for row in rows] != BY_CODE_POINT


def test_texts_by_code_point(any_store: Store) -> None:
    """Pages, prefixes and niches are in the order of code points on every store."""
    with any_store.unit_of_work() as uow:
        uow.config_overrides.add_many(sample("config_overrides", key=word) for word in WORDS)
        uow.pipeline_runs.add_many(sample("pipeline_runs", niche=word) for word in WORDS)
        uow.discovered_videos.add_many(
            sample("discovered_videos", number=number, niche=word)
            for number, word in enumerate(WORDS)
        )
        assert [found.key for found in uow.config_overrides.page()] == BY_CODE_POINT
        assert [found.key for found in uow.config_overrides.starting_with("a")] == [
            "a",
            "a b",
            "ab",
        ]
        assert uow.pipeline_runs.niches() == BY_CODE_POINT
        assert uow.discovered_videos.niches() == BY_CODE_POINT
        for place, word in enumerate(BY_CODE_POINT):
            behind = [found.key for found in uow.config_overrides.page(after=word)]
            assert behind == BY_CODE_POINT[place + 1 :]


def test_names_of_channels_by_code_point(any_store: Store) -> None:
    """Channels, presets and settings of the system are in the same order."""
    with any_store.unit_of_work() as uow:
        uow.channels.add_many(Channel(channel_id=word, name=word) for word in WORDS)
        uow.presets.add_many(TransformationPreset(name=word) for word in WORDS)
        uow.system_configuration.add_many(SystemConfiguration(key=word, value=1) for word in WORDS)
        assert [found.channel_id for found in uow.channels.active()] == BY_CODE_POINT
        assert [found.name for found in uow.presets.active()] == BY_CODE_POINT
        assert [found.key for found in uow.system_configuration.all()] == BY_CODE_POINT
        assert [found.key for found in uow.system_configuration.page()] == BY_CODE_POINT
        for place, word in enumerate(BY_CODE_POINT):
            behind = [found.key for found in uow.system_configuration.page(after=word)]
            assert behind == BY_CODE_POINT[place + 1 :]


def test_equality_in_any_language(any_store: Store) -> None:
    """Texts that a dictionary takes for neighbours are different niches and different cycles."""
    with any_store.unit_of_work() as uow:
        neighbours = ("e", "é", "E", "e\u0301")
        runs = [uow.pipeline_runs.for_cycle(word, EARLY, LATE) for word in neighbours]
        assert len({run.id for run in runs}) == 4
        assert [run.id for run in uow.pipeline_runs.page()] == [run.id for run in runs]
        channels = uow.channels.add_many(Channel(channel_id=w, name=w) for w in neighbours)
        assert [uow.channels.by_channel_id(word) for word in neighbours] == channels
