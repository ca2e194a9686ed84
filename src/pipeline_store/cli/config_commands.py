"""Settings: what they are, where each value comes from, who changed them."""

# Typer reads annotations while the program runs, so they are not postponed here.

from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer

from pipeline_store.channels import ConfigurationChange
from pipeline_store.cli import tables
from pipeline_store.cli.config_options import (
    By,
    Declared,
    ForSystem,
    Key,
    OfChannel,
    SettingsFiles,
    configuration_of,
)
from pipeline_store.cli.config_output import (
    change_as_mapping,
    explanation_as_mapping,
    kind_of,
    layer_as_mapping,
    print_explanation,
    print_history,
    print_list,
    spelled,
    where,
)
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, Limit
from pipeline_store.cli.secret_input import STANDARD_INPUT, SecretFile, read_secret
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.services.configuration_layers import Explanation
from pipeline_store.services.settings import Setting
from pipeline_store.unit_of_work import UnitOfWork

DEFAULT_LIMIT: Final = 50

config_app = typer.Typer(
    help="Show and change settings, and tell where each value comes from.",
    no_args_is_help=True,
)


@config_app.command("get")
def get(
    context: typer.Context,
    key: Key,
    *,
    channel: OfChannel = None,
    declared: Declared = None,
    files: SettingsFiles = None,
    as_json: AsJson = False,
) -> None:
    """Print a setting's value; a secret is masked."""
    with configuration_of(context, declared, files) as (configuration, _, _):
        configuration.get(key, channel)
        told = configuration.explain(key, channel)
    if as_json:
        print_json(explanation_as_mapping(told))
    else:
        tables.say(spelled(told.value) or "")


@config_app.command("set", context_settings={"ignore_unknown_options": True})
def set_value(
    context: typer.Context,
    key: Key,
    value: Annotated[
        str | None,
        typer.Argument(metavar="[VALUE]", help="The value; lists and mappings in JSON."),
    ] = None,
    *,
    channel: OfChannel = None,
    system: ForSystem = False,
    by: By = SYSTEM,
    from_file: SecretFile = STANDARD_INPUT,
    declared: Declared = None,
    files: SettingsFiles = None,
    as_json: AsJson = False,
) -> None:
    """Set an override, a channel's own value or the system's.

    A secret is read from the standard input or a file, never from the command line.
    """
    with configuration_of(context, declared, files) as (configuration, settings, _):
        wanted = _given(settings.get(key), value, from_file)
        change = configuration.set(key, wanted, channel=channel, system=system, by=by)
        told = configuration.explain(key, channel)
        row = change_as_mapping(change, channel, settings)
    if as_json:
        print_json({"change": row, "now": explanation_as_mapping(told)})
        return
    tables.say(f"{key} is {spelled(wanted)} ({where(row)})")
    _note_what_wins(told, change)


@config_app.command("unset")
def unset(
    context: typer.Context,
    key: Key,
    *,
    channel: OfChannel = None,
    system: ForSystem = False,
    by: By = SYSTEM,
    declared: Declared = None,
    files: SettingsFiles = None,
    as_json: AsJson = False,
) -> None:
    """Remove an override, a channel's own value or the system's."""
    with configuration_of(context, declared, files) as (configuration, settings, _):
        change = configuration.unset(key, channel=channel, system=system, by=by)
        row = None if change is None else change_as_mapping(change, channel, settings)
    if as_json:
        print_json({"change": row})
    elif row is None:
        tables.say(f"{key} was not set there")
    else:
        tables.say(f"{key} is removed ({where(row)})")


@config_app.command("list")
def list_settings(
    context: typer.Context,
    *,
    channel: OfChannel = None,
    declared: Declared = None,
    files: SettingsFiles = None,
    as_json: AsJson = False,
) -> None:
    """List every setting with its value and the layer that it comes from."""
    with configuration_of(context, declared, files) as (configuration, _, _):
        found = configuration.all(channel)
    if as_json:
        print_json([explanation_as_mapping(told) for told in found])
    else:
        print_list(found)
    _end_with(told.problem for told in found)


@config_app.command("explain")
def explain(
    context: typer.Context,
    key: Key,
    *,
    channel: OfChannel = None,
    declared: Declared = None,
    files: SettingsFiles = None,
    as_json: AsJson = False,
) -> None:
    """Show what every layer says about a setting, the strongest first, and which one wins."""
    with configuration_of(context, declared, files) as (configuration, _, _):
        told = configuration.explain(key, channel)
    if as_json:
        layers = [layer_as_mapping(one) for one in told.layers]
        print_json({**explanation_as_mapping(told), "layers": layers})
    else:
        print_explanation(told)
    _end_with([told.problem])


@config_app.command("history")
def history(
    context: typer.Context,
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="Only changes of this setting.")
    ] = None,
    *,
    limit: Limit = DEFAULT_LIMIT,
    declared: Declared = None,
    files: SettingsFiles = None,
    as_json: AsJson = False,
) -> None:
    """List who changed settings, when, from what and to what, newest first."""
    with configuration_of(context, declared, files) as (configuration, settings, store):
        changes = configuration.history(key, limit)
        with store.unit_of_work(read_only=True) as uow:
            names = _names_of_channels(uow, changes)
    rows = [change_as_mapping(one, names.get(one.channel_id), settings) for one in changes]
    if as_json:
        print_json(rows)
        return
    print_history(rows, key)


def _given(setting: Setting, value: str | None, from_file: str) -> Any:
    """Return the value that the user gave; a secret from where nobody else sees it."""
    if setting.secret:
        if value is not None:
            message = "a secret is never an argument: use the standard input, or --from-file FILE"
            raise typer.BadParameter(message)
        return read_secret(from_file, prompt=f"{setting.key}: ")
    if from_file != STANDARD_INPUT:
        message = f"--from-file: {setting.key} is no secret; give it as VALUE"
        raise typer.BadParameter(message)
    if value is None:
        message = f"VALUE expected: {kind_of(setting)}"
        raise typer.BadParameter(message)
    return setting.read_text(value)


def _end_with(problems: Iterable[str | None]) -> None:
    """Tell what makes a value unusable; with any, the exit code says so."""
    found = [problem for problem in problems if problem is not None]
    for problem in found:
        tables.complain(problem)
    if found:
        raise typer.Exit(1)


def _note_what_wins(told: Explanation, change: ConfigurationChange) -> None:
    if told.layer.value != change.layer.value:
        winner = next(one for one in told.layers if one.wins)
        tables.note(f"layer {winner.layer}, {winner.source}, is stronger and wins")


def _names_of_channels(uow: UnitOfWork, changes: list[ConfigurationChange]) -> dict[Any, str]:
    ids = {change.channel_id for change in changes if change.channel_id is not None}
    found = {each: uow.channels.find(each) for each in ids}
    return {each: channel.channel_id for each, channel in found.items() if channel is not None}
