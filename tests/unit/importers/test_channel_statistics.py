"""Statistics of channels and videos: what is stored, what is made, and what is left out."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel, PublicationStatus, Video
from pipeline_store.errors import AlreadyExists, Conflict, InvalidValue, StoreBusy
from pipeline_store.importers.channel_statistics import NO_INSTANT, import_channel_statistics
from pipeline_store.importers.channel_storing import (
    NAME_TAKEN,
    NO_CHANNEL,
    NO_CHANNEL_ID,
    NO_SNIPPET,
    NO_VIDEO,
    NOTHING_TOLD,
    SOURCE_TAKEN,
)
from pipeline_store.importers.storing import ATTEMPTS
from tests.unit.importers.made_up import file_of, json_file_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.importers.statistics_account import StatisticsAccount

CHANNEL = "UCabcdefghijklmnopqrstuv"
OTHER = "UC0123456789-_0123456789"
VIDEO = "abcdefghijk"
THEN = datetime(2026, 2, 1, 12, tzinfo=UTC)
HUGE = 2**63 - 1


def channel(youtube_id: str = CHANNEL, **parts: Any) -> dict[str, Any]:
    return {"kind": "youtube#channel", "id": youtube_id, **parts}


def channel_list(*items: object) -> dict[str, Any]:
    return {"kind": "youtube#channelListResponse", "items": list(items)}


def counted(**statistics: Any) -> dict[str, Any]:
    return channel(statistics=statistics)


def video(youtube_id: str = VIDEO, **parts: Any) -> dict[str, Any]:
    return {"kind": "youtube#video", "id": youtube_id, **parts}


def video_list(*items: object) -> dict[str, Any]:
    return {"kind": "youtube#videoListResponse", "items": list(items)}


def snippet(title: str = "A title", of: str = CHANNEL, **facts: str) -> dict[str, Any]:
    return {"title": title, "channelId": of, "channelTitle": "A channel", **facts}


def take(
    store: Store,
    folder: Path,
    *documents: object,
    at: datetime | None = THEN,
    create: bool = False,
) -> list[StatisticsAccount]:
    """Import these documents in one go, each in a file of its own."""
    paths = [json_file_of(folder, each, f"{number}.json") for number, each in enumerate(documents)]
    return import_channel_statistics(store.unit_of_work, paths, measured_at=at, create=create)


def told(account: StatisticsAccount) -> dict[str, int]:
    return {name: count for name, count in account.counts().items() if count}


@pytest.fixture
def known(store: Store) -> Channel:
    """A channel that the store has, under a name of its own."""
    with store.unit_of_work() as uow:
        made = uow.channels.add(
            Channel(channel_id="nature1", name="Nature", youtube_channel_id=CHANNEL)
        )
        uow.commit()
    return made


@pytest.fixture
def known_video(store: Store, known: Channel) -> Video:
    """A video that the store has, made by ourselves and published as `VIDEO`."""
    with store.unit_of_work() as uow:
        made = uow.videos.add(
            Video(
                channel_id=known.id,
                source_url="https://example.org/v",
                source_title="V",
                source_platform="somewhere",
                youtube_video_id=VIDEO,
            )
        )
        uow.commit()
    return made


def numbers_of_channels(uow: UnitOfWork) -> list[tuple[int | None, ...]]:
    return [
        (one.subscriber_count, one.view_count, one.video_count)
        for one in uow.channel_statistics.page()
    ]


def numbers_of_videos(uow: UnitOfWork) -> list[tuple[int | None, ...]]:
    return [
        (one.view_count, one.like_count, one.comment_count) for one in uow.video_statistics.page()
    ]


# Channels


@pytest.mark.parametrize("spell", [str, int])
def test_a_known_channel_gets_a_reading(
    store: Store, known: Channel, after: UnitOfWork, tmp_path: Path, spell: type[str | int]
) -> None:
    """Counts up to 2^63-1, as text or as numbers; nothing of the channel itself is changed."""
    document = channel_list(
        channel(
            snippet={"title": "Another name"},
            statistics={
                "subscriberCount": spell(2**31),
                "viewCount": spell(HUGE),
                "videoCount": spell(0),
                "hiddenSubscriberCount": False,
            },
        )
    )
    [account] = take(store, tmp_path, document)
    assert told(account) == {"rows": 1, "readings": 1}
    assert numbers_of_channels(after) == [(2**31, HUGE, 0)]
    [reading] = after.channel_statistics.page()
    assert (reading.channel_id, reading.timestamp) == (known.id, THEN)
    assert after.channels.get(known.id).name == "Nature"


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("shown", [{}, {"subscriberCount": "0"}, {"subscriberCount": "12"}])
def test_hidden_subscribers_are_unknown(
    store: Store, after: UnitOfWork, tmp_path: Path, shown: dict[str, str]
) -> None:
    """Whatever number a response says in their place."""
    take(store, tmp_path, channel_list(counted(viewCount="7", hiddenSubscriberCount=True, **shown)))
    assert numbers_of_channels(after) == [(None, 7, None)]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("part", [{}, {"statistics": {}}, {"statistics": None}])
def test_a_channel_of_which_nothing_is_told_gets_no_reading(
    store: Store, after: UnitOfWork, tmp_path: Path, part: dict[str, Any]
) -> None:
    """A reading of nothing but unknowns says nothing."""
    [account] = take(store, tmp_path, channel_list(channel(**part)))
    assert told(account) == {"rows": 1, "ignored": 1}
    assert account.ignored[0].reason == NOTHING_TOLD
    assert after.channel_statistics.count() == 0


def test_an_unknown_channel_is_told(store: Store, after: UnitOfWork, tmp_path: Path) -> None:
    """With its place, and is not made unless that is asked for."""
    document = channel_list(counted(viewCount="7"), counted(viewCount="8"))
    [account] = take(store, tmp_path, document)
    assert told(account) == {"rows": 2, "unknown": 1}
    assert account.as_mapping()["unknown"] == [
        {"place": "item 1", "kind": "channel", "youtube_id": CHANNEL, "reason": NO_CHANNEL}
    ]
    assert account.is_complete
    assert after.channels.count() == 0


@pytest.mark.parametrize(("part", "name"), [({"title": "A title"}, "A title"), ({}, CHANNEL)])
def test_an_unknown_channel_is_made_when_asked_for(
    store: Store, after: UnitOfWork, tmp_path: Path, part: dict[str, str], name: str
) -> None:
    """It is called as on YouTube, by its id where nothing else is said."""
    document = channel_list(channel(snippet=part, statistics={"viewCount": "7"}))
    [account] = take(store, tmp_path, document, create=True)
    assert told(account) == {"rows": 1, "new_channels": 1, "readings": 1}
    [made] = after.channels.page()
    assert (made.channel_id, made.youtube_channel_id, made.name) == (CHANNEL, CHANNEL, name)
    assert made.is_active


def test_a_channel_may_be_made_without_numbers(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """What was made of it is told, and not that there is no number."""
    [account] = take(store, tmp_path, channel_list(channel()), create=True, at=None)
    assert told(account) == {"rows": 1, "new_channels": 1}
    assert after.channel_statistics.count() == 0


def test_a_name_that_another_channel_has_is_not_taken(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Whether it is the same one, a person decides."""
    with store.unit_of_work() as uow:
        uow.channels.add(Channel(channel_id=CHANNEL, name="Mine"))
        uow.commit()
    document = channel_list(counted(viewCount="7"), channel(OTHER))
    [account] = take(store, tmp_path, document, create=True)
    assert told(account) == {"rows": 2, "new_channels": 1, "refused": 1}
    assert (account.refused[0].reason, account.refused[0].value) == (NAME_TAKEN, CHANNEL)
    assert after.channels.count() == 2


DAMAGED = {
    "an id that is none": channel("UCshort"),
    "an id that is no text": channel(7),  # type: ignore[arg-type]
    "a video": video(),
    "no object": "UC",
    "a fraction": counted(viewCount="1.5"),
    "a negative number": counted(viewCount="-1"),
    "a number above 64 bits": counted(viewCount=str(2**63)),
    "an empty number": counted(subscriberCount=""),
    "a flag that is text": counted(hiddenSubscriberCount="false", viewCount="1"),
    "statistics that are a list": channel(statistics=[]),
    "a title with NUL": channel(snippet={"title": "a\x00b"}),
}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("item", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_channel_is_refused_alone(
    store: Store, after: UnitOfWork, tmp_path: Path, item: object
) -> None:
    """With its place; the next one is taken."""
    [account] = take(store, tmp_path, channel_list(item, counted(viewCount="7")), create=True)
    assert told(account) == {"rows": 2, "readings": 1, "refused": 1}
    assert str(account.refused[0].place) == "item 1"
    assert numbers_of_channels(after) == [(None, 7, None)]


# Videos


@pytest.mark.usefixtures("known")
def test_a_known_video_gets_a_reading(
    store: Store, known_video: Video, after: UnitOfWork, tmp_path: Path
) -> None:
    """No snippet is needed; hidden counts are unknown, and 0 is 0."""
    statistics = {"viewCount": "3507573655", "commentCount": "0"}
    [account] = take(store, tmp_path, video_list(video(statistics=statistics)))
    assert told(account) == {"rows": 1, "readings": 1}
    assert numbers_of_videos(after) == [(3507573655, None, 0)]
    [reading] = after.video_statistics.page()
    assert (reading.video_id, reading.timestamp) == (known_video.id, THEN)


@pytest.mark.usefixtures("known_video")
@pytest.mark.parametrize("parts", [{"statistics": {}}, {"snippet": snippet()}])
def test_a_known_video_of_which_nothing_is_told_gets_no_reading(
    store: Store, after: UnitOfWork, tmp_path: Path, parts: dict[str, Any]
) -> None:
    """All counts hidden, or none asked for."""
    [account] = take(store, tmp_path, video_list(video(**parts)))
    assert told(account) == {"rows": 1, "ignored": 1}
    assert account.ignored[0].reason == NOTHING_TOLD
    assert after.video_statistics.count() == 0


@pytest.mark.usefixtures("known")
def test_an_unknown_video_is_told(store: Store, after: UnitOfWork, tmp_path: Path) -> None:
    """In the file where its numbers stand, and with its channel where that is unknown too."""
    described = video_list(
        video(snippet=snippet()), video("-2345678901", snippet=snippet(of=OTHER))
    )
    numbers = video_list(video("-2345678901", statistics={"viewCount": "1"}))
    first, second = take(store, tmp_path, described, numbers)
    assert [(str(each.place), each.youtube_id, each.reason) for each in first.unknown] == [
        ("item 1", VIDEO, NO_VIDEO)
    ]
    assert [(each.kind, each.youtube_id, each.reason) for each in second.unknown] == [
        ("channel", OTHER, NO_CHANNEL),
        ("video", "-2345678901", NO_VIDEO),
    ]
    assert [(each.reason, each.count, each.example) for each in second.unknown_by_reason()] == [
        (NO_CHANNEL, 1, OTHER),
        (NO_VIDEO, 1, "-2345678901"),
    ]
    assert after.videos.count() == 0


def test_an_unknown_video_is_made_when_asked_for(
    store: Store, known: Channel, after: UnitOfWork, tmp_path: Path
) -> None:
    """As published: nobody shall fetch it and publish it once more."""
    facts = snippet(publishedAt="2026-01-01T00:00:00Z")
    document = video_list(video(snippet=facts, statistics={"viewCount": "7"}))
    [account] = take(store, tmp_path, document, create=True)
    assert told(account) == {"rows": 1, "new_videos": 1, "readings": 1}
    made = after.videos.by_youtube_video_id(VIDEO)
    assert made is not None
    assert (made.channel_id, made.source_platform) == (known.id, "youtube")
    assert made.source_url == f"https://www.youtube.com/watch?v={VIDEO}"
    assert (made.source_title, made.source_creator) == ("A title", "A channel")
    assert made.publication_status == PublicationStatus.PUBLISHED
    assert made.published_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert after.channels.get(known.id).name == "Nature"


def test_a_video_and_its_channel_are_made_from_several_files(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Counted where they are described; the numbers, where these stand."""
    numbers = video_list(video(statistics={"viewCount": "7"}))
    described = video_list(video(snippet=snippet()))
    first, second = take(store, tmp_path, numbers, described, create=True)
    assert told(first) == {"rows": 1, "readings": 1}
    assert told(second) == {"rows": 1, "new_channels": 1, "new_videos": 1}
    [made] = after.channels.page()
    assert (made.channel_id, made.name) == (CHANNEL, "A channel")


def test_channels_of_the_same_import_come_first(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """In whatever order the files are given."""
    first, second = take(
        store,
        tmp_path,
        video_list(video(snippet=snippet(), statistics={"viewCount": "1"})),
        channel_list(channel(snippet={"title": "Its own name"}, statistics={"viewCount": "2"})),
        create=True,
    )
    assert told(first) == {"rows": 1, "new_videos": 1, "readings": 1}
    assert told(second) == {"rows": 1, "new_channels": 1, "readings": 1}
    assert after.channels.page()[0].name == "Its own name"


@pytest.mark.usefixtures("known")
def test_a_video_without_a_snippet_cannot_be_made(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """It says so, and does not promise that --create would."""
    for create in (False, True):
        document = video_list(video(statistics={"viewCount": "7"}))
        [account] = take(store, tmp_path, document, create=create)
        assert [each.reason for each in account.unknown] == [NO_SNIPPET]
    assert after.videos.count() == 0


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("create", [False, True])
def test_a_video_of_no_channel_is_refused(
    store: Store, after: UnitOfWork, tmp_path: Path, create: bool
) -> None:
    """The id of the channel is shown."""
    document = video_list(video(snippet=snippet(of="nobody")))
    [account] = take(store, tmp_path, document, create=create)
    assert (account.refused[0].reason, account.refused[0].value) == (NO_CHANNEL_ID, "'nobody'")
    assert after.videos.count() == 0


def test_a_video_that_its_channel_has_as_a_source_is_not_made_twice(
    store: Store, known: Channel, after: UnitOfWork, tmp_path: Path
) -> None:
    """Which one of them is online, a person decides."""
    with store.unit_of_work() as uow:
        uow.videos.add(
            Video(
                channel_id=known.id,
                source_url=f"https://www.youtube.com/watch?v={VIDEO}",
                source_title="",
                source_platform="youtube",
            )
        )
        uow.commit()
    [account] = take(store, tmp_path, video_list(video(snippet=snippet())), create=True)
    assert (account.refused[0].reason, account.refused[0].value) == (SOURCE_TAKEN, VIDEO)
    assert after.videos.count() == 1


def test_a_video_whose_channel_may_not_be_made(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Its channel is refused, and it is not made either."""
    with store.unit_of_work() as uow:
        uow.channels.add(Channel(channel_id=CHANNEL, name="Mine"))
        uow.commit()
    [account] = take(store, tmp_path, video_list(video(snippet=snippet())), create=True)
    assert told(account) == {"rows": 1, "refused": 1}
    assert after.videos.count() == 0


# Instants


@pytest.mark.usefixtures("known")
def test_numbers_without_an_instant_refuse_the_file(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Nothing of it is taken, the other files are."""
    timeless = channel_list(channel(OTHER), counted(viewCount="7"))
    recorded = {"recorded_at": "Wed, 12 Feb 2020 20:41:18 GMT"}
    first, second = take(
        store,
        tmp_path,
        timeless,
        [{**recorded, "response": channel_list(counted(viewCount="8"))}],
        at=None,
        create=True,
    )
    assert (first.problem, told(first)) == (NO_INSTANT, {})
    assert not first.is_complete
    assert told(second) == {"rows": 1, "readings": 1}
    [reading] = after.channel_statistics.page()
    assert reading.timestamp == datetime(2020, 2, 12, 20, 41, 18, tzinfo=UTC)
    assert after.channels.count() == 1


@pytest.mark.usefixtures("known")
def test_the_instant_may_stand_in_the_file_s_name(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """What is said of the import beats it."""
    path = json_file_of(tmp_path, channel_list(counted(viewCount="7")), "me.1738703053.json")
    import_channel_statistics(store.unit_of_work, [path])
    import_channel_statistics(store.unit_of_work, [path], measured_at=THEN)
    times = [reading.timestamp for reading in after.channel_statistics.page()]
    assert times == [datetime.fromtimestamp(1738703053, UTC), THEN]


def test_an_impossible_instant_is_refused_at_once(store: Store, tmp_path: Path) -> None:
    """Before any file is read."""
    with pytest.raises(InvalidValue, match="measured_at"):
        take(store, tmp_path, {}, at=datetime(1969, 1, 1, tzinfo=UTC))


# Whole imports


@pytest.mark.usefixtures("known", "known_video")
def test_a_second_import_adds_nothing(store: Store, after: UnitOfWork, tmp_path: Path) -> None:
    """Nor does the same reading in two files, or twice in one; another instant does."""
    documents = (
        channel_list(counted(viewCount="7"), counted(viewCount="8"), channel(OTHER)),
        video_list(video(statistics={"viewCount": "7"})),
        video_list(video(statistics={"viewCount": "9"})),
    )
    first = take(store, tmp_path, *documents, create=True)
    assert [told(account) for account in first] == [
        {"rows": 3, "new_channels": 1, "readings": 1, "repeated": 1},
        {"rows": 1, "readings": 1},
        {"rows": 1, "repeated": 1},
    ]
    second = take(store, tmp_path, *documents, create=True)
    assert [told(account) for account in second] == [
        {"rows": 3, "repeated": 2, "ignored": 1},
        {"rows": 1, "repeated": 1},
        {"rows": 1, "repeated": 1},
    ]
    later = take(store, tmp_path, documents[0], at=THEN + timedelta(days=1))
    assert told(later[0])["readings"] == 1
    assert numbers_of_channels(after) == [(None, 7, None), (None, 7, None)]
    assert numbers_of_videos(after) == [(7, None, None)]


@pytest.mark.usefixtures("known")
def test_one_file_may_hold_all_kinds_of_responses(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Bare or packed, in a list, or a single resource; each row has its number in the file."""
    categories = {
        "kind": "youtube#videoCategoryListResponse",
        "items": [{"id": "1", "snippet": {"title": "Film"}}],
    }
    report = {"kind": "youtubeAnalytics#resultTable"}
    document = [
        {"items": [counted(viewCount="7"), 5]},
        categories,
        report,
        counted(viewCount="8"),
        {"kind": "youtube#channelListResponse"},
        video_list(video(liveStreamingDetails={})),
    ]
    packed = gzip.compress(json.dumps(document).encode(), mtime=0)
    path = file_of(tmp_path, packed, "all.json.gz")
    [account] = import_channel_statistics(store.unit_of_work, [path], measured_at=THEN)
    assert told(account) == {"rows": 6, "readings": 1, "repeated": 1, "refused": 2, "ignored": 2}
    places = [str(each.place) for each in (*account.refused, *account.ignored)]
    assert places == ["item 2", "item 4", "item 3", "item 6"]
    assert numbers_of_channels(after) == [(None, 7, None)]


@pytest.mark.usefixtures("known")
def test_a_file_that_is_none_is_told_and_the_others_are_taken(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """A missing one, one of another kind, an error of the API, damaged data."""
    good = json_file_of(tmp_path, channel_list(counted(viewCount="7")), "good.json")
    bad = [
        str(tmp_path / "missing.json"),
        json_file_of(tmp_path, {"id": "x", "title": "y"}, "dump.json"),
        json_file_of(tmp_path, {"error": {"code": 403, "message": "quota"}}, "error.json"),
        file_of(tmp_path, gzip.compress(b"{" * 1000)[:-9], "cut.json.gz"),
    ]
    accounts = import_channel_statistics(store.unit_of_work, [*bad, good], measured_at=THEN)
    assert [account.is_complete for account in accounts] == [False] * 4 + [True]
    assert after.channel_statistics.count() == 1


def test_more_than_a_unit_of_work_holds(store: Store, after: UnitOfWork, tmp_path: Path) -> None:
    """Every row counts once."""
    channels = [channel(f"UC{n:022}", statistics={"viewCount": str(n)}) for n in range(501)]
    [account] = take(store, tmp_path, channel_list(*channels), create=True)
    assert told(account) == {"rows": 501, "new_channels": 501, "readings": 501}
    assert after.channel_statistics.count() == 501


class Disturbed:
    """A store of which the first units of work fail at their commit."""

    def __init__(self, store: Store, failures: int, error: Exception) -> None:
        self._store = store
        self._left = failures
        self._error = error

    def unit_of_work(self) -> Any:
        uow = self._store.unit_of_work()
        if self._left:
            self._left -= 1

            def fail() -> None:
                raise self._error

            uow.commit = fail  # type: ignore[method-assign]
        return uow


@pytest.mark.parametrize("error", [AlreadyExists("x"), Conflict("x"), StoreBusy("x")])
def test_others_in_the_way_make_it_try_again(
    store: Store, after: UnitOfWork, tmp_path: Path, error: Exception
) -> None:
    """What a try that failed had counted does not count."""
    path = json_file_of(tmp_path, channel_list(counted(viewCount="7"), 5))
    disturbed = Disturbed(store, ATTEMPTS - 1, error)
    [account] = import_channel_statistics(
        disturbed.unit_of_work, [path], measured_at=THEN, create=True
    )
    assert told(account) == {"rows": 2, "new_channels": 1, "readings": 1, "refused": 1}
    assert after.channels.count() == 1
    with pytest.raises(type(error)):
        import_channel_statistics(
            Disturbed(store, ATTEMPTS, error).unit_of_work, [path], measured_at=THEN
        )
