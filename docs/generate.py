"""Writes docs/reference from what the package says of itself; a test tells when a page is stale."""

from __future__ import annotations

import ast
import inspect
import os
import re
import textwrap
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

import attrs
import sqlalchemy as sa
import typer
from sqlalchemy.dialects import postgresql, sqlite

import pipeline_store
from pipeline_store import aio, channels, errors, production, secrets, services
from pipeline_store.claim import Claim
from pipeline_store.cli.app import app
from pipeline_store.fields import (
    JSON,
    LIMITS,
    LONGEST,
    NOW_BY_DEFAULT,
    NOW_ON_CHANGE,
    ON_DELETE,
    REFERS_TO,
    UNIQUE,
)
from pipeline_store.importers import importing
from pipeline_store.importers.niches import NicheRules
from pipeline_store.importers.summary import FileSummary
from pipeline_store.production.pipeline_run import RUN_MOVES, RunStatus
from pipeline_store.repository import Repository
from pipeline_store.services import (
    async_configuration,
    async_work,
    channel_removal,
    channels_overview,
    configuration,
    configuration_layers,
    credentials,
    gates,
    jobs,
    key_rotation,
    lookup,
    overview,
    pauses,
    publishing,
    reviews,
    runs,
    settings,
    task_outlook,
    tasks_overview,
    work,
)
from pipeline_store.services.work_holding import Held
from pipeline_store.services.work_settings import WorkerSettings
from pipeline_store.sql.columns import metadata
from pipeline_store.sql.schema import VERSION_TABLE
from pipeline_store.sql.unit_of_work import SqlUnitOfWork
from pipeline_store.tasks import ERRORS, GATES, STAGES, TaskStatus
from pipeline_store.unit_of_work import Collections
from pipeline_store.values import LARGEST_COUNT
from pipeline_store.wakeups import Wakeups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Command: TypeAlias = Any
"""A command or one of its parameters, of typer's own copy of click."""

FOLDER = Path(__file__).parent / "reference"
NOTICE = "<!-- Written by docs/generate.py; `make docs` writes it anew. -->\n"


def pages() -> dict[str, str]:
    """Return every generated page, by its name in the folder."""
    return {
        "store.md": _page(_store()),
        "collections.md": _page(_collections()),
        "channels.md": _page(_channels()),
        "services.md": _page(_services()),
        "workers.md": _page(_workers()),
        "settings-and-secrets.md": _page(_settings_and_secrets()),
        "run-transitions.md": _page(_run_transitions()),
        "task-transitions.md": _page(_task_transitions()),
        "errors.md": _page(_errors()),
        "command-line.md": _page(_command_line()),
        "tables.md": _page(_tables()),
    }


def _page(parts: Iterable[str]) -> str:
    return "\n".join([NOTICE, *(part.strip("\n") + "\n" for part in parts)])


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(titles), "|" + "---|" * len(titles), *map(line, rows)])


# Docstrings


def _described(item: object) -> str:
    """Return a docstring as Markdown: its sections become lists."""
    lines: list[str] = []
    section = ""
    for line in (inspect.getdoc(item) or "").splitlines():
        heading = re.fullmatch(r"(Args|Raises|Returns):", line)
        entry = re.fullmatch(r"    (\w[\w, ]*): (.*)", line)
        if heading:
            section = line
            lines += [line, ""]
        elif section and entry:
            names = ", ".join(f"`{name}`" for name in entry[1].split(", "))
            lines.append(f"- {names}: {entry[2]}")
        elif section and line:
            lines.append("  " + line.strip())
        else:
            section = ""
            lines.append(line)
    return "\n".join(lines)


def _first_sentence(item: object) -> str:
    return (inspect.getdoc(item) or "").partition("\n")[0]


# Signatures


def _signature(function: Callable[..., Any]) -> str:
    """Return the arguments and the result as a person would write them."""
    signature = inspect.signature(inspect.unwrap(function))
    words: list[str] = []
    for name, parameter in signature.parameters.items():
        if name in {"self", "cls"}:
            continue
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(_argument(parameter))
    result = "" if signature.return_annotation == "None" else f" -> {signature.return_annotation}"
    return f"({', '.join(words)}){result}"


def _argument(parameter: inspect.Parameter) -> str:
    # Spelled with its stars, where it has any.
    name = str(parameter.replace(annotation=parameter.empty, default=parameter.empty))
    typed = name if parameter.annotation is parameter.empty else f"{name}: {parameter.annotation}"
    if parameter.default is parameter.empty:
        return typed
    return f"{typed} = {_value(parameter.default)}"


def _value(value: object) -> str:
    if isinstance(value, Enum):
        return _value(value.value)
    if isinstance(value, timedelta):
        return _length(value)
    if isinstance(value, (BuiltinFunctionType, FunctionType)):
        place = "" if isinstance(value, FunctionType) else f"{value.__module__}."
        return "..." if value.__name__.startswith("_") else place + value.__name__
    if isinstance(value, str):
        return f'"{value}"'
    return "os.environ" if value is os.environ else str(value)


def _length(value: timedelta) -> str:
    hours = value / timedelta(hours=1)
    whole = hours >= 1 and hours.is_integer()
    return (
        f"timedelta(hours={hours:g})" if whole else f"timedelta(seconds={value.total_seconds():g})"
    )


def _methods(kind: type, before: str) -> Iterator[str]:
    for name, method in vars(kind).items():
        if isinstance(method, FunctionType) and not name.startswith("_"):
            yield _function(method, before + name)


def _function(function: Callable[..., Any], name: str) -> str:
    title = name.rpartition(".")[2]
    return f"### {title}\n\n`{name}{_signature(function)}`\n\n{_described(function)}"


# Pages


def _store() -> Iterator[str]:
    yield "# The store and the unit of work"
    yield "What `pipeline_store` itself gives you. All errors are on [their page](errors.md)."
    yield "## Opening"
    yield _function(pipeline_store.open_store, "open_store")
    yield _function(pipeline_store.open_async_store, "open_async_store")
    yield "## Store"
    yield _described(pipeline_store.Store)
    yield from _methods(pipeline_store.Store, "store.")
    yield "## UnitOfWork"
    yield _described(pipeline_store.UnitOfWork)
    yield "Its collections, each with methods of its own:"
    yield _table(
        ["collection", "what it holds"],
        [
            [f"[`uow.{name}`]({_page_of(port)}#{name})", _first_sentence(port)]
            for name, port in _ports().items()
        ],
    )
    yield from _methods(pipeline_store.UnitOfWork, "uow.")
    yield "## Over a session of your own"
    yield _function(vars(SqlUnitOfWork)["over"].__func__, "SqlUnitOfWork.over")
    yield "## AsyncStore and AsyncUnitOfWork"
    yield (
        "`open_async_store` returns the same names, awaited: every method of a store, of a unit of "
        "work and of a collection is a coroutine, except `store.unit_of_work()`, `store.wakeups()` "
        "and `uow.now()`. Beside them:"
    )
    yield _function(aio.AsyncStore.run, "store.run")
    yield _function(aio.AsyncUnitOfWork.run, "uow.run")


def _ports() -> dict[str, Any]:
    return get_type_hints(Collections)


def _page_of(port: Any) -> str:
    return "channels.md" if port.__module__.startswith(channels.__name__) else "collections.md"


def _collections() -> Iterator[str]:
    ports = {name: port for name, port in _ports().items() if _page_of(port) == "collections.md"}
    yield "# Collections"
    yield (
        "Each collection of a unit of work holds objects of one class, and has the methods of "
        f"every collection and some of its own. Here are the {_spelled(len(ports))} whose classes "
        "`pipeline_store.production` and `pipeline_store.tasks` have; those of "
        "`pipeline_store.channels` are on [a page of their own](channels.md)."
    )
    yield "\n".join(
        ["- [Every collection](#every-collection)", *(f"- [`{name}`](#{name})" for name in ports)]
    )
    yield "## Every collection"
    yield _described(Repository)
    yield from _methods(Repository, "uow.COLLECTION.")
    for name, port in ports.items():
        yield from _collection(name, port)
    yield from _choices(production)


def _channels() -> Iterator[str]:
    ports = {name: port for name, port in _ports().items() if _page_of(port) == "channels.md"}
    yield "# Channels, jobs and their statistics"
    yield (
        f"The {_spelled(len(ports))} collections of a unit of work whose classes "
        "`pipeline_store.channels` has. Beside methods of their own they have those of "
        "[every collection](collections.md#every-collection). Fields of JSON read like a dict or a "
        "list; they cannot be changed in place, but are assigned as a whole."
    )
    yield "\n".join([*(f"- [`{name}`](#{name})" for name in ports), "- [Claims](#claims)"])
    for name, port in ports.items():
        yield from _collection(name, port)
    yield "## Claims"
    yield (
        "What `uow.jobs` hands out, and without a unit of work "
        "[the store itself](store.md#claim_next)."
    )
    for kind in (Claim, channels.JobStatistics):
        yield f"### {kind.__name__}\n\n{_described(kind)}\n\n{_attributes(kind)}"
    yield from _choices(channels)


def _spelled(number: int) -> str:
    return {9: "nine", 10: "ten"}.get(number, str(number))


def _collection(name: str, port: Any) -> Iterator[str]:
    kind = _held_by(port)
    yield f"## {name}"
    yield f"{_described(port)}\n\nIt holds `{kind.__name__}`:"
    yield _described(kind)
    yield _fields(kind)
    yield from _methods(kind, f"{_variable(kind)}.")
    yield from _methods(port, f"uow.{name}.")


def _held_by(port: Any) -> type[Any]:
    base = next(b for b in port.__orig_bases__ if getattr(b, "__origin__", None) is Repository)
    held: type[Any] = base.__args__[0]
    return held


def _variable(kind: type) -> str:
    names = {"PipelineRun": "run", "ProcessingJob": "job", "ReviewLog": "review"}
    return names.get(kind.__name__, kind.__name__.lower())


def _choices(context: ModuleType) -> Iterator[str]:
    yield "## Choices"
    yield (
        "Fields of these types take a member or its plain value; type checkers know only "
        "the member."
    )
    members = [getattr(context, name) for name in vars(context)["__all__"]]
    for choice in members:
        if inspect.isclass(choice) and issubclass(choice, Enum):
            yield f"### {choice.__name__}\n\n{_described(choice)}"
            yield "Values: " + ", ".join(_choice_value(member) for member in choice) + "."


def _choice_value(member: Enum) -> str:
    if isinstance(member.value, str):
        return f"`{member.value}`"
    return f"`{member.value}` (`{member.name}`)"


def _fields(kind: type[Any]) -> str:
    notes = _notes(kind)
    rows = [
        [f"`{field.name}`", f"`{field.type}`", _default(field), " ".join(_facts(field, notes))]
        for field in attrs.fields(kind)
    ]
    rows += [[name, annotation, "", meaning] for name, annotation, meaning in _properties(kind)]
    return _table(["field", "type", "when left out", "meaning"], rows)


def _properties(kind: type[Any]) -> Iterator[tuple[str, str, str]]:
    for name, item in vars(kind).items():
        if isinstance(item, property) and item.fget is not None and not name.startswith("_"):
            annotation = inspect.signature(item.fget).return_annotation
            yield f"`{name}`", f"`{annotation}`", _first_sentence(item)


def _notes(kind: type[Any]) -> dict[str, str]:
    """Return the comments that stand before fields and start with `#:`."""
    notes: dict[str, str] = {}
    waiting: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        if note := re.match(r" +#: (.*)", line):
            waiting.append(note[1])
        elif field := re.match(r"    (\w+)(?:: | = )", line):
            notes[field[1]] = " ".join(waiting)
            waiting = []
    return notes


def _default(field: attrs.Attribute[Any]) -> str:
    if not field.init:
        return "given by the store"
    if field.metadata.get(NOW_BY_DEFAULT):
        return "now, when it is added"
    if field.default is attrs.NOTHING:
        return "must be given"
    if field.metadata.get(JSON) and field.default is not None:
        made = field.default.factory()
        return f"`{made!r}`"
    return "unknown (None)" if field.default is None else f"`{_value(field.default)}`"


def _facts(field: attrs.Attribute[Any], notes: Mapping[str, str]) -> Iterator[str]:
    if note := notes.get(field.name):
        yield note
    if LONGEST in field.metadata:
        yield f"1 to {field.metadata[LONGEST]} characters."
    if UNIQUE in field.metadata:
        others = ", ".join(f"`{name}`" for name in field.metadata[UNIQUE])
        yield f"Unique together with {others}." if others else "Unique."
    if collection := field.metadata.get(REFERS_TO):
        yield f"The key of an object in `{collection}`."
        yield from _ON_DELETE[field.metadata.get(ON_DELETE, "refuse")]
    if field.metadata.get(NOW_ON_CHANGE):
        yield "The store sets it whenever the object was changed."
    if limits := _limits(field, note or ""):
        yield limits


def _limits(field: attrs.Attribute[Any], note: str) -> str:
    least, most = field.metadata.get(LIMITS, (0, LARGEST_COUNT))
    if least < 0:
        return "" if note else "May be negative."
    spelled = "" if most in {LARGEST_COUNT, float("inf")} else f"{least:g} to {most:g}."
    return "" if spelled in note else spelled


SERVICES = (
    *(reviews, runs, publishing, pauses, overview),
    *(jobs, channels_overview, channel_removal),
    *(gates, tasks_overview, task_outlook, lookup),
)
"""The modules of services that have a section each."""


_ON_DELETE: Mapping[str, tuple[str, ...]] = {
    "refuse": (),
    "clear": ("Emptied when that is removed.",),
    "cascade": ("Removed along with that.",),
}


def _services() -> Iterator[str]:
    yield "# Services"
    yield _described(services)
    yield (
        "With an asynchronous store, call them as `await store.run(service, ...)`, which commits, "
        "or as `await uow.run(service, ...)` among other calls."
    )
    for module in SERVICES:
        yield from _service(module)
    yield "## Importers"
    yield f"`from {importing.__name__} import import_trending`"
    yield _described(importing)
    yield (
        "`new_unit_of_work` is `store.unit_of_work`: an import opens one for every 500 readings "
        "and commits it. What becomes of damaged rows is told in "
        "[import real files](../how-to/import-files.md)."
    )
    for function in _own_functions(importing):
        yield _function(function, function.__name__)
    for kind in (NicheRules, FileSummary):
        yield f"### {kind.__name__}\n\n{_described(kind)}\n\n{_attributes(kind)}"


def _service(module: ModuleType) -> Iterator[str]:
    name = module.__name__.rpartition(".")[2]
    yield f"## {name}"
    yield f"`from pipeline_store.services import {name}`"
    yield _described(module)
    for function in _own_functions(module):
        yield _function(function, f"{name}.{function.__name__}")
    for kind in _own_classes(module):
        table = _members(kind) if issubclass(kind, Enum) else _attributes(kind)
        yield f"### {kind.__name__}\n\n{_described(kind)}\n\n{table}"


def _workers() -> Iterator[str]:
    yield "# Workers"
    yield "How to use them is told in [run workers](../how-to/tasks.md#run-workers)."
    for kind in (work.Worker, async_work.AsyncWorker):
        yield f"## {kind.__name__}"
        yield f"`from {kind.__module__} import {kind.__name__}`"
        yield f"`{kind.__name__}{_signature(kind.__init__)}`\n\n{_described(kind)}"
        yield _described(kind.__init__)
        yield from _methods(kind, "worker.")
    yield "## Settings"
    yield "What both take beside the store, by name but for the handlers:"
    yield f"`{_signature(WorkerSettings.__init__)}`\n\n{_described(WorkerSettings.__init__)}"
    yield "## Work"
    yield "What a handler is handed: `Work` by a `Worker`, `AsyncWork` by an `AsyncWorker`."
    yield _described(Held)
    rows = [[name, annotation, meaning] for name, annotation, meaning in _properties(Held)]
    yield _table(["property", "type", "meaning"], rows)
    yield "`work.claim` is the claim with its token, `work.lost` an event that tells of its loss."
    yield _function(Held.check_held, "work.check_held")
    yield f"### GiveBack\n\n{_described(work.GiveBack)}"
    yield "## Outcome"
    yield f"{_described(work.Outcome)}\n\n{_attributes(work.Outcome)}"
    yield "The kinds: " + ", ".join(f"`{kind}`" for kind in work.OutcomeKind) + "."
    yield "## Wakeups"
    yield f"`store.wakeups()` returns them. {_described(Wakeups)}"
    yield from _methods(Wakeups, "wakeups.")


def _settings_and_secrets() -> Iterator[str]:
    yield "# Settings and secrets"
    yield (
        "How to use them is told in [configuration](../how-to/configuration.md) and "
        "[secrets](../how-to/secrets.md)."
    )
    yield "## Settings"
    yield _described(settings)
    yield _table(
        ["setting", "kind", "default", "what it decides"],
        [
            [f"`{each.key}`", each.kind_name, f"`{each.default!r}`", _decided(each)]
            for each in settings.SHIPPED
        ],
    )
    yield f"### Setting\n\n{_described(settings.Setting)}\n\n{_attributes(settings.Setting)}"
    yield from _class(settings.Settings, "Settings", "settings.")
    yield "## Configuration"
    yield _described(configuration)
    yield from _class(configuration.Configuration, "Configuration", "configuration.")
    yield f"### AsyncConfiguration\n\n{_described(async_configuration.AsyncConfiguration)}"
    for kind in (configuration_layers.Explanation, configuration_layers.LayerValue):
        yield f"### {kind.__name__}\n\n{_described(kind)}\n\n{_attributes(kind)}"
    yield "## Secrets"
    yield _described(secrets)
    for name in secrets.__all__:
        item = getattr(secrets, name)
        if isinstance(item, FunctionType):
            yield _function(item, name)
        elif inspect.isclass(item) and attrs.has(item):
            yield f"### {name}\n\n{_described(item)}\n\n{_attributes(item)}"
        elif inspect.isclass(item):
            yield from _class(item, name, f"{name.lower()}.")
    yield from _service(credentials)
    yield from _service(key_rotation)


def _decided(setting: settings.Setting) -> str:
    return f"{setting.help} ({setting.unit})" if setting.unit else setting.help


def _class(kind: type[Any], name: str, before: str) -> Iterator[str]:
    """Yield how an object is made, what it is for, and its attributes and methods."""
    yield f"### {name}\n\n`{name}{_signature(kind).partition(' -> ')[0]}`\n\n{_described(kind)}"
    if vars(kind).get("__init__") is not None:
        yield _described(vars(kind)["__init__"])
    if properties := list(_properties(kind)):
        yield _table(["attribute", "type", "meaning"], properties)
    for other, method in vars(kind).items():
        made = method.__func__ if isinstance(method, (classmethod, staticmethod)) else method
        if isinstance(made, FunctionType) and not other.startswith("_"):
            yield f"`{before}{other}{_signature(made)}`\n\n{_described(made)}"


def _own_functions(module: ModuleType) -> list[FunctionType]:
    return [
        item
        for name, item in vars(module).items()
        if isinstance(item, FunctionType)
        and inspect.unwrap(item).__module__ == module.__name__
        and not name.startswith("_")
    ]


def _own_classes(module: ModuleType) -> list[type[Any]]:
    return [
        item
        for item in vars(module).values()
        if inspect.isclass(item)
        and item.__module__ == module.__name__
        and (attrs.has(item) or issubclass(item, Enum))
    ]


def _members(kind: type[Enum]) -> str:
    notes = _notes(kind)
    rows = [[_choice_value(member), notes[member.name]] for member in kind]
    return _table(["value", "meaning"], rows)


def _attributes(kind: type[Any]) -> str:
    notes = _notes(kind) | _docstrings_of_fields(kind)
    rows = [
        [f"`{field.name}`", f"`{field.type}`", notes.get(field.name, "")]
        for field in attrs.fields(kind)
        if not field.name.startswith("_")
    ]
    rows += map(list, _properties(kind))
    return _table(["attribute", "type", "meaning"], rows)


def _docstrings_of_fields(kind: type[Any]) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    found: dict[str, str] = {}
    if not isinstance(body, ast.ClassDef):
        return found
    for field, behind in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(behind, ast.Expr) and isinstance(behind.value, ast.Constant):
            found[field.target.id] = " ".join(str(behind.value.value).split())
    return found


def _run_transitions() -> Iterator[str]:
    yield "# Run transitions"
    yield (
        "A run moves only along these lines, whether by a method of the run, by a service or by an "
        "assignment to `run.status`; anything else raises `IllegalTransition` and changes nothing."
    )
    yield _table(
        ["from", "to"],
        [[f"`{found}`", _moves(found)] for found in RunStatus],
    )
    yield _diagram()
    yield (
        f"`run.retry()` takes a failed run back to pending, {production.DEFAULT_RETRIES} times in "
        "its life unless told another limit. The methods that move a run:"
    )
    yield _table(
        ["method", "move"],
        [
            [f"`run.{name}{_signature(method)}`", _first_sentence(method)]
            for name, method in vars(production.PipelineRun).items()
            if isinstance(method, FunctionType) and not name.startswith("_")
        ],
    )


def _moves(found: RunStatus) -> str:
    legal = [f"`{status}`" for status in RUN_MOVES[found]]
    if found == RunStatus.FAILED:
        legal.append(f"`{RunStatus.PENDING}`, by `run.retry()` alone")
    return ", ".join(legal) or "nothing; it is the end"


def _diagram() -> str:
    moves = [f"    {found} --> {wanted}" for found in RUN_MOVES for wanted in RUN_MOVES[found]]
    ends = [status for status, legal in RUN_MOVES.items() if not legal]
    lines = [
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {RunStatus.PENDING}",
        *moves,
        f"    {RunStatus.FAILED} --> {RunStatus.PENDING}: retry()",
        *(f"    {status} --> [*]" for status in ends if status != RunStatus.FAILED),
        "```",
    ]
    return "\n".join(lines)


def _task_transitions() -> Iterator[str]:
    yield "# Task transitions"
    yield (
        "A task moves only along these lines, whether by a method of "
        "[`uow.tasks`](collections.md), by `task.advance` or by an assignment to `task.status`; "
        "anything else raises `IllegalTransition` and changes nothing. What the statuses mean is "
        "told in [the task workflow](../explanation/task-workflow.md)."
    )
    yield _table(
        ["from", "goes on to", "fails to", "a retry begins at", "waits for"],
        [
            [
                f"`{found}`",
                ", ".join(f"`{status}`" for status in stage.onward) or "nothing; it is the end",
                f"`{stage.error}`" if stage.error else "",
                f"`{stage.retry_at}`" if stage.retry_at else "",
                _waits_for(found),
            ]
            for found, stage in STAGES.items()
        ],
    )
    yield "## Diagram"
    yield "Gates are yellow, errors are red."
    yield _task_diagram()


def _waits_for(status: TaskStatus) -> str:
    if status in GATES:
        return "a person: a gate"
    if status in ERRORS:
        return "a retry"
    return {TaskStatus.DRAFT: "its author", TaskStatus.PUBLISHED: ""}.get(status, "a worker")


def _task_diagram() -> str:
    moves = [
        f"    {found} --> {wanted}{_task_label(found, wanted)}"
        for found, stage in STAGES.items()
        for wanted in stage.moves
    ]
    lines = [
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {TaskStatus.DRAFT}",
        *moves,
        *(f"    {status} --> [*]" for status, stage in STAGES.items() if not stage.moves),
        "    classDef gate fill:#fd6,stroke:#a80,color:#000",
        "    classDef error fill:#f99,stroke:#a00,color:#000",
        *(f"    class {status} gate" for status in GATES),
        *(f"    class {status} error" for status in ERRORS),
        "```",
    ]
    return "\n".join(lines)


def _task_label(found: TaskStatus, wanted: TaskStatus) -> str:
    if found in GATES:
        return ": rejected" if wanted in ERRORS else ": approved"
    if found in ERRORS:
        return ": retried"
    labels = {TaskStatus.DRAFT: ": withdrawn", TaskStatus.QUEUED: ": released"}
    return "" if found == TaskStatus.DRAFT else labels.get(wanted, "")


def _errors() -> Iterator[str]:
    yield "# Errors"
    yield _described(errors)
    yield (
        "Import them from `pipeline_store.errors`. What to do about each is told in "
        "[handle errors and retry](../how-to/handle-errors.md)."
    )
    own = [item for item in vars(errors).values() if inspect.isclass(item)]
    own = [item for item in own if item.__module__ == errors.__name__]
    yield _table(
        ["error", "is also", "meaning"],
        [
            [
                f"`{error.__name__}`",
                ", ".join(f"`{base.__name__}`" for base in error.__bases__),
                " ".join((inspect.getdoc(error) or "").split()),
            ]
            for error in own
        ],
    )
    yield (
        "`IllegalTransition` has `found`, `wanted` and `legal`; `AdoptionRefused` has "
        "`differences`; `InputFileRefused` has `path` and `reason`."
    )


# The command line


def _command_line() -> Iterator[str]:
    root: Command = typer.main.get_command(app)
    yield "# Command line"
    yield _plain(root.help)
    yield "`pipeline-store [OPTIONS] COMMAND`, with these options before the command:"
    yield _options(root)
    yield _plain(root.epilog)
    commands = dict(_commands(root, ("pipeline-store",)))
    yield _table(
        ["command", "what it does"],
        [
            [f"[`{' '.join(path)}`](#{'-'.join(path)})", _plain(command.help).partition("\n")[0]]
            for path, command in commands.items()
        ],
    )
    described: dict[object, str] = {}
    for path, command in commands.items():
        name = " ".join(path)
        yield f"## {name}"
        same = described.setdefault(command.callback, name)
        if same != name:
            yield f"Does what [`{same}`](#{same.replace(' ', '-')}) does."
            continue
        yield f"`{' '.join([name, *_usage(command)])}`"
        yield _plain(command.help)
        yield _options(command)


def _commands(group: Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Command]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if not hasattr(command, "commands"):
            yield (*path, name), command
            continue
        if command.invoke_without_command:
            yield (*path, name), command
        yield from _commands(command, (*path, name))


def _plain(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("\b\n", "")


def _shown(command: Command) -> list[Command]:
    return [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]


def _usage(command: Command) -> list[str]:
    shown = _shown(command)
    words = ["[OPTIONS]"] if any(p.param_type_name == "option" for p in shown) else []
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    return words + [_metavar(a) + ("..." if a.nargs == -1 else "") for a in arguments]


def _metavar(parameter: Command) -> str:
    return str(parameter.metavar or parameter.name.upper()).removesuffix("...")


def _options(command: Command) -> str:
    rows: list[list[str]] = []
    for parameter in _shown(command):
        spelled = _metavar(parameter)
        if parameter.param_type_name == "option":
            names = ", ".join([*parameter.opts, *parameter.secondary_opts])
            spelled = names if parameter.is_flag else f"{names} {spelled}"
        rows.append([f"`{spelled}`", " ".join(_explained(parameter))])
    return _table(["argument or option", "meaning"], rows) if rows else ""


def _explained(parameter: Command) -> Iterator[str]:
    if parameter.help:
        yield _plain(parameter.help).replace("\n", " ")
    default = parameter.default
    if isinstance(default, (str, int, float)) and not isinstance(default, bool):
        yield f"Default: `{default:g}`." if isinstance(default, float) else f"Default: `{default}`."
    if parameter.envvar:
        yield f"Environment: `{parameter.envvar}`."
    if parameter.param_type_name == "option" and parameter.required:
        yield "Required."


# Tables


def _tables() -> Iterator[str]:
    yield "# Tables"
    yield (
        "What a database of this package holds. Names of tables, columns and indexes are fixed. "
        "Times are UTC without a zone. Counts hold 64 bits on both databases. "
        f"The schema's revision is kept in a table of its own, `{VERSION_TABLE}`."
    )
    for table in metadata.sorted_tables:
        yield f"## {table.name}"
        yield _table(
            ["column", "SQLite", "PostgreSQL", "null", "default", "key"],
            [_column(column) for column in table.columns],
        )
        listed = [
            f"- `{index.name}` on {', '.join(f'`{c.name}`' for c in index.columns)}"
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
        if listed:
            yield "Indexes:\n\n" + "\n".join(listed)


def _column(column: sa.Column[Any]) -> list[str]:
    return [
        f"`{column.name}`",
        _column_type(column, sqlite.dialect()),
        _column_type(column, postgresql.dialect()),
        "yes" if column.nullable else "no",
        _column_default(column),
        ", ".join(_keys(column)),
    ]


def _column_type(column: sa.Column[Any], dialect: sa.Dialect) -> str:
    return str(column.type.compile(dialect=dialect))


def _column_default(column: sa.Column[Any]) -> str:
    default = column.server_default
    if default is None:
        return ""
    argument = default.arg if isinstance(default, sa.DefaultClause) else None
    return f"`{argument}`" if isinstance(argument, str) else "now"


def _keys(column: sa.Column[Any]) -> Iterator[str]:
    if column.primary_key:
        automatic = ", automatic" if column.autoincrement is True else ""
        yield f"primary{automatic}"
    for key in column.foreign_keys:
        then = {"CASCADE": ", removed with it", "SET NULL": ", emptied with it"}
        yield f"refers to `{key.column.table.name}`{then.get(str(key.ondelete), '')}"
    for constraint in column.table.constraints:
        if isinstance(constraint, sa.UniqueConstraint) and column.name in constraint.columns:
            others = [f"`{each.name}`" for each in constraint.columns if each is not column]
            yield f"unique with {', '.join(others)}" if others else "unique"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote {FOLDER.name}/{name}")
