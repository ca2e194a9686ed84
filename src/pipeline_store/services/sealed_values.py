"""Where sealed values are kept: the one list of places that keys are counted and changed in.

A channel has them in its credentials, `{NAME: {"sealed": TEXT, ...}}`, and among its settings,
`{KEY: {"sealed": TEXT}}`. The system has them in its settings that are marked as encrypted, and
uploads in the sessions by which they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from attrs import frozen

from pipeline_store.secrets.sealing import (
    Place,
    place_of_channel_setting,
    place_of_credential,
    place_of_system_setting,
    place_of_upload_session,
)

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store.channels import Channel, SystemConfiguration
    from pipeline_store.tasks import Upload
    from pipeline_store.unit_of_work import UnitOfWork

SEALED: Final = "sealed"
"""The name under which JSON holds a sealed text."""

_PAGE: Final = 500


@frozen(kw_only=True)
class SealedRow:
    """A row that may hold sealed values."""

    #: The row's key, from which the next page goes on.
    key: Any
    #: What it holds sealed, and where; what was damaged, as it stands.
    values: Mapping[Place, object]
    #: Stores sealed texts at some of these places, and changes nothing else of the row.
    put: Callable[[Mapping[Place, str]], None]


SealedTable: TypeAlias = "Callable[[UnitOfWork, Any, int], list[SealedRow]]"
"""Returns up to so many rows of a table in key order, those behind a key, or from the first on."""


def sealed_channels(uow: UnitOfWork, after: UUID | None, limit: int) -> list[SealedRow]:
    """Return channels, with their credentials and secret settings."""
    return [
        SealedRow(key=channel.id, values=_values_of_channel(channel), put=partial(_put_in, channel))
        for channel in uow.channels.page(after, limit)
    ]


def sealed_system_settings(uow: UnitOfWork, after: str | None, limit: int) -> list[SealedRow]:
    """Return settings of the whole system, with their values where they are encrypted."""
    return [
        SealedRow(
            key=setting.key,
            values={place_of_system_setting(setting.key): setting.value}
            if setting.encrypted
            else {},
            put=partial(_put_in_setting, setting),
        )
        for setting in uow.system_configuration.page(after, limit)
    ]


def sealed_uploads(uow: UnitOfWork, after: UUID | None, limit: int) -> list[SealedRow]:
    """Return uploads, with the sessions of those that are under way."""
    return [
        SealedRow(
            key=upload.id,
            values={place_of_upload_session(upload.id): upload.sealed_session}
            if upload.sealed_session is not None
            else {},
            put=partial(_put_in_upload, upload),
        )
        for upload in uow.uploads.page(after, limit)
    ]


TABLES: Final[tuple[SealedTable, ...]] = (
    sealed_channels,
    sealed_system_settings,
    sealed_uploads,
)
"""Every table that may hold sealed values."""


def all_sealed(uow: UnitOfWork) -> Iterator[tuple[Place, object]]:
    """Yield every sealed value and where it is."""
    for table in TABLES:
        rows = table(uow, None, _PAGE)
        while rows:
            for row in rows:
                yield from row.values.items()
            rows = table(uow, rows[-1].key, _PAGE)


def is_sealed_setting(value: object) -> bool:
    """Whether a channel's setting is a sealed one, which holds that text and nothing else."""
    return list(entry_of(value)) == [SEALED]


def entry_of(stored: object) -> Mapping[str, Any]:
    """Return a JSON object as it stands; anything else that another program left is empty."""
    return cast("Mapping[str, Any]", stored) if isinstance(stored, Mapping) else {}


def _values_of_channel(channel: Channel) -> dict[Place, object]:
    credentials = {
        place_of_credential(channel.id, name): entry_of(entry).get(SEALED)
        for name, entry in (channel.credentials or {}).items()
    }
    settings = {
        place_of_channel_setting(channel.id, key): entry[SEALED]
        for key, entry in channel.settings.items()
        if is_sealed_setting(entry)
    }
    return credentials | settings


def _put_in(channel: Channel, sealed: Mapping[Place, str]) -> None:
    credentials = {
        name: {**entry, SEALED: sealed[place]}
        for name, entry in (channel.credentials or {}).items()
        if (place := place_of_credential(channel.id, name)) in sealed
    }
    if credentials:
        channel.credentials = {**(channel.credentials or {}), **credentials}
    settings = {
        key: {SEALED: sealed[place]}
        for key in channel.settings
        if (place := place_of_channel_setting(channel.id, key)) in sealed
    }
    if settings:
        channel.settings = {**channel.settings, **settings}


def _put_in_setting(setting: SystemConfiguration, sealed: Mapping[Place, str]) -> None:
    setting.value = sealed[place_of_system_setting(setting.key)]


def _put_in_upload(upload: Upload, sealed: Mapping[Place, str]) -> None:
    upload.sealed_session = sealed[place_of_upload_session(upload.id)]
