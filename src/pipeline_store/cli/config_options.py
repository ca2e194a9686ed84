"""Which settings a command knows of, and the files that it reads them from."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, cast

import typer

from pipeline_store.cli.options import database_of
from pipeline_store.errors import InvalidValue
from pipeline_store.services.configuration import Configuration
from pipeline_store.services.settings import Setting, Settings

if TYPE_CHECKING:
    from pipeline_store.sql import SqlStore

SETTINGS_VARIABLE: Final = "PIPELINE_STORE_SETTINGS"
FILES_VARIABLE: Final = "PIPELINE_STORE_CONFIG_FILES"

Key: TypeAlias = Annotated[str, typer.Argument(metavar="KEY", help="The setting's key.")]
OfChannel: TypeAlias = Annotated[
    str | None,
    typer.Option("--channel", metavar="NAME", help="The channel whose own settings count."),
]
ForSystem: TypeAlias = Annotated[
    bool, typer.Option("--system", help="The system's value, in place of an override.")
]
By: TypeAlias = Annotated[str, typer.Option("--by", metavar="NAME", help="Who changes it.")]
Declared: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--settings",
        metavar="MODULE:NAME",
        envvar=SETTINGS_VARIABLE,
        help="Where a program declares its settings, in Python.",
    ),
]
SettingsFiles: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        metavar="FILE",
        envvar=FILES_VARIABLE,
        help="A file of settings, TOML or YAML; may be repeated, the last one is the strongest.",
    ),
]


@contextmanager
def configuration_of(
    context: typer.Context, declared: str | None, files: Iterable[Path] | None
) -> Generator[tuple[Configuration, Settings, SqlStore]]:
    """Open the store for the settings of a program.

    Raises:
        InvalidValue: what a program declares cannot be imported, or a file or the environment names
            a setting that is not declared.
    """
    settings = declared_settings(declared)
    with database_of(context).opened() as store:
        yield Configuration(store.unit_of_work, settings, files=files or ()), settings, store


def declared_settings(declared: str | None) -> Settings:
    """Return what comes with the package, or what a program declares: `Settings`, or several.

    The folder that the command runs in is looked into first, as Python itself does.

    Raises:
        InvalidValue: there is no such module or name, or it is something else.
    """
    if not declared:
        return Settings()
    module, _, name = declared.partition(":")
    with _importing_from_here():
        try:
            found: Any = getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            told = f"{type(error).__name__}: {error}"
            raise InvalidValue(f"--settings {declared}: cannot be imported ({told})") from error
    if isinstance(found, Settings):
        return found
    several = list(cast("Iterable[object]", found)) if isinstance(found, Iterable) else [found]
    own = [one for one in several if isinstance(one, Setting)]
    if len(own) < len(several):
        raise InvalidValue(f"--settings {declared}: Settings, or several of Setting, expected")
    return Settings(own)


@contextmanager
def _importing_from_here() -> Generator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
