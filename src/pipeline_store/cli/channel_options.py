"""Options and arguments of the commands about channels, and what they are read into."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from pipeline_store.channels.channel import MOST_CONCURRENT
from pipeline_store.cli.json_input import json_object_in
from pipeline_store.errors import InvalidValue
from pipeline_store.services.lookup import check_youtube_id_is_free, preset_named
from pipeline_store.values import as_instant

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store.unit_of_work import UnitOfWork

ChannelName: TypeAlias = Annotated[
    str, typer.Argument(metavar="CHANNEL", help='The channel\'s name, such as "nature1".')
]
Title: TypeAlias = Annotated[
    str | None, typer.Option("--name", metavar="TITLE", help="What people call it.")
]
YouTubeId: TypeAlias = Annotated[
    str | None,
    typer.Option("--youtube-id", metavar="ID", help='Its id on YouTube; "" for none.'),
]
MaxConcurrent: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--max-concurrent",
        metavar="NUMBER",
        min=1,
        max=MOST_CONCURRENT,
        help="Tasks that may be worked on at the same time; 2 unless said otherwise.",
    ),
]
QuotaProject: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--quota-project",
        metavar="NAME",
        help='The API project whose quota its uploads use; "" for none.',
    ),
]
Preset: TypeAlias = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help='Its default preset; "" for none.'),
]
Schedule: TypeAlias = Annotated[
    str | None, typer.Option("--schedule", metavar="JSON", help="When it publishes.")
]
Filters: TypeAlias = Annotated[
    str | None, typer.Option("--filters", metavar="JSON", help="What it takes.")
]
Metadata: TypeAlias = Annotated[
    str | None, typer.Option("--metadata", metavar="JSON", help="Anything else about it.")
]
By: TypeAlias = Annotated[str, typer.Option("--by", metavar="NAME", help="Who asks for it.")]


def given_fields(
    uow: UnitOfWork,
    channel_id: str,
    *,
    name: str | None,
    youtube_id: str | None,
    max_concurrent: int | None,
    quota_project: str | None,
    preset: str | None,
    schedule: str | None,
    filters: str | None,
    metadata: str | None,
) -> dict[str, Any]:
    """Return the fields of the channel that were given, those emptied by "" among them.

    Raises:
        AlreadyExists: another channel has that id on YouTube.
        NotFound: there is no such preset.
        BadParameter: what should be a JSON object is none.
    """
    given: dict[str, Any] = {"name": name, "max_concurrent": max_concurrent}
    objects = {"schedule": schedule, "filters": filters, "metadata": metadata}
    for field, text in objects.items():
        given[field] = None if text is None else json_object_in(f"--{field}", text)
    fields = {field: value for field, value in given.items() if value is not None}
    if youtube_id:
        check_youtube_id_is_free(uow, youtube_id, channel_id)
    if youtube_id is not None:
        fields["youtube_channel_id"] = youtube_id or None
    if quota_project is not None:
        fields["quota_project"] = quota_project or None
    if preset is not None:
        fields["default_preset_id"] = _preset_id(uow, preset)
    return fields


def _preset_id(uow: UnitOfWork, name: str) -> UUID | None:
    return preset_named(uow, name).id if name else None


def instant_of(option: str, text: str | None) -> datetime | None:
    """Return the instant that an option spells; without an offset it is UTC.

    Raises:
        BadParameter: it spells none from 1970 to 2200.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return as_instant(option, instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except InvalidValue as error:
        raise typer.BadParameter(str(error)) from None
    except ValueError:
        message = f"{option}: a time such as 2026-02-28T12:00:00+00:00 expected"
        raise typer.BadParameter(message) from None
