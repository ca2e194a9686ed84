"""How channels are shown: tables for people, JSON for programs, secrets for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline_store.cli import tables
from pipeline_store.cli.answers import in_words
from pipeline_store.entity import fields_of
from pipeline_store.secrets.secret import HIDDEN
from pipeline_store.services.sealed_values import is_sealed_setting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from rich.text import Text

    from pipeline_store.channels import Channel
    from pipeline_store.services.channels_overview import ChannelStatus

WIDE: Final = 100
"""Columns of a terminal in which a publication's time has room beside its day."""


def channel_as_mapping(channel: Channel, is_paused: bool) -> dict[str, Any]:
    """Return a channel's fields; of its secrets, their names only."""
    fields = {field.name: getattr(channel, field.name) for field in fields_of(type(channel))}
    return fields | {
        "credentials": sorted(channel.credentials or {}),
        "settings": settings_shown(channel),
        "is_paused": is_paused,
    }


def settings_shown(channel: Channel) -> dict[str, Any]:
    """Return a channel's own settings, the secret ones masked."""
    return {
        key: HIDDEN if is_sealed_setting(value) else value
        for key, value in channel.settings.items()
    }


def print_channels(channels: Iterable[Channel], paused: Collection[str]) -> None:
    """Print how channels are set up."""
    table = tables.new_table()
    tables.add_text_column(table, "channel", at_least=8)
    tables.add_text_column(table, "name", at_least=8)
    tables.add_exact_column(table, "state")
    tables.add_exact_column(table, "YouTube id")
    tables.add_exact_column(table, "at\nonce", number=True)
    tables.add_text_column(table, "credentials", at_least=8)
    for channel in channels:
        state = "paused" if channel.channel_id in paused else "active"
        tables.add_row(
            table,
            (
                channel.channel_id,
                channel.name,
                _state_cell(state if channel.is_active else "inactive"),
                channel.youtube_channel_id,
                channel.max_concurrent,
                ", ".join(sorted(channel.credentials or {})),
            ),
        )
    tables.print_table(table, "no channels yet: `pipeline-store channel add` adds one")


def print_status(channels: Iterable[ChannelStatus]) -> None:
    """Print how channels are doing."""
    is_wide = tables.console().width >= WIDE
    table = tables.new_table()
    tables.add_text_column(table, "channel", at_least=8)
    tables.add_exact_column(table, "state")
    table.add_column("videos", min_width=12, overflow="fold")
    for title in ("jobs\nwait", "\nwork", "\nfail", "\nsubscribers"):
        tables.add_exact_column(table, title, number=True)
    tables.add_exact_column(table, "published\nlast (UTC)")
    for status in channels:
        latest = status.latest_statistics
        tables.add_row(
            table,
            (
                status.channel.channel_id,
                _state_cell(status.state),
                in_words(status.videos_by_status, "\n"),
                status.jobs_waiting,
                status.jobs_processing,
                _failed(status.jobs_failed),
                None if latest is None else latest.subscriber_count,
                _published(status.channel.last_publication_at, is_wide),
            ),
        )
    tables.print_table(table, "no channels")


def _state_cell(state: str) -> Text:
    return tables.cell(state, "" if state == "active" else "yellow")


def _published(at: datetime | None, is_wide: bool) -> str | None:
    return None if at is None else tables.instant(at) if is_wide else str(at.date())


def _failed(count: int) -> Text:
    return tables.cell(count, "red" if count else "")
