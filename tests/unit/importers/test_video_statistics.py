"""Statistics of channels' videos: what is stored, what is made, what is left out and told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel, PublicationStatus, Video
from pipeline_store.importers.channel_storing import (
    NO_CHANNEL,
    NO_CHANNEL_ID,
    NO_SNIPPET,
    NO_VIDEO,
    NOTHING_TOLD,
    SOURCE_TAKEN,
)
from tests.unit.importers.api_responses import (
    CHANNEL,
    OTHER,
    THEN,
    VIDEO,
    channel,
    channel_list,
    numbers_of_videos,
    snippet,
    take,
    told,
    video,
    video_list,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork


@pytest.mark.parametrize(
    ("statistics", "stored"),
    [
        ({"viewCount": "3507573655", "commentCount": "0"}, (3507573655, None, 0)),
        ({"likeCount": "0"}, (None, 0, None)),
        ({"viewCount": 2**63 - 1, "likeCount": 5, "commentCount": 6}, (2**63 - 1, 5, 6)),
    ],
)
def test_a_known_video_gets_a_reading(
    store: Store,
    known_video: Video,
    tmp_path: Path,
    statistics: dict[str, str],
    stored: tuple[int | None, ...],
) -> None:
    """No snippet is needed; hidden counts are unknown, and 0 is 0."""
    [account] = take(store, tmp_path, video_list(video(statistics=statistics)))
    assert told(account) == {"rows": 1, "readings": 1}
    with store.unit_of_work() as uow:
        assert numbers_of_videos(uow) == [stored]
        [reading] = uow.video_statistics.page()
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


def test_the_most_frequent_reason_is_told_first(store: Store, tmp_path: Path) -> None:
    """With the first of each as an example."""
    described = [video(f"{number:011}", snippet=snippet()) for number in range(2)]
    [account] = take(store, tmp_path, video_list(*described))
    assert [(each.reason, each.count, each.example) for each in account.unknown_by_reason()] == [
        (NO_VIDEO, 2, "00000000000"),
        (NO_CHANNEL, 1, CHANNEL),
    ]


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
