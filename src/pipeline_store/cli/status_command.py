"""How everything stands: niches, channels, tasks, and the secrets that nobody can open any more."""

# Typer reads annotations while the program runs, so they are not postponed here.

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.channel_output import channel_as_mapping, print_status
from pipeline_store.cli.job_output import say_paused
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.cli.overview_commands import print_niches
from pipeline_store.cli.task_output import print_counts
from pipeline_store.errors import PipelineStoreError
from pipeline_store.secrets import Keyring
from pipeline_store.services import overview
from pipeline_store.services.channels_overview import ChannelStatus, channels_status
from pipeline_store.services.key_rotation import survey
from pipeline_store.services.tasks_overview import tasks_by_status


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show niches, channels, tasks by status, paused jobs, and whether keys are missing."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        niches = overview.status(uow)
        channels = channels_status(uow)
        tasks = tasks_by_status(uow)
        paused = uow.jobs.paused()
        values_by_key = survey(uow).by_key
    missing, warning = _missing_keys(dict(values_by_key))
    if as_json:
        print_json(
            {
                "niches": niches,
                "channels": [_as_mapping(each) for each in channels],
                "tasks_by_status": tasks,
                "paused_jobs": paused,
                "missing_keys": missing,
            }
        )
    else:
        if niches or not channels:
            print_niches(niches)
        if niches and channels:
            tables.say("")
        if channels:
            print_status(channels)
        if tasks:
            tables.say("")
            print_counts(tasks)
        say_paused(paused)
    if warning:
        tables.note(warning)


def _as_mapping(status: ChannelStatus) -> dict[str, object]:
    return {
        **channel_as_mapping(status.channel, status.is_paused),
        "state": status.state,
        "videos_by_status": status.videos_by_status,
        "jobs_by_status": status.jobs_by_status,
        "jobs_waiting": status.jobs_waiting,
        "jobs_processing": status.jobs_processing,
        "jobs_failed": status.jobs_failed,
        "latest_statistics": status.latest_statistics,
    }


def _missing_keys(values_by_key: dict[str, int]) -> tuple[dict[str, int], str]:
    """Return how many values the keys have sealed that are not given, and what to say of it."""
    if not values_by_key:
        return {}, ""
    try:
        given = Keyring.from_environment().key_ids
    except PipelineStoreError as error:
        # How things stand is told all the same.
        return values_by_key, f"secrets cannot be opened: {error}"
    missing = {key: count for key, count in values_by_key.items() if key not in given}
    if not missing:
        return {}, ""
    count = sum(missing.values())
    values = "1 secret was" if count == 1 else f"{count:,} secrets were"
    keys = f"key{'' if len(missing) == 1 else 's'} {', '.join(missing)}"
    return missing, f"{values} sealed with {keys}, not given here: see `pipeline-store keys verify`"
