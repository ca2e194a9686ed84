"""Whole imports: what is made, refreshed, kept, counted and refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.importers import NicheRules
from pipeline_store.importers.importing import import_trending
from pipeline_store.production import Processed
from tests.unit.importers.imports import (
    CLASSIC_HEADER,
    ONE,
    TWO,
    counts,
    day,
    dump,
    import_dump,
    import_list,
    row,
    video_in,
)
from tests.unit.importers.made_up import BARE_HEADER, file_of
from tests.whole_store import everything_in

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork


def test_a_new_video_is_made_and_a_known_one_refreshed(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Each reading is a snapshot, and the video shows the newest."""
    account = import_list(store, tmp_path, row(14, 100), row(15, 300, title="Another title"))
    assert counts(account) == {"new": 1, "refreshed": 1, "snapshots": 2}
    video = video_in(after)
    assert (video.title, video.view_count, video.discovered_at) == ("Another title", 300, day(14))
    assert (video.url, video.discovery_source) == (
        f"https://www.youtube.com/watch?v={ONE}",
        "trending",
    )
    series = after.analytics.series(ONE)
    assert [(one.measured_at, one.view_count) for one in series] == [(day(14), 100), (day(15), 300)]


def test_a_second_import_adds_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    """Every reading is counted as repeated; those that are not the newest as older."""
    rows = [row(14, 100), row(15, 300), row(15, 7, video=TWO)]
    import_list(store, tmp_path, *rows)
    with store.unit_of_work() as uow:
        before = everything_in(uow)
    assert counts(import_list(store, tmp_path, *rows)) == {"older": 1, "repeated": 3}
    with store.unit_of_work() as uow:
        assert everything_in(uow) == before


def test_the_first_reading_of_a_day_is_kept_and_the_rest_counted(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """The video shows the numbers that were kept."""
    account = import_list(store, tmp_path, row(14, 100), row(14, 103), row(14, 99))
    assert counts(account) == {"new": 1, "snapshots": 1, "repeated": 2}
    assert [one.view_count for one in after.analytics.series(ONE)] == [100]
    assert video_in(after).view_count == 100


def test_what_was_decided_about_a_video_outlives_a_refresh(store: Store, tmp_path: Path) -> None:
    """Its mark, niche, source, and when and how fast it was discovered."""
    import_list(store, tmp_path, row(14, 100))
    with store.unit_of_work() as uow:
        video = video_in(uow)
        video.processed, video.niche, video.view_velocity = Processed.USED, "mine", 12.5
        uow.commit()
    import_dump(store, tmp_path, dump(day(20), view_count=900, timestamp=1))
    with store.unit_of_work() as uow:
        video = video_in(uow)
        assert video.view_count == 900
        assert (video.processed, video.niche, video.view_velocity) == (1, "mine", 12.5)
        assert (video.discovery_source, video.discovered_at) == ("trending", day(14))


def test_the_velocity_is_that_of_the_discovery(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Views per hour since the upload, at the first reading and not at later ones."""
    uploaded = int((day(14) - timedelta(hours=10)).timestamp())
    import_dump(
        store,
        tmp_path,
        dump(day(14), view_count=500, timestamp=uploaded),
        dump(day(15), view_count=900, timestamp=uploaded),
    )
    assert video_in(after).view_velocity == 50.0


def test_what_is_unknown_stays_unknown(store: Store, after: UnitOfWork, tmp_path: Path) -> None:
    """Comments and ratings that are off are None in the video and in the snapshot, not 0."""
    path = file_of(
        tmp_path, f"{CLASSIC_HEADER}{ONE},17.14.11,T,C,10,2017-11-13,8,0,0,0,True,True\n"
    )
    import_trending(store.unit_of_work, path, NicheRules())
    [snapshot] = after.analytics.series(ONE)
    for holder in (video_in(after), snapshot):
        assert (holder.view_count, holder.like_count, holder.comment_count) == (8, None, None)


def test_a_video_that_the_store_cannot_hold_is_refused_with_its_row(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """The other rows are taken, and nothing of the refused one is."""
    rules = NicheRules(by_category={"10": ""})
    rows = (row(14, 100), row(14, 7, video=TWO).replace(",10,7,", ",20,7,"))
    account = import_list(store, tmp_path, *rows, niches=rules)
    [refusal] = account.refused
    assert (str(refusal.place), refusal.value) == ("line 2", ONE)
    assert "niche" in refusal.reason
    assert counts(account) == {"new": 1, "snapshots": 1}
    assert after.analytics.series(ONE) == []


def test_accounts_do_not_depend_on_where_batches_end(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """A file of 1,250 rows takes three units of work; the account grows with each."""
    rows = [
        row(number, number, video=f"video-{which:05}")
        for number in range(1, 6)
        for which in range(250)
    ]
    path = file_of(tmp_path, BARE_HEADER + "".join(rows), "list.csv")
    seen: list[int] = []
    account = import_trending(
        store.unit_of_work, path, NicheRules(), progress=lambda so_far: seen.append(so_far.rows)
    )
    assert seen == [500, 1000, 1250]
    assert counts(account) == {"new": 250, "refreshed": 1000, "snapshots": 1250}
    assert after.discovered_videos.count() == 250


RULES = {
    "mine": NicheRules(fixed="mine", by_category={"10": "songs"}, titles={10: "Music"}),
    "songs": NicheRules(by_category={"10": "songs"}, titles={10: "Music"}),
    "tunes": NicheRules(by_category={"MUSIC": "tunes"}, titles={10: "Music"}),
    "Music": NicheRules(by_category={"20": "games"}, titles={10: "Music"}),
    "uncategorised": NicheRules(titles={20: "Gaming"}),
}


@pytest.mark.parametrize("expected", RULES)
def test_the_niche_is_the_given_one_else_of_the_map_else_the_category(
    store: Store, after: UnitOfWork, tmp_path: Path, expected: str
) -> None:
    """Of a video of which nothing tells a niche, it is "uncategorised"."""
    import_list(store, tmp_path, row(14, 100), niches=RULES[expected])
    assert video_in(after).niche == expected
