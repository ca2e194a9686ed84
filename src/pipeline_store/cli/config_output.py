"""How settings are shown: tables for people, JSON for programs, secrets for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from pipeline_store.cli import tables
from pipeline_store.secrets import Secret
from pipeline_store.secrets.secret import HIDDEN
from pipeline_store.services.configuration_layers import Layer
from pipeline_store.services.configuration_storage import SECRET
from pipeline_store.services.setting_values import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_store.channels import ConfigurationChange
    from pipeline_store.services.configuration_layers import Explanation, LayerValue
    from pipeline_store.services.settings import Setting, Settings


def print_list(found: Iterable[Explanation]) -> None:
    """Print settings with their values and where these come from."""
    table = tables.new_table()
    tables.add_text_column(table, "setting", at_least=12)
    tables.add_text_column(table, "value", at_least=8)
    tables.add_text_column(table, "unit")
    tables.add_exact_column(table, "layer")
    for told in found:
        unit = None if told.setting is None else told.setting.unit
        tables.add_row(table, (told.key, _shown(told.value, told.problem), unit, told.layer))
    tables.print_table(table, "no settings")


def print_history(rows: Iterable[Mapping[str, Any]], key: str | None = None) -> None:
    """Print changes, as `change_as_mapping` gives them, of one setting or of all."""
    table = tables.new_table()
    tables.add_exact_column(table, "when (UTC)")
    tables.add_text_column(table, "who")
    tables.add_text_column(table, "setting", at_least=12)
    tables.add_text_column(table, "layer", at_least=8)
    tables.add_text_column(table, "old")
    tables.add_text_column(table, "new")
    for row in rows:
        tables.add_row(
            table,
            (
                tables.instant(row["changed_at"]),
                row["changed_by"],
                row["key"],
                where(row),
                spelled(row["old_value"]),
                spelled(row["new_value"]),
            ),
        )
    nothing = "no setting was changed yet" if key is None else f"{key!r} was not changed yet"
    tables.print_table(table, nothing)


def kind_of(setting: Setting) -> str:
    """Return what a setting holds, in words."""
    described = f"{setting.kind_name}, {setting.unit}" if setting.unit else setting.kind_name
    if setting.choices:
        described += f", one of {', '.join(map(write_text, setting.choices))}"
    return described


def print_explanation(told: Explanation) -> None:
    """Print what every layer says, with the one that wins marked."""
    if told.setting is not None:
        tables.say(f"{told.key} ({kind_of(told.setting)}): {told.setting.help}")
    table = tables.new_table()
    tables.add_exact_column(table, "wins")
    tables.add_exact_column(table, "layer")
    tables.add_text_column(table, "value", at_least=12)
    tables.add_text_column(table, "where", at_least=12)
    for one in told.layers:
        tables.add_row(
            table,
            (
                tables.cell("yes", "green") if one.wins else Text(),
                one.layer,
                _shown(one.value, one.problem),
                one.source,
            ),
        )
    tables.print_table(table, "")
    for one in told.layers:
        if one.problem is not None and not one.wins:
            tables.note(one.problem)


def where(row: Mapping[str, Any]) -> str:
    """Return where something was changed: a layer, or a channel while it is there."""
    name = row["channel"] or row["channel_id"]
    return f"channel {name}" if row["layer"] == Layer.CHANNEL else str(row["layer"])


def _shown(value: Any, problem: str | None) -> Text:
    return tables.cell(spelled(value)) if problem is None else tables.cell("unusable", "red")


def spelled(value: Any) -> str | None:
    """Return a value as one writes it; a secret one is masked."""
    return None if value is None else write_text(_masked(value))


def _masked(value: Any) -> Any:
    return HIDDEN if isinstance(value, Secret) else value


def explanation_as_mapping(told: Explanation) -> dict[str, Any]:
    """Return a setting's value in the terms of JSON, and where it comes from."""
    setting = told.setting
    return {
        "key": told.key,
        "channel": told.channel,
        "value": _masked(told.value),
        "layer": told.layer,
        "problem": told.problem,
        "kind": None if setting is None else setting.kind.__name__,
        "unit": None if setting is None else setting.unit,
        "help": None if setting is None else setting.help,
        "secret": setting is not None and setting.secret,
    }


def layer_as_mapping(one: LayerValue) -> dict[str, Any]:
    """Return what one layer says in the terms of JSON."""
    return {
        "layer": one.layer,
        "source": one.source,
        "is_set": one.is_set,
        "value": _masked(one.value),
        "problem": one.problem,
        "wins": one.wins,
    }


def change_as_mapping(
    change: ConfigurationChange, channel: str | None, settings: Settings
) -> dict[str, Any]:
    """Return a change in the terms of JSON; `channel` is the name of the channel, if there is."""
    # Somebody may have declared it as a secret only later.
    setting = settings.find(change.key)
    is_secret = setting is not None and setting.secret

    def masked(value: Any) -> Any:
        there = value is not None
        return HIDDEN if there and (is_secret or (setting is None and value == SECRET)) else value

    return {
        "changed_at": change.changed_at,
        "changed_by": change.changed_by,
        "key": change.key,
        "layer": change.layer,
        "channel": channel,
        "channel_id": None if change.channel_id is None else str(change.channel_id),
        "old_value": masked(change.old_value),
        "new_value": masked(change.new_value),
    }
