"""How things stand: niche by niche, and in numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline_store.production import Analytics, DiscoveredVideo, ErrorLog, RunStatus
from pipeline_store.services import overview, pauses, publishing
from tests.unit.services.conftest import NOON
from tests.unit.services.made_up import a_failed_run, a_pending_run, an_uploaded_run

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork
    from tests.unit.services.conftest import SetClock


def test_an_empty_store_has_no_niches(uow: UnitOfWork) -> None:
    """There is nothing to tell, and that is no error."""
    assert overview.status(uow) == []


def test_every_niche_is_told_of(uow: UnitOfWork, clock: SetClock) -> None:
    """Those with runs, with videos alone or with a pause alone, in alphabetical order."""
    uploaded = an_uploaded_run(uow, "pets")
    clock.let_pass(timedelta(hours=6))
    latest = a_failed_run(uow, "pets")
    pauses.pause_niche(uow, "music")
    pending = a_pending_run(uow, "gaming", clips=2)
    [gaming, music, pets] = overview.status(uow)
    assert (gaming.niche, gaming.latest_run, gaming.last_upload) == ("gaming", pending, None)
    assert (gaming.is_paused, gaming.pending_videos) == (False, 2)
    assert (music.niche, music.is_paused, music.latest_run, music.runs_by_status) == (
        "music",
        True,
        None,
        {},
    )
    assert (pets.niche, pets.latest_run, pets.last_upload) == ("pets", latest, uploaded)
    assert pets.runs_by_status == {RunStatus.UPLOADED: 1, RunStatus.FAILED: 1}


def test_a_niche_with_nothing_but_videos_is_told_of(uow: UnitOfWork) -> None:
    """An import alone is enough."""
    uow.discovered_videos.add(
        DiscoveredVideo(video_id="v", title="", channel_name="", channel_id="", url="", niche="new")
    )
    [new] = overview.status(uow)
    assert (new.niche, new.pending_videos, new.latest_run) == ("new", 1, None)


def test_the_last_upload_is_the_one_completed_last(uow: UnitOfWork, clock: SetClock) -> None:
    """Not the one of the latest cycle."""
    first = an_uploaded_run(uow, "pets", "uploaded-01")
    clock.let_pass(timedelta(hours=6))
    second = an_uploaded_run(uow, "pets", "uploaded-02")
    first.completed_at = clock.time + timedelta(hours=1)
    [pets] = overview.status(uow)
    assert (pets.latest_run, pets.last_upload) == (second, first)


def test_the_numbers_of_an_empty_store_are_0_and_unknown(uow: UnitOfWork) -> None:
    """No views are unknown views, not 0 views."""
    numbers = overview.statistics(uow)
    assert (numbers.uploaded_videos, numbers.uploaded_shorts, numbers.errors) == (0, 0, 0)
    assert (numbers.views, numbers.measured_at) == (None, None)


def test_views_are_those_of_the_latest_readings(uow: UnitOfWork) -> None:
    """Of videos and shorts together; older readings and other people's videos do not count."""
    run = an_uploaded_run(uow, "pets", "uploaded-01")
    [short] = uow.shorts.for_run(run.id)
    publishing.upload_short(uow, short.id, "short-of-it")
    an_uploaded_run(uow, "music", "uploaded-02")
    hour = timedelta(hours=1)
    for video, hours, views in (
        ("uploaded-01", 1, 2**40),
        ("uploaded-01", 2, 2**40 - 5),
        ("short-of-it", 1, 7),
        ("uploaded-02", 3, None),
        ("somebody-el", 4, 1000),
    ):
        reading = Analytics(youtube_video_id=video, measured_at=NOON + hours * hour)
        reading.view_count = views
        uow.analytics.add(reading)
    numbers = overview.statistics(uow)
    assert (numbers.uploaded_videos, numbers.uploaded_shorts) == (2, 1)
    assert (numbers.views, numbers.measured_at) == (2**40 + 2, NOON + 3 * hour)


def test_errors_are_counted_until_somebody_has_seen_to_them(uow: UnitOfWork) -> None:
    """All of them, and those that are left."""
    for number in range(3):
        uow.errors.add(ErrorLog(module="render", error_type="E", error_message=str(number)))
    uow.errors.resolve(uow.errors.recent(1)[0].id)
    numbers = overview.statistics(uow)
    assert (numbers.errors, numbers.unresolved_errors) == (3, 2)
