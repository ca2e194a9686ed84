"""Every bad value for every field, found by looking at its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from pipeline_store.channels import Channel, Music
from pipeline_store.fields import JSON, LIMITS, LONGEST, NOW_BY_DEFAULT
from tests.integration.contract.refused_values import (
    INFINITY,
    NO_INSTANTS,
    NO_JSON,
    NO_JSON_LISTS,
    NO_JSON_OBJECTS,
    NO_JSON_VALUES,
    NO_NUMBERS,
    NO_TEXTS,
    NO_TRUTHS,
    NO_UUIDS,
    NO_WHOLE_NUMBERS,
    no_members,
)
from tests.integration.contract.samples import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_EMPTY = {(Channel, "name"), (Music, "name")}
"""Texts that may not be empty, beside those that are part of an index."""


class Field(NamedTuple):
    """A field of a domain class, and what it cannot hold."""

    kind: type[Any]
    name: str
    may_be_empty: bool
    may_be_left_out: bool
    refused: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.kind.__name__}.{self.name}"

    def refused_when_made(self) -> Mapping[str, Any]:
        """What an object cannot be made with."""
        return self.refused if self.may_be_left_out else {**self.refused, "nothing": None}

    def refused_when_assigned(self) -> Mapping[str, Any]:
        """What cannot be assigned to an object that is there."""
        return self.refused if self.may_be_empty else {**self.refused, "nothing": None}


def fields() -> Iterator[Field]:
    """The fields of all classes, without the keys that stores give."""
    for kind in CLASSES.values():
        hints = get_type_hints(kind)
        for field in attrs.fields(kind):
            if not field.init:
                continue
            hint = hints[field.name]
            parts = get_args(hint) if isinstance(hint, UnionType) else ()
            (plain,) = {*parts} - {NoneType} or {hint}
            yield Field(
                kind,
                field.name,
                may_be_empty=NoneType in parts or hint is Any,
                may_be_left_out=field.default is None or hint is Any,
                refused=refused_by(kind, plain, field),
            )


def refused_by(kind: type[Any], plain: Any, field: attrs.Attribute[Any]) -> Mapping[str, Any]:
    """What a field of this type cannot hold, apart from None."""
    if field.metadata.get(JSON):
        by_origin = {Mapping: NO_JSON_OBJECTS, Sequence: NO_JSON_LISTS}
        return NO_JSON_VALUES if plain is Any else by_origin[get_origin(plain)]
    if issubclass(plain, Enum):
        return no_members(plain)
    if plain is str:
        return refused_text(kind, field)
    if plain is datetime:
        assert NOW_BY_DEFAULT in field.metadata
        return NO_INSTANTS
    of_plain_kinds = {bool: NO_TRUTHS, UUID: NO_UUIDS, int: NO_WHOLE_NUMBERS, float: NO_NUMBERS}
    return of_plain_kinds[plain] | outside(*field.metadata.get(LIMITS, (None, None)))


def refused_text(kind: type[Any], field: attrs.Attribute[Any]) -> Mapping[str, Any]:
    """What a field of texts cannot hold, apart from None."""
    if field.name.endswith("_json"):
        return NO_JSON
    if LONGEST in field.metadata:
        return NO_TEXTS | {"too long": "x" * (field.metadata[LONGEST] + 1), "empty": ""}
    return NO_TEXTS | {"empty": ""} if (kind, field.name) in NEVER_EMPTY else NO_TEXTS


def outside(least: float | None, most: float | None) -> dict[str, Any]:
    """The first values beyond the limits, where there are any."""
    beyond: dict[str, Any] = {}
    if least is not None and least != -INFINITY:
        beyond["below the least"] = least - 1
    if most is not None and most != INFINITY:
        beyond["above the greatest"] = most + 1
    return beyond


FIELDS = list(fields())
