"""Short imports of made-up readings, for the tests that ask what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline_store.importers import NicheRules
from pipeline_store.importers.importing import import_trending, import_yt_dlp
from tests.unit.importers.made_up import BARE_HEADER, file_of, json_file_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.importers import FileSummary
    from pipeline_store.production import DiscoveredVideo

ONE = "abcdefghijk"
TWO = "ABCDEFGHIJK"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLASSIC_HEADER = (
    "video_id,trending_date,title,channel_title,category_id,publish_time,views,likes,dislikes,"
    "comment_count,comments_disabled,ratings_disabled\n"
)


def day(number: int) -> datetime:
    return datetime(2017, 11, number, tzinfo=UTC)


def row(
    number: int,
    views: int | str,
    *,
    video: str = ONE,
    title: str = "A title",
    likes: int = 1,
    comments: int = 5,
) -> str:
    return f"{video},17.{number:02}.11,{title},10,{views},{likes},20,{comments}\n"


def import_list(
    store: Store, folder: Path, *rows: str, niches: NicheRules | None = None
) -> FileSummary:
    path = file_of(folder, BARE_HEADER + "".join(rows), "list.csv")
    return import_trending(store.unit_of_work, path, niches or NicheRules())


def import_dump(
    store: Store, folder: Path, *dumps: dict[str, object], name: str = ""
) -> FileSummary:
    path = json_file_of(folder, {"entries": list(dumps)}, name or "dumps.json")
    return import_yt_dlp(store.unit_of_work, path, NicheRules())


def dump(epoch: int | datetime | None, **facts: object) -> dict[str, object]:
    seconds = int(epoch.timestamp()) if isinstance(epoch, datetime) else epoch
    return {"id": ONE, "title": "A title", "epoch": seconds, **facts}


def video_in(uow: UnitOfWork, video_id: str = ONE) -> DiscoveredVideo:
    video = uow.discovered_videos.by_video_id(video_id)
    assert video is not None
    return video


def counts(account: FileSummary) -> dict[str, int]:
    names = ("new", "refreshed", "older", "snapshots", "repeated", "without_instant")
    return {name: getattr(account, name) for name in names if getattr(account, name)}


def api_list(*items: dict[str, object]) -> dict[str, object]:
    whole = [{"kind": "youtube#video", "id": ONE, **item} for item in items]
    return {"kind": "youtube#videoListResponse", "items": whole}
