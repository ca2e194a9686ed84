"""The account of a file: every row counted, every refusal with its reason."""

from __future__ import annotations

import json

from pipeline_store.importers import FileSummary, Ignored, Place, Refusal, VideoReading


def a_summary() -> FileSummary:
    summary = FileSummary(path="list.csv")
    summary.note(VideoReading(place=Place(2), video_id="abcdefghijk", measured_at=None))
    summary.note(Refusal(Place(3), "damaged", "'x'"))
    summary.note(Refusal(Place(4), "late"))
    summary.note(Refusal(Place(5), "late", "'y'"))
    summary.note(Ignored(Place(6, "item"), "nothing to keep"))
    return summary


def test_every_row_is_counted_once() -> None:
    """Readings, refusals and rows with nothing to keep are all rows."""
    summary = a_summary()
    assert (summary.rows, len(summary.refused), len(summary.ignored)) == (5, 3, 1)
    assert summary.is_complete


def test_reasons_are_grouped() -> None:
    """The most frequent reason comes first, with all places and one example."""
    [late, damaged] = a_summary().refused_by_reason()
    assert (late.reason, late.count, [str(place) for place in late.places]) == (
        "late",
        2,
        ["line 4", "line 5"],
    )
    assert (damaged.reason, damaged.example) == ("damaged", "'x'")
    [ignored] = a_summary().ignored_by_reason()
    assert (ignored.reason, ignored.count, str(ignored.places[0])) == (
        "nothing to keep",
        1,
        "item 6",
    )


def test_an_account_is_json() -> None:
    """What `--json` prints holds the counts and every refusal with its place."""
    written = json.loads(json.dumps(a_summary().as_mapping()))
    assert written["rows"] == 5
    assert written["refused"][0] == {"place": "line 3", "reason": "damaged", "value": "'x'"}
