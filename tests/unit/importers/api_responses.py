"""Made-up responses of YouTube's API about channels and videos, and their import."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline_store.importers.channel_statistics import import_channel_statistics
from tests.unit.importers.made_up import json_file_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.importers.statistics_account import StatisticsAccount

CHANNEL = "UCabcdefghijklmnopqrstuv"
OTHER = "UC0123456789-_0123456789"
VIDEO = "abcdefghijk"
THEN = datetime(2026, 2, 1, 12, tzinfo=UTC)


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


def numbers_of_channels(uow: UnitOfWork) -> list[tuple[int | None, ...]]:
    return [
        (one.subscriber_count, one.view_count, one.video_count)
        for one in uow.channel_statistics.page()
    ]


def numbers_of_videos(uow: UnitOfWork) -> list[tuple[int | None, ...]]:
    return [
        (one.view_count, one.like_count, one.comment_count) for one in uow.video_statistics.page()
    ]
