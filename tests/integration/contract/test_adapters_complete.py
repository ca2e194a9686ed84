"""Every adapter has every method of every port, and every table every field of its class."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast, get_type_hints
from uuid import UUID

import attrs
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import class_mapper

from pipeline_store import open_async_store, open_store
from pipeline_store.aio import AsyncStore, AsyncUnitOfWork
from pipeline_store.aio.wakeups import AsyncWakeups
from pipeline_store.fields import (
    JSON,
    NOW_BY_DEFAULT,
    NOW_ON_CHANGE,
    ON_DELETE,
    REFERS_TO,
    UNIQUE,
)
from pipeline_store.memory import MemoryStore, MemoryUnitOfWork
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.session import MemorySession
from pipeline_store.memory.tables import KINDS
from pipeline_store.memory.wakeups import MemoryWakeups
from pipeline_store.repository import Repository
from pipeline_store.sql import SqlStore, SqlUnitOfWork
from pipeline_store.sql.channels import CHANNELS_TABLES
from pipeline_store.sql.columns import Instant, JsonValue, metadata
from pipeline_store.sql.listening import ListeningWakeups
from pipeline_store.sql.production import PRODUCTION_TABLES
from pipeline_store.sql.row_columns import PlainUuid
from pipeline_store.sql.tasks import TASKS_TABLES
from pipeline_store.sql.wakeups import SqliteWakeups
from pipeline_store.tasks import Upload
from pipeline_store.tasks.abstract_upload import AbstractUploadRepository
from pipeline_store.unit_of_work import Collections, Store, UnitOfWork
from pipeline_store.wakeups import Wakeups
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import (
    CHILDREN_FIRST,
    CLASSES,
    COLLECTIONS,
    KEY_TYPES,
    OF_CHANNELS,
    OF_TASKS,
    TABLE_OF,
    key_name,
)
from tests.whole_store import COLLECTIONS as WHOLE_STORE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORTS: dict[str, type[Any]] = get_type_hints(Collections)
"""The port of each collection, as `Collections` declares it."""


def public(kind: type[Any]) -> dict[str, Any]:
    """The public methods of a class, its bases included."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_")}


UNITS_OF_WORK = {
    SqlUnitOfWork: open_store("sqlite://").unit_of_work(),
    MemoryUnitOfWork: open_store("memory://").unit_of_work(),
    AsyncUnitOfWork: open_async_store("memory://").unit_of_work(),
}


def adapter(unit_of_work: type[Any], collection: str) -> type[Any]:
    """The class of the repository that a unit of work makes for a collection."""
    return type(getattr(UNITS_OF_WORK[unit_of_work], collection))


def defined_in(kind: type[Any], name: str) -> type[Any] | None:
    """The class that defines the method."""
    return next((base for base in kind.__mro__ if name in vars(base)), None)


def parameters(method: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """Names, kinds and defaults of a method's parameters, without self."""
    found = list(inspect.signature(method).parameters.values())[1:]
    return [(each.name, each.kind, each.default) for each in found]


def differences(port: type[Any], kind: type[Any], *, awaited: bool) -> Iterator[str]:
    """What the adapter lacks of its port, by name."""
    for name, promised in public(port).items():
        where = f"{kind.__name__}.{name}"
        owner = defined_in(kind, name)
        if owner is None or getattr(owner, "_is_protocol", False):
            # A method that only the Protocol has returns None at run time, without a word.
            yield f"{where} is missing"
            continue
        method = vars(owner)[name]
        if parameters(method) != parameters(promised):
            yield f"{where} takes {inspect.signature(method)}, not {inspect.signature(promised)}"
        asynchronous = inspect.iscoroutinefunction(method)
        if asynchronous != awaited:
            yield f"{where} is {'' if asynchronous else 'not '}awaited"
    # What a base that stores share leaves to each of them.
    for name in sorted(getattr(kind, "__abstractmethods__", ())):
        yield f"{kind.__name__}.{name} is missing"


def test_the_ports() -> None:
    """There is a port for each collection, and it is a Protocol that repeats `Repository`."""
    assert tuple(PORTS) == COLLECTIONS == WHOLE_STORE
    assert sorted(CHILDREN_FIRST) == sorted(COLLECTIONS)
    assert len({id(port) for port in PORTS.values()}) == 23
    for port in PORTS.values():
        assert getattr(port, "_is_protocol", False)
        assert set(public(Repository)) <= set(public(port))


ADAPTERS = [
    pytest.param(SqlUnitOfWork, False, id="sql"),
    pytest.param(MemoryUnitOfWork, False, id="memory"),
    pytest.param(AsyncUnitOfWork, True, id="aio"),
]


@in_turn("collection", PORTS)
@pytest.mark.parametrize(("unit_of_work", "awaited"), ADAPTERS)
def test_every_method_of_every_port(
    unit_of_work: type[Any], awaited: bool, collection: str
) -> None:
    """Each adapter defines each method of its port, with the same parameters."""
    kind = adapter(unit_of_work, collection)
    assert list(differences(PORTS[collection], kind, awaited=awaited)) == []


@in_turn("collection", PORTS)
@pytest.mark.parametrize("unit_of_work", [SqlUnitOfWork, MemoryUnitOfWork, AsyncUnitOfWork])
def test_nothing_more_than_the_port(unit_of_work: type[Any], collection: str) -> None:
    """No adapter has a public method that its port does not promise."""
    kind = adapter(unit_of_work, collection)
    assert set(public(kind)) - set(public(PORTS[collection])) == set()


@in_turn("collection", PORTS)
def test_adapters_inherit_their_port(collection: str) -> None:
    """Synchronous adapters inherit their port explicitly, and nobody inherits them."""
    for unit_of_work in (SqlUnitOfWork, MemoryUnitOfWork):
        kind = adapter(unit_of_work, collection)
        assert PORTS[collection] in kind.__mro__
        assert getattr(kind, "__final__", False)


@pytest.mark.parametrize(
    ("port", "kind", "awaited", "synchronous"),
    [
        (UnitOfWork, SqlUnitOfWork, False, set()),
        (UnitOfWork, MemoryUnitOfWork, False, set()),
        (UnitOfWork, AsyncUnitOfWork, True, {"now"}),
        (Store, SqlStore, False, set()),
        (Store, MemoryStore, False, set()),
        (Store, AsyncStore, True, {"unit_of_work", "wakeups"}),
        (Wakeups, SqliteWakeups, False, set()),
        (Wakeups, ListeningWakeups, False, set()),
        (Wakeups, MemoryWakeups, False, set()),
        (Wakeups, AsyncWakeups, True, {"wake"}),
    ],
)
def test_units_of_work_stores_and_hints(
    port: type[Any], kind: type[Any], awaited: bool, synchronous: set[str]
) -> None:
    """Units of work, stores and hints have every method of their port."""
    found = [
        difference
        for difference in differences(port, kind, awaited=awaited)
        if not (awaited and any(f".{name} is not awaited" in difference for name in synchronous))
    ]
    own = {"SqlStore.unit_of_work takes (self, *, read_only: 'bool' = False, session: "}
    assert [each for each in found if not any(each.startswith(start) for start in own)] == []


class Incomplete(MemoryRepository[Any, int]):
    """A repository that lacks most of its port, takes other arguments, and awaits."""

    def by_video_id(self, video: str) -> None:
        """Take an argument of another name."""

    async def niches(self) -> None:
        """Be awaited."""


def test_what_is_missing_is_named() -> None:
    """The comparison finds missing methods, other parameters and awaited ones, by name."""
    found = list(differences(PORTS["discovered_videos"], Incomplete, awaited=False))
    assert "Incomplete.mark is missing" in found
    assert "Incomplete.niches is awaited" in found
    assert any(each.startswith("Incomplete.by_video_id takes (self, video:") for each in found)
    assert not any("Incomplete.add " in each for each in found)


class WithoutHooks(MemoryRepository[Upload, UUID], AbstractUploadRepository[MemorySession]):
    """A repository that shares steps, and lacks what they leave to the store."""

    collection = "uploads"


def test_what_a_shared_base_leaves_open_is_named() -> None:
    """A method of a shared base is there; what it leaves to the store is missing, by name."""
    found = list(differences(PORTS["uploads"], WithoutHooks, awaited=False))
    assert found == [
        "WithoutHooks.for_task is missing",
        "WithoutHooks.of_content is missing",
        "WithoutHooks.unresolved is missing",
        "WithoutHooks._held_task is missing",
    ]
    with pytest.raises(TypeError, match="_held_task"):
        cast("Any", WithoutHooks)(None, None)


TABLES = {table.name: table for table in (*PRODUCTION_TABLES, *CHANNELS_TABLES, *TASKS_TABLES)}
KEY_COLUMNS: dict[type[Any], type[Any]] = {int: sa.BigInteger, str: sa.Text, UUID: PlainUuid}
ON_DELETE_IN_SQL = {"refuse": None, "clear": "SET NULL", "cascade": "CASCADE"}
BESIDE = {"task_turns", "task_leases", "task_ageing", "quota_limits", "quota_costs", "quota_days"}
"""Tables that no collection is kept in."""
SPELLED_OUT = {"tasks": {"refuse": "RESTRICT"}}
"""Where a rule is told to the database in other words."""


class TestTables:
    """The tables say the same as the classes."""

    def test_one_for_each_class(self) -> None:
        """There is a table for each collection, mapped to its class, and some beside them."""
        assert set(TABLES) == {*TABLE_OF.values(), *BESIDE} == set(metadata.tables)
        for collection, kind in CLASSES.items():
            assert class_mapper(kind).local_table is TABLES[TABLE_OF[collection]]
        assert dict(KINDS) == CLASSES

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_columns(self, collection: str) -> None:
        """A table's columns are its class's fields, in their order, mapped by the same names."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        names = [field.name for field in attrs.fields(kind)]
        assert [column.name for column in table.columns] == names
        assert [prop.key for prop in class_mapper(kind).column_attrs] == names

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_references(self, collection: str) -> None:
        """Foreign keys, and what a removal does to them, are those that the fields carry."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        rules = ON_DELETE_IN_SQL | SPELLED_OUT.get(collection, {})
        declared = {
            field.name: (
                TABLE_OF[field.metadata[REFERS_TO]],
                rules[field.metadata.get(ON_DELETE, "refuse")],
            )
            for field in attrs.fields(kind)
            if REFERS_TO in field.metadata
        }
        assert {
            key.parent.name: (key.column.table.name, key.ondelete) for key in table.foreign_keys
        } == declared
        assert all(key.column.name == "id" for key in table.foreign_keys)

    @pytest.mark.parametrize("collection", OF_CHANNELS + OF_TASKS)
    def test_rows_that_refer_to_another_are_found_by_an_index(self, collection: str) -> None:
        """A removal looks for the rows that refer to the one removed: in an index, not in all."""
        table = TABLES[TABLE_OF[collection]]
        indexed = {next(iter(index.columns)).name for index in table.indexes} | {
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if isinstance(constraint, sa.UniqueConstraint)
        }
        assert {key.parent.name for key in table.foreign_keys} <= indexed

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_unique_values(self, collection: str) -> None:
        """Unique columns, alone or together, are those that the fields carry."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        assert {
            frozenset(column.name for column in constraint.columns)
            for constraint in table.constraints
            if isinstance(constraint, sa.UniqueConstraint)
        } == {
            frozenset({field.name, *field.metadata[UNIQUE]})
            for field in attrs.fields(kind)
            if UNIQUE in field.metadata
        }
        assert not any(index.unique for index in table.indexes)

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_keys(self, collection: str) -> None:
        """The key has the column and the type that the class declares."""
        (key,) = TABLES[TABLE_OF[collection]].primary_key
        assert key.name == key_name(collection)
        assert isinstance(key.type, KEY_COLUMNS[KEY_TYPES[collection]])

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_what_may_be_empty(self, collection: str) -> None:
        """A column that may not be empty belongs to a field that may not, and the reverse."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        hints = get_type_hints(kind)
        for field in attrs.fields(kind):
            column = table.c[field.name]
            optional = type(None) in getattr(hints[field.name], "__args__", ()) or (
                hints[field.name] is Any and field.default is None
            )
            has_default = column.server_default is not None
            if optional:
                assert column.nullable
                assert not has_default
            else:
                assert not column.nullable or has_default

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_times_by_default(self, collection: str) -> None:
        """A time that stores fill in is one that the database would fill in, and the reverse."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        assert {
            column.name
            for column in table.columns
            if isinstance(column.type, Instant) and column.server_default is not None
        } == {field.name for field in attrs.fields(kind) if field.metadata.get(NOW_BY_DEFAULT)}

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_counts_hold_64_bits(self, collection: str) -> None:
        """Every whole number has 64 bits, but for enumerations."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        hints = get_type_hints(kind)
        for field in attrs.fields(kind):
            if int in {hints[field.name], *getattr(hints[field.name], "__args__", ())}:
                assert isinstance(table.c[field.name].type, sa.BigInteger)

    @pytest.mark.parametrize("collection", OF_CHANNELS + OF_TASKS)
    def test_kinds_of_columns(self, collection: str) -> None:
        """Truths, UUIDs and JSON have columns of their own kind, and nothing else has."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        hints = get_type_hints(kind)
        for field in attrs.fields(kind):
            column = table.c[field.name].type
            kinds = {hints[field.name], *getattr(hints[field.name], "__args__", ())}
            assert isinstance(column, sa.Boolean) == (bool in kinds)
            assert isinstance(column, PlainUuid) == (UUID in kinds)
            assert isinstance(column, JsonValue) == bool(field.metadata.get(JSON))

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_times_of_changes(self, collection: str) -> None:
        """What a removal changes beside a reference is found by its column's name, `updated_at`."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        touched = {field.name for field in attrs.fields(kind) if field.metadata.get(NOW_ON_CHANGE)}
        if any(key.ondelete == "SET NULL" for key in table.foreign_keys):
            assert touched == {"updated_at"}
        assert touched <= {"updated_at"}
