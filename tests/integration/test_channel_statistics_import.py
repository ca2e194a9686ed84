"""Real responses of YouTube's API end in the statistics of channels and videos, count for count."""

from __future__ import annotations

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel, Video
from pipeline_store.importers.channel_statistics import import_channel_statistics
from tests.integration.meanwhile import impatient, meanwhile
from tests.real_data import real_data
from tests.unit.importers.made_up import json_file_of
from tests.unit.importers.test_real_files import RESPONSES
from tests.whole_store import all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.importers.statistics_account import StatisticsAccount

Numbers: TypeAlias = "dict[str, list[tuple[int | None, ...]]]"

SAID = datetime(2020, 2, 6, 7, 18, 24, tzinfo=UTC)
OF_A_VIDEO = ("viewCount", "likeCount", "commentCount")
OF_A_CHANNEL = ("subscriberCount", "viewCount", "videoCount")

LONG_ENOUGH_TO_READ = 0.3
PATIENCE = 30

POPULAR = "9bZkp7q19f0"
"""Its views are above 2^31."""


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind."""
    in_memory = request.param == "memory"
    url = "memory://" if in_memory else request.getfixturevalue(f"{request.param}_url")
    store = open_store(url)
    yield store
    store.close()


def responses() -> list[Path]:
    return [real_data("youtube_api", name) for name in RESPONSES]


def take(store: Store, paths: list[Path], *, create: bool = True) -> list[StatisticsAccount]:
    return import_channel_statistics(
        store.unit_of_work, list(map(str, paths)), create=create, measured_at=SAID
    )


def told_by(documents: list[Any], kind: str, names: tuple[str, ...]) -> Numbers:
    """What the JSON itself says, read with nothing of the package: numbers by YouTube's id."""
    found: Numbers = {}
    for document in documents:
        for item in document.get("items", []) if isinstance(document, dict) else []:
            statistics = item.get("statistics")
            if item["kind"] == kind and statistics is not None:
                texts = [statistics.get(name) for name in names]
                if statistics.get("hiddenSubscriberCount"):
                    texts[0] = None
                numbers = tuple(None if text is None else int(text) for text in texts)
                found.setdefault(item["id"], []).append(numbers)
    return found


def stored_of_videos(uow: UnitOfWork) -> Numbers:
    found: Numbers = {}
    for each in all_of(uow.video_statistics):
        assert each.timestamp == SAID
        video_id = uow.videos.get(each.video_id).youtube_video_id
        numbers = (each.view_count, each.like_count, each.comment_count)
        found.setdefault(str(video_id), []).append(numbers)
    return found


def stored_of_channels(uow: UnitOfWork) -> Numbers:
    found: Numbers = {}
    for each in all_of(uow.channel_statistics):
        assert each.timestamp == SAID
        channel_id = uow.channels.get(each.channel_id).youtube_channel_id
        numbers = (each.subscriber_count, each.view_count, each.video_count)
        found.setdefault(str(channel_id), []).append(numbers)
    return found


def parsed(paths: list[Path]) -> list[Any]:
    return [json.loads(path.read_text("utf-8")) for path in paths]


def test_every_count_of_every_video_is_stored(store: Store) -> None:
    """64 videos with numbers, one above 2^31; all 72 described ones, with their 11 channels."""
    expected = told_by(parsed(responses()), "youtube#video", OF_A_VIDEO)
    accounts = take(store, responses())
    with store.unit_of_work(read_only=True) as uow:
        assert stored_of_videos(uow) == expected
        assert expected[POPULAR] == [(3507573655, 17078355, 4998214)]
        assert len(expected) == sum(account.readings for account in accounts) == 64
        assert uow.videos.count() == sum(account.new_videos for account in accounts) == 72
        assert uow.channels.count() == sum(account.new_channels for account in accounts) == 11
        assert uow.channel_statistics.count() == 0
    assert {account.problem for account in accounts} == {None}
    assert [account.rows for account in accounts] == list(RESPONSES.values())
    assert sum(len(account.refused) for account in accounts) == 22


def test_a_second_import_adds_nothing(store: Store) -> None:
    """Plain or gzip, in another order."""
    take(store, responses())
    with store.unit_of_work(read_only=True) as uow:
        before = [{each.id for each in all_of(one)} for one in written(uow)]
    accounts = take(store, responses()[::-1])
    with store.unit_of_work(read_only=True) as uow:
        assert [{each.id for each in all_of(one)} for one in written(uow)] == before
    assert sum(account.readings + account.new_videos for account in accounts) == 0
    assert sum(account.repeated for account in accounts) == 64


def written(uow: UnitOfWork) -> tuple[Any, ...]:
    return uow.channels, uow.videos, uow.channel_statistics, uow.video_statistics


def test_only_what_is_known_is_measured(store: Store) -> None:
    """Without --create nothing is made; what is left out is told by its id."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="psy", name="Psy"))
        uow.videos.add(
            Video(
                channel_id=channel.id,
                source_url="https://example.org/gangnam",
                source_title="",
                source_platform="somewhere",
                youtube_video_id=POPULAR,
            )
        )
        uow.commit()
    expected = told_by(parsed(responses()), "youtube#video", OF_A_VIDEO)
    accounts = take(store, responses(), create=False)
    with store.unit_of_work(read_only=True) as uow:
        assert stored_of_videos(uow) == {POPULAR: expected[POPULAR]}
        assert (uow.channels.count(), uow.videos.count()) == (1, 1)
    unknown = {each.youtube_id for account in accounts for each in account.unknown}
    assert expected.keys() - unknown == {POPULAR}


def test_hidden_counts_of_real_responses_are_unknown(store: Store, tmp_path: Path) -> None:
    """The same videos once more, every third of whose likes and fourth of whose views is hidden.

    None of the recorded ones hides any; the API leaves a hidden one out.
    """
    path = real_data("youtube_api", "videos_playlist_all_parts.json")
    document = json.loads(path.read_text("utf-8"))
    for number, item in enumerate(document["items"]):
        if number % 3 == 0:
            del item["statistics"]["likeCount"]
        if number % 4 == 0:
            del item["statistics"]["viewCount"]
    expected = told_by([document], "youtube#video", OF_A_VIDEO)
    packed = tmp_path / "hidden.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(document).encode()))
    take(store, [packed])
    with store.unit_of_work(read_only=True) as uow:
        assert stored_of_videos(uow) == expected
    hidden = [counts for [counts] in expected.values() if None in counts]
    assert len(hidden) == 25
    assert not any(0 in counts[:2] for counts in hidden)


CHANNELS = {
    "kind": "youtube#channelListResponse",
    "items": [
        {
            "kind": "youtube#channel",
            "id": f"UC{number:022}",
            "snippet": {"title": f"Made up {number}"},
            "statistics": statistics,
        }
        for number, statistics in enumerate(
            [
                {"viewCount": "3331930783", "subscriberCount": "10700000", "videoCount": "2678"},
                {"viewCount": str(2**63 - 1), "subscriberCount": str(2**53 + 1), "videoCount": "0"},
                {"viewCount": "5", "subscriberCount": "0", "hiddenSubscriberCount": True},
                {"viewCount": "5", "subscriberCount": "0", "hiddenSubscriberCount": False},
                {"videoCount": "12", "hiddenSubscriberCount": True},
            ]
        )
    ],
}
"""Of the form that the API gives; there is no recorded one among the real files."""


def test_every_count_of_every_channel_is_stored(store: Store, tmp_path: Path) -> None:
    """Up to 64 bits; hidden subscribers and absent counts are unknown, 0 is 0."""
    path = tmp_path / "channels.json"
    json_file_of(tmp_path, CHANNELS, path.name)
    take(store, [path])
    expected = told_by([CHANNELS], "youtube#channel", OF_A_CHANNEL)
    with store.unit_of_work(read_only=True) as uow:
        assert stored_of_channels(uow) == expected
    assert [counts[0] for [counts] in expected.values()] == [10700000, 2**53 + 1, None, 0, None]


def test_two_imports_at_once_make_everything_once(
    new_url: Callable[[], str], tmp_path: Path
) -> None:
    """The one that wanted to make the same channels finds those of the other."""
    path = json_file_of(tmp_path, CHANNELS, "channels.json")
    store = open_store(new_url())
    first_is_written, second_has_begun = Event(), Event()
    begun: list[UnitOfWork] = []

    def slow_to_commit() -> UnitOfWork:
        uow = store.unit_of_work()
        commit = uow.commit

        def commit_late() -> None:
            first_is_written.set()
            assert second_has_begun.wait(PATIENCE)
            time.sleep(LONG_ENOUGH_TO_READ)
            commit()

        setattr(uow, "commit", commit_late)  # noqa: B010 - a type checker forbids the other way
        return uow

    def at_the_same_time() -> UnitOfWork:
        assert first_is_written.wait(PATIENCE)
        second_has_begun.set()
        begun.append(store.unit_of_work())
        return begun[-1]

    def work(new_unit_of_work: Callable[[], UnitOfWork]) -> StatisticsAccount:
        [account] = import_channel_statistics(
            new_unit_of_work, [path], create=True, measured_at=SAID
        )
        return account

    with ThreadPoolExecutor() as threads:
        first = threads.submit(work, slow_to_commit)
        second = threads.submit(work, at_the_same_time)
        accounts = [first.result(PATIENCE), second.result(PATIENCE)]
    with store.unit_of_work(read_only=True) as uow:
        assert (uow.channels.count(), uow.channel_statistics.count()) == (5, 5)
    dialect = store.engine.dialect.name
    store.close()
    assert [(one.new_channels, one.readings, one.repeated) for one in accounts] == [
        (5, 5, 0),
        (0, 0, 5),
    ]
    # SQLite lets nobody write beside another; there the second waits before it reads.
    assert len(begun) == (2 if dialect == "postgresql" else 1)


def two_at_once(number: int) -> list[dict[str, Any]]:
    """A channel by itself, and a video on another one, that nobody knows yet."""
    channels, video = [f"UC{kind}{number:021}" for kind in "ab"], f"vid{number:08}"
    counts = {"viewCount": "7"}
    item = {"kind": "youtube#channel", "id": channels[0], "snippet": {"title": "A"}}
    snippet = {
        "publishedAt": "2026-03-01T00:00:00Z",
        "channelId": channels[1],
        "title": "B",
        "channelTitle": "B",
        "categoryId": "20",
    }
    film = {"kind": "youtube#video", "id": video, "snippet": snippet}
    return [
        {"kind": "youtube#channelListResponse", "items": [{**item, "statistics": counts}]},
        {"kind": "youtube#videoListResponse", "items": [{**film, "statistics": counts}]},
    ]


@pytest.mark.postgres
def test_another_import_of_the_same_file_meanwhile(postgres_url: str, tmp_path: Path) -> None:
    """Before whichever statement: what it made is found, and not taken for somebody else's."""
    store, theirs = open_store(postgres_url), open_store(impatient(postgres_url))
    for statement in count(1):
        paths = [
            Path(json_file_of(tmp_path, document, f"{place}.json"))
            for place, document in enumerate(two_at_once(statement))
        ]
        accounts: list[StatisticsAccount] = []

        def act(paths: list[Path] = paths, accounts: list[StatisticsAccount] = accounts) -> None:
            accounts += take(theirs, paths)

        with meanwhile(act, before=statement) as other:
            ours = take(store, paths)
        accounts += ours
        assert [one.refused for one in accounts] == [[]] * len(accounts), statement
        assert sum(one.new_channels for one in accounts) == 2, statement
        assert sum(one.new_videos for one in accounts) == 1, statement
        assert sum(one.readings for one in accounts) == 2, statement
        if not other.has_acted:
            break
    theirs.close()
    store.close()
