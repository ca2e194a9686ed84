"""Rules of runs, of what they leave behind, and of their reviews."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.production import (
    Clip,
    DiscoveredVideo,
    PipelineRun,
    ReviewAction,
    ReviewLog,
    RunStatus,
    Script,
    Short,
    TTSAudio,
)
from tests.integration.in_step.drawn import numbers, times
from tests.integration.in_step.overrides import Overrides
from tests.integration.in_step.production_values import niches

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store import UnitOfWork
    from tests.integration.in_step.side import Side


class Runs(Overrides):
    """The runs of a niche, each with clips, a script, a voice, shorts and reviews."""

    # -- runs --------------------------------------------------------------------------------

    @rule(niche=niches, start=times, length=st.sampled_from([6, 6, 6, 7, -1]))
    def ask_for_the_run_of_a_cycle(self, niche: str, start: datetime, length: int) -> None:
        end = start + timedelta(hours=length)
        self.each(lambda _, uow: uow.pipeline_runs.for_cycle(niche, start, end))

    @rule(niche=niches, start=times)
    def add_run(self, niche: str, start: datetime) -> None:
        self.add(
            PipelineRun, lambda _: PipelineRun(niche=niche, cycle_start=start, cycle_end=start)
        )

    @rule(
        number=numbers,
        move=st.sampled_from(
            ["start", "send_to_review", "approve", "mark_uploaded", "fail", "retry", "back_to_work"]
        ),
    )
    def move_run(self, number: int, move: str) -> None:
        place = self.pick(PipelineRun, number)
        if place is None:
            return
        now = self.clock()
        arguments: dict[str, tuple[Any, ...]] = {
            "start": (now,),
            "fail": ("broken", now),
            "mark_uploaded": ("aaaaaaaaaaa", "https://youtu.be/aaaaaaaaaaa", now),
        }
        self.each(lambda side, _: getattr(side.objects[place], move)(*arguments.get(move, ())))

    @rule(niche=niches, status=st.sampled_from(RunStatus))
    def ask_for_runs(self, niche: str, status: RunStatus) -> None:
        self.each(
            lambda _, uow: [
                uow.pipeline_runs.in_status(status),
                uow.pipeline_runs.niches(),
                uow.pipeline_runs.latest_for(niche),
                uow.pipeline_runs.last_upload_for(niche),
                uow.pipeline_runs.count_by_status(),
                uow.pipeline_runs.count_by_status(niche),
            ]
        )

    # -- what a run leaves behind ------------------------------------------------------------

    @rule(run=numbers, video=numbers, rank=st.integers(1, 3))
    def add_clip(self, run: int, video: int, rank: int) -> None:
        self.add(
            Clip,
            lambda side: Clip(
                pipeline_run_id=self.key_of(side, PipelineRun, run),
                discovered_video_id=self.key_of(side, DiscoveredVideo, video),
                rank_position=rank,
                start_time_seconds=1.0,
                end_time_seconds=20.25,
            ),
        )

    @rule(run=numbers, at=st.none() | times)
    def add_script(self, run: int, at: Any) -> None:
        self.add(
            Script,
            lambda side: Script(
                pipeline_run_id=self.key_of(side, PipelineRun, run), generated_at=at
            ),
        )

    @rule(run=numbers, at=st.none() | times)
    def add_audio(self, run: int, at: Any) -> None:
        self.add(
            TTSAudio,
            lambda side: TTSAudio(
                pipeline_run_id=self.key_of(side, PipelineRun, run),
                engine_used="engine",
                generated_at=at,
            ),
        )

    @rule(run=numbers, clip=st.none() | numbers)
    def add_short(self, run: int, clip: int | None) -> None:
        self.add(
            Short,
            lambda side: Short(
                pipeline_run_id=self.key_of(side, PipelineRun, run),
                clip_id=None if clip is None else self.key_of(side, Clip, clip),
            ),
        )

    @rule(short=numbers, run=numbers)
    def upload_short(self, short: int, run: int) -> None:
        place, run_place = self.pick(Short, short), self.pick(PipelineRun, run)
        if place is None or run_place is None:
            return
        now = self.clock()
        self.each(
            lambda side, _: side.objects[place].mark_uploaded(
                side.objects[run_place], "aaaaaaaaaaa", "https://youtu.be/aaaaaaaaaaa", now
            )
        )

    @rule(run=numbers)
    def ask_for_what_a_run_left(self, run: int) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            key = self.key_of(side, PipelineRun, run)
            return [
                uow.clips.for_run(key),
                uow.clips.for_run(key, skipped=False),
                uow.scripts.for_run(key),
                uow.scripts.newest_for(key),
                uow.tts_audio.for_run(key),
                uow.shorts.for_run(key),
                uow.reviews.for_run(key),
                uow.reviews.open_for(key),
            ]

        self.each(step)

    # -- reviews -----------------------------------------------------------------------------

    @rule(run=numbers, at=st.none() | times)
    def request_review(self, run: int, at: Any) -> None:
        self.add(
            ReviewLog,
            lambda side: ReviewLog(pipeline_run_id=self.key_of(side, PipelineRun, run), sent_at=at),
        )

    @rule(
        number=numbers,
        action=st.sampled_from([*ReviewAction, "nonsense"]),
        detail=st.sampled_from([None, "skip 1", "skip 2,3", "\x00"]),
    )
    def answer_review(self, number: int, action: Any, detail: str | None) -> None:
        place = self.pick(ReviewLog, number)
        if place is not None:
            now = self.clock()
            self.each(lambda side, _: side.objects[place].answer(action, now, detail))

    @rule(hours=st.sampled_from([0, 4, 4, 5]))
    def hold_overdue_reviews(self, hours: int) -> None:
        self.each(lambda _, uow: uow.reviews.hold_overdue(timedelta(hours=hours)), ReviewLog)

    @rule()
    def ask_for_waiting_reviews(self) -> None:
        self.each(lambda _, uow: uow.reviews.waiting())
