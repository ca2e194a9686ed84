"""Whole imports of statistics: instants, files of all kinds, repeated and disturbed imports."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import AlreadyExists, Conflict, InvalidValue, StoreBusy
from pipeline_store.importers import channel_storing
from pipeline_store.importers.channel_statistics import NO_INSTANT, import_channel_statistics
from pipeline_store.importers.storing import ATTEMPTS
from tests.unit.importers.api_responses import (
    OTHER,
    THEN,
    channel,
    channel_list,
    counted,
    numbers_of_channels,
    numbers_of_videos,
    take,
    told,
    video,
    video_list,
)
from tests.unit.importers.made_up import file_of, json_file_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork


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


def test_more_than_a_unit_of_work_holds(
    store: Store, after: UnitOfWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row counts once."""
    monkeypatch.setattr(channel_storing, "READINGS_PER_UNIT_OF_WORK", 20)
    channels = [channel(f"UC{n:022}", statistics={"viewCount": str(n)}) for n in range(41)]
    [account] = take(store, tmp_path, channel_list(*channels), create=True)
    assert told(account) == {"rows": 41, "new_channels": 41, "readings": 41}
    assert after.channel_statistics.count() == 41


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
