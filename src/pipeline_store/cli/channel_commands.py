"""Channels: adding, showing, changing, pausing and removing them."""

# Typer reads annotations while the program runs, so they are not postponed here.

from typing import Annotated, Any, Final

import typer

from pipeline_store.channels import Channel
from pipeline_store.cli import tables
from pipeline_store.cli.answers import in_words, print_facts, second, spelled, tell
from pipeline_store.cli.channel_credential_commands import credential_app
from pipeline_store.cli.channel_import_command import import_statistics
from pipeline_store.cli.channel_options import (
    By,
    ChannelName,
    Filters,
    MaxConcurrent,
    Metadata,
    Preset,
    QuotaProject,
    Schedule,
    Title,
    YouTubeId,
    given_fields,
)
from pipeline_store.cli.channel_output import channel_as_mapping, print_channels, settings_shown
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.entity import change
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.services import pauses
from pipeline_store.services.channel_removal import remove_channel
from pipeline_store.services.channels_overview import ChannelStatus, channel_status
from pipeline_store.services.lookup import channel_named, check_channel_is_new, everything

channel_app = typer.Typer(
    help="Configure channels, pause them, keep their statistics.", no_args_is_help=True
)
SAID: Final = {"youtube_channel_id": "YouTube id", "default_preset_id": "default preset"}
"""What people call a field, where they do not call it by its name."""

channel_app.add_typer(credential_app, name="credential")
channel_app.command("import")(import_statistics)


@channel_app.command("list")
def list_channels(
    context: typer.Context,
    *,
    active: Annotated[bool, typer.Option("--active", help="Only those that are active.")] = False,
    as_json: AsJson = False,
) -> None:
    """List all channels by name."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        channels = [each for each in everything(uow.channels) if each.is_active or not active]
        paused = set(pauses.paused_channels(uow))
    channels.sort(key=lambda channel: channel.channel_id)
    if as_json:
        print_json([channel_as_mapping(each, each.channel_id in paused) for each in channels])
    else:
        print_channels(channels, paused)


@channel_app.command("show")
def show(context: typer.Context, channel_id: ChannelName, *, as_json: AsJson = False) -> None:
    """Show a channel, how it is set up and how it is doing."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        status = channel_status(uow, channel_id)
        preset_id = status.channel.default_preset_id
        preset = None if preset_id is None else uow.presets.get(preset_id).name
    if as_json:
        print_json(_as_mapping(status, preset))
    else:
        print_facts(_facts(status, preset))


def _as_mapping(status: ChannelStatus, preset: str | None) -> dict[str, Any]:
    return {
        **channel_as_mapping(status.channel, status.is_paused),
        "default_preset": preset,
        "videos_by_status": status.videos_by_status,
        "jobs_by_status": status.jobs_by_status,
        "latest_statistics": status.latest_statistics,
    }


def _facts(status: ChannelStatus, preset: str | None) -> list[tuple[str, object]]:
    channel, latest = status.channel, status.latest_statistics
    return [
        ("channel", channel.channel_id),
        ("name", channel.name),
        ("state", tables.cell(status.state, "" if status.state == "active" else "yellow")),
        ("YouTube id", channel.youtube_channel_id),
        ("at the same time", channel.max_concurrent),
        ("quota project", channel.quota_project),
        ("default preset", preset),
        ("schedule", spelled(channel.schedule)),
        ("filters", spelled(channel.filters)),
        ("metadata", spelled(channel.metadata)),
        ("own settings", spelled(settings_shown(channel))),
        ("credentials", ", ".join(sorted(channel.credentials or {}))),
        ("videos", in_words(status.videos_by_status)),
        ("jobs", in_words(status.jobs_by_status)),
        ("last publication", second(channel.last_publication_at)),
        ("subscribers", None if latest is None else latest.subscriber_count),
        ("views", None if latest is None else latest.view_count),
        ("videos on YouTube", None if latest is None else latest.video_count),
        ("measured", None if latest is None else second(latest.timestamp)),
        ("added", second(channel.created_at)),
        ("changed", second(channel.updated_at)),
    ]


@channel_app.command("add")
def add(
    context: typer.Context,
    channel_id: ChannelName,
    *,
    name: Title = None,
    youtube_id: YouTubeId = None,
    max_concurrent: MaxConcurrent = None,
    quota_project: QuotaProject = None,
    preset: Preset = None,
    schedule: Schedule = None,
    filters: Filters = None,
    metadata: Metadata = None,
    as_json: AsJson = False,
) -> None:
    """Add a channel; it is active at once."""
    with database_of(context).unit_of_work() as uow:
        check_channel_is_new(uow, channel_id)
        fields = given_fields(
            uow,
            channel_id,
            name=channel_id if name is None else name,
            youtube_id=youtube_id,
            max_concurrent=max_concurrent,
            quota_project=quota_project,
            preset=preset,
            schedule=schedule,
            filters=filters,
            metadata=metadata,
        )
        channel = uow.channels.add(Channel(channel_id=channel_id, **fields))
        uow.commit()
    _tell(channel, f"channel {channel_id} is added", as_json=as_json)


@channel_app.command("set")
def set_fields(
    context: typer.Context,
    channel_id: ChannelName,
    *,
    name: Title = None,
    youtube_id: YouTubeId = None,
    max_concurrent: MaxConcurrent = None,
    quota_project: QuotaProject = None,
    preset: Preset = None,
    schedule: Schedule = None,
    filters: Filters = None,
    metadata: Metadata = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given and leave the rest; JSON replaces the old as a whole.

    Its own settings are changed by `config set --channel`.
    """
    with database_of(context).unit_of_work() as uow:
        channel = channel_named(uow, channel_id)
        fields = given_fields(
            uow,
            channel_id,
            name=name,
            youtube_id=youtube_id,
            max_concurrent=max_concurrent,
            quota_project=quota_project,
            preset=preset,
            schedule=schedule,
            filters=filters,
            metadata=metadata,
        )
        if not fields:
            message = "nothing to change: give an option"
            raise typer.BadParameter(message)
        change(channel, **fields)
        uow.commit()
        is_paused = channel_id in pauses.paused_channels(uow)
    changed = ", ".join(SAID.get(field, field.replace("_", " ")) for field in fields)
    _tell(channel, f"channel {channel_id}: changed {changed}", is_paused, as_json=as_json)


@channel_app.command("activate")
def activate(context: typer.Context, channel_id: ChannelName, *, as_json: AsJson = False) -> None:
    """Give a channel new work again."""
    _set_active(context, channel_id, active=True, as_json=as_json)


@channel_app.command("deactivate")
def deactivate(context: typer.Context, channel_id: ChannelName, *, as_json: AsJson = False) -> None:
    """Give a channel no new work; its videos, jobs, tasks and statistics stay."""
    _set_active(context, channel_id, active=False, as_json=as_json)


def _set_active(context: typer.Context, channel_id: str, *, active: bool, as_json: bool) -> None:
    with database_of(context).unit_of_work() as uow:
        channel = channel_named(uow, channel_id)
        was_active, channel.is_active = channel.is_active, active
        uow.commit()
        is_paused = channel_id in pauses.paused_channels(uow)
    already = " already" if was_active == active else ""
    state = "active" if active else "inactive"
    _tell(channel, f"channel {channel_id} is {state}{already}", is_paused, as_json=as_json)


@channel_app.command("pause")
def pause(
    context: typer.Context, channel_id: ChannelName, by: By = SYSTEM, *, as_json: AsJson = False
) -> None:
    """Start no new work for a channel until it is resumed."""
    with database_of(context).unit_of_work() as uow:
        pauses.pause_channel(uow, channel_id, by)
        uow.commit()
    document = {"channel": channel_id, "is_paused": True}
    tell(document, f"channel {channel_id} is paused", as_json=as_json)


@channel_app.command("resume")
def resume(context: typer.Context, channel_id: ChannelName, *, as_json: AsJson = False) -> None:
    """End a channel's pause."""
    with database_of(context).unit_of_work() as uow:
        was_paused = pauses.resume_channel(uow, channel_id)
        if not was_paused:
            channel_named(uow, channel_id)
        uow.commit()
    document = {"channel": channel_id, "is_paused": False, "was_paused": was_paused}
    sentence = "goes on" if was_paused else "was not paused"
    tell(document, f"channel {channel_id} {sentence}", as_json=as_json)


@channel_app.command("remove")
def remove(context: typer.Context, channel_id: ChannelName, *, as_json: AsJson = False) -> None:
    """Remove a channel without videos, jobs and tasks, with all its statistics and secrets."""
    with database_of(context).unit_of_work() as uow:
        remove_channel(uow, channel_id)
        uow.commit()
    document = {"channel": channel_id, "removed": True}
    tell(document, f"channel {channel_id} is removed", as_json=as_json)


def _tell(channel: Channel, sentence: str, is_paused: bool = False, *, as_json: bool) -> None:
    tell(channel_as_mapping(channel, is_paused), sentence, as_json=as_json)
