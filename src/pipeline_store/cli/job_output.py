"""How jobs are shown: tables for people, JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from pipeline_store.channels import JobStatus
from pipeline_store.cli import tables
from pipeline_store.cli.answers import print_facts, second, span, spelled
from pipeline_store.entity import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from rich.text import Text

    from pipeline_store.channels import Channel, JobStatistics, JobType, ProcessingJob, Video
    from pipeline_store.services.jobs import JobOutlook

WIDE: Final = 110
"""Columns of a terminal in which the list of jobs has room for times and workers."""

COLOURS: Final[dict[str, tables.Colour]] = {
    JobStatus.FAILED: "red",
    JobStatus.RETRYING: "yellow",
    JobStatus.PROCESSING: "cyan",
    JobStatus.COMPLETED: "green",
}


def job_as_mapping(job: ProcessingJob, channel: Channel) -> dict[str, Any]:
    """Return a job's fields, and the name of its channel."""
    fields = {field.name: getattr(job, field.name) for field in fields_of(type(job))}
    return {**fields, "channel": channel.channel_id}


def outlook_as_mapping(outlook: JobOutlook) -> dict[str, Any]:
    """Return when a job's turn comes in the terms of JSON."""
    return {name: getattr(outlook, name) for name in attrs.fields_dict(type(outlook))}


def print_jobs(listed: Iterable[tuple[ProcessingJob, Channel]]) -> None:
    """Print jobs, with times and workers where there is room."""
    is_wide = tables.console().width >= WIDE
    table = tables.new_table()
    tables.add_exact_column(table, "id")
    tables.add_exact_column(table, "type")
    tables.add_exact_column(table, "status")
    tables.add_exact_column(table, "pri", number=True)
    tables.add_exact_column(table, "tries", number=True)
    tables.add_text_column(table, "channel")
    if is_wide:
        tables.add_exact_column(table, "queued (UTC)")
        tables.add_text_column(table, "worker")
    for job, channel in listed:
        cells = (
            str(job.id),
            job.job_type,
            _status(job),
            job.priority,
            _tries(job),
            channel.channel_id,
        )
        more = (tables.instant(job.queued_at), job.worker) if is_wide else ()
        tables.add_row(table, (*cells, *more))
    tables.print_table(table, "no jobs")


def print_job(
    job: ProcessingJob, channel: Channel, video: Video | None, outlook: JobOutlook, now: datetime
) -> None:
    """Print all about one job."""
    print_facts(
        [
            ("job", str(job.id)),
            ("type", job.job_type),
            ("status", _status(job)),
            ("channel", channel.channel_id),
            ("video", None if video is None else f"{video.id} {video.source_title}".strip()),
            ("priority", job.priority),
            ("attempts", f"{job.attempts} of {job.max_attempts}"),
            ("held by", job.worker),
            ("lease ends", _lease_end(job, outlook)),
            ("may be claimed", _turn(job, outlook, now)),
            ("queued", second(job.queued_at)),
            ("started", second(job.started_at)),
            ("completed", second(job.completed_at)),
            ("error", job.error_message),
            ("details", None if job.error_details is None else spelled(job.error_details)),
            ("workflow run", job.github_workflow_run_id),
        ]
    )


def print_statistics(
    by_type: Mapping[JobType, JobStatistics], together: JobStatistics, paused: Iterable[str]
) -> None:
    """Print a row for each type, and one for all of them."""
    table = tables.new_table()
    tables.add_exact_column(table, "type")
    for title in ("queued", "in\nwork", "to\nretry", "done", "failed"):
        tables.add_exact_column(table, title, number=True)
    for title in ("success", "mean\nwait", "mean\nrun"):
        tables.add_exact_column(table, title, number=True)
    for job_type, statistics in by_type.items():
        tables.add_row(table, (job_type, *_numbers(statistics)))
    table.add_section()
    tables.add_row(table, ("all", *_numbers(together)))
    tables.print_table(table, "")
    say_paused(paused)


def say_paused(paused: Iterable[str]) -> None:
    """Say which jobs are handed to nobody, if any are."""
    held = ["all jobs" if each == "*" else f"{each} jobs" for each in paused]
    if held:
        tables.say(f"paused: {', '.join(held)}", "yellow")


def _numbers(statistics: JobStatistics) -> tuple[object, ...]:
    counts = statistics.counts
    failed = counts[JobStatus.FAILED]
    rate = statistics.success_rate
    return (
        counts[JobStatus.QUEUED],
        counts[JobStatus.PROCESSING],
        counts[JobStatus.RETRYING],
        counts[JobStatus.COMPLETED],
        tables.cell(failed, "red" if failed else ""),
        None if rate is None else f"{rate:.1%}",
        span(statistics.mean_wait),
        span(statistics.mean_run),
    )


def _status(job: ProcessingJob) -> Text:
    return tables.cell(job.status, COLOURS.get(job.status, ""))


def _tries(job: ProcessingJob) -> str:
    return f"{job.attempts}/{job.max_attempts}"


def _lease_end(job: ProcessingJob, outlook: JobOutlook) -> str | None:
    if job.status != JobStatus.PROCESSING:
        return None
    ended = " (ended: the next claim of anybody takes the job away)"
    return f"{second(job.due_at)}{ended if outlook.lease_has_ended else ''}"


def _turn(job: ProcessingJob, outlook: JobOutlook, now: datetime) -> str:
    """Say when the job may be claimed, and what that depends on."""
    at = outlook.claimable_at
    if at is None:
        if job.status == JobStatus.PROCESSING:
            return "never: this is its last attempt, and it fails when the lease ends unheard"
        if job.status == JobStatus.FAILED:
            return f"never, until `pipeline-store job retry {job.id}`"
        return "never again"
    turn = "now" if at <= now else f"from {second(at)} on"
    if job.status == JobStatus.PROCESSING:
        turn += ", if its holder is not heard of"
    return f"{turn}, once the pause ends" if outlook.is_paused else turn
