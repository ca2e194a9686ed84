"""`review ...`: every verb is one call, and tells how things stand after it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from tests.integration.cli.conftest import DATABASES

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)


def run_status(command: Command, run_id: int) -> str:
    store = open_store(command.url)
    with store.unit_of_work(read_only=True) as uow:
        status = str(uow.pipeline_runs.get(run_id).status)
    store.close()
    return status


@both
def test_a_run_is_asked_about_approved_and_uploaded(seeded: Command) -> None:
    """The way of a good run, and of its short."""
    assert seeded("review", "request", "1", "--json").json["run"]["status"] == "review"
    approved = seeded("review", "approve", "1", "well cut", "--json").json
    assert (approved["run"]["status"], approved["review"]["action"]) == ("approved", "approve")
    assert approved["review"]["response_detail"] == "well cut"
    uploaded = seeded("review", "upload", "1", "abcdefghijk", "--json").json["run"]
    assert (uploaded["status"], uploaded["youtube_video_id"]) == ("uploaded", "abcdefghijk")
    assert uploaded["youtube_url"] == "https://www.youtube.com/watch?v=abcdefghijk"
    short = seeded("review", "upload-short", "1", "kjihgfedcba", "--json").json["short"]
    assert (short["status"], short["youtube_video_id"]) == ("uploaded", "kjihgfedcba")
    assert run_status(seeded, 1) == "uploaded"


@pytest.mark.parametrize("wrong", ["", " ", "https://youtu.be/dQw4w9WgXcQ", "dQw4w9WgXcQ x"])
@pytest.mark.parametrize("verb", ["upload", "upload-short"])
def test_an_address_is_no_id(seeded: Command, verb: str, wrong: str) -> None:
    """An upload cannot be taken back, so what people paste by mistake is refused."""
    seeded("review", "request", "1")
    seeded("review", "approve", "1")
    refused = seeded("review", verb, "1", wrong)
    assert (refused.code, refused.out) == (2, "")
    assert "the id alone expected, such as dQw4w9WgXcQ" in refused.err
    assert run_status(seeded, 1) == "approved"


def test_an_id_that_begins_with_a_dash_goes_after_two(seeded: Command) -> None:
    """One in 64 ids does: what looks like an option says how it is given."""
    seeded("review", "request", "1")
    seeded("review", "approve", "1")
    refused = seeded("review", "upload", "1", "-abcdefghij")
    assert refused.code == 2
    assert "an argument that begins with a dash goes after `--`" in refused.err
    assert "after `--`" not in seeded("review", "upload", "1", "--jsn").err
    assert "after `--`" not in seeded("status", "-x").err
    uploaded = seeded("review", "upload", "--json", "1", "--", "-abcdefghij").json["run"]
    assert uploaded["youtube_video_id"] == "-abcdefghij"


@both
def test_nothing_is_uploaded_that_nobody_approved(seeded: Command) -> None:
    """An upload of a waiting run or of its short is refused and changes nothing."""
    seeded("review", "request", "1")
    for arguments in (["upload", "1", "abc"], ["upload-short", "1", "abc"]):
        refused = seeded("review", *arguments)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith("error: ")
    assert run_status(seeded, 1) == "review"


@both
def test_a_rejected_run_has_failed_with_the_reason(seeded: Command) -> None:
    """The reason is kept with the run and with the answer."""
    seeded("review", "request", "1")
    rejected = seeded("review", "reject", "1", "too loud", "--json").json
    assert (rejected["run"]["status"], rejected["run"]["error_message"]) == (
        "failed",
        "rejected: too loud",
    )
    assert rejected["review"]["response_detail"] == "too loud"


def test_a_rejected_run_may_be_tried_again(seeded: Command) -> None:
    """It goes back to pending; a run that has not failed does not."""
    seeded("review", "request", "1")
    seeded("review", "reject", "1")
    assert seeded("review", "retry", "1", "--json").json["run"]["retry_count"] == 1
    again = seeded("review", "retry", "1")
    assert (again.code, run_status(seeded, 1)) == (1, "pending")


@pytest.mark.parametrize("ranks", [["2,3"], ["2", "3"]])
def test_clips_are_skipped_by_rank(seeded: Command, ranks: list[str]) -> None:
    """Ranks come with commas or apart; the run goes back to running."""
    seeded("review", "request", "1")
    skipped = seeded("review", "skip", "1", *ranks, "--json").json
    assert (skipped["run"]["status"], skipped["review"]["response_detail"]) == (
        "running",
        "skip 2,3",
    )
    refused = seeded("review", "skip", "1", "1")
    assert refused.code == 1
    assert "without clips" in refused.err


def test_a_script_is_written_anew(seeded: Command) -> None:
    """redo-script sends the run back to running."""
    seeded("review", "request", "1")
    again = seeded("review", "redo-script", "1", "--json").json
    assert (again["run"]["status"], again["review"]["action"]) == ("running", "redo_script")


@both
def test_an_unanswered_request_is_held_and_may_be_uploaded_after(seeded: Command) -> None:
    """hold-overdue names what it held; uploading a held run approves it."""
    seeded("review", "request", "1")
    seeded("review", "request", "2")
    seeded("review", "hold", "2", "tomorrow")
    assert seeded("review", "hold-overdue", "--json").json == []
    [held] = seeded("review", "hold-overdue", "--hours", "0", "--json").json
    assert (held["pipeline_run_id"], held["action"], held["auto_held"]) == (1, "hold", 1)
    assert seeded("review", "upload", "1", "abcdefghijk").code == 0
    assert run_status(seeded, 1) == "uploaded"
    assert run_status(seeded, 2) == "review"


@both
def test_the_queue_tells_what_waits_and_until_when(seeded: Command) -> None:
    """Open requests have a deadline, held ones have none, overdue ones say so."""
    seeded("review", "request", "1")
    seeded("review", "request", "2")
    seeded("review", "hold", "2")
    entries = {entry["run_id"]: entry for entry in seeded("queue", "--json").json}
    assert {run: entry["state"] for run, entry in entries.items()} == {1: "open", 2: "held"}
    sent = datetime.fromisoformat(entries[1]["last_review"]["sent_at"])
    deadline = datetime.fromisoformat(entries[1]["deadline"])
    assert (deadline - sent).total_seconds() == 4 * 3600
    assert entries[1]["deadline"].endswith("+00:00")
    assert (entries[2]["deadline"], entries[2]["is_held"]) == (None, True)
    assert "overdue" in seeded("queue", "--hours", "0").out
    assert "gaming" in seeded("review", "queue").out


@both
def test_a_niche_is_paused_and_goes_on(seeded: Command) -> None:
    """The pause shows in the status, and ends."""

    def paused() -> list[str]:
        niches = seeded("review", "status", "--json").json
        return [niche["niche"] for niche in niches if niche["is_paused"]]

    assert seeded("review", "pause", "gaming", "--by", "anna").code == 0
    assert paused() == ["gaming"]
    assert seeded("review", "resume", "gaming", "--json").json["was_paused"] is True
    assert paused() == []
    again = seeded("review", "resume", "gaming")
    assert (again.code, again.out) == (0, "gaming was not paused\n")


@both
def test_a_value_is_set_in_place_of_the_old_one(seeded: Command) -> None:
    """The last value counts, and who set it is kept."""
    seeded("review", "set", "clips.longest", "20")
    seeded("review", "set", "clips.longest", "25", "--by", "anna")
    store = open_store(seeded.url)
    with store.unit_of_work(read_only=True) as uow:
        override = uow.config_overrides.get("clips.longest")
    store.close()
    assert (override.value, override.updated_by) == ("25", "anna")


@both
def test_a_declared_setting_is_checked_and_journalled(seeded: Command) -> None:
    """It makes no difference which command sets it."""
    refused = seeded("review", "set", "retry_attempts", "often")
    assert refused.code == 1
    assert "retry_attempts" in refused.err
    assert seeded("review", "set", "retry_attempts", "7", "--by", "anna").code == 0
    assert seeded("config", "get", "retry_attempts").out == "7\n"
    (change,) = seeded("config", "history", "retry_attempts", "--json").json
    assert (change["new_value"], change["changed_by"]) == (7, "anna")


@both
def test_every_sentence_says_what_became_of_the_run(seeded: Command) -> None:
    """Without --json each verb is one line."""
    said = [
        seeded("review", *words.split()).out
        for words in (
            "request 1",
            "hold 1 later",
            "approve 1",
            "upload 1 abc",
            "upload-short 1 abc",
        )
    ]
    assert said == [
        "asked for a review; run 1 (gaming) is review\n",
        "recorded hold (later); run 1 (gaming) is review\n",
        "recorded approve; run 1 (gaming) is approved\n",
        "run 1 (gaming) is uploaded: https://www.youtube.com/watch?v=abc\n",
        "short 1 is uploaded: https://www.youtube.com/shorts/abc\n",
    ]
