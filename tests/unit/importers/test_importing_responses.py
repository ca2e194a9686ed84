"""Whole imports of YouTube API's responses, joined over all files of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.importers import NicheRules
from pipeline_store.importers.importing import import_youtube_api
from tests.unit.importers.imports import (
    NOW,
    ONE,
    TWO,
    api_list,
    counts,
    video_in,
)
from tests.unit.importers.made_up import json_file_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork


def test_parts_of_responses_join_over_all_files_of_a_call(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """The video counts where it is described, the snapshot where its numbers stand."""
    snippet = json_file_of(
        tmp_path, api_list({"snippet": {"title": "A title", "categoryId": "10"}}), "snippet.json"
    )
    numbers = json_file_of(
        tmp_path, api_list({"statistics": {"viewCount": "3507573655"}}), "statistics.json"
    )
    described, measured = import_youtube_api(
        store.unit_of_work, [snippet, numbers], NicheRules(titles={10: "Music"}), measured_at=NOW
    )
    assert (counts(described), counts(measured)) == ({"new": 1}, {"snapshots": 1})
    video = video_in(after)
    assert (video.title, video.niche, video.view_count) == ("A title", "Music", 3507573655)
    [snapshot] = after.analytics.series(ONE)
    assert (snapshot.view_count, snapshot.like_count) == (3507573655, None)


def test_statistics_without_a_snippet_make_a_snapshot_only(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """No file of the call describes the video."""
    path = json_file_of(tmp_path, api_list({"statistics": {"viewCount": "7"}}))
    [account] = import_youtube_api(store.unit_of_work, [path], NicheRules(), measured_at=NOW)
    assert counts(account) == {"snapshots": 1}
    assert after.discovered_videos.count() == 0


def test_a_file_given_twice_has_two_accounts(store: Store, tmp_path: Path) -> None:
    """What it holds counts once as a snapshot and once as repeated."""
    item = {"snippet": {"title": "A title"}, "statistics": {"viewCount": "7"}}
    path = json_file_of(tmp_path, api_list(item))
    first, second = import_youtube_api(
        store.unit_of_work, [path, path], NicheRules(), measured_at=NOW
    )
    assert (counts(first), counts(second)) == ({"new": 1, "snapshots": 1}, {"repeated": 1})


def test_categories_in_the_call_name_niches(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """A title that the caller gave goes before one in a response."""
    categories = json_file_of(
        tmp_path,
        {
            "kind": "youtube#videoCategoryListResponse",
            "items": [
                {"id": "10", "snippet": {"title": "Music"}},
                {"id": "20", "snippet": {"title": "Gaming"}},
            ],
        },
        "categories.json",
    )
    videos = json_file_of(
        tmp_path,
        api_list(
            {"snippet": {"title": "A", "categoryId": "10"}},
            {"id": TWO, "snippet": {"title": "B", "categoryId": "20"}},
        ),
        "videos.json",
    )
    rules = NicheRules(titles={20: "Games"})
    import_youtube_api(store.unit_of_work, [categories, videos], rules)
    assert (video_in(after).niche, video_in(after, TWO).niche) == ("Music", "Games")
