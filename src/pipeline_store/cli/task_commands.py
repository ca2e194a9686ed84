"""Tasks: adding, listing, showing, moving, deciding, retrying."""

# Typer reads annotations while the program runs, so they are not postponed here.

import getpass
from collections.abc import Callable
from typing import Annotated, Final

import typer

from pipeline_store.cli.answers import tell
from pipeline_store.cli.channel_options import ChannelName
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.cli.task_claim_commands import Token, claim, claim_with, release
from pipeline_store.cli.task_output import (
    print_story,
    print_tasks,
    story_as_mapping,
    task_as_mapping,
)
from pipeline_store.services.lookup import channel_named
from pipeline_store.services.task_outlook import obstacles
from pipeline_store.services.tasks_overview import (
    check_page_is_new,
    listed_tasks,
    task_named,
    task_story,
)
from pipeline_store.tasks import PriorityLevel, Task, TaskStatus
from pipeline_store.tasks.task import UNKNOWN
from pipeline_store.unit_of_work import UnitOfWork

DEFAULT_LIMIT: Final = 20

task_app = typer.Typer(
    help="Follow tasks through the workflow: add, show, move, decide, retry.", no_args_is_help=True
)

TaskName = Annotated[
    str,
    typer.Argument(metavar="TASK", help="Its id, as `task list` shows it, or its Notion page's."),
]
Actor = Annotated[
    str | None,
    typer.Option("--actor", metavar="NAME", help="Who does it; the login name unless given."),
]
Review = Annotated[
    int | None,
    typer.Option(
        "--review",
        metavar="REVIEW",
        min=0,
        help="The review that is answered, as `queue` shows it; else the present one.",
    ),
]


def _actor(given: str | None) -> str:
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        # Nobody is logged in, as in a container.
        return UNKNOWN


@task_app.command("add")
def add(
    context: typer.Context,
    channel_id: ChannelName,
    notion_page_id: Annotated[
        str, typer.Argument(metavar="PAGE", help="The id of its Notion page, with dashes or not.")
    ],
    title: Annotated[str, typer.Argument(metavar="TITLE")],
    *,
    topic: Annotated[str, typer.Option("--topic", metavar="TOPIC", help="What it is about.")] = "",
    story_direction: Annotated[
        str, typer.Option("--story", metavar="STORY", help="How it is to be told.")
    ] = "",
    priority: Annotated[
        PriorityLevel,
        typer.Option("--priority", metavar="LEVEL", help=f"{', '.join(PriorityLevel)}."),
    ] = PriorityLevel.NORMAL,
    queued: Annotated[
        bool, typer.Option("--queued", help="Release it at once; else it is a draft.")
    ] = False,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Add a task for a channel; a page has one task."""
    with database_of(context).unit_of_work() as uow:
        channel = channel_named(uow, channel_id)
        task = Task(
            channel_id=channel.id,
            notion_page_id=notion_page_id,
            title=title,
            topic=topic,
            story_direction=story_direction,
            priority=priority,
        )
        check_page_is_new(uow, task.notion_page_id)
        uow.tasks.add(task)
        if queued:
            uow.tasks.advance(task, TaskStatus.QUEUED, _actor(actor))
        uow.commit()
    document = task_as_mapping(task, channel)
    tell(document, f"task {task.id} is added: {task.status}", as_json=as_json)


@task_app.command("list")
def list_tasks(
    context: typer.Context,
    *,
    channel_id: Annotated[
        str | None, typer.Option("--channel", metavar="CHANNEL", help="Only those of the channel.")
    ] = None,
    status: Annotated[
        TaskStatus | None,
        typer.Option("--status", metavar="STATUS", help="Only those in this status."),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="NUMBER", min=1, max=10_000, help="How many to show at most."
        ),
    ] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List tasks: those at gates, those that failed, in work, drafts, and published ones."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        found = listed_tasks(uow, channel_id, status, limit)
        channels = {task.channel_id: uow.channels.get(task.channel_id) for task in found}
        now = uow.now()
    listed = [(task, channels[task.channel_id]) for task in found]
    if as_json:
        print_json([task_as_mapping(task, channel) for task, channel in listed])
    else:
        print_tasks(listed, now)


@task_app.command("show")
def show(context: typer.Context, task: TaskName, *, as_json: AsJson = False) -> None:
    """Show a task, what it waits for, and its history: the time in each stage and at each gate."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        found = task_named(uow, task)
        story, waits_for = task_story(uow, found), obstacles(uow, found)
    if as_json:
        print_json(story_as_mapping(story, waits_for))
    else:
        print_story(story, waits_for)


@task_app.command("advance")
def advance(
    context: typer.Context,
    task: TaskName,
    to: Annotated[
        TaskStatus,
        typer.Argument(metavar="STATUS", help="Where to; an illegal move names the legal ones."),
    ],
    *,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="REASON", help="Kept in the history.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take it from a worker that holds it.")
    ] = False,
    token: Token = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Move a task to another status."""
    if token is not None and force:
        message = "--force takes the task from the worker that --token stands for: say one"
        raise typer.BadParameter(message)

    def move(uow: UnitOfWork, found: Task) -> Task:
        if token is not None:
            # Without an actor it is the worker's own move.
            return uow.tasks.advance(claim_with(found, token), to, actor or UNKNOWN, reason)
        return uow.tasks.advance(found, to, _actor(actor), reason, force=force)

    _do(context, task, move, as_json=as_json)


task_app.command("claim")(claim)
task_app.command("release")(release)


@task_app.command("approve")
def approve(
    context: typer.Context,
    task: TaskName,
    *,
    review: Review = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Let a task that waits at a gate go on."""

    def decide(uow: UnitOfWork, found: Task) -> Task:
        return uow.tasks.approve(found.id, _actor(actor), review)

    _do(context, task, decide, as_json=as_json)


@task_app.command("reject")
def reject(
    context: typer.Context,
    task: TaskName,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="What is to be done better.")],
    *,
    review: Review = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Send a task that waits at a gate into its error, from where it is retried."""

    def decide(uow: UnitOfWork, found: Task) -> Task:
        return uow.tasks.reject(found.id, _actor(actor), reason, review)

    _do(context, task, decide, as_json=as_json)


@task_app.command("retry")
def retry(
    context: typer.Context,
    task: TaskName,
    *,
    to: Annotated[
        TaskStatus | None,
        typer.Option("--to", metavar="STATUS", help="Where to begin; else at what failed."),
    ] = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Let a task that failed, or was rejected, begin again."""

    def begin(uow: UnitOfWork, found: Task) -> Task:
        return uow.tasks.retry(found.id, _actor(actor), to)

    _do(context, task, begin, as_json=as_json)


def _do(
    context: typer.Context,
    named: str,
    change: Callable[[UnitOfWork, Task], Task],
    *,
    as_json: bool,
) -> None:
    """Make one change of one task and tell how it stands now."""
    with database_of(context).unit_of_work() as uow:
        found = task_named(uow, named)
        before = found.status
        changed = change(uow, found)
        channel = uow.channels.get(changed.channel_id)
        uow.commit()
    sentence = f"task {changed.id}: {before} -> {changed.status}"
    tell(task_as_mapping(changed, channel), sentence, as_json=as_json)
