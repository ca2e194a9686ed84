"""Writes docs/reference from what the package says of itself; a test tells when a page is stale."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

import attrs
import sqlalchemy as sa
import typer
from sqlalchemy.dialects import postgresql, sqlite

import pipeline_store
from pipeline_store import aio, errors, production, services
from pipeline_store.cli.app import app
from pipeline_store.fields import LIMITS, NOW_BY_DEFAULT, REFERS_TO, UNIQUE
from pipeline_store.importers import importing
from pipeline_store.importers.niches import NicheRules
from pipeline_store.importers.summary import FileSummary
from pipeline_store.production.pipeline_run import RUN_MOVES, RunStatus
from pipeline_store.repository import Repository
from pipeline_store.services import gates, overview, pauses, publishing, reviews, runs
from pipeline_store.sql.columns import metadata
from pipeline_store.sql.schema import VERSION_TABLE
from pipeline_store.sql.unit_of_work import SqlUnitOfWork
from pipeline_store.tasks import ERRORS, GATES, STAGES, TaskStatus
from pipeline_store.unit_of_work import Collections
from pipeline_store.values import LARGEST_COUNT

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
        "services.md": _page(_services()),
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
        return f"timedelta(hours={value.total_seconds() / 3600:g})"
    if isinstance(value, FunctionType):
        return "..." if value.__name__.startswith("_") else value.__name__
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)


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
    yield "Its collections, each with [methods of its own](collections.md):"
    yield _table(
        ["collection", "what it holds"],
        [
            [f"[`uow.{name}`](collections.md#{name})", _first_sentence(port)]
            for name, port in _ports().items()
        ],
    )
    yield from _methods(pipeline_store.UnitOfWork, "uow.")
    yield "## Over a session of your own"
    yield _function(vars(SqlUnitOfWork)["over"].__func__, "SqlUnitOfWork.over")
    yield "## AsyncStore and AsyncUnitOfWork"
    yield (
        "`open_async_store` returns the same names, awaited: every method of a store, of a unit of "
        "work and of a collection is a coroutine, except `store.unit_of_work()` and `uow.now()`. "
        "Beside them:"
    )
    yield _function(aio.AsyncStore.run, "store.run")
    yield _function(aio.AsyncUnitOfWork.run, "uow.run")


def _ports() -> dict[str, Any]:
    return get_type_hints(Collections)


def _collections() -> Iterator[str]:
    yield "# Collections"
    yield (
        "A unit of work has ten collections. Each holds objects of one class from "
        "`pipeline_store.production`, and has the methods of every collection and some of its own."
    )
    ports = _ports()
    yield "\n".join(
        ["- [Every collection](#every-collection)", *(f"- [`{name}`](#{name})" for name in ports)]
    )
    yield "## Every collection"
    yield _described(Repository)
    yield from _methods(Repository, "uow.COLLECTION.")
    for name, port in ports.items():
        kind = _held_by(port)
        yield f"## {name}"
        yield f"{_first_sentence(port)} It holds `{kind.__name__}`:"
        yield _described(kind)
        yield _fields(kind)
        yield from _methods(kind, f"{_variable(kind)}.")
        yield from _methods(port, f"uow.{name}.")
    yield "## Choices"
    yield "Fields of these types take a member or its plain value."
    for choice in _choices():
        yield f"### {choice.__name__}\n\n{_described(choice)}"
        yield "Values: " + ", ".join(_choice_value(member) for member in choice) + "."


def _held_by(port: Any) -> type[Any]:
    base = next(b for b in port.__orig_bases__ if getattr(b, "__origin__", None) is Repository)
    held: type[Any] = base.__args__[0]
    return held


def _variable(kind: type) -> str:
    names = {"PipelineRun": "run", "ReviewLog": "review"}
    return names.get(kind.__name__, kind.__name__.lower())


def _choices() -> list[type[Enum]]:
    members = [getattr(production, name) for name in production.__all__]
    return [kind for kind in members if inspect.isclass(kind) and issubclass(kind, Enum)]


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
    return _table(["field", "type", "when left out", "meaning"], rows)


def _notes(kind: type[Any]) -> dict[str, str]:
    """Return the comments that stand before fields and start with `#:`."""
    notes: dict[str, str] = {}
    waiting: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        if note := re.match(r" +#: (.*)", line):
            waiting.append(note[1])
        elif field := re.match(r"    (\w+): ", line):
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
    return "unknown (None)" if field.default is None else f"`{_value(field.default)}`"


def _facts(field: attrs.Attribute[Any], notes: Mapping[str, str]) -> Iterator[str]:
    if note := notes.get(field.name):
        yield note
    if field.metadata.get(UNIQUE):
        yield "Unique."
    if collection := field.metadata.get(REFERS_TO):
        yield f"The key of an object in `{collection}`."
    if LIMITS in field.metadata and not note:
        least, most = field.metadata[LIMITS]
        if least < 0:
            yield "May be negative."
        elif most not in {LARGEST_COUNT, float("inf")}:
            yield f"{least:g} to {most:g}."


def _services() -> Iterator[str]:
    yield "# Services"
    yield _described(services)
    yield (
        "With an asynchronous store, call them as `await store.run(service, ...)`, which commits, "
        "or as `await uow.run(service, ...)` among other calls."
    )
    for module in (reviews, runs, publishing, pauses, overview, gates):
        name = module.__name__.rpartition(".")[2]
        yield f"## {name}"
        yield f"`from pipeline_store.services import {name}`"
        yield _described(module)
        for function in _own_functions(module):
            yield _function(function, f"{name}.{function.__name__}")
        for kind in _own_classes(module):
            yield f"### {kind.__name__}\n\n{_described(kind)}\n\n{_attributes(kind)}"
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


def _own_functions(module: ModuleType) -> list[FunctionType]:
    return [
        item
        for name, item in vars(module).items()
        if isinstance(item, FunctionType)
        and item.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _own_classes(module: ModuleType) -> list[type[Any]]:
    return [
        item
        for item in vars(module).values()
        if inspect.isclass(item) and item.__module__ == module.__name__ and attrs.has(item)
    ]


def _attributes(kind: type[Any]) -> str:
    notes = _notes(kind) | _docstrings_of_fields(kind)
    rows = [
        [f"`{field.name}`", f"`{field.type}`", notes.get(field.name, "")]
        for field in attrs.fields(kind)
        if not field.name.startswith("_")
    ]
    rows += [
        [f"`{name}`", f"`{inspect.signature(item.fget).return_annotation}`", _first_sentence(item)]
        for name, item in vars(kind).items()
        if isinstance(item, property) and item.fget is not None
    ]
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
        yield f"refers to `{key.column.table.name}`"
    unique = [c for c in column.table.constraints if isinstance(c, sa.UniqueConstraint)]
    if any(column in constraint.columns.values() for constraint in unique):
        yield "unique"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote {FOLDER.name}/{name}")
