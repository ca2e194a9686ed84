"""Files of settings, in TOML or YAML: `[a]` with `b = 1` says that `a.b` is 1."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import field, frozen

from pipeline_store.errors import InputFileRefused, InvalidValue, PipelineStoreError
from pipeline_store.secrets.discretion import discreet
from pipeline_store.services.nested_settings import flattened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from pipeline_store.services.settings import Settings

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes of one file: it is held in memory whole."""

_FORMATS: Final = ".toml, .yaml or .yml"

_QUOTED: Final = re.compile(r"""(['"])(?!(?:<[a-z ]+>|\\?.)\1).*\1""", re.DOTALL)
"""What a message quotes of a file, which may be a secret; not one letter or the name of a token."""

_MERGED: Final = "tag:yaml.org,2002:merge"
"""The name `<<`, under which YAML takes over another mapping."""


@frozen
class SettingsFile:
    """What one file says, by key; values are checked when they are read."""

    path: str
    values: Mapping[str, Any] = field(repr=False)


@discreet
def read_files(
    paths: Iterable[str | PathLike[str]], settings: Settings
) -> tuple[SettingsFile, ...]:
    """Read files of settings, in the order given.

    Raises:
        InputFileRefused: a file is not there, or is not TOML or YAML as its name says.
        InvalidValue: a file names a setting that is not declared.
    """
    return tuple(read_file(path, settings) for path in paths)


@discreet
def read_file(path: str | PathLike[str], settings: Settings) -> SettingsFile:
    """Read one file of settings; errors as for `read_files`."""
    name = str(Path(path))
    try:
        values = flattened(_parsed(name, _content(name)), settings)
    except InvalidValue as error:
        raise InputFileRefused(name, str(error)) from None
    except RecursionError:
        raise InputFileRefused(name, "nested too deeply") from None
    unknown = [settings.unknown(key) for key in values if key not in settings]
    if unknown:
        raise InvalidValue(f"{name}: {'; '.join(unknown)}")
    return SettingsFile(name, values)


def _content(name: str) -> str:
    try:
        with Path(name).open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise InputFileRefused(name, "no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputFileRefused(name, reason.lower()) from None
    if len(content) > LARGEST_FILE:
        raise InputFileRefused(name, f"more than {LARGEST_FILE} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputFileRefused(name, f"not UTF-8 at byte {error.start}") from None


def _parsed(name: str, content: str) -> Mapping[str, Any]:
    match Path(name).suffix.lower():
        case ".toml":
            return _parsed_toml(name, content)
        case ".yaml" | ".yml":
            return _parsed_yaml(name, content)
        case _:
            raise InputFileRefused(name, f"a file of settings ends in {_FORMATS}")


def _parsed_toml(name: str, content: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise InputFileRefused(name, f"not TOML: {error}") from None


def _parsed_yaml(name: str, content: str) -> Mapping[str, Any]:
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        cure = "pip install 'pipeline-store[yaml]'"
        raise InputFileRefused(name, f"YAML needs pyyaml: {cure}") from None
    try:
        # Its loader is derived from the safe one.
        found: object = yaml.load(content, Loader=_yaml_loader())  # noqa: S506
    except yaml.MarkedYAMLError as error:
        problem = _QUOTED.sub("...", str(error.problem))
        raise InputFileRefused(name, f"not YAML{_line(error.problem_mark)}: {problem}") from None
    except yaml.YAMLError as error:
        raise InputFileRefused(name, f"not YAML: {error}") from None
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise InputFileRefused(name, f"names with values expected, found {type(found).__name__}")
    return cast("Mapping[str, Any]", found)


def _line(mark: Any) -> str:
    return "" if mark is None else f" in line {mark.line + 1}"


@cache
def _yaml_loader() -> Any:
    """Return the safe loader, made to refuse what it would silently drop: a name given twice."""
    import yaml  # noqa: PLC0415 - an extra

    class Loader(yaml.SafeLoader):
        def construct_object(self, node: Any, deep: bool = False) -> Any:
            this: Any = super()
            try:
                return this.construct_object(node, deep)
            except (yaml.YAMLError, PipelineStoreError, RecursionError):
                raise
            except Exception:  # noqa: BLE001 - what int() and others raise quotes the value
                kind = node.tag.rpartition(":")[2]
                problem = f"not YAML{_line(node.start_mark)}: no valid {kind}"
                raise InvalidValue(problem) from None

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            this: Any = self
            seen: set[object] = set()
            for at, _value in node.value:
                if at.tag == _MERGED:
                    continue
                name = this.construct_object(at, deep=True)
                if isinstance(name, Hashable):
                    if name in seen:
                        line = _line(at.start_mark)
                        raise InvalidValue(f"not YAML{line}: {name!r} is there twice")
                    seen.add(name)
            return super().construct_mapping(node, deep)

    return Loader
