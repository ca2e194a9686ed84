"""What happens in the demo's week, and when: a list of things to do, each in a unit of work."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from pipeline_store.cli.demo import pipeline
from pipeline_store.cli.demo.growth import measure_uploads
from pipeline_store.cli.demo.plan import Ending, Plan, PlannedRun
from pipeline_store.production import ErrorLog, PipelineRun, ShortStatus
from pipeline_store.services import overview, reviews

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store.unit_of_work import UnitOfWork

    Act: TypeAlias = Callable[[UnitOfWork], str | None]

READINGS_EVERY: Final = timedelta(hours=6)
FAILED_READING: Final = 11
"""The reading that YouTube does not answer; a gap in the curve is unknown, not 0."""

SKIPPED_RANK: Final = 2


@attrs.frozen
class Happening:
    """One thing that happens; `act` does it and may say it in words worth telling."""

    at: datetime
    subject: str
    #: What a progress bar shows meanwhile.
    name: str
    act: Act


def happenings(plan: Plan) -> list[Happening]:
    """Return everything that happens, in order; the same list for the same plan."""
    told: list[Happening] = []
    for number, planned in enumerate(plan.runs):
        told.extend(_making_of(planned, number))
        told.extend(_decision_on(planned, number, plan.started))
    told.extend(_readings(plan))
    return sorted(told, key=lambda happening: happening.at)


def _making_of(planned: PlannedRun, number: int) -> Iterator[Happening]:
    steps: list[tuple[int, str, Callable[[UnitOfWork, PipelineRun], str | None]]] = [
        (5, "cutting clips", partial(_cut, how_many=planned.clips)),
        (15, "writing", _write),
        (20, "speaking", _speak_at_second_try if planned.ending == Ending.REJECTED else _speak),
        (35, "rendering", _render),
        (45, "asking", _ask),
    ]
    for minute, name, step in steps:
        yield _of_run(planned, number + minute, name, step)


def _decision_on(planned: PlannedRun, number: int, now: datetime) -> Iterator[Happening]:
    match planned.ending:
        case Ending.APPROVED:
            yield _of_run(planned, number + 70, "approving", _approve)
            yield _of_run(planned, number + 80, "uploading", _upload)
        case Ending.REJECTED:
            yield _of_run(planned, number + 95, "rejecting", _reject)
        case Ending.HELD:
            yield _of_run(planned, number + 285, "waiting", _hold_overdue)
            yield _of_run(planned, number + 540, "uploading", _upload_held)
        case Ending.WAITING:
            yield _of_run(planned, number + 75, "skipping", _skip)
            yield _of_run(planned, number + 100, "working again", _work_again)
            yield _of_run(planned, number + 340, "waiting", _hold_overdue)
            minutes = int((now - planned.cycle_start).total_seconds() // 60) - 12
            yield _of_run(planned, minutes, "asking again", _ask)


def _of_run(
    planned: PlannedRun,
    minute: int,
    name: str,
    step: Callable[[UnitOfWork, PipelineRun], str | None],
) -> Happening:
    def act(uow: UnitOfWork) -> str | None:
        return step(uow, pipeline.run_of(uow, planned.niche, planned.cycle_start))

    return Happening(planned.cycle_start + timedelta(minutes=minute), planned.niche, name, act)


def _readings(plan: Plan) -> Iterator[Happening]:
    number, time = 1, plan.week_start + READINGS_EVERY
    while time <= plan.started:
        act = _fail_to_measure if number == FAILED_READING else _measure
        yield Happening(time, "", "measuring", act)
        number, time = number + 1, time + READINGS_EVERY


def _cut(uow: UnitOfWork, run: PipelineRun, how_many: int) -> str:
    clips = pipeline.cut_clips(uow, run, how_many)
    seconds = sum(clip.clip_duration_seconds for clip in clips)
    return f"run {run.id} opened, {_counted(len(clips), 'clip')} cut ({seconds:.0f} s)"


def _write(uow: UnitOfWork, run: PipelineRun) -> None:
    pipeline.write_script(uow, run)


def _speak(uow: UnitOfWork, run: PipelineRun) -> None:
    pipeline.speak_script(uow, run)


def _speak_at_second_try(uow: UnitOfWork, run: PipelineRun) -> str:
    error = uow.errors.add(
        ErrorLog(
            pipeline_run_id=run.id,
            module="tts",
            error_type="TimeoutError",
            error_message="made up: the first voice did not answer within 30 s",
        )
    )
    pipeline.speak_script(uow, run, engine="made-up-voice-2")
    uow.errors.resolve(error.id)
    return f"the voice of run {run.id} fails (error {error.id}); another one speaks"


def _render(uow: UnitOfWork, run: PipelineRun) -> None:
    pipeline.render(uow, run)


def _ask(uow: UnitOfWork, run: PipelineRun) -> str:
    pipeline.ask_for_review(uow, run)
    again = "" if len(uow.reviews.for_run(run.id)) == 1 else " again"
    return f"run {run.id} asks for a review{again}"


def _approve(uow: UnitOfWork, run: PipelineRun) -> str:
    reviews.approve(uow, run.id)
    return f"run {run.id} is approved by a person"


def _reject(uow: UnitOfWork, run: PipelineRun) -> str:
    reviews.reject(uow, run.id, "the opening is too loud")
    for short in uow.shorts.for_run(run.id):
        short.status = ShortStatus.FAILED
    return f"run {run.id} is rejected: the opening is too loud"


def _hold_overdue(uow: UnitOfWork, run: PipelineRun) -> str | None:
    held = {review.pipeline_run_id for review in uow.reviews.hold_overdue()}
    return f"run {run.id} is held: nobody answered in 4 h" if run.id in held else None


def _skip(uow: UnitOfWork, run: PipelineRun) -> str:
    if len(uow.clips.for_run(run.id)) < SKIPPED_RANK:
        reviews.redo_script(uow, run.id)
        return f"run {run.id}: a person wants another script"
    reviews.skip(uow, run.id, [SKIPPED_RANK])
    return f"run {run.id}: a person skips clip {SKIPPED_RANK}"


def _work_again(uow: UnitOfWork, run: PipelineRun) -> str:
    pipeline.write_script(uow, run)
    pipeline.speak_script(uow, run)
    pipeline.render(uow, run)
    uow.errors.add(
        ErrorLog(
            pipeline_run_id=run.id,
            module="shorts",
            error_type="EncoderError",
            error_message="made up: the short has no sound after its second rendering",
        )
    )
    return _ask(uow, run)


def _upload(uow: UnitOfWork, run: PipelineRun) -> str:
    shorts = pipeline.upload(uow, run)
    return f"run {run.id} is uploaded as {run.youtube_video_id}, {_counted(len(shorts), 'short')}"


def _upload_held(uow: UnitOfWork, run: PipelineRun) -> str:
    pipeline.upload(uow, run)
    return f"run {run.id} is uploaded by a person, which approves it"


def _measure(uow: UnitOfWork) -> str | None:
    measure_uploads(uow)
    if uow.now().hour:
        return None
    views = overview.statistics(uow).views
    return None if views is None else f"{views:,} views so far"


def _fail_to_measure(uow: UnitOfWork) -> str:
    error = uow.errors.add(
        ErrorLog(
            module="analytics",
            error_type="TimeoutError",
            error_message="made up: YouTube did not answer; this reading stays unknown",
        )
    )
    return f"no reading: YouTube does not answer (error {error.id})"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
