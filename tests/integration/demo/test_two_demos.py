"""Two demos on one server: what one of them made is not taken for somebody else's."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pipeline_store import open_store
from pipeline_store.cli.demo import running
from pipeline_store.cli.demo.target import begin
from pipeline_store.production import DiscoveredVideo
from tests.integration.meanwhile import impatient, meanwhile

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store

    Step: TypeAlias = Callable[[Store], None]

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)

pytestmark = pytest.mark.postgres


def begun(store: Store) -> None:
    with store.unit_of_work() as uow:
        begin(uow)
        uow.commit()


def discovered(store: Store) -> None:
    with store.unit_of_work() as uow:
        uow.discovered_videos.add(
            DiscoveredVideo(
                video_id="dQw4w9WgXcQ",
                title="Made up",
                channel_name="",
                channel_id="",
                url="",
                niche="gaming",
                duration_seconds=60,
            )
        )
        uow.commit()


def planned(store: Store) -> None:
    running._planned(store, NOW)  # noqa: SLF001 - what comes before it is slow


def made_a_run(store: Store) -> None:
    with store.unit_of_work() as uow:
        uow.pipeline_runs.for_cycle("gaming", NOW, NOW + timedelta(hours=6))
        uow.commit()


def each_of(*steps: Step) -> Step:
    def all_of_them(store: Store) -> None:
        for step in steps:
            step(store)

    return all_of_them


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize(
    ("before", "step", "theirs"),
    [
        pytest.param(each_of(), begun, each_of(begun, discovered, made_a_run), id="begin"),
        pytest.param(each_of(begun, discovered), planned, each_of(planned, made_a_run), id="plan"),
    ],
)
def test_another_demo_takes_the_same_step_meanwhile(
    new_url: Callable[[], str],
    before: Step,
    step: Step,
    theirs: Step,
) -> None:
    """Before whichever statement."""
    for statement in count(1):
        url = new_url()
        with closing(open_store(url)) as store, closing(open_store(impatient(url))) as other_store:
            before(store)
            with meanwhile(partial(theirs, other_store), before=statement) as other:
                step(store)
        if not other.has_acted:
            break
