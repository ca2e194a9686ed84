"""Responses of YouTube's API: parts joined by video over all files of one import."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store.importers import ApiReadings, read_youtube_api_files
from tests.unit.importers.made_up import file_of, json_file_of, refusals

if TYPE_CHECKING:
    from pathlib import Path

SAID = datetime(2025, 6, 1, tzinfo=UTC)
SNIPPET = {
    "title": "A title",
    "channelTitle": "A channel",
    "channelId": "UC1234567890123456789012",
    "categoryId": "10",
    "publishedAt": "2019-11-29T20:00:11.000Z",
}
STATISTICS = {"viewCount": "3507573655", "likeCount": "17078355", "commentCount": "4998214"}


def response(*items: dict[str, object]) -> dict[str, object]:
    return {"kind": "youtube#videoListResponse", "items": list(items)}


def item(video_id: object = "abcdefghijk", **parts: object) -> dict[str, object]:
    return {"kind": "youtube#video", "id": video_id, **parts}


def read(folder: Path, *documents: object, measured_at: datetime | None = SAID) -> ApiReadings:
    paths = [
        json_file_of(folder, document, f"{number}.json")
        for number, document in enumerate(documents)
    ]
    return read_youtube_api_files(paths, measured_at=measured_at)


def test_all_parts_in_one_file(tmp_path: Path) -> None:
    """Count texts above 2^31 become numbers, periods become seconds, times become instants."""
    whole = item(snippet=SNIPPET, statistics=STATISTICS, contentDetails={"duration": "PT4M13S"})
    result = read(tmp_path, response(whole))
    [joined] = result.readings
    reading = joined.reading
    assert (joined.described_by, joined.measured_by) == (0, 0)
    assert (reading.title, reading.channel_name) == ("A title", "A channel")
    assert reading.channel_id == "UC1234567890123456789012"
    assert (reading.category_id, reading.duration_seconds) == (10, 253)
    assert reading.published_at == datetime(2019, 11, 29, 20, 0, 11, tzinfo=UTC)
    counts = (reading.view_count, reading.like_count, reading.comment_count)
    assert counts == (3507573655, 17078355, 4998214)
    assert reading.measured_at == SAID
    assert result.files[0].rows == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_parts_join_over_files(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Whatever the order of files, one video's parts make one reading, with each file's share."""
    parts = [
        item(snippet=SNIPPET),
        item(contentDetails={"duration": "PT1H"}),
        item(statistics=STATISTICS),
    ]
    result = read(tmp_path, *(response(parts[number]) for number in order))
    [joined] = result.readings
    assert joined.reading.title == "A title"
    assert joined.reading.duration_seconds == 3600
    assert joined.reading.view_count == 3507573655
    assert joined.described_by == order.index(0)
    assert joined.measured_by == order.index(2)
    assert [(file.rows, file.ignored) for file in result.files] == [(1, [])] * 3


def test_numbers_without_a_snippet_describe_no_video(tmp_path: Path) -> None:
    """They are for a snapshot only."""
    [joined] = read(tmp_path, response(item(statistics=STATISTICS))).readings
    assert not joined.reading.describes_video
    assert joined.described_by is None
    assert joined.reading.has_counts


def test_a_snippet_without_numbers_makes_no_snapshot(tmp_path: Path) -> None:
    """Counts that were not asked for are unknown."""
    [joined] = read(tmp_path, response(item(snippet=SNIPPET))).readings
    assert joined.reading.describes_video
    assert joined.measured_by is None
    assert not joined.reading.has_counts


def test_hidden_counters_are_unknown(tmp_path: Path) -> None:
    """An absent counter is not 0, and a 0 is."""
    [joined] = read(tmp_path, response(item(statistics={"viewCount": "0"}))).readings
    reading = joined.reading
    counts = (reading.view_count, reading.like_count, reading.comment_count)
    assert counts == (0, None, None)


def test_a_snippet_of_times_only_describes_no_video(tmp_path: Path) -> None:
    """Calls for numbers give one without a title; counts may be numbers there."""
    times = {"publishTime": "2019-11-29T20:00:11Z"}
    [joined] = read(
        tmp_path,
        {"items": [{"id": "abcdefghijk", "snippet": times, "statistics": {"viewCount": 5}}]},
    ).readings
    assert not joined.reading.describes_video
    assert joined.reading.view_count == 5


def test_two_calls_are_two_snapshots(tmp_path: Path) -> None:
    """Numbers of one video read at two instants are never merged, and each keeps its own title."""
    for epoch, title, views in ((1738703053, "Before", "5"), (1738789453, "After", "7")):
        whole = item(snippet={**SNIPPET, "title": title}, statistics={"viewCount": views})
        json_file_of(tmp_path, response(whole), f"videos.{epoch}.json")
    late = json_file_of(
        tmp_path, response(item(statistics={"viewCount": "9"})), "v.1738889453.json"
    )
    paths = [*sorted(str(path) for path in tmp_path.glob("videos.*")), late]
    readings = [joined.reading for joined in read_youtube_api_files(paths).readings]
    assert [(reading.title, reading.view_count) for reading in readings] == [
        ("Before", 5),
        ("After", 7),
        ("After", 9),
    ]
    assert len({reading.measured_at for reading in readings}) == 3


def test_a_period_of_a_live_video_is_unknown(tmp_path: Path) -> None:
    """P0D is not a length of 0."""
    live = item(snippet=SNIPPET, contentDetails={"duration": "P0D"})
    [joined] = read(tmp_path, response(live)).readings
    assert joined.reading.duration_seconds is None


@pytest.mark.parametrize(
    ("period", "expected"),
    [("P1DT2H3M4S", 93784), ("PT0S", None), ("PT59.5S", 60), ("P1W", 604800), ("P1D", 86400)],
)
def test_periods(tmp_path: Path, period: str, expected: int | None) -> None:
    """Periods may have days and weeks."""
    whole = item(snippet=SNIPPET, contentDetails={"duration": period})
    [joined] = read(tmp_path, response(whole)).readings
    assert joined.reading.duration_seconds == expected


def test_a_length_alone_is_counted(tmp_path: Path) -> None:
    """What describes no video and holds no number is told, not lost."""
    result = read(
        tmp_path,
        response(item(contentDetails={"duration": "PT5S"})),
        response(item(liveStreamingDetails={"actualStartTime": "2014-08-01T17:51:50Z"})),
    )
    assert result.readings == ()
    assert [len(file.ignored) for file in result.files] == [1, 1]
    assert [file.rows for file in result.files] == [1, 1]


def test_where_the_instant_comes_from(tmp_path: Path) -> None:
    """The recording's own instant, else --measured-at, else the file name's, else none."""
    whole = item(statistics=STATISTICS)
    recorded = {"recorded_at": "Wed, 12 Feb 2020 20:41:18 GMT", "response": response(whole)}
    plain = json_file_of(tmp_path, response(whole), "videos.json")
    named = json_file_of(tmp_path, response(whole), "videos.1738703053.json")
    with_own = json_file_of(tmp_path, [recorded], "recorded.1738703053.json")

    def instant(path: str, said: datetime | None) -> datetime | None:
        return read_youtube_api_files([path], measured_at=said).readings[0].reading.measured_at

    assert instant(plain, None) is None
    assert instant(plain, SAID) == SAID
    assert instant(named, SAID) == SAID
    assert instant(named, None) == datetime.fromtimestamp(1738703053, UTC)
    assert instant(with_own, SAID) == datetime(2020, 2, 12, 20, 41, 18, tzinfo=UTC)


def test_videos_outside_of_a_list_of_videos(tmp_path: Path) -> None:
    """A bare video, and videos in a response of a kind that is new, are videos all the same."""
    bare = item("video_one_1", statistics=STATISTICS)
    new_kind = {"kind": "youtube#newKind", "items": [item("video_two_2", statistics=STATISTICS)]}
    result = read(tmp_path, bare, new_kind)
    assert [joined.reading.video_id for joined in result.readings] == ["video_one_1", "video_two_2"]


def test_an_empty_response_is_sound(tmp_path: Path) -> None:
    """Unknown ids are left out by the API; a response without items has no rows."""
    result = read(tmp_path, response())
    assert (result.files[0].rows, result.files[0].problem) == (0, None)


def test_a_list_of_categories_serves_for_niches(tmp_path: Path) -> None:
    """Its items are counted and told apart from videos."""
    categories = {
        "kind": "youtube#videoCategoryListResponse",
        "items": [{"id": "10", "snippet": {"title": "Music"}}],
    }
    result = read(tmp_path, categories)
    assert result.category_titles == {10: "Music"}
    assert (result.files[0].rows, len(result.files[0].ignored)) == (1, 1)


def test_reports_are_refused_one_by_one(tmp_path: Path) -> None:
    """A report of YouTube Analytics is no video's running total; its file is read to the end."""
    report = {
        "recorded_at": "2020-02-12T20:41:18Z",
        "response": {"kind": "youtubeAnalytics#resultTable"},
    }
    result = read(tmp_path, [report, report])
    reason = "an analytics report, not a video's running totals"
    assert refusals(result.files[0]) == [("item 1", reason, None), ("item 2", reason, None)]
    assert result.files[0].is_complete


@pytest.mark.parametrize(
    "damaged",
    [
        item("#NAME?"),
        item(None),
        item({"videoId": "abcdefghijk"}),
        item(statistics=[]),
        item(statistics={"viewCount": ""}),
        item(statistics={"viewCount": "-1"}),
        item(statistics={"viewCount": "1.5"}),
        item(statistics={"viewCount": 1.5}),
        item(statistics={"likeCount": True}),
        item(statistics={"commentCount": str(2**63)}),
        item(contentDetails={"duration": "4:13"}),
        item(contentDetails={"duration": "P"}),
        item(contentDetails={"duration": "PT"}),
        item(contentDetails={"duration": "P" + "9" * 300 + "D"}),
        item(contentDetails={"duration": 253}),
        item(snippet={**SNIPPET, "publishedAt": "soon"}),
        item(snippet={**SNIPPET, "publishedAt": 5}),
        item(snippet={**SNIPPET, "categoryId": "ten"}),
        item(snippet={**SNIPPET, "title": ["A"]}),
        {"kind": "youtube#channel", "id": "UC1234567890123456789012"},
    ],
)
def test_a_damaged_item_is_refused_and_the_next_is_read(
    tmp_path: Path, damaged: dict[str, object]
) -> None:
    """One item's defect costs that item only."""
    result = read(tmp_path, response(damaged, item("video_two_2", statistics=STATISTICS)))
    assert [joined.reading.video_id for joined in result.readings] == ["video_two_2"]
    assert [str(refusal.place) for refusal in result.files[0].refused] == ["item 1"]
    assert result.files[0].rows == 2


OTHER_DOCUMENTS: list[tuple[object, str]] = [
    (5, "not a response of YouTube's API"),
    ([5], "not a response of YouTube's API"),
    ({}, "no list of videos"),
    ({"id": "abcdefghijk", "title": "A"}, "use `import yt-dlp`"),
    ({"kind": "youtube#searchListResponse", "items": []}, "'youtube#searchListResponse'"),
    (
        {"error": {"code": 403, "message": "quotaExceeded"}},
        "the API answered with an error: 403 'quotaExceeded'",
    ),
    ({"kind": "youtube#videoCategoryListResponse", "items": [{"id": "x"}]}, "item 1"),
    ([{"recorded_at": "Sometime", "response": {}}], "recorded_at is not a time"),
    ([{"recorded_at": "Fri, 99 Feb 2020", "response": {}}], "recorded_at is not a time"),
]


@pytest.mark.parametrize(("document", "reason"), OTHER_DOCUMENTS)
def test_a_file_of_another_kind_does_not_stop_the_others(
    tmp_path: Path, document: object, reason: str
) -> None:
    """Its summary says what it is; the other files of the import are read."""
    result = read(tmp_path, document, response(item(statistics=STATISTICS)))
    problem = result.files[0].problem
    assert problem is not None
    assert reason in problem
    assert len(result.readings) == 1


def test_a_missing_file_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is told in its summary like any other file that cannot be read."""
    there = file_of(tmp_path, "{}")
    result = read_youtube_api_files([str(tmp_path / "nowhere.json"), there])
    assert [file.is_complete for file in result.files] == [False, False]
    assert result.files[0].problem == "no such file"
