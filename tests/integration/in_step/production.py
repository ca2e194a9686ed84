"""Rules of the production context."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.production import (
    Analytics,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    RunStatus,
)
from tests.integration.in_step.any_collection import AnyCollection
from tests.integration.in_step.drawn import TIMES, numbers, times
from tests.integration.in_step.kinds import PRODUCTION
from tests.integration.in_step.overrides import CONFIG_KEYS
from tests.integration.in_step.production_values import (
    ASSIGNMENTS,
    NICHES,
    SOUND_VIDEO,
    VIDEO_IDS,
    bad_readings,
    niches,
    readings,
    videos,
)
from tests.integration.in_step.runs import Runs
from tests.integration.in_step.side import sorted_items

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store import UnitOfWork
    from tests.integration.in_step.side import Side


class ProductionInStep(Runs, AnyCollection):
    """Runs, what they leave behind, reviews, readings and errors."""

    collections = PRODUCTION
    assignments = ASSIGNMENTS

    def fill(self) -> None:
        for niche, start in [("gaming", 1), ("Music", 0), ("gaming", 0)]:
            self.ask_for_the_run_of_a_cycle(niche, TIMES[start], 6)
        for i in range(3):
            seen = {"video_id": VIDEO_IDS[i], "discovered_at": TIMES[(2 - i) // 2]}
            self.record_video(SOUND_VIDEO | seen)
        for video, rank in [(0, 2), (1, 1), (1, 2)]:
            self.add_clip(0, video, rank)
        for at in (TIMES[1], TIMES[0], TIMES[1]):
            self.add_script(0, at)
            self.add_audio(0, at)
            self.request_review(0, at)
            self.log_error(None, "cut", at)
            self.add_reading({"youtube_video_id": VIDEO_IDS[0], "measured_at": at})
        self.add_short(0, 0)

    @rule(hours=st.sampled_from([1, 4, 5]))
    def time_passes(self, hours: int) -> None:
        self.let_pass(timedelta(hours=hours))

    @rule(number=numbers)
    def look_around(self, number: int) -> None:
        """Asks everything that can be asked about a run, a niche and a video."""
        niche = NICHES[number % len(NICHES)]
        self.ask_for_what_a_run_left(number)
        self.ask_for_runs("gaming", RunStatus.PENDING)
        self.ask_for_runs(niche, list(RunStatus)[number % len(RunStatus)])
        self.ask_for_pending_videos("gaming", None)
        self.ask_for_videos(VIDEO_IDS)
        self.ask_for_readings(VIDEO_IDS[number % len(VIDEO_IDS)], None, None)
        self.ask_for_waiting_reviews()
        self.ask_for_config(CONFIG_KEYS[number % len(CONFIG_KEYS)], "")
        self.ask_for_errors(20, None, unresolved=False)

    # -- discovered videos -------------------------------------------------------------------

    @rule(values=videos)
    def add_video(self, values: dict[str, Any]) -> None:
        self.add(DiscoveredVideo, lambda _: DiscoveredVideo(**values))

    @rule(many=st.lists(videos, max_size=3))
    def add_videos(self, many: list[dict[str, Any]]) -> None:
        self.each(lambda _, uow: uow.discovered_videos.add_many(DiscoveredVideo(**v) for v in many))

    @rule(values=videos)
    def record_video(self, values: dict[str, Any]) -> None:
        self.each(
            lambda _, uow: uow.discovered_videos.record(DiscoveredVideo(**values)), DiscoveredVideo
        )

    @rule(many=st.lists(videos, max_size=4))
    def record_videos(self, many: list[dict[str, Any]]) -> None:
        self.each(
            lambda _, uow: uow.discovered_videos.record_many(DiscoveredVideo(**v) for v in many),
            DiscoveredVideo,
        )

    @rule(niche=niches, limit=st.sampled_from([None, 1, 0]))
    def ask_for_pending_videos(self, niche: str, limit: int | None) -> None:
        self.each(lambda _, uow: uow.discovered_videos.pending(niche, limit))

    @rule(
        video_id=st.sampled_from([*VIDEO_IDS[:3] * 3, *VIDEO_IDS, "\x00"]),
        mark=st.sampled_from([1, 3, 9]),
    )
    def mark_video(self, video_id: str, mark: Any) -> None:
        self.each(lambda _, uow: uow.discovered_videos.mark(video_id, mark))

    @rule(video_ids=st.lists(st.sampled_from([*VIDEO_IDS, "nothing"]), max_size=4))
    def ask_for_videos(self, video_ids: list[str]) -> None:
        self.each(
            lambda _, uow: [
                uow.discovered_videos.niches(),
                sorted_items(uow.discovered_videos.by_video_ids(video_ids)),
                [uow.discovered_videos.by_video_id(each) for each in video_ids],
            ]
        )

    # -- readings ----------------------------------------------------------------------------

    @rule(
        many=st.lists(readings, max_size=4),
        bad=st.none() | st.none() | bad_readings,
        only_new=st.booleans(),
        as_objects=st.booleans(),
    )
    def record_readings(
        self, many: list[dict[str, Any]], bad: Any, only_new: bool, as_objects: bool
    ) -> None:
        def step(_: Side, uow: UnitOfWork) -> int:
            rows: list[Any] = [Analytics(**row) if as_objects else row for row in many]
            rows += [] if bad is None else [bad]
            record = uow.analytics.record_new if only_new else uow.analytics.record_many
            return record(rows)

        self.each(step, Analytics)

    @rule(values=readings)
    def add_reading(self, values: dict[str, Any]) -> None:
        self.add(Analytics, lambda _: Analytics(**values))

    @rule(video_id=st.sampled_from(VIDEO_IDS), since=st.none() | times, until=st.none() | times)
    def ask_for_readings(
        self, video_id: str, since: datetime | None, until: datetime | None
    ) -> None:
        self.each(
            lambda _, uow: [
                uow.analytics.series(video_id, since, until),
                sorted_items(uow.analytics.latest_for(VIDEO_IDS)),
            ]
        )

    # -- errors ------------------------------------------------------------------------------

    @rule(run=st.none() | numbers, module=st.sampled_from(["cut", "upload"]), at=st.none() | times)
    def log_error(self, run: int | None, module: str, at: Any) -> None:
        self.add(
            ErrorLog,
            lambda side: ErrorLog(
                pipeline_run_id=None if run is None else self.key_of(side, PipelineRun, run),
                module=module,
                error_type="ValueError",
                error_message="broken",
                occurred_at=at,
            ),
        )

    @rule(number=numbers)
    def resolve_error(self, number: int) -> None:
        self.each(lambda side, uow: uow.errors.resolve(self.key_of(side, ErrorLog, number)))

    @rule(
        limit=st.sampled_from([1, 20, 0]),
        module=st.sampled_from([None, "cut", "\x00"]),
        unresolved=st.booleans(),
    )
    def ask_for_errors(self, limit: int, module: str | None, unresolved: bool) -> None:
        self.each(
            lambda _, uow: [
                uow.errors.count_unresolved(),
                uow.errors.recent(limit, module, unresolved),
            ]
        )
