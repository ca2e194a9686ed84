"""Statistics of channels and their videos, from responses of YouTube's Data API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import fields
from pipeline_store.importers.channel_storing import SourcedChannel, SourcedVideo, StatisticsStorer
from pipeline_store.importers.reading import Ignored, Place, Refusal
from pipeline_store.importers.statistics_account import StatisticsAccount
from pipeline_store.importers.youtube_api import JoinedReading, SourcedItem, joined_by_video
from pipeline_store.importers.youtube_api_channels import ChannelItem, read_channels_and_videos
from pipeline_store.importers.youtube_api_items import CategoryItems, VideoItem
from pipeline_store.values import as_instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline_store.importers.storing import NewUnitOfWork

NO_INSTANT: Final = "nothing says when its numbers were read: give --measured-at TIME"


@attrs.define
class _Found:
    """What the files of one import hold together."""

    channels: list[SourcedChannel] = attrs.field(factory=list[SourcedChannel])
    videos: list[SourcedItem] = attrs.field(factory=list[SourcedItem])


def import_channel_statistics(
    new_unit_of_work: NewUnitOfWork,
    paths: Sequence[str],
    *,
    create: bool = False,
    measured_at: datetime | None = None,
) -> list[StatisticsAccount]:
    """Add readings to the channels and videos that the files tell of, joined over all files.

    They are known by their ids on YouTube. With `create`, channels and videos that are not known
    are made; else they are told in the accounts, as is all that cannot be read. Importing a file
    again adds nothing.

    Args:
        new_unit_of_work: such as `store.unit_of_work`.
        paths: `channels.list` and `videos.list` responses, plain or gzip.
        create: whether to make what is not known.
        measured_at: when they were recorded, for those that do not say; else the Unix seconds in
            a file's name are taken, else a file with numbers is refused.

    Raises:
        InvalidValue: `measured_at` lies outside 1970 to 2200.
        Conflict, StoreBusy: others were in the way each of several times.
    """
    if measured_at is not None:
        measured_at = as_instant("measured_at", measured_at)
    accounts = [StatisticsAccount(path=path) for path in paths]
    found = _Found()
    for number, account in enumerate(accounts):
        said = measured_at or fields.instant_in_file_name(account.path)
        try:
            _read(found, number, account, said)
        except InputFileRefused as refused:
            account.problem = refused.reason
    storer = StatisticsStorer(new_unit_of_work, create=create)
    # First, so that videos find the channels that are made here.
    storer.store(found.channels)
    joined = joined_by_video(found.videos, accounts)
    storer.store([_sourced(each, accounts) for each in joined])
    return accounts


def _read(found: _Found, number: int, account: StatisticsAccount, said: datetime | None) -> None:
    """Add what a file holds, or nothing when it is refused.

    Raises:
        InputFileRefused: it cannot be read, or nothing says when its numbers were.
    """
    items = list(read_channels_and_videos(account.path, said))
    if any(_is_timeless(item) for item in items):
        raise InputFileRefused(account.path, NO_INSTANT)
    for item in items:
        match item:
            case ChannelItem():
                account.rows += 1
                found.channels.append(SourcedChannel(item, account))
            case VideoItem():
                account.rows += 1
                found.videos.append(SourcedItem(number, item))
            case CategoryItems():
                for _ in item.titles:
                    place = Place(account.rows + 1, "item")
                    account.note(Ignored(place, "a category, which has no statistics"))
            case Refusal() | Ignored():
                account.note(item)


def _is_timeless(item: Any) -> bool:
    counted = isinstance(item, ChannelItem | VideoItem) and item.counts is not None
    return counted and item.read_at is None


def _sourced(joined: JoinedReading, accounts: Sequence[StatisticsAccount]) -> SourcedVideo:
    described, measured = joined.counts_in
    return SourcedVideo(
        joined.reading, described_in=accounts[described], measured_in=accounts[measured]
    )
