"""What the fields of all classes refuse, and what the classes have in common."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest

from pipeline_store.errors import InvalidValue, PipelineStoreError
from pipeline_store.production import ErrorLog
from tests.integration.contract.bad_values import FIELDS, Field
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import (
    CLASSES,
    COLLECTIONS,
    KEYED_BY_STORE,
    every_field,
    key_name,
    sample,
    values_of,
)

COLLECTION_OF = {kind: name for name, kind in CLASSES.items()}


def answer(field: Field, bad: Any) -> str:
    """What is said of an object that is made with a bad value."""
    try:
        field.kind(**every_field(COLLECTION_OF[field.kind]) | {field.name: bad})
    except InvalidValue as error:
        return str(error)
    return "it is accepted"


@in_turn("field", FIELDS)
def test_a_bad_value_is_refused_by_name(field: Field) -> None:
    """An object with a bad value cannot be made; the error names the field and stays short."""
    answers = {label: answer(field, bad) for label, bad in field.refused_when_made().items()}
    named = re.compile(rf"{field.name}\b")
    assert {label: said for label, said in answers.items() if not named.match(said)} == {}
    # The statuses of tasks take up 400 characters by themselves.
    assert {label: said for label, said in answers.items() if len(said) >= 500} == {}
    assert issubclass(InvalidValue, PipelineStoreError)
    assert issubclass(InvalidValue, ValueError)


def test_there_are_enough_cases() -> None:
    """The cases above are found by reflection, and there are as many as there should be."""
    assert sum(len(field.refused_when_made()) for field in FIELDS) >= 1_700
    assert {field.kind for field in FIELDS} == set(CLASSES.values())


class TestEntities:
    """What the classes have in common."""

    @pytest.mark.parametrize("kind", CLASSES.values())
    def test_keyword_arguments_only(self, kind: type[Any]) -> None:
        """Objects are made by keyword, and unknown names and keys are refused."""
        arguments = every_field(COLLECTION_OF[kind])
        with pytest.raises(TypeError):
            kind(*arguments.values())
        with pytest.raises(TypeError, match="unknown"):
            kind(**arguments, unknown=1)
        if COLLECTION_OF[kind] in KEYED_BY_STORE:
            with pytest.raises(TypeError, match="id"):
                kind(**arguments, id=1)

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_compared_by_identity(self, collection: str) -> None:
        """Two objects with the same values are two things, and can be members of a set."""
        one, other = sample(collection), sample(collection)
        assert one != other
        assert len({one, other}) == 2

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_shown_by_their_fields(self, collection: str) -> None:
        """An object shows its class and its fields."""
        shown = repr(sample(collection))
        assert shown.startswith(CLASSES[collection].__name__ + "(")
        assert all(f"{name}=" in shown for name in every_field(collection))

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_the_key_cannot_be_assigned(self, collection: str) -> None:
        """Stores give keys; nobody changes them."""
        entity = sample(collection)
        key = key_name(collection)
        before = getattr(entity, key)
        with pytest.raises(InvalidValue, match=f"{key}: a key cannot be changed"):
            setattr(entity, key, before)
        assert getattr(entity, key) == before

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_a_mistyped_field_is_refused(self, collection: str) -> None:
        """What no store would keep is not lost without a word; the nearest field is named."""
        entity = sample(collection)
        for name in values_of(entity):
            mistyped = f"{name}s"
            with pytest.raises(AttributeError, match=f"no field '{mistyped}'; did you mean {name}"):
                setattr(entity, mistyped, 1)
        with pytest.raises(AttributeError, match=f"{type(entity).__name__} has no field 'xyz'$"):
            entity.xyz = 1
        assert not hasattr(entity, "xyz")

    def test_a_class_of_ones_own_has_more(self) -> None:
        """What it declares beside the fields can be assigned, and is kept by no store."""

        class Noted(ErrorLog):
            note = ""

        noted = Noted(module="cut", error_type="ValueError", error_message="too short")
        noted.note = "seen"
        assert noted.note == "seen"

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_evolving(self, collection: str) -> None:
        """`attrs.evolve` makes a new object with the same values and no key."""
        entity = sample(collection)
        assert values_of(attrs.evolve(entity)) == values_of(entity)

    @pytest.mark.parametrize("kind", CLASSES.values())
    def test_made_for_every_store(self, kind: type[Any]) -> None:
        """The classes are what SQLAlchemy can map: without slots and hashed by identity."""
        assert not hasattr(kind, "__slots__")
        assert kind.__eq__ is object.__eq__
        assert kind.__hash__ is object.__hash__
        assert all(field.kw_only for field in attrs.fields(kind))
