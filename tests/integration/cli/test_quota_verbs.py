"""`quota ...`: what is left today, limits, costs and ready plans."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.pacific import day_turns_at
from tests.integration.cli.conftest import DATABASES

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)


@pytest.fixture
def used(command: Command) -> Command:
    """A database in which the project of a channel has 3 uploads behind it and 2 before it."""
    store = open_store(command.url)
    with store.unit_of_work() as uow:
        uow.channels.add(Channel(channel_id="history1", name="History", quota_project="alpha"))
        uow.quotas.commit(uow.quotas.reserve("alpha", "youtube_uploads", 3))
        uow.quotas.reserve("alpha", "youtube_uploads", 2)
        uow.commit()
    store.close()
    return command


@both
def test_what_is_left_today(used: Command) -> None:
    """As a table with the time at which it turns, and as JSON."""
    turns_at = day_turns_at(datetime.now(UTC))
    listed = used("quota", "--json").json
    assert [(each["project"], each["bucket"]) for each in listed] == [
        (project, bucket)
        for project in ("alpha", "default")
        for bucket in ("youtube_other", "youtube_search", "youtube_uploads")
    ]
    assert used("quota", "--project", "alpha", "--json").json == listed[:3]
    assert listed[2] == {
        "project": "alpha",
        "bucket": "youtube_uploads",
        "limit": 100,
        "used": 3,
        "reserved": 2,
        "left": 95,
        "turns_at": turns_at.isoformat(),
    }
    shown = used("quota", "--project", "alpha").out.splitlines()
    assert shown[-2].split() == ["alpha", "youtube_uploads", "100", "3", "2", "95"]
    here = f"the day turns at {turns_at.astimezone():%Y-%m-%d %H:%M %Z}"
    there = f"{turns_at:%Y-%m-%d %H:%M} UTC"
    assert shown[-1] == (here if here.endswith(there) else f"{here}, which is {there}")


@both
def test_limits(used: Command) -> None:
    """A project's own limit is set and taken away again."""
    assert used("quota", "set", "alpha", "youtube_uploads", "7").out == (
        "youtube_uploads of alpha: 7 a day, 2 left today\n"
    )
    assert used("quota", "set", "alpha", "youtube_uploads", "4", "--json").json["left"] == 0
    assert used("quota", "unset", "alpha", "youtube_uploads").out == (
        "youtube_uploads of alpha: 100 a day\n"
    )
    again = used("quota", "unset", "alpha", "youtube_uploads")
    assert again.out == "youtube_uploads of alpha: 100 a day; it had no limit of its own\n"
    assert used("quota", "unset", "alpha", "tokens", "--json").json["limit"] is None
    assert used("quota", "set", "alpha", "youtube_uploads", "--", "-1").code == 2


def test_costs_and_plans(used: Command) -> None:
    """What stages cost is told and changed, one by one or as a plan."""
    assert used("quota", "cost", "uploading", "youtube_other", "50").out == (
        "uploading costs 50 of youtube_other\n"
    )
    found = used("quota", "costs", "--json").json
    assert {"stage": "uploading", "bucket": "youtube_other", "units": 50} in found
    assert used("quota", "use", "youtube-pool").out == (
        "youtube-pool is in use: youtube 10,000 a day\n"
    )
    lines = used("quota", "costs").out.splitlines()
    assert lines[-1].split() == ["uploading", "youtube", "1,600"]
    assert used("quota", "use", "youtube-buckets", "--json").json == {
        "plan": "youtube-buckets",
        "limits": {"youtube_other": 10_000, "youtube_search": 100, "youtube_uploads": 100},
    }
    assert used("quota", "use", "everything").code == 2


def test_no_bucket_at_all(command: Command) -> None:
    """Nothing has a limit when the shipped ones were taken away."""
    for bucket in ("youtube_other", "youtube_search", "youtube_uploads"):
        command("quota", "unset", "default", bucket)
    assert command("quota").out == "no bucket has a limit\n"
    assert command("quota", "--json").json == []
