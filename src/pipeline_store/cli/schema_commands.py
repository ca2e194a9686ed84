"""The life of a database: made, brought up to date, taken back, taken over."""

# Typer reads annotations while the program runs, so they are not postponed here.

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.database import Database
from pipeline_store.cli.escaping import visible
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.errors import AdoptionRefused, SchemaOutOfDate

if TYPE_CHECKING:
    from pipeline_store.sql.adopt import AdoptionReport

FINDINGS_SHOWN: Final = 20


def init(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Create the database, or bring it up to date. Safe to repeat."""
    _bring_up_to_date(database_of(context), as_json=as_json, may_create=True)


def upgrade(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Bring an existing database up to date."""
    _bring_up_to_date(database_of(context), as_json=as_json, may_create=False)


def _bring_up_to_date(database: Database, *, as_json: bool, may_create: bool) -> None:
    with database.opened(may_create=may_create) as store:
        before = store.current() if database.is_there else None
        store.upgrade()
        after = store.current()
    if as_json:
        print_json({"database": database.name, "before": before, "after": after})
    elif before == after:
        tables.say(f"{database.name} is at revision {after} already")
    elif before is None:
        tables.say(f"{database.name} is ready, at revision {after}", "green")
    else:
        tables.say(f"{database.name} went from revision {before} to {after}", "green")


def downgrade(
    context: typer.Context,
    revision: Annotated[
        str,
        typer.Argument(metavar="REVISION", help='Where to go back to; "base" is no table at all.'),
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Go back to an older revision; what it lacks is deleted.

    Tables that the older revision does not have go with all their rows, for good.
    """
    database = database_of(context)
    with database.opened() as store:
        before = store.current()
        if not yes:
            _ask(f"Take {database.name} from revision {before or 'none'} back to {revision}?")
        store.downgrade(revision)
        after = store.current()
    if as_json:
        print_json({"database": database.name, "before": before, "after": after})
    elif before == after:
        tables.say(f"{database.name} is at {_named(after)} already")
    else:
        tables.say(f"{database.name} went from {_named(before)} to {_named(after)}")


def _ask(question: str) -> None:
    """Go on only when a person says yes."""
    if not sys.stdin.isatty():
        tables.complain("a downgrade deletes rows for good: say --yes, nobody is there to ask")
        raise typer.Exit(1)
    tables.note("tables that the older revision lacks are deleted with all their rows")
    if not typer.confirm(visible(question), err=True):
        tables.note("nothing was changed")
        raise typer.Exit(1)


def _named(revision: str | None) -> str:
    return "no schema" if revision is None else f"revision {revision}"


def current(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Tell the revision found and the one needed.

    Exit 1 when they differ.
    """
    from pipeline_store.sql.schema import newest_revision  # noqa: PLC0415 - loads SQLAlchemy

    database = database_of(context)
    cure: SchemaOutOfDate | None = None
    with database.opened() as store:
        found = store.current()
        try:
            store.check_schema()
        except SchemaOutOfDate as error:
            cure = error
    needed = newest_revision()
    if as_json:
        print_json(
            {"database": database.name, "found": found, "needed": needed, "current": not cure}
        )
    else:
        tables.say(f"{database.name}: found {_named(found)}, needed revision {needed}")
    if cure is not None:
        tables.complain(cure)
        raise typer.Exit(1)


def adopt(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Take over an SQLite file that another program made.

    Its ten tables and every row stay as they are; rows that break a rule are listed.

    A file that differs from the schema is refused with the list of differences, and not touched.
    """
    try:
        with database_of(context).opened(cure=", so there is nothing to adopt") as store:
            report = store.adopt()
    except AdoptionRefused as refused:
        if as_json:
            print_json({"adopted": False, "differences": refused.differences})
        raise
    if as_json:
        print_json(report)
    else:
        _show_adoption(report)


def _show_adoption(report: "AdoptionReport") -> None:
    was = "was adopted and is" if report.adopted else "is this package's already,"
    tables.say(f"{report.database} {was} at revision {report.revision}", "green")
    rows = tables.new_table()
    tables.add_text_column(rows, "table")
    tables.add_exact_column(rows, "rows", number=True)
    for name, count in report.rows.items():
        tables.add_row(rows, (name, count))
    tables.print_table(rows, "no tables")
    for index in report.missing_indexes:
        tables.note(f"index {index} is missing; it was not made, queries may be slow without it")
    if not report.findings:
        tables.say("every row keeps the rules", "dim")
        return
    found = len(report.findings)
    counted = "1 finding" if found == 1 else f"{found:,} findings"
    tables.say(f"{counted}; everything was kept as it is:", "yellow")
    findings = tables.new_table()
    tables.add_text_column(findings, "table", at_least=12)
    tables.add_exact_column(findings, "row", number=True)
    tables.add_text_column(findings, "finding", at_least=12)
    for finding in report.findings[:FINDINGS_SHOWN]:
        # A key is no count: without separators.
        row = None if finding.row is None else str(finding.row)
        tables.add_row(findings, (finding.table, row, finding.text))
    tables.print_table(findings, "")
    if found > FINDINGS_SHOWN:
        tables.say(f"... and {found - FINDINGS_SHOWN:,} more; --json lists all")
