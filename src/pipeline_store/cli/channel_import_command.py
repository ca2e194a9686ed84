"""Statistics of channels and their videos, from responses of YouTube's API."""

# Typer reads annotations while the program runs, so they are not postponed here.

from typing import Annotated

import typer

from pipeline_store.cli.import_options import Files, MeasuredAt, measured_instant
from pipeline_store.cli.import_report import report_import
from pipeline_store.cli.options import AsJson, database_of


def import_statistics(
    context: typer.Context,
    files: Files,
    *,
    create: Annotated[
        bool, typer.Option("--create", help="Add channels and videos that are not known yet.")
    ] = False,
    measured_at: MeasuredAt = None,
    as_json: AsJson = False,
) -> None:
    """Import statistics from channels.list and videos.list responses, joined over all files.

    Channels and videos are known by their ids on YouTube.
    """
    from pipeline_store.importers.channel_statistics import (  # noqa: PLC0415 - only for this
        import_channel_statistics,
    )

    instant = measured_instant(measured_at)
    with database_of(context).opened() as store:
        with store.unit_of_work(read_only=True):
            pass  # Refuses a database that is not up to date before a file is read.
        accounts = import_channel_statistics(
            store.unit_of_work, files, create=create, measured_at=instant
        )
    report_import(accounts, as_json=as_json)
    if not all(account.is_complete for account in accounts):
        raise typer.Exit(1)
