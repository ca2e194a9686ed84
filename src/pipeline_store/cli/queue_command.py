"""What waits for a person: runs in review, and tasks at their gates."""

# Typer reads annotations while the program runs, so they are not postponed here.

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, Hours, database_of, review_limit
from pipeline_store.cli.overview_commands import DEFAULT_HOURS, print_waiting_runs, run_as_mapping
from pipeline_store.cli.task_output import print_reviews, review_as_mapping
from pipeline_store.services import gates, reviews


def queue(context: typer.Context, *, hours: Hours = DEFAULT_HOURS, as_json: AsJson = False) -> None:
    """List the runs that wait for a review, and the tasks that wait at a gate, longest first.

    The hours are those of runs; a task waits for 24 hours before it is held.
    """
    limit = review_limit(hours)
    with database_of(context).unit_of_work(read_only=True) as uow:
        runs = reviews.queue(uow)
        waiting = gates.waiting(uow, limit=gates.MOST_WAITING)
        channels = {
            each.task.channel_id: uow.channels.get(each.task.channel_id) for each in waiting
        }
        now = uow.now()
    tasks = [(each, channels[each.task.channel_id]) for each in waiting]
    if as_json:
        of_runs = [{"kind": "run", **run_as_mapping(entry, now, limit)} for entry in runs]
        of_tasks = [{"kind": "task", **review_as_mapping(*each)} for each in tasks]
        print_json([*of_runs, *of_tasks])
        return
    if runs or not tasks:
        print_waiting_runs(runs, now, limit, "nothing waits for a person")
    if runs and tasks:
        tables.say("")
    if tasks:
        print_reviews(tasks)
