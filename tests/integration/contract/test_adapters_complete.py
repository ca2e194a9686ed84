"""Every adapter has every method of every port, and every table every field of its class."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

import attrs
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import class_mapper

from pipeline_store import open_async_store, open_store
from pipeline_store.aio import AsyncStore, AsyncUnitOfWork
from pipeline_store.fields import NOW_BY_DEFAULT, REFERS_TO, UNIQUE
from pipeline_store.memory import MemoryStore, MemoryUnitOfWork
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.tables import KINDS
from pipeline_store.repository import Repository
from pipeline_store.sql import SqlStore, SqlUnitOfWork
from pipeline_store.sql.columns import Instant
from pipeline_store.sql.production import PRODUCTION_TABLES
from pipeline_store.unit_of_work import Collections, Store, UnitOfWork
from tests.integration.contract.samples import CLASSES, COLLECTIONS, NUMBERED

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


def test_the_ports() -> None:
    """There is a port for each collection, and it is a Protocol that repeats `Repository`."""
    assert tuple(PORTS) == COLLECTIONS
    assert len({id(port) for port in PORTS.values()}) == 10
    for port in PORTS.values():
        assert getattr(port, "_is_protocol", False)
        assert set(public(Repository)) <= set(public(port))


ADAPTERS = [
    pytest.param(SqlUnitOfWork, False, id="sql"),
    pytest.param(MemoryUnitOfWork, False, id="memory"),
    pytest.param(AsyncUnitOfWork, True, id="aio"),
]


@pytest.mark.parametrize("collection", PORTS)
@pytest.mark.parametrize(("unit_of_work", "awaited"), ADAPTERS)
def test_every_method_of_every_port(
    unit_of_work: type[Any], awaited: bool, collection: str
) -> None:
    """Each adapter defines each method of its port, with the same parameters."""
    kind = adapter(unit_of_work, collection)
    assert list(differences(PORTS[collection], kind, awaited=awaited)) == []


@pytest.mark.parametrize("collection", PORTS)
@pytest.mark.parametrize("unit_of_work", [SqlUnitOfWork, MemoryUnitOfWork, AsyncUnitOfWork])
def test_nothing_more_than_the_port(unit_of_work: type[Any], collection: str) -> None:
    """No adapter has a public method that its port does not promise."""
    kind = adapter(unit_of_work, collection)
    assert set(public(kind)) - set(public(PORTS[collection])) == set()


@pytest.mark.parametrize("collection", PORTS)
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
        (Store, AsyncStore, True, {"unit_of_work"}),
    ],
)
def test_units_of_work_and_stores(
    port: type[Any], kind: type[Any], awaited: bool, synchronous: set[str]
) -> None:
    """Units of work and stores have every method of theirs; the rest is for their own kind."""
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


TABLES = {table.name: table for table in PRODUCTION_TABLES}
TABLE_OF = {name: name for name in COLLECTIONS} | {"reviews": "review_log", "errors": "error_log"}


class TestTables:
    """The tables say the same as the classes."""

    def test_the_ten(self) -> None:
        """There are ten tables, each mapped to the class of its collection."""
        assert set(TABLES) == set(TABLE_OF.values())
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
    def test_references_and_unique_values(self, collection: str) -> None:
        """Foreign keys and unique columns are those that the fields carry."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        declared = {
            field.name: TABLE_OF[field.metadata[REFERS_TO]]
            for field in attrs.fields(kind)
            if REFERS_TO in field.metadata
        }
        keys = {key.parent.name: key.column.table.name for key in table.foreign_keys}
        assert keys == declared
        assert all(key.column.name == "id" for key in table.foreign_keys)
        unique = {
            column.name
            for constraint in table.constraints
            if isinstance(constraint, sa.UniqueConstraint)
            for column in constraint.columns
        }
        assert unique == {field.name for field in attrs.fields(kind) if field.metadata.get(UNIQUE)}

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_keys(self, collection: str) -> None:
        """The key is `id`, given by the database, or the text `key`."""
        (key,) = TABLES[TABLE_OF[collection]].primary_key
        assert key.name == ("id" if collection in NUMBERED else "key")
        assert isinstance(key.type, sa.BigInteger if collection in NUMBERED else sa.Text)

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_what_may_be_empty(self, collection: str) -> None:
        """A column that may not be empty belongs to a field that may not, and the reverse."""
        kind, table = CLASSES[collection], TABLES[TABLE_OF[collection]]
        hints = get_type_hints(kind)
        for field in attrs.fields(kind):
            column = table.c[field.name]
            optional = type(None) in getattr(hints[field.name], "__args__", ())
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
