"""`job ...`: what waits, who works on what, what failed, and pausing the queue."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from pipeline_store.channels import Channel, JobType, ProcessingJob, Video
from pipeline_store.cli.answers import span
from tests.integration.cli.conftest import DATABASES
from tests.integration.cli.outcomes import refused

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

LEASE = timedelta(minutes=5)
SHORTEST = timedelta(milliseconds=1)


@pytest.fixture
def filled(command: Command, uow: UnitOfWork) -> Command:
    """A channel with a video and, of scraping, a job in each status; and a download that waits."""
    channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
    video = uow.videos.add(
        Video(
            channel_id=channel.id,
            source_url="https://example.org/v",
            source_title="A heron",
            source_platform="x",
            youtube_video_id="abcdefghijk",
        )
    )
    for priority in range(1, 6):
        uow.jobs.add(
            ProcessingJob(channel_id=channel.id, job_type=JobType.SCRAPE, priority=priority)
        )
    uow.jobs.add(ProcessingJob(channel_id=channel.id, video_id=video.id, job_type=JobType.DOWNLOAD))
    uow.commit()
    done, failed, retrying, _held = uow.jobs.claim_batch("worker-7", 4, LEASE)
    uow.jobs.complete(done)
    uow.jobs.fail(failed, "no such page", {"status": 404}, permanent=True)
    uow.jobs.fail(retrying, "timeout")
    uow.commit()
    return command


def id_of(command: Command, status: str) -> str:
    [job] = command("job", "list", "--status", status, "--type", "scrape", "--json").json
    return str(job["id"])


@both
def test_jobs_are_listed_from_what_is_going_on(filled: Command) -> None:
    """All, of one status, of one type, at most so many."""

    def listed(*options: str) -> list[tuple[str, int]]:
        return [
            (job["status"], job["priority"])
            for job in filled("job", "list", *options, "--json").json
        ]

    whole = [
        ("processing", 2),
        ("queued", 1),
        ("queued", 0),
        ("retrying", 3),
        ("failed", 4),
        ("completed", 5),
    ]
    assert listed() == whole
    assert listed("--limit", "2") == whole[:2]
    assert listed("--status", "queued") == whole[1:3]
    assert listed("--type", "download") == [("queued", 0)]
    assert listed("--type", "publish") == []
    assert listed("--status", "failed", "--type", "download") == []
    assert filled("job", "list", "--type", "publish").out == "no jobs\n"
    [job] = filled("job", "list", "--status", "processing", "--json").json
    assert (job["channel"], job["worker"], job["attempts"]) == ("nature1", "worker-7", 1)
    assert refused(filled("job", "list", "--status", "lost"), "'lost'", code=2)
    assert refused(filled("job", "list", "--type", "paint"), "'paint'", code=2)
    assert refused(filled("job", "list", "--limit", "0"), "--limit", code=2)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_list_fits_the_terminal(
    filled: Command, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Ids, types, statuses and counts are whole; times and workers come where there is room."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = filled("job", "list").out.splitlines()
    assert max(map(len, lines)) <= columns
    key = r"[0-9a-f-]{36}"
    more = r" +20\d\d-\d\d-\d\d \d\d:\d\d +worker-7" if columns == 120 else ""
    assert re.fullmatch(rf"{key}  scrape +processing +2 +1/3  nature1{more} *", lines[2])


@both
def test_a_job_is_shown_with_its_prospects(filled: Command) -> None:
    """Who holds it until when, its attempts, and when it may be claimed next."""
    held = filled("job", "show", id_of(filled, "processing"), "--json").json
    assert (held["worker"], held["attempts"], held["max_attempts"]) == ("worker-7", 1, 3)
    ends = datetime.fromisoformat(held["due_at"])
    assert datetime.fromisoformat(held["claimable_at"]) == ends + timedelta(seconds=1)
    assert (held["lease_has_ended"], held["is_paused"]) == (False, False)
    failed = filled("job", "show", id_of(filled, "failed"), "--json").json
    assert (failed["claimable_at"], failed["error_message"]) == (None, "no such page")
    assert failed["error_details"] == {"status": 404}
    retrying = filled("job", "show", id_of(filled, "retrying"), "--json").json
    assert retrying["claimable_at"] == retrying["due_at"]
    nobody = str(uuid4())
    assert refused(filled("job", "show", nobody), f"no job {nobody}; `pipeline-store job list`")
    assert refused(filled("job", "show", "7"), "UUID", code=2)


def facts(command: Command, job_id: str) -> dict[str, str]:
    """What `job show` says, by the name of the fact."""
    lines = command("job", "show", job_id).out.splitlines()
    pairs = (re.split(r"  +", line.strip(), maxsplit=1) for line in lines)
    return {pair[0]: pair[1] for pair in pairs}


def test_people_are_told_when_a_job_s_turn_comes(
    filled: Command, uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words that say what it depends on."""
    monkeypatch.setenv("COLUMNS", "150")
    at = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    [queued] = filled("job", "list", "--type", "download", "--json").json
    shown = facts(filled, queued["id"])
    assert (shown["may be claimed"], shown["attempts"], shown["held by"]) == ("now", "0 of 3", "-")
    assert shown["video"].endswith("A heron")
    held = facts(filled, id_of(filled, "processing"))
    assert re.fullmatch(rf"from {at} on, if its holder is not heard of", held["may be claimed"])
    assert re.fullmatch(at, held["lease ends"])
    assert held["held by"] == "worker-7"
    failed = id_of(filled, "failed")
    assert facts(filled, failed)["may be claimed"] == (
        f"never, until `pipeline-store job retry {failed}`"
    )
    assert facts(filled, failed)["details"] == '{"status": 404}'
    assert facts(filled, id_of(filled, "completed"))["may be claimed"] == "never again"
    filled("job", "pause", "download")
    assert facts(filled, queued["id"])["may be claimed"] == "now, once the pause ends"
    [channel] = uow.channels.page()
    last = uow.jobs.add(ProcessingJob(channel_id=channel.id, job_type="scrape", max_attempts=1))
    last.priority = 10
    uow.commit()
    uow.jobs.claim_next("worker-8", SHORTEST)
    uow.commit()
    told = facts(filled, str(last.id))
    assert told["may be claimed"].startswith("never: this is its last attempt")
    assert told["lease ends"].endswith("(ended: the next claim of anybody takes the job away)")


@both
def test_a_job_is_queued(filled: Command) -> None:
    """For a channel by its name, on a video by its id, source or key."""
    video_id = filled("job", "list", "--type", "download", "--json").json[0]["video_id"]
    for named in ("abcdefghijk", "https://example.org/v", video_id):
        added = filled(
            "job", "add", "nature1", "publish", "--video", named, "--priority", "9",
            "--max-attempts", "5", "--json",
        ).json  # fmt: skip
        assert (added["video_id"], added["channel"]) == (video_id, "nature1")
        assert (added["priority"], added["max_attempts"], added["status"]) == (9, 5, "queued")
    said = filled("job", "add", "nature1", "scrape").out
    assert re.fullmatch(r"scrape job [0-9a-f-]{36} is queued\n", said)
    assert len(filled("job", "list", "--json").json) == 10


def test_a_job_that_cannot_be_done_is_not_queued(filled: Command) -> None:
    """No such channel or video, a type that needs one, numbers out of bounds."""
    before = filled("job", "list", "--json").json
    assert refused(filled("job", "add", "nature", "scrape"), "did you mean nature1?")
    assert refused(filled("job", "add", "nature1", "download"), "needs a video")
    lost = filled("job", "add", "nature1", "download", "--video", "lost")
    assert refused(lost, "channel nature1 has no video 'lost'")
    assert refused(filled("job", "add", "nature1", "paint"), "'paint'", code=2)
    assert refused(filled("job", "add", "nature1", "scrape", "--priority", "11"), "10", code=2)
    assert refused(filled("job", "add", "nature1", "scrape", "--max-attempts", "0"), "1", code=2)
    assert filled("job", "list", "--json").json == before


@both
def test_jobs_are_retried_all_or_none(filled: Command) -> None:
    """A failed one, and one that waits; not one that is done."""
    failed, retrying, done = (id_of(filled, one) for one in ("failed", "retrying", "completed"))
    assert refused(filled("job", "retry", failed, done), "completed", "cannot become queued")
    assert id_of(filled, "failed") == failed
    said = filled("job", "retry", failed, retrying).out
    assert said == f"scrape job {failed} is queued again\nscrape job {retrying} is queued again\n"
    assert filled("job", "show", failed, "--json").json["attempts"] == 0
    assert refused(filled("job", "retry", failed), "is queued")
    nobody = str(uuid4())
    assert refused(filled("job", "retry", nobody), f"no job {nobody}; `pipeline-store job list`")


def test_what_was_retried_is_told_in_json(filled: Command) -> None:
    """As in the list."""
    [job] = filled("job", "retry", id_of(filled, "failed"), "--json").json
    assert (job["status"], job["channel"], job["error_message"]) == ("queued", "nature1", None)


@both
def test_the_queue_is_paused_and_goes_on(filled: Command, uow: UnitOfWork) -> None:
    """One type, or all of it; one pause does not end the other."""
    assert filled("job", "pause", "download", "--by", "anna").out == "download jobs are paused\n"
    assert filled("job", "pause", "--json").json == {"paused": ["*", "download"]}
    assert uow.config_overrides.get("paused.jobs.download").updated_by == "anna"
    assert uow.jobs.claim_next("w", LEASE) is None
    uow.rollback()
    assert filled("job", "stats").out.splitlines()[-1] == "paused: all jobs, download jobs"
    said = [filled("job", "resume").out for _ in range(2)]
    assert said == [
        "all jobs go on; still paused: download\n",
        "all jobs were not paused; still paused: download\n",
    ]
    claim = uow.jobs.claim_next("w", LEASE)
    assert claim is not None
    assert claim.item.job_type == JobType.SCRAPE
    uow.rollback()
    ended = filled("job", "resume", "download", "--json").json
    assert ended == {"paused": [], "was_paused": True}
    filled("job", "pause")
    assert filled("job", "resume", "download").out == (
        "download jobs were not paused; still paused: all jobs\n"
    )
    assert refused(filled("job", "pause", "paint"), "'paint'", code=2)


@both
def test_statistics_come_by_type(filled: Command) -> None:
    """In JSON, and as a table with a row for each type and one for all."""
    stats = filled("job", "stats", "--json").json
    assert stats["by_type"]["scrape"]["counts"] == {
        "queued": 1,
        "processing": 1,
        "completed": 1,
        "failed": 1,
        "retrying": 1,
    }
    assert stats["all"]["counts"]["queued"] == 2
    assert stats["all"]["success_rate"] == 0.5
    assert stats["by_type"]["download"]["success_rate"] is None
    assert (stats["by_type"]["publish"]["mean_wait"], stats["paused"]) == (None, [])
    shown = filled("job", "stats").out.splitlines()
    titles = "type queued work retry done failed success wait run"
    assert shown[1].split() == titles.split()
    lines = [line.split() for line in shown[3:]]
    rows = {words[0]: words[1:] for words in lines if words}
    assert list(rows) == ["scrape", "download", "transform", "publish", "all"]
    assert rows["scrape"][:6] == ["1", "1", "1", "1", "1", "50.0%"]
    assert rows["download"] == ["1", "0", "0", "0", "0", "-", "-", "-"]
    assert rows["all"][:6] == ["2", "1", "1", "1", "1", "50.0%"]


def test_statistics_fit_a_narrow_terminal(
    filled: Command, uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With means of days and thousands of jobs."""
    monkeypatch.setenv("COLUMNS", "80")
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    [channel] = uow.channels.page()
    uow.jobs.add_many(
        ProcessingJob(
            channel_id=channel.id,
            job_type="scrape",
            status="completed",
            queued_at=long_ago,
            started_at=long_ago + timedelta(days=12, hours=13),
            completed_at=long_ago + timedelta(days=25),
        )
        for _ in range(1_200)
    )
    uow.commit()
    shown = filled("job", "stats").out
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(r"^scrape .* 1,201 +1 +99\.9% +12 d \d+ h +12 d \d+ h *$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(microseconds=1), "0 ms"),
        (timedelta(milliseconds=12), "12 ms"),
        (timedelta(seconds=-3), "0 ms"),
        (timedelta(seconds=3.44), "3.4 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=3, minutes=12), "3 h 12 min"),
        (None, None),
    ],
)
def test_lengths_of_time_are_told_in_words(length: timedelta | None, words: str | None) -> None:
    """From milliseconds to days."""
    assert span(length) == words
