"""What went wrong, and that somebody has seen to it."""

# Typer reads annotations while the program runs, so they are not postponed here.

from typing import Annotated, Final

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, Limit, Module, UnresolvedOnly, database_of
from pipeline_store.services import overview

DEFAULT_LIMIT: Final = 20

errors_app = typer.Typer(
    help="List what went wrong, or mark it as seen to.",
    invoke_without_command=True,
    no_args_is_help=False,
)


@errors_app.callback()
def errors_alone(
    context: typer.Context,
    *,
    module: Module = None,
    unresolved: UnresolvedOnly = False,
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List what went wrong, or mark it as seen to."""
    if context.invoked_subcommand is None:
        errors(context, module=module, unresolved=unresolved, limit=limit, as_json=as_json)
    elif module is not None or unresolved or limit != DEFAULT_LIMIT or as_json:
        message = f"options go behind the word {context.invoked_subcommand!r}"
        raise typer.BadParameter(message)


@errors_app.command("list")
def errors(
    context: typer.Context,
    *,
    module: Module = None,
    unresolved: UnresolvedOnly = False,
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List errors, newest first, and say how many tasks and jobs have failed."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        found = uow.errors.recent(limit, module, unresolved_only=unresolved)
        failed = overview.failures(uow)
    if as_json:
        print_json(found)
        return
    table = tables.new_table()
    tables.add_exact_column(table, "id", number=True)
    tables.add_exact_column(table, "when (UTC)")
    tables.add_exact_column(table, "run", number=True)
    tables.add_text_column(table, "module")
    tables.add_text_column(table, "type")
    tables.add_text_column(table, "message", at_least=12)
    tables.add_exact_column(table, "seen to")
    for error in found:
        tables.add_row(
            table,
            (
                str(error.id),
                tables.instant(error.occurred_at),
                None if error.pipeline_run_id is None else str(error.pipeline_run_id),
                error.module,
                error.error_type,
                error.error_message,
                tables.cell("yes", "green") if error.resolved else tables.cell("no", "yellow"),
            ),
        )
    tables.print_table(table, "no errors")
    if failed.tasks:
        tables.say(f"failed tasks: {failed.tasks:,}; `pipeline-store task list` shows them")
    if failed.jobs:
        command = "pipeline-store job list --status failed"
        tables.say(f"failed jobs: {failed.jobs:,}; `{command}` shows them")


@errors_app.command("resolve")
def resolve(
    context: typer.Context,
    error_ids: Annotated[list[int], typer.Argument(metavar="ERROR_ID...", help="Ids of errors.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Mark errors as seen to; all of them, or none when one is unknown."""
    with database_of(context).unit_of_work() as uow:
        resolved = [uow.errors.resolve(error_id) for error_id in error_ids]
        uow.commit()
    if as_json:
        print_json(resolved)
        return
    for error in resolved:
        tables.say(f"error {error.id} ({error.module}, {error.error_type}) is marked as seen to")
