"""Jobs: what is to be done, what waits, what failed, and pausing the queue."""

# Typer reads annotations while the program runs, so they are not postponed here.

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob
from pipeline_store.channels.processing_job import MOST_ATTEMPTS, MOST_URGENT
from pipeline_store.cli import tables
from pipeline_store.cli.answers import tell
from pipeline_store.cli.channel_options import By, ChannelName
from pipeline_store.cli.job_output import (
    job_as_mapping,
    outlook_as_mapping,
    print_job,
    print_jobs,
    print_statistics,
)
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.errors import NotFound
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.services import jobs
from pipeline_store.unit_of_work import UnitOfWork

DEFAULT_LIMIT: Final = 20

job_app = typer.Typer(
    help="Look after the queue of jobs: add, retry, pause, count.", no_args_is_help=True
)

JobId = Annotated[UUID, typer.Argument(metavar="JOB", help="The job's id, as `job list` shows it.")]
Type = Annotated[JobType, typer.Argument(metavar="TYPE", help="What is to be done.")]
OneType = Annotated[
    JobType | None,
    typer.Argument(metavar="[TYPE]", help="Only jobs of this type; else all."),
]


@job_app.command("list")
def list_jobs(
    context: typer.Context,
    *,
    status: Annotated[
        JobStatus | None,
        typer.Option("--status", help="Only jobs in this status."),
    ] = None,
    job_type: Annotated[
        JobType | None, typer.Option("--type", help="Only jobs of this type.")
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="NUMBER", min=1, max=10_000, help="How many to show at most."
        ),
    ] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List jobs: those in work, those that wait in the order of their turn, failed, completed."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        listed = _with_channels(uow, jobs.listed_jobs(uow, status, job_type, limit))
    if as_json:
        print_json([job_as_mapping(job, channel) for job, channel in listed])
    else:
        print_jobs(listed)


@job_app.command("show")
def show(context: typer.Context, job_id: JobId, *, as_json: AsJson = False) -> None:
    """Show a job: its attempts, who holds it, when it may be claimed next."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        job = _known(uow, job_id)
        channel = uow.channels.get(job.channel_id)
        video = None if job.video_id is None else uow.videos.get(job.video_id)
        outlook = jobs.outlook(uow, job)
        now = uow.now()
    if as_json:
        print_json({**job_as_mapping(job, channel), **outlook_as_mapping(outlook)})
    else:
        print_job(job, channel, video, outlook, now)


@job_app.command("add")
def add(
    context: typer.Context,
    channel_id: ChannelName,
    job_type: Type,
    *,
    video: Annotated[
        str | None,
        typer.Option(
            "--video",
            metavar="VIDEO",
            help="The video's key, source or id on YouTube; only scraping goes without.",
        ),
    ] = None,
    priority: Annotated[
        int,
        typer.Option("--priority", metavar="NUMBER", min=0, max=MOST_URGENT, help="10 is urgent."),
    ] = 0,
    max_attempts: Annotated[
        int,
        typer.Option(
            "--max-attempts", metavar="NUMBER", min=1, max=MOST_ATTEMPTS, help="Before it fails."
        ),
    ] = 3,
    as_json: AsJson = False,
) -> None:
    """Queue a job for a channel."""
    with database_of(context).unit_of_work() as uow:
        job = jobs.queue_job(
            uow, channel_id, job_type, video, priority=priority, max_attempts=max_attempts
        )
        channel = uow.channels.get(job.channel_id)
        uow.commit()
    tell(job_as_mapping(job, channel), f"{job_type} job {job.id} is queued", as_json=as_json)


@job_app.command("retry")
def retry(
    context: typer.Context,
    job_ids: Annotated[list[UUID], typer.Argument(metavar="JOB...", help="Ids of jobs.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Queue failed jobs again, or ones that wait for their next attempt: all of them, or none."""
    with database_of(context).unit_of_work() as uow:
        retried = [uow.jobs.retry(_known(uow, job_id).id) for job_id in job_ids]
        listed = _with_channels(uow, retried)
        uow.commit()
    if as_json:
        print_json([job_as_mapping(job, channel) for job, channel in listed])
        return
    for job in retried:
        tables.say(f"{job.job_type} job {job.id} is queued again")


def _known(uow: UnitOfWork, job_id: UUID) -> ProcessingJob:
    job = uow.jobs.find(job_id)
    if job is None:
        raise NotFound(f"no job {job_id}; `pipeline-store job list` shows them")
    return job


def _with_channels(
    uow: UnitOfWork, found: list[ProcessingJob]
) -> list[tuple[ProcessingJob, Channel]]:
    channels = {job.channel_id: uow.channels.get(job.channel_id) for job in found}
    return [(job, channels[job.channel_id]) for job in found]


@job_app.command("pause")
def pause(
    context: typer.Context, job_type: OneType = None, by: By = SYSTEM, *, as_json: AsJson = False
) -> None:
    """Hand out no more jobs, or none of one type; those in work go on."""
    with database_of(context).unit_of_work() as uow:
        uow.jobs.pause(job_type, by)
        paused = uow.jobs.paused()
        uow.commit()
    tell({"paused": paused}, f"{_named(job_type)} jobs are paused", as_json=as_json)


@job_app.command("resume")
def resume(context: typer.Context, job_type: OneType = None, *, as_json: AsJson = False) -> None:
    """End the pause of all jobs, or that of one type."""
    with database_of(context).unit_of_work() as uow:
        was_paused = uow.jobs.resume(job_type)
        paused = uow.jobs.paused()
        uow.commit()
    sentence = f"{_named(job_type)} jobs {'go on' if was_paused else 'were not paused'}"
    if paused:
        sentence += f"; still paused: {_listed(paused)}"
    tell({"paused": paused, "was_paused": was_paused}, sentence, as_json=as_json)


@job_app.command("stats")
def stats(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how each type of job is doing: counts by status, success, times."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        by_type = jobs.statistics_by_type(uow)
        together = uow.jobs.statistics()
        paused = uow.jobs.paused()
    if as_json:
        document: dict[str, Any] = {"all": together, "by_type": by_type, "paused": paused}
        print_json(document)
    else:
        print_statistics(by_type, together, paused)


def _named(job_type: JobType | None) -> str:
    return "all" if job_type is None else str(job_type)


def _listed(paused: list[str]) -> str:
    return ", ".join("all jobs" if each == "*" else each for each in paused)
