"""Quotas: what is left today and when it turns, limits and costs."""

# Typer reads annotations while the program runs, so they are not postponed here.

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.answers import tell
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.tasks import DEFAULT_PROJECT, QuotaAccount
from pipeline_store.tasks.quota import MOST_UNITS
from pipeline_store.tasks.quota_plans import PLANS, PlanName

quota_app = typer.Typer(
    help="Show what is left of the quotas today, and set limits and costs.",
    invoke_without_command=True,
)

Project: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="PROJECT",
        help=f'A project of channels, or "{DEFAULT_PROJECT}" for all without their own.',
    ),
]
Bucket: TypeAlias = Annotated[
    str, typer.Argument(metavar="BUCKET", help='What is counted apart, such as "youtube_uploads".')
]


@quota_app.callback()
def quota(
    context: typer.Context,
    *,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Only this project.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show limits, what is used, reserved and left today, and when the day turns."""
    if context.invoked_subcommand is not None:
        return
    with database_of(context).unit_of_work(read_only=True) as uow:
        accounts = uow.quotas.accounts(project)
        own = {(limit.project, limit.bucket) for limit in uow.quotas.limits()}
    if as_json:
        print_json([_as_mapping(account) for account in accounts])
    else:
        _print_accounts(accounts, own)


@quota_app.command("set")
def set_limit(
    context: typer.Context,
    project: Project,
    bucket: Bucket,
    limit: Annotated[
        int, typer.Argument(metavar="LIMIT", min=0, max=MOST_UNITS, help="Units a day; 0 for none.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Limit what a project may spend of a bucket in a day."""
    with database_of(context).unit_of_work() as uow:
        uow.quotas.set_limit(project, bucket, limit)
        account = uow.quotas.account(project, bucket)
        uow.commit()
    sentence = f"{bucket} of {project}: {limit:,} a day, {account.left or 0:,} left today"
    tell(_as_mapping(account), sentence, as_json=as_json)


@quota_app.command("unset")
def remove_limit(
    context: typer.Context, project: Project, bucket: Bucket, *, as_json: AsJson = False
) -> None:
    """Take a project's own limit away, so that the default one holds again."""
    with database_of(context).unit_of_work() as uow:
        was_set = uow.quotas.remove_limit(project, bucket)
        account = uow.quotas.account(project, bucket)
        uow.commit()
    limit = "no limit" if account.limit is None else f"{account.limit:,} a day"
    sentence = f"{bucket} of {project}: {limit}"
    if not was_set:
        sentence += "; it had no limit of its own"
    tell({**_as_mapping(account), "was_set": was_set}, sentence, as_json=as_json)


@quota_app.command("costs")
def costs(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List what stages, and other calls, cost."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        found = uow.quotas.costs()
    if as_json:
        print_json(
            [{"stage": each.stage, "bucket": each.bucket, "units": each.units} for each in found]
        )
        return
    table = tables.new_table()
    tables.add_text_column(table, "stage")
    tables.add_text_column(table, "bucket")
    tables.add_exact_column(table, "units", number=True)
    for each in found:
        tables.add_row(table, [each.stage, each.bucket, each.units])
    tables.print_table(table, "nothing costs anything")


@quota_app.command("cost")
def set_cost(
    context: typer.Context,
    stage: Annotated[
        str,
        typer.Argument(metavar="STAGE", help="A status of tasks, or the name of another call."),
    ],
    bucket: Bucket,
    units: Annotated[
        int, typer.Argument(metavar="UNITS", min=0, max=MOST_UNITS, help="0 for nothing.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Say what a stage costs of a bucket, from the next claim on."""
    with database_of(context).unit_of_work() as uow:
        uow.quotas.set_cost(stage, bucket, units)
        uow.commit()
    document = {"stage": stage, "bucket": bucket, "units": units}
    tell(document, f"{stage} costs {units:,} of {bucket}", as_json=as_json)


@quota_app.command("use")
def use_plan(
    context: typer.Context,
    plan: Annotated[
        PlanName, typer.Argument(metavar="PLAN", help=f"One of {', '.join(PlanName)}.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Put a ready plan in the place of all costs and of the default limits."""
    with database_of(context).unit_of_work() as uow:
        uow.quotas.use_plan(PLANS[plan])
        limits = [limit for limit in uow.quotas.limits() if limit.project == DEFAULT_PROJECT]
        uow.commit()
    listed = ", ".join(f"{limit.bucket} {limit.units:,}" for limit in limits)
    document = {"plan": plan, "limits": {limit.bucket: limit.units for limit in limits}}
    tell(document, f"{plan} is in use: {listed} a day", as_json=as_json)


def _as_mapping(account: QuotaAccount) -> dict[str, Any]:
    return {
        "project": account.project,
        "bucket": account.bucket,
        "limit": account.limit,
        "used": account.used,
        "reserved": account.reserved,
        "left": account.left,
        "turns_at": account.turns_at,
    }


def _print_accounts(accounts: Sequence[QuotaAccount], own: set[tuple[str, str]]) -> None:
    table = tables.new_table()
    for header in ("project", "bucket"):
        tables.add_text_column(table, header)
    for header in ("limit", "used", "reserved", "left"):
        tables.add_exact_column(table, header, number=True)
    for account in accounts:
        short = account.left == 0
        shared = (account.project, account.bucket) not in own and account.limit is not None
        left = tables.cell(account.left, "red" if short else "")
        limit = tables.cell(account.limit, "dim" if shared else "")
        tables.add_row(
            table,
            [account.project, account.bucket, limit, account.used, account.reserved, left],
        )
    tables.print_table(table, "no bucket has a limit")
    if accounts:
        turns_at = accounts[0].turns_at
        here = turns_at.astimezone().strftime("%Y-%m-%d %H:%M %Z")
        there = f"{tables.instant(turns_at)} UTC"
        also = "" if here == there else f", which is {there}"
        tables.say(f"the day turns at {here}{also}", "dim")
