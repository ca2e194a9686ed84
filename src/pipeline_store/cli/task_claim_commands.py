"""Tasks by hand, as a worker has them: claiming, and giving back."""

# Typer reads annotations while the program runs, so they are not postponed here.

from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from pipeline_store.claim import Claim
from pipeline_store.cli import tables
from pipeline_store.cli.answers import print_facts, second, tell
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.cli.task_output import task_as_mapping
from pipeline_store.errors import LeaseLost
from pipeline_store.services.tasks_overview import task_named
from pipeline_store.tasks import Task, TaskStatus

LEASE_SECONDS: Final = 300.0
LONGEST_SECONDS: Final = 7 * 24 * 60 * 60

Token = Annotated[
    int | None,
    typer.Option(
        "--token", metavar="TOKEN", min=0, help="Do it as the worker whose claim had this token."
    ),
]
Lease = Annotated[
    float,
    typer.Option(
        "--lease",
        metavar="SECONDS",
        min=0.001,
        max=LONGEST_SECONDS,
        help="How long it stays held without another word.",
    ),
]
Stages = Annotated[
    list[TaskStatus] | None,
    typer.Option("--stages", metavar="STATUS", help="Only from these; may be repeated."),
]


def claim(
    context: typer.Context,
    *,
    worker: Annotated[
        str, typer.Option("--worker", metavar="NAME", help="Who holds it from now on.")
    ],
    lease: Lease = LEASE_SECONDS,
    stages: Stages = None,
    as_json: AsJson = False,
) -> None:
    """Take the task whose turn it is; what its worker does next names the token."""
    with database_of(context).opened() as store:
        taken = store.claim_next(
            worker, lease=timedelta(seconds=lease), queue="tasks", stages=stages or None
        )
        if taken is None:
            tell(None, "no task waits for a worker", as_json=as_json)
            return
        with store.unit_of_work(read_only=True) as uow:
            channel = uow.channels.get(taken.item.channel_id)
    if as_json:
        held: dict[str, Any] = {
            name: getattr(taken, name) for name in ("token", "attempt", "worker", "expires_at")
        }
        print_json({**held, "task": task_as_mapping(taken.item, channel)})
        return
    tables.say(f"task {taken.item.id} is claimed by {worker}")
    print_facts(
        [
            ("title", taken.item.title),
            ("channel", channel.channel_id),
            ("stage", str(taken.item.status)),
            ("token", str(taken.token)),
            ("attempt", str(taken.attempt)),
            ("lease ends", second(taken.expires_at)),
        ]
    )


def release(
    context: typer.Context,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Its id, as `task claim` shows it.")],
    *,
    token: Annotated[
        int,
        typer.Option(
            "--token", metavar="TOKEN", min=0, help="The token of the claim that is given up."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Give a claimed task back: it waits for a worker again, and the attempt does not count."""
    with database_of(context).unit_of_work() as uow:
        found = task_named(uow, task)
        uow.tasks.release(claim_with(found, token))
        released = uow.tasks.get(found.id)
        channel = uow.channels.get(released.channel_id)
        uow.commit()
    sentence = f"task {released.id} is given back: {released.status}"
    tell(task_as_mapping(released, channel), sentence, as_json=as_json)


def claim_with(task: Task, token: int) -> Claim[Task]:
    """Return the claim of a worker that is known by its token alone.

    Raises:
        LeaseLost: nobody holds the task.
    """
    if task.worker is None or task.lease_expires_at is None:
        raise LeaseLost(f"nobody holds task {task.id}: claim it again")
    return Claim(
        item=task,
        token=token,
        attempt=task.attempts,
        worker=task.worker,
        expires_at=task.lease_expires_at,
    )
