"""The secrets of channels: setting and removing them, and how they are doing."""

# Typer reads annotations while the program runs, so they are not postponed here.

from typing import Annotated

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.answers import tell
from pipeline_store.cli.channel_options import ChannelName, instant_of
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.cli.secret_input import STANDARD_INPUT, SecretFile, read_secret
from pipeline_store.errors import NotFound
from pipeline_store.secrets import Keyring
from pipeline_store.services.credentials import (
    CredentialHealth,
    health,
    remove_credential,
    set_credential,
)
from pipeline_store.services.lookup import channel_named

credential_app = typer.Typer(
    help="Keep the secrets of channels; none is ever printed.", no_args_is_help=True
)

CredentialName = Annotated[
    str, typer.Argument(metavar="NAME", help='The secret\'s name, such as "youtube".')
]


@credential_app.command("set")
def set_secret(
    context: typer.Context,
    channel_id: ChannelName,
    name: CredentialName,
    *,
    from_file: SecretFile = STANDARD_INPUT,
    expires_at: Annotated[
        str | None,
        typer.Option(
            "--expires-at",
            metavar="TIME",
            help="When it ends; ISO 8601, UTC without an offset.",
        ),
    ] = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="What it allows; may be repeated."),
    ] = None,
) -> None:
    """Seal a secret for a channel, read from the standard input or a file."""
    instant = instant_of("--expires-at", expires_at)
    keyring = Keyring.from_environment()
    keyring.check_ready(f"credential {name} of channel {channel_id}")
    database = database_of(context)
    with database.unit_of_work(read_only=True) as uow:
        # Nobody is asked for a secret that has no place.
        channel_named(uow, channel_id)
    secret = read_secret(from_file)
    with database.unit_of_work() as uow:
        channel = channel_named(uow, channel_id)
        set_credential(uow, keyring, channel, name, secret, expires_at=instant, scopes=scopes or ())
        uow.commit()
    tables.say(f"credential {name} of channel {channel_id} is set, with key {keyring.newest_id}")


@credential_app.command("list")
def list_secrets(
    context: typer.Context,
    channel_id: Annotated[
        str | None, typer.Argument(metavar="[CHANNEL]", help="Those of one channel only.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the secrets of channels: when they end, whether they could be refreshed. No values."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        channel = None if channel_id is None else channel_named(uow, channel_id)
        found = health(uow, channel)
    if as_json:
        print_json(found)
        return
    table = tables.new_table()
    tables.add_text_column(table, "channel", at_least=7)
    tables.add_text_column(table, "name", at_least=7)
    tables.add_exact_column(table, "key")
    tables.add_exact_column(table, "expires (UTC)")
    tables.add_text_column(table, "last refresh failure", at_least=10)
    tables.add_text_column(table, "scopes", at_least=6)
    for one in found:
        tables.add_row(
            table,
            (
                one.channel,
                one.name,
                one.key_id,
                tables.cell(tables.instant(one.expires_at), "red" if one.expired else ""),
                _failure(one),
                " ".join(one.scopes),
            ),
        )
    tables.print_table(table, "no credentials")


def _failure(one: CredentialHealth) -> str | None:
    failure = one.last_refresh_failure
    if failure is None:
        return None
    at = tables.instant(failure.at)
    return failure.message if at is None else f"{at} {failure.message}"


@credential_app.command("remove")
def remove_secret(
    context: typer.Context,
    channel_id: ChannelName,
    name: CredentialName,
    *,
    as_json: AsJson = False,
) -> None:
    """Forget a secret of a channel."""
    with database_of(context).unit_of_work() as uow:
        channel = channel_named(uow, channel_id)
        if not remove_credential(uow, channel, name):
            known = ", ".join(sorted(channel.credentials or {})) or "none"
            raise NotFound(f"channel {channel_id} has no credential {name!r} (it has: {known})")
        uow.commit()
    document = {"channel": channel_id, "credential": name, "removed": True}
    tell(document, f"credential {name} of channel {channel_id} is removed", as_json=as_json)
