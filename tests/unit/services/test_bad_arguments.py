"""What a service refuses: bad arguments get the package's own error, before anything is changed."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel, JobType
from pipeline_store.errors import InvalidValue
from pipeline_store.production import RunStatus
from pipeline_store.secrets import Keyring, Secret, new_key
from pipeline_store.services import jobs, pauses, publishing, reviews, runs, tasks_overview
from pipeline_store.services.credentials import (
    credential,
    refresh_failed,
    remove_credential,
    set_credential,
)
from pipeline_store.services.key_rotation import check_unused
from tests.unit.services.made_up import a_run_in_review, an_approved_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import UnitOfWork

NO_TEXTS: list[Any] = [True, 1, 1.5, b"x", [], {}, ..., "\0", "\ud800"]
NO_LENGTHS: list[Any] = [None, True, 4, 4.0, "4 h", timedelta(-1), timedelta.max]
NO_RANKS: list[Any] = [None, 1, "4", b"4", 1.5, ["4"], [4.0], [True], [0]]
NO_SECONDS: list[Any] = [None, True, "25", b"25", math.nan, -1]
ANSWERS: list[Callable[..., Any]] = [
    reviews.approve,
    reviews.reject,
    reviews.hold,
    reviews.redo_script,
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("detail", NO_TEXTS, ids=repr)
def test_an_answer_in_words_that_cannot_be_kept(
    uow: UnitOfWork, answer: Callable[..., Any], detail: Any
) -> None:
    """Nobody decides anything: the run stays in review, and is still asked about."""
    run = a_run_in_review(uow)
    with pytest.raises(InvalidValue):
        answer(uow, run.id, detail)
    assert_nobody_answered(uow, run.id)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("limit", NO_LENGTHS, ids=repr)
def test_an_answer_within_no_length_of_time(
    uow: UnitOfWork, answer: Callable[..., Any], limit: Any
) -> None:
    """A time of less than nothing would hold what was asked this moment."""
    run = a_run_in_review(uow)
    with pytest.raises(InvalidValue, match="limit"):
        answer(uow, run.id, limit=limit)
    assert_nobody_answered(uow, run.id)


@pytest.mark.parametrize(
    "bad",
    [*({"ranks": bad} for bad in NO_RANKS), *({"limit": bad} for bad in NO_LENGTHS)],
    ids=repr,
)
def test_skipping_what_is_no_clip(uow: UnitOfWork, bad: dict[str, Any]) -> None:
    """A text is no list of ranks either, letter by letter."""
    run = a_run_in_review(uow)
    with pytest.raises(InvalidValue):
        reviews.skip(uow, run.id, **dict[str, Any](ranks=[4]) | bad)
    assert_nobody_answered(uow, run.id)


def assert_nobody_answered(uow: UnitOfWork, run_id: int) -> None:
    assert uow.pipeline_runs.get(run_id).status == RunStatus.REVIEW
    assert [row.action for row in uow.reviews.for_run(run_id)] == [None]


@pytest.mark.parametrize("longest", NO_SECONDS, ids=repr)
def test_a_limit_of_clips_that_is_no_number(uow: UnitOfWork, longest: Any) -> None:
    """What is not a number, NaN, would let every clip pass."""
    run = a_run_in_review(uow)
    video = uow.clips.for_run(run.id)[0].discovered_video_id
    with pytest.raises(InvalidValue, match="longest_seconds"):
        runs.cut_clip(
            uow,
            run.id,
            video,
            rank=10,
            start_seconds=0,
            end_seconds=900,
            longest_seconds=longest,
        )
    assert len(uow.clips.for_run(run.id)) == 9


@pytest.mark.parametrize("given", [*NO_TEXTS, None], ids=repr)
def test_an_upload_that_youtube_cannot_have_named(uow: UnitOfWork, given: Any) -> None:
    """Neither a run nor a short is uploaded, nor is a held run approved on the way."""
    run = an_approved_run(uow)
    (short,) = uow.shorts.for_run(run.id)
    held = a_run_in_review(uow, "music")
    reviews.hold(uow, held.id)
    uploads: list[tuple[Callable[..., Any], int]] = [
        (publishing.upload_run, run.id),
        (publishing.upload_short, short.id),
        (publishing.upload_run, held.id),
    ]
    for upload, key in uploads:
        with pytest.raises(InvalidValue, match="youtube_video_id"):
            upload(uow, key, given)
        if given is not None:
            with pytest.raises(InvalidValue, match="youtube_url"):
                upload(uow, key, "an id", given)
    assert (run.status, short.status, held.status) == ("approved", "pending", "review")


@pytest.mark.parametrize("given", ["", "x" * 256], ids=["empty", "too long"])
def test_an_upload_that_no_reading_could_name(uow: UnitOfWork, given: str) -> None:
    """What an uploader that failed may return does not end a run or a short for good."""
    run = an_approved_run(uow)
    (short,) = uow.shorts.for_run(run.id)
    held = a_run_in_review(uow, "music")
    reviews.hold(uow, held.id)
    with pytest.raises(InvalidValue, match="youtube_video_id"):
        publishing.upload_run(uow, run.id, given)
    with pytest.raises(InvalidValue, match="youtube_video_id"):
        publishing.upload_run(uow, held.id, given)
    with pytest.raises(InvalidValue, match="youtube_video_id"):
        publishing.upload_short(uow, short.id, given)
    assert (run.status, short.status, held.status) == ("approved", "pending", "review")
    assert [row.action for row in uow.reviews.for_run(held.id)] == ["hold"]


@pytest.mark.parametrize("given", [*NO_TEXTS, None], ids=repr)
def test_names_that_are_no_texts(uow: UnitOfWork, given: Any) -> None:
    """Nothing is called so, and no store is asked for it."""
    uow.channels.add(Channel(channel_id="nature1", name="Nature"))
    with pytest.raises(InvalidValue, match="niche"):
        pauses.resume_niche(uow, given)
    with pytest.raises(InvalidValue, match="channel_id"):
        pauses.resume_channel(uow, given)
    with pytest.raises(InvalidValue, match="task"):
        tasks_overview.task_named(uow, given)
    if given is not None:
        with pytest.raises(InvalidValue, match="video"):
            jobs.queue_job(uow, "nature1", JobType.DOWNLOAD, given)


@pytest.mark.parametrize("limit", [None, True, 0, -1, 1.5, "20", 10_001], ids=repr)
@pytest.mark.parametrize("channel", [None, "nature1"])
def test_a_list_of_tasks_without_bounds(uow: UnitOfWork, limit: Any, channel: str | None) -> None:
    """The same is refused whether all are listed or those of a channel."""
    uow.channels.add(Channel(channel_id="nature1", name="Nature"))
    with pytest.raises(InvalidValue, match="limit"):
        tasks_overview.listed_tasks(uow, channel, limit=limit)


@pytest.mark.parametrize("channel", [None, "nature1"])
def test_a_list_of_tasks_in_no_status(uow: UnitOfWork, channel: str | None) -> None:
    """It is no empty list."""
    uow.channels.add(Channel(channel_id="nature1", name="Nature"))
    status: Any = "done"
    with pytest.raises(InvalidValue, match="status"):
        tasks_overview.listed_tasks(uow, channel, status)


@pytest.mark.parametrize("given", [*NO_TEXTS, None], ids=repr)
def test_credentials_under_what_is_no_name(uow: UnitOfWork, given: Any) -> None:
    """Nor are they those of a channel that is told by its name, or by its key."""
    channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
    keyring = Keyring([new_key()])
    set_credential(uow, keyring, channel, "youtube", Secret("a secret"))
    stored = channel.credentials
    for name, message in ((given, "name"), ("youtube", "Channel expected")):
        where: Any = channel if name is given else channel.channel_id
        with pytest.raises(InvalidValue, match=message):
            credential(uow, keyring, where, name)
        with pytest.raises(InvalidValue, match=message):
            remove_credential(uow, where, name)
        with pytest.raises(InvalidValue, match=message):
            refresh_failed(uow, where, name, "no answer", keyring=keyring)
        with pytest.raises(InvalidValue, match=message):
            set_credential(uow, keyring, where, name, Secret("another"))
    assert channel.credentials == stored


@pytest.mark.parametrize("given", [*NO_TEXTS, None], ids=repr)
def test_a_key_that_cannot_be_in_use(uow: UnitOfWork, given: Any) -> None:
    """What is no text names no key, and is not told to be free to drop."""
    with pytest.raises(InvalidValue, match="key_id"):
        check_unused(uow, given)
